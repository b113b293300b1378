import { mkdirSync, mkdtempSync, readdirSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect } from 'chai';
import { backUp } from '../../src/cli/state-backup.ts';
import { emptyState } from '../../src/domain/state.ts';
import { paperIo } from './program.ts';

describe('the backup of a state', () => {
  it('stays in the working directory, whatever lineage a server returns', async () => {
    const root = mkdtempSync(join(tmpdir(), 'vbsctl-backup-'));
    try {
      const cwd = join(root, 'work');
      mkdirSync(cwd);
      for (const [lineage, file] of [
        ['/../../a', 'vbsctl.state._______a.serial-0.backup'],
        ['..', 'vbsctl.state.__.serial-0.backup'],
        ['3f0c2a9e-5d1b-4c86', 'vbsctl.state.3f0c2a9e.serial-0.backup'],
      ] as const) {
        const target = { auth_url: 'https://iam.example/v3', region: 'r', project_id: 'p' };
        const state = emptyState(lineage, target, '2026-11-30T00:00:00.000Z');
        const path = await backUp(
          paperIo({ cwd }),
          'https://state.example/s',
          { state, chain: [] },
          undefined,
        );
        expect(path).to.equal(file);
      }
      expect(readdirSync(root)).to.deep.equal(['work']);
      expect(readdirSync(cwd)).to.have.length(3);
    } finally {
      rmSync(root, { recursive: true });
    }
  });
});
