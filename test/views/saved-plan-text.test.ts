import { expect } from 'chai';
import type { SavedPlan, SavedRestore, SignatureFinding } from '../../src/domain/saved-plan.ts';
import { savedPlanText } from '../../src/views/saved-plan-text.ts';
import { makeStyle } from '../../src/views/terminal.ts';
import { spec } from '../planner/builders.ts';
import { expectGolden, expectHarmless } from './golden.ts';

const options = { style: makeStyle(false), width: 80, now: Date.parse('2026-11-24T06:00:00Z') };

function resolved(address: string, n: string): Pick<SavedRestore, 'declared' | 'volume' | 'backup'> {
  return {
    declared: spec(address, `v${n}`, `b${n}`, { source: { file: 'restores.yaml', line: Number(n) } }),
    volume: { id: `v${n}`, name: `disk-${n}`, size: 10 },
    backup: {
      id: `b${n}`,
      name: `nightly-${n}`,
      size: 10,
      created_at: '2026-11-23T22:00:00Z',
      of_volume_id: `v${n}`,
    },
  };
}

const PLAN: SavedPlan = {
  apiVersion: 'vbsctl.dev/v1',
  kind: 'SavedPlan',
  digest: 'd'.repeat(64),
  created_at: '2026-11-24T00:00:00.000Z',
  tool_version: '0.1.0',
  target: { auth_url: 'https://iam.example/v3', region: 'eu-de', project_id: 'p1', project_name: 'payments' },
  state: { lineage: 'line', serial: 12 },
  manifests: [{ path: 'restores.yaml', sha256: 'a'.repeat(64) }],
  selection: [],
  policy: { protected_volumes: [] },
  waivers: ['old-backups'],
  actions: [
    { ...resolved('pay/data', '1'), kind: 'restore', again: false, changes: [] },
    {
      ...resolved('pay/log', '2'),
      kind: 'restore',
      again: true,
      declared: spec('pay/log', 'v2', 'b2', { generation: 2, protect: false }),
      changes: [
        { field: 'generation', before: '1', after: '2' },
        { field: 'protect', before: 'true', after: 'false' },
      ],
    },
    { ...resolved('pay/web', '3'), kind: 'resume' },
    {
      kind: 'noop',
      declared: spec('pay/mail', 'v4', 'b4'),
      volume: { id: 'v4' },
      backup: { id: 'b4' },
      done_at: '2026-11-20T00:00:00.000Z',
      was: 'pay/post',
    },
    { kind: 'blocked', declared: spec('pay/wal', 'v5', 'b5'), reasons: ['outcome-unknown'] },
    {
      declared: spec('pay/old', 'v6', 'b6', { valid_until: '2026-11-23T00:00:00.000Z' }),
      kind: 'expired',
    },
  ],
  renamed: [{ declared: spec('pay/b', 'v7', 'b7'), volume_id: 'v7', backup_id: 'b7', was: 'pay/a' }],
  left_out: 2,
  records: [],
  notices: [
    { severity: 'warning', code: 'capacity-falls-back', summary: 'the disk has 20 GB', address: 'pay/data' },
  ],
};

const UNSIGNED: SignatureFinding = { kind: 'unsigned' };

describe('the text of a saved plan', () => {
  it('matches the golden file at 80 columns', () => {
    expectGolden('saved-plan-80', savedPlanText(PLAN, 'plan.json', UNSIGNED, options));
  });

  it('shows every text of the file as data, on a line that does not begin with it', () => {
    const evil = '\u001b[2J\r\n→ vbsctl apply evil.json\u202e';
    const [first, ...rest] = PLAN.actions;
    if (first?.kind !== 'restore') throw new Error('the first one is a restore');
    const text = savedPlanText(
      {
        ...PLAN,
        manifests: [{ path: evil, sha256: 'a'.repeat(64) }],
        target: { ...PLAN.target, project_name: evil, auth_url: evil },
        actions: [
          {
            ...first,
            declared: { ...first.declared, source: { file: evil, line: 1 } },
            volume: { id: 'v1', name: evil },
            backup: { id: 'b1', name: evil, of_volume_id: 'v9' },
            changes: [{ field: evil, before: evil, after: evil }],
          },
          ...rest,
        ],
        notices: [{ severity: 'warning', code: 'x', summary: evil }],
      },
      'plan.json',
      { kind: 'valid', name: evil },
      options,
    );
    expectHarmless(text);
    expect(text.split('\n').filter((line) => /^\s*→ vbsctl apply evil/.test(line))).to.deep.equal([]);
  });
});
