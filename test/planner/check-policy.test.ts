import { expect } from 'chai';
import type { Policy } from '../../src/domain/config.ts';
import type { Waiver } from '../../src/domain/policy.ts';
import { advance } from '../../src/domain/record-transitions.ts';
import { action, backup, book, CLOUD, iso, NOW, planOf, rule, said, spec, volume } from './builders.ts';
import { checkAll } from './tables.ts';

const NONE: Policy = { protected_volumes: [] };
const A = spec('s/a', 'v1', 'b1');

/** One limit a row: what breaks it, what its refusal is called, which flag lifts it, what keeps to it. */
const LIMITS: readonly (readonly [
  policy: Partial<Policy>,
  broken: ReturnType<typeof spec>,
  code: string,
  waiver: Waiver,
  kept: ReturnType<typeof spec>,
])[] = [
  [{ allowed_sets: ['t'] }, A, 'set-not-allowed', 'other-sets', spec('t/a', 'v1', 'b1')],
  [
    { require_labels: ['ticket', 'owner'] },
    spec('s/a', 'v1', 'b1', { labels: { ticket: '' } }),
    'label-missing',
    'missing-labels',
    spec('s/a', 'v1', 'b1', { labels: { ticket: 'CHG-1', owner: 'ada' } }),
  ],
  [
    { require_expect: true },
    A,
    'expect-missing',
    'missing-expect',
    spec('s/a', 'v1', 'b1', { expect: { size: 10 } }),
  ],
  [
    { require_valid_until: true },
    A,
    'valid-until-missing',
    'missing-valid-until',
    spec('s/a', 'v1', 'b1', { valid_until: '2030-01-01T00:00:00.000Z' }),
  ],
  [{ protected_volumes: ['disk-v1'] }, A, 'protected-volume', 'protected-volumes', spec('s/a', 'v2', 'b2')],
  [{ protected_volumes: ['d?sk-*1'] }, A, 'protected-volume', 'protected-volumes', spec('s/a', 'v2', 'b2')],
  // An id, in whatever case it is written.
  [{ protected_volumes: ['V1'] }, A, 'protected-volume', 'protected-volumes', spec('s/a', 'v2', 'b2')],
  [{ max_backup_age_ms: 3_600_000 * 30 }, A, 'backup-too-old', 'old-backups', spec('s/a', 'v1', 'd1')],
];

describe('the limits of the policy, and the flag that lifts each once', () => {
  for (const [more, broken, code, waiver, kept] of LIMITS) {
    const policy = { ...NONE, ...more };
    it(`${code}: ${JSON.stringify(more)}`, () => {
      const [refused] = planOf([broken], { policy }).actions;
      if (refused?.kind !== 'blocked') throw new Error('it was not refused');
      expect(refused.reasons.map((reason) => reason.code)).to.deep.equal([code]);
      expect(refused.reasons[0]?.remedy).to.include(`--allow-${waiver}`);
      const lifted = planOf([broken], { policy, waivers: [waiver] });
      expect(lifted.actions[0]?.kind).to.equal('restore');
      expect(lifted.notices.map((notice) => [notice.severity, notice.code])).to.deep.equal([
        ['warning', code],
      ]);
      expect(lifted.notices[0]?.summary).to.include(`--allow-${waiver}`);
      for (const [, , , other] of LIMITS)
        if (other !== waiver)
          expect(planOf([broken], { policy, waivers: [other] }).actions[0]?.kind).to.equal('blocked');
      expect(planOf([kept], { policy }).actions[0]?.kind).to.equal('restore');
    });
  }

  it('blocks a plan with too many restores', () => {
    const policy = { ...NONE, max_restores: 0 };
    expect(planOf([A], { policy }).notices[0]).to.include({ severity: 'error', code: 'too-many-restores' });
    // One that may be sent again counts, one that runs does not.
    const under = (status: 'intended' | 'running') => ({
      policy,
      state: book().put('s/a', 'v1', 'b1', status),
    });
    expect(planOf([A], under('intended')).notices[0]?.code).to.equal('too-many-restores');
    expect(planOf([A], under('running')).notices).to.deep.equal([]);
    expect(planOf([A], { policy, waivers: ['more-restores'] }).notices[0]).to.include({
      severity: 'warning',
    });
  });
});

