import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect } from 'chai';
import { run } from '../../src/cli/program.ts';
import { paperIo } from './program.ts';

describe('a lease_ttl that is not longer than http.request_timeout', () => {
  const cwd = mkdtempSync(join(tmpdir(), 'vbsctl-lease-'));
  before(() =>
    writeFileSync(
      join(cwd, 'r.yaml'),
      'apiVersion: vbsctl.dev/v1\nkind: RestoreSet\nmetadata: {name: s}\nspec: {restores: []}\n',
    ),
  );
  after(() => rmSync(cwd, { recursive: true }));

  for (const state of [
    's3://b/s.json?endpoint=http://127.0.0.1:1&lease_ttl=10s',
    'postgres://u@127.0.0.1:1/d?sslmode=disable&lease_ttl=10s',
  ])
    it(`is refused by plan before anything is read: ${state}`, async () => {
      const io = paperIo({ cwd, home: cwd });
      const exitCode = await run(['plan', '-f', 'r.yaml', '--cloud', 'emulator', '--state', state], io);
      expect(exitCode).to.equal(1);
      expect(io.err.join('')).to.contain('the lock on the state lasts 10s, a request to the cloud up to 1m');
    });
});
