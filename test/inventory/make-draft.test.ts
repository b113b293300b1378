import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect } from 'chai';
import fc from 'fast-check';
import type { VolumeRow } from '../../src/domain/inventory.ts';
import { toName } from '../../src/domain/spec.ts';
import { draftOf } from '../../src/inventory/make-draft.ts';
import { inventoryOf } from '../../src/inventory/rows.ts';
import { loadManifests } from '../../src/manifest/manifests.ts';
import { draftText } from '../../src/views/draft-text.ts';
import { expectHarmless } from '../views/golden.ts';
import { BACKUPS, NOW, PROJECT_ID, SERVERS, TARGET, VOLUMES } from './project.ts';

const { volumes } = inventoryOf({
  volumes: VOLUMES,
  backups: BACKUPS,
  servers: SERVERS,
  projectId: PROJECT_ID,
});

function draft(asOf: string, of: readonly VolumeRow[] = volumes, set = 'pay') {
  return draftOf({ volumes: of, backups: BACKUPS, target: TARGET, asOf, set, now: NOW });
}

describe('a generated manifest', () => {
  let folder: string;
  beforeEach(() => {
    folder = mkdtempSync(join(tmpdir(), 'vbsctl-draft-'));
  });
  afterEach(() => rmSync(folder, { recursive: true, force: true }));

  async function load(text: string) {
    writeFileSync(join(folder, 'restores.yaml'), text);
    return loadManifests(['restores.yaml'], {
      cwd: folder,
      stdin: (async function* () {})(),
      version: '0.1.0',
    });
  }

  it('has the newest backup at or before the time, and names the disks without one', async () => {
    const text = draftText(draft('2026-11-22T02:00:00+01:00'));
    const { specs, diagnostics } = await load(text);
    expect(diagnostics).to.deep.equal([]);
    expect(specs.map(({ address, backup }) => [address, backup.by === 'id' && backup.id])).to.deep.equal([
      ['pay/disk-1', '10000000-0000-4000-8000-000000000022'],
      ['pay/disk-2', '20000000-0000-4000-8000-000000000022'],
      ['pay/disk-3', '30000000-0000-4000-8000-000000000020'],
    ]);
    expect(specs[0]?.expect).to.deep.equal({ volume_name: 'disk-1', server: 'pay-db1', size: 10 });
    expect(specs[2]?.expect).to.deep.equal({ volume_name: 'disk-3', size: 30 });
    expect(text).to.match(
      /^ {4}# gap: disk disk-4, 40 GB, on server-9 \(\/dev\/vda\): no restorable backup/m,
    );
    expect(text).to.include('# MISSING: 1 disk without such a backup');
    expect(text).to.include('# newer: 2026-11-23T01:00:00Z 10000000-0000-4000-8000-000000000023');
    expect(text).to.include('# older: 2026-11-21T01:00:00Z 10000000-0000-4000-8000-000000000021');
    expect(text).to.include('# The backups were taken within 2d of each other.');
  });

  it('includes a backup of exactly that time, and no later one', () => {
    const picked = (asOf: string) =>
      draft(asOf, volumes.slice(0, 1)).entries.map((entry) => entry.kind === 'restore' && entry.backup.name);
    expect(picked('2026-11-22T01:00:00Z')).to.deep.equal(['disk-1-22']);
    expect(picked('2026-11-22T00:59:59Z')).to.deep.equal(['disk-1-21']);
    expect(picked('latest')).to.deep.equal(['disk-1-23']);
  });

  it('has a different name for each disk, whatever the disks are called', () => {
    const same = ['Pay DB/Data', 'pay-db-data', '', '---', 'x'.repeat(80), `${'x'.repeat(70)}y`];
    const rows = same.map((name) => ({ ...(volumes[0] as VolumeRow), name }));
    const names = draft('latest', rows).entries.map((entry) => entry.kind === 'restore' && entry.name);
    expect(names).to.deep.equal([
      'pay-db-data',
      'pay-db-data-2',
      'disk-00000000',
      'disk-00000000-2',
      'x'.repeat(63),
      `${'x'.repeat(61)}-2`,
    ]);
  });

  it('is made in short time if all disks have the same name, or the same first characters', () => {
    const long = 'x'.repeat(61);
    for (const [what, name] of [
      ['one name', () => 'data'],
      ['names that look numbered', (n: number) => (n % 2 === 0 ? 'data' : `data-${n}`)],
      ['long names', (n: number) => `${long}${(n % 10_000).toString(36)}`],
    ] as const) {
      const rows = Array.from({ length: 40_000 }, (_, n) => ({
        ...(volumes[0] as VolumeRow),
        name: name(n),
      }));
      const began = process.cpuUsage();
      const names = draft('latest', rows).entries.map((entry) => entry.kind === 'restore' && entry.name);
      expect(process.cpuUsage(began).user / 1e6, what).to.be.below(5);
      expect(new Set(names).size, what).to.equal(rows.length);
      for (const each of names) expect(each, what).to.match(/^[a-z0-9]([-a-z0-9]{0,61}[a-z0-9])?$/);
    }
  });

  it('is read as it was drafted, whatever names the cloud returns', async () => {
    const name = fc.oneof(
      fc.string({ unit: 'binary', maxLength: 300 }),
      fc.constantFrom(
        'no',
        '0123',
        '1e3',
        '~',
        '2026-11-23',
        '- a: b',
        'x # y',
        'a: b',
        '*a',
        '&a',
        '!!js',
        'x\n    - name: evil\n      volume_id: 00000000-0000-4000-8000-000000000009',
        'a\rb',
        'a\u2028b',
        'a\u0085b',
        '\u202egnp',
        'it\'s "so" \\n',
        '\ud800',
      ),
    );
    await fc.assert(
      fc.asyncProperty(name, name, name, async (disk, server, backupName) => {
        const row: VolumeRow = {
          ...(volumes[0] as VolumeRow),
          name: disk,
          attachments: [{ server_id: 's', server_name: server, device: server }],
        };
        const made = draftOf({
          volumes: [row, { ...row, id: 'gap', name: disk }],
          backups: BACKUPS.map((backup) => ({ ...backup, name: backupName, fail_reason: backupName })),
          target: { ...TARGET, project_name: server },
          asOf: 'latest',
          set: toName(server) || 'restores',
          now: NOW,
        });
        const text = draftText(made);
        expectHarmless(text);
        const { specs, diagnostics } = await load(text);
        expect(diagnostics, text).to.deep.equal([]);
        expect(specs).to.have.length(1);
        const fits = (value: string) => value !== '' && [...value].length <= 255;
        expect(specs[0]?.expect).to.deep.equal({
          ...(fits(disk) ? { volume_name: disk } : {}),
          ...(fits(server) ? { server } : {}),
          size: row.size,
        });
      }),
      { numRuns: 150 },
    );
  });
});
