import { expect } from 'chai';
import { loadManifests } from '../../src/manifest/manifests.ts';
import { BACKUP, OTHER_VOLUME, restore, set, VOLUME, within } from './helpers.ts';

const load = (text: string | Uint8Array, name = 'm.yaml') =>
  within({ [name]: text }, ({ io }) => loadManifests([name], io));

const FULL = `apiVersion: vbsctl.dev/v1
kind: RestoreSet
metadata:
  name: payments
  labels: {ticket: CHG-4711, "example.org/team": "0123"}
spec:
  valid_until: 2026-11-24T06:00:00+01:00
  defaults:
    timeout: 2h
    backup: {as_of: 2026-11-23T22:00:00.5+01:00, within: 6h}
  restores:
    - name: db-data
      backup_id: ${BACKUP.toUpperCase()}
      volume_id: ${VOLUME.toUpperCase()}
      expect: {volume_name: pay-db-data, server: pay-db1, size: 500}
    - name: db-log
      volume: {name: pay-db-log}
      generation: 2
      timeout: 90s
      depends_on: [db-data, other/db]
    - name: db-boot
      volume_id: ${OTHER_VOLUME}
      backup: {as_of: latest, of_volume: ${VOLUME.toUpperCase()}, name: nightly}
---
apiVersion: vbsctl.dev/v1
kind: RestoreSet
metadata: {name: other}
spec:
  restores:
    - {name: db, backup_id: ${BACKUP}, volume_id: ${VOLUME}}
`;

describe('a valid manifest', () => {
  it('becomes specs with defaults, ids in lower case, times in UTC and whole addresses', async () => {
    const { specs, diagnostics } = await load(FULL);
    expect(diagnostics).to.deep.equal([]);
    const common = {
      set: 'payments',
      labels: { ticket: 'CHG-4711', 'example.org/team': '0123' },
      valid_until: '2026-11-24T05:00:00.000Z',
      valid_until_source: { file: 'm.yaml', line: 7, column: 16 },
      generation: 1,
      expect: {},
      depends_on: [],
      timeout_ms: 7_200_000,
    };
    expect(specs).to.deep.equal([
      {
        ...common,
        address: 'payments/db-data',
        name: 'db-data',
        volume: { by: 'id', id: VOLUME },
        backup: { by: 'id', id: BACKUP },
        expect: { volume_name: 'pay-db-data', server: 'pay-db1', size: 500 },
        source: { file: 'm.yaml', line: 12, column: 7 },
      },
      {
        ...common,
        address: 'payments/db-log',
        name: 'db-log',
        volume: { by: 'name', name: 'pay-db-log' },
        backup: { by: 'selector', selector: { as_of: '2026-11-23T21:00:00.500Z', within: '6h' } },
        generation: 2,
        depends_on: ['payments/db-data', 'other/db'],
        timeout_ms: 90_000,
        source: { file: 'm.yaml', line: 16, column: 7 },
      },
      {
        ...common,
        address: 'payments/db-boot',
        name: 'db-boot',
        volume: { by: 'id', id: OTHER_VOLUME },
        backup: { by: 'selector', selector: { as_of: 'latest', of_volume: VOLUME, name: 'nightly' } },
        source: { file: 'm.yaml', line: 21, column: 7 },
      },
      {
        address: 'other/db',
        set: 'other',
        name: 'db',
        labels: {},
        volume: { by: 'id', id: VOLUME },
        backup: { by: 'id', id: BACKUP },
        generation: 1,
        expect: {},
        depends_on: [],
        source: { file: 'm.yaml', line: 30, column: 7 },
      },
    ]);
  });

  const same: readonly (readonly [string, string | Uint8Array, string?])[] = [
    ['with a byte order mark', `\ufeff${set(restore('db'))}`],
    ['with CRLF', set(restore('db')).replaceAll('\n', '\r\n')],
    ['with empty documents around it', `---\n# nothing\n---\n${set(restore('db'))}---\n`],
    ['with an end mark', `${set(restore('db'))}...\n`],
    ['with %YAML 1.2', `%YAML 1.2\n---\n${set(restore('db'))}`],
    ['with quotes and explicit types', set(restore('!!str db', `"${VOLUME}"`))],
    [
      'with aliases',
      set(restore('&n db')).replace('name: payments', 'name: payments, labels: {a: &x y, b: *x}'),
    ],
    ['that has expired', set(restore('db')).replace('spec:', 'spec:\n  valid_until: 2001-01-01T00:00:00Z')],
    [
      'in the flow form',
      `{apiVersion: vbsctl.dev/v1, kind: RestoreSet, metadata: {name: payments}, spec: {restores: [{name: db, backup_id: ${BACKUP}, volume_id: ${VOLUME}}]}}`,
    ],
    ['as JSON', json(), 'm.json'],
    ['as JSON under another name', `\n  ${json()}`],
  ];
  for (const [what, text, name] of same) {
    it(`is read ${what}`, async () => {
      const { specs, diagnostics } = await load(text, name);
      expect(diagnostics).to.deep.equal([]);
      expect(specs.map(({ address, volume }) => ({ address, volume }))).to.deep.equal([
        { address: 'payments/db', volume: { by: 'id', id: VOLUME } },
      ]);
    });
  }

  it('may contain "no" and "0123" in quotes', async () => {
    const { specs, diagnostics } = await load(set(restore('"no"') + restore("'0123'", OTHER_VOLUME)));
    expect(diagnostics).to.deep.equal([]);
    expect(specs.map(({ name }) => name)).to.deep.equal(['no', '0123']);
  });

  it('may restore a disk that another set restores, too', async () => {
    const { diagnostics } = await load(`${set(restore('db'))}---\n${set(restore('db'), 'other')}`);
    expect(diagnostics).to.deep.equal([]);
  });

  it('has the same rule for the same time in every time zone', async () => {
    const rule = (time: string) => `  - {name: a, volume_id: ${VOLUME}, backup: {as_of: ${time}}}\n`;
    const [a, b] = await Promise.all(
      ['2026-11-23T22:00:00+01:00', '2026-11-23T21:00:00Z'].map((time) => load(set(rule(`"${time}"`)))),
    );
    expect(a?.specs[0]?.backup).to.deep.equal(b?.specs[0]?.backup);
  });
});