describe('protect: true', () => {
  const protectedA = spec('s/a', 'v1', 'b1', { protect: true });
  /** Done before the manifest declared protect. */
  const done = () => book().put('s/a', 'v1', 'b1', 'succeeded');
  const kept = () => book().put('s/a', 'v1', 'b1', 'succeeded', { protect: true });
  const lifted = () => {
    const made = kept();
    const event = { type: 'record_protect', at: made.at, protect: false } as const;
    return made.commit({ type: 'record', record: advance(made.state.records.get('s/a'), event) });
  };
  checkAll({
    'does not stand in the way of the restore itself': {
      specs: [protectedA],
      plan: { 's/a': 'restore first' },
    },
    'nor when the disk was restored under another name before': {
      specs: [protectedA],
      state: book().put('s/z', 'v1', 'c1', 'succeeded'),
      plan: { 's/a': 'restore first', orphans: 's/z succeeded' },
    },
    'once it is done, it is done': { specs: [protectedA], state: kept(), plan: { 's/a': 'noop' } },
    'and its record keeps it': {
      specs: [protectedA],
      state: done(),
      plan: { 's/a': 'noop and notes protect: true' },
    },
    'a raised generation is refused': {
      specs: [{ ...protectedA, generation: 2 }],
      state: done(),
      plan: { 's/a': 'blocked protected-restore' },
    },
    'so is another entry': {
      specs: [protectedA, spec('t/x', 'v1', 'c1')],
      state: done(),
      plan: { 's/a': 'noop and notes protect: true', 't/x': 'blocked protected-restore' },
    },
    'and another manifest that does not know of it': {
      specs: [spec('t/x', 'v1', 'c1'), spec('t/y', 'v2', 'c2')],
      state: kept(),
      plan: { 't/x': 'blocked protected-restore', 't/y': 'restore first', orphans: 's/a succeeded' },
    },
    'and the same name without the line': {
      specs: [{ ...A, generation: 2 }],
      state: kept(),
      plan: { 's/a': 'blocked protected-restore' },
    },
    'also once its name stands for another disk': {
      specs: [spec('t/x', 'v1', 'c1')],
      state: kept().put('s/a', 'v2', 'b2', 'succeeded'),
      plan: { 't/x': 'blocked protected-restore', orphans: 's/a succeeded' },
    },
    'also once its record was removed': {
      specs: [spec('t/x', 'v1', 'c1')],
      state: kept().commit({ type: 'removed', address: 's/a' }),
      plan: { 't/x': 'blocked protected-restore' },
    },
    'also after a restore that was allowed for one run, or imported': {
      specs: [spec('t/x', 'v1', 'c1')],
      state: kept().put('t/z', 'v1', 'd1', 'succeeded'),
      plan: { 't/x': 'blocked protected-restore', orphans: 's/a succeeded, t/z succeeded' },
    },
    'unless it is lifted under its name': {
      specs: [{ ...A, generation: 2, protect: false }],
      state: kept(),
      plan: { 's/a': 'restore again' },
    },
    'for another entry only in a later plan': {
      specs: [{ ...A, protect: false }, spec('t/x', 'v1', 'c1')],
      state: kept(),
      plan: { 's/a': 'noop and notes protect: false', 't/x': 'blocked protected-restore' },
    },
    'once the state says so': {
      specs: [{ ...A, protect: false }, spec('t/x', 'v1', 'c1')],
      state: lifted(),
      plan: { 's/a': 'noop', 't/x': 'restore first' },
    },
    'and not for as long as the restore that lifts it is not done': {
      specs: [{ ...A, generation: 2 }, spec('t/x', 'v1', 'c1')],
      state: kept().put('s/a', 'v1', 'b1', 'failed no', { generation: 2, protect: false }),
      plan: {
        's/a': 'blocked volume-shared protected-restore',
        't/x': 'blocked volume-shared protected-restore',
      },
    },
    'nor by what expired': {
      specs: [{ ...A, generation: 7, protect: false, valid_until: iso(NOW - 1) }, spec('t/x', 'v1', 'c1')],
      state: kept(),
      plan: { 's/a': 'expired', 't/x': 'blocked protected-restore' },
    },
    'nor by what is blocked': {
      specs: [
        { ...A, generation: 2, protect: false, expect: { size: 99 } },
        spec('t/x', 'v1', 'c1', { protect: false }),
      ],
      state: kept(),
      plan: {
        's/a': 'blocked volume-shared expectation-not-met',
        't/x': 'blocked volume-shared protected-restore',
      },
    },
    'nor by its name for what another did': {
      specs: [spec('s/a', 'v1', 'd1', { protect: false }), spec('x/q', 'v1', 'd1'), spec('t/x', 'v1', 'c1')],
      state: kept().put('x/q', 'v1', 'd1', 'succeeded'),
      plan: { 's/a': 'noop', 'x/q': 'noop', 't/x': 'blocked protected-restore' },
    },
    'nor by its name for what moves there': {
      specs: [spec('s/a', 'v1', 'd1', { protect: false }), spec('t/x', 'v1', 'c1')],
      state: kept().put('x/q', 'v1', 'd1', 'succeeded'),
      plan: { 's/a': 'noop was x/q', 't/x': 'blocked protected-restore', moves: 'x/q>s/a' },
    },
    'nor by its name once that moves away': {
      specs: [spec('z/z', 'v1', 'b1'), spec('s/a', 'v1', 'c1', { protect: false })],
      state: kept(),
      plan: { 'z/z': 'noop was s/a', 's/a': 'blocked protected-restore', moves: 's/a>z/z' },
    },
    'nor by what --target leaves out': {
      specs: [{ ...A, protect: false }, spec('t/x', 'v1', 'c1')],
      state: kept(),
      only: ['t/x'],
      plan: { 't/x': 'blocked protected-restore' },
    },
    'nor under another name': {
      specs: [spec('t/x', 'v1', 'c1', { protect: false })],
      state: kept(),
      plan: { 't/x': 'blocked protected-restore', orphans: 's/a succeeded' },
    },
    'nor by a rename': {
      specs: [spec('t/a', 'v1', 'b1', { protect: false }), spec('u/x', 'v1', 'c1')],
      state: kept(),
      plan: { 't/a': 'noop was s/a', 'u/x': 'blocked protected-restore', moves: 's/a>t/a' },
    },
    'or allowed': {
      specs: [{ ...protectedA, generation: 2 }],
      state: done(),
      waivers: ['protected-restores'],
      plan: { 's/a': 'restore again', notices: 'protected-restore' },
    },
  });
});