describe('the source positions of a manifest', () => {
  it('have the line of the source, and the address of the restore', async () => {
    const { diagnostics } = await load(set(restore('db', 'x')));
    expect(diagnostics[0]?.where).to.deep.equal({
      file: 'm.yaml',
      line: 8,
      column: 16,
      text: '    volume_id: x',
      address: 'payments/db',
    });
  });

  it('do not have a line that may contain a secret', async () => {
    const secrets = [restore('db', VOLUME, '    password: hunter2\n'), restore('db', 'https://u:hunter2@h')];
    for (const text of secrets) {
      const { diagnostics } = await load(set(text));
      expect(diagnostics).to.have.length(1);
      expect(JSON.stringify(diagnostics)).to.not.contain('hunter2');
    }
  });

  it('are correct for keys that look like numbers', async () => {
    const text = JSON.stringify({
      apiVersion: 'vbsctl.dev/v1',
      kind: 'RestoreSet',
      metadata: { name: 'a', labels: { b: 'x' } },
      spec: { restores: [] },
    }).replace('"b":"x"', '"b":"x","7":"y","1":1');
    const { diagnostics } = await load(text, 'm.json');
    expect(diagnostics.map(({ where }) => where?.column)).to.deep.equal([text.indexOf('"1":1') + 5]);
  });
});

function json(): string {
  return JSON.stringify({
    apiVersion: 'vbsctl.dev/v1',
    kind: 'RestoreSet',
    metadata: { name: 'payments' },
    spec: { restores: [{ name: 'db', backup_id: BACKUP, volume_id: VOLUME }] },
  });
}