describe('protect: false', () => {
  const protecting = () => book().put('s/a', 'v1', 'b1', 'succeeded', { protect: true });
  const lifts = [{ field: 'protect', before: 'true', after: 'false' }];
  const changesOf = (state: ReturnType<typeof book>) =>
    action(planOf([{ ...A, generation: 2, protect: false }], { state }), 's/a', 'restore').changes;

  it('shows what it lifts whatever record is at its address', () => {
    expect(changesOf(protecting())).to.deep.include.members(lifts);
    expect(changesOf(protecting().put('s/a', 'v2', 'b2', 'succeeded'))).to.deep.include.members(lifts);
    expect(changesOf(protecting().commit({ type: 'removed', address: 's/a' }))).to.deep.equal(lifts);
    expect(changesOf(book().put('s/a', 'v1', 'b1', 'succeeded')).map(({ field }) => field)).not.to.include(
      'protect',
    );
  });

  it('frees the disk only for a later plan and the refusal says how', () => {
    expect(said(planOf([spec('t/x', 'v1', 'c1')], { state: protecting() }), 't/x'))
      .to.include('s/a was restored into this disk at')
      .and.include(
        'declare s/a with protect: false, and apply that by itself before this: vbsctl apply --target s/a',
      );
  });

  it('does not count for a resumed restore', () => {
    const state = book().put('s/a', 'v1', 'b1', 'intended', { protect: true });
    expect(action(planOf([{ ...A, protect: false }], { state }), 's/a', 'resume')).not.to.have.property(
      'protect',
    );
    expect(action(planOf([{ ...A, protect: true }], { state }), 's/a', 'resume').protect).to.equal(true);
  });
});

describe('activity of other clients', () => {
  const cloud = {
    volumes: [volume('v1', { status: 'restoring-backup' })],
    backups: CLOUD.backups.concat(backup('x', 'v1')),
  };
  checkAll({
    'is told': { specs: [A], cloud, plan: { 's/a': 'restore first', notices: 'restored-by-others' } },
    'but our own restore is no stranger': {
      specs: [A],
      cloud,
      state: book().put('s/a', 'v1', 'b1', 'running'),
      plan: { 's/a': 'resume' },
    },
  });
  it('warns about as_of: latest, and not about a time', () => {
    const moment = rule({ as_of: '2026-11-22T12:00:00.000Z' });
    expect(planOf([spec('s/a', 'v1', rule())]).notices.map(({ code }) => code)).to.deep.equal([
      'as-of-latest',
    ]);
    expect(planOf([spec('s/a', 'v1', moment)]).notices).to.deep.equal([]);
  });
});
