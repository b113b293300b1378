import { createHash } from 'node:crypto';
import { expect } from 'chai';
import type { Diagnostic } from '../../src/domain/diagnostic.ts';
import type { Plan } from '../../src/domain/plan.ts';
import { advance, type Record, writtenBy } from '../../src/domain/record.ts';
import type { SavedPlan } from '../../src/domain/saved-plan.ts';
import type { RestoreSpec } from '../../src/domain/spec.ts';
import { type Change, fold, type State } from '../../src/domain/state.ts';
import { approved, pinnedSpecs } from '../../src/planner/approved.ts';
import { save } from '../../src/planner/save.ts';
import { standingOf } from '../../src/planner/standing.ts';
import { decodePlan } from '../../src/state/plan-codec.ts';
import {
  backup,
  book,
  CLOUD,
  type Cloud,
  type End,
  iso,
  NOW,
  named,
  planOf,
  recordsOf,
  rule,
  spec,
  TARGET,
  volume,
} from './builders.ts';

const hash = (text: string) => createHash('sha256').update(text).digest('hex');

const SPECS = [
  spec('s/a', named('disk-v1'), rule()),
  spec('s/b', 'v2', 'b2', { depends_on: ['s/a'] }),
  spec('s/c', 'v3', 'b3', { generation: 2 }),
];
const earlier = () => book().put('s/c', 'v3', 'b3', 'succeeded').put('z/old', 'v4', 'b4', 'succeeded');

function saved(specs: readonly RestoreSpec[] = SPECS, state: State = earlier().state): SavedPlan {
  const made = planOf(specs, { state });
  return save(made, { specs, state, policy: { protected_volumes: [] }, waivers: [] }, hash);
}

/** As another process reads it. */
function reread(plan: SavedPlan): SavedPlan {
  return decodePlan(JSON.stringify(plan), 'plan.json', 'test', hash);
}

interface Today {
  readonly state?: State | undefined;
  readonly cloud?: Cloud;
  readonly now?: number;
  readonly maxAgeMs?: number;
  readonly target?: typeof TARGET;
}

/** What `apply plan.json` would do, or the codes and sentences of why it does not. */
function applied(plan: SavedPlan, today: Today): { readonly plan?: Plan; readonly said: string } {
  const { state, cloud = CLOUD, now = NOW, target = TARGET } = today;
  const standing = standingOf(
    plan,
    {
      state,
      location: 'state.json',
      target,
      now,
      ...(today.maxAgeMs === undefined ? {} : { maxAgeMs: today.maxAgeMs }),
    },
    hash,
  );
  if (standing.kind === 'stale') return { said: words(standing.reasons) };
  const fresh = planOf(pinnedSpecs(plan), { ...(state ? { state } : {}), cloud, now });
  const judged = approved(plan, standing, fresh);
  return judged.kind === 'refused'
    ? { said: words(judged.reasons) }
    : {
        plan: judged.plan,
        said: judged.plan.actions.map(({ address, kind }) => `${address} ${kind}`).join(', '),
      };
}

function words(reasons: readonly Diagnostic[]): string {
  return reasons.map(({ code, summary }) => `${code}: ${summary}`).join('\n');
}

/** The state after a run of this plan brought a restore to `end`. */
function ran(
  state: State,
  plan: SavedPlan,
  address: string,
  [v, b, generation]: [string, string, number?],
  end: End,
): State {
  const what = { volume: v, backup: b, ...(generation === undefined ? {} : { generation }) };
  const records = recordsOf(address, what, end, iso(NOW), state.records.get(address));
  return records.reduce(
    (sofar, record) => committed(sofar, plan, { type: 'record', record: writtenBy(record, plan.digest) }),
    state,
  );
}

function committed(state: State, plan: SavedPlan, change: Change): State {
  const actor = { who: 'ci@runner', operation: 'apply', version: 'test', plan_digest: plan.digest };
  return fold(state, [{ serial: state.serial + 1, at: iso(NOW), actor, changes: [change] }]);
}

describe('a saved plan', () => {
  it('is read as it was written, and pins what rules picked', () => {
    const plan = reread(saved());
    expect(plan).to.deep.equal(JSON.parse(JSON.stringify(saved())));
    expect(pinnedSpecs(plan).map((one) => [one.volume, one.backup])[0]).to.deep.equal([
      { by: 'id', id: 'v1' },
      { by: 'id', id: 'd1' },
    ]);
    const story = applied(plan, { state: earlier().state });
    expect(story.said).to.equal('s/a restore, s/b restore, s/c restore');
    expect(story.plan?.actions[0]).to.deep.include({ selector: { as_of: 'latest' } });
  });

  it('needs a state and a look at the cloud', () => {
    const made = { specs: SPECS, state: undefined, policy: { protected_volumes: [] }, waivers: [] };
    expect(() => save(planOf(SPECS), made, hash)).to.throw('only over a state');
  });

  const text = () => JSON.stringify(saved());
  const files: readonly (readonly [what: string, text: string, said: string])[] = [
    ['another generation', text().replace('"generation":2', '"generation":3'), 'was edited'],
    ['another key', text().replace('"waivers":[]', '"waivers":[],"more":1'), 'was edited'],
    ['a part of it', text().slice(0, -9), 'not valid JSON'],
    ['another file', '{"kind": "Config"}', 'is not a saved plan'],
    ['a manifest', '{"kind": "RestoreSet"}', 'is a manifest, not a saved plan'],
    [
      'another minor release',
      text().replace('"tool_version":"test"', '"tool_version":"0.9.1"'),
      'made by vbsctl 0.9.1',
    ],
  ];
  for (const [what, content, said] of files)
    it(`is refused as ${what}`, () => {
      expect(() => decodePlan(content, 'p.json', 'test', hash)).to.throw(said);
    });

  it('is no manifest: that one is named with -f', () => {
    expect(() => decodePlan('kind: RestoreSet', 'a.yaml', 'test', hash)).to.throw('is a manifest');
  });

  it('of another patch release is taken, and a forged digest does not make a wrong shape a plan', () => {
    const other = planOf(SPECS, { state: earlier().state, toolVersion: '1.2.3' });
    const made = { specs: SPECS, state: earlier().state, policy: { protected_volumes: [] }, waivers: [] };
    const file = JSON.stringify(save(other, made, hash));
    expect(decodePlan(file, 'p', '1.2.9', hash).plan.tool_version).to.equal('1.2.3');
    expect(() => decodePlan(file, 'p', '1.3.0', hash)).to.throw('1.2.3');
    const { digest, ...rest } = JSON.parse(file);
    rest.declared.pop();
    const forged = JSON.stringify({ ...rest, digest: hash(canonical(rest)) });
    expect(() => decodePlan(forged, 'p', '1.2.3', hash)).to.throw('declared');
  });

  // Who can write the file can write a digest that fits; what he shows must still be what is judged and done.
  const forgeries: readonly (readonly [what: string, text: string, by: string])[] = [
    ['a set that the policy allows', '"set":"s","name":"b"', '"set":"payments","name":"b"'],
    ['an expectation', '"expect":{},"depends_on":["s/a"]', '"expect":{"size":9},"depends_on":["s/a"]'],
    ['an order', '"depends_on":["s/a"]', '"depends_on":[]'],
    ['another disk', '"volume":{"by":"id","id":"v2"}', '"volume":{"by":"id","id":"v4"}'],
    ['another backup', '"backup":{"by":"id","id":"b2"}', '"backup":{"by":"id","id":"c2"}'],
    ['a name that is not the disk’s', '{"by":"name","name":"disk-v1"}', '{"by":"name","name":"disk-v4"}'],
    [
      'another rule',
      '"selector":{"as_of":"latest"}},"generation":1',
      '"selector":{"as_of":"2026-11-23T00:00:00Z"}},"generation":1',
    ],
    ['another generation', '"generation":2,"source"', '"generation":7,"source"'],
  ];
  for (const [what, from, to] of forgeries)
    it(`does not declare other than it shows: ${what}`, () => {
      const { digest, ...rest } = JSON.parse(text());
      const declared = JSON.stringify(rest.declared);
      const plan = JSON.stringify(rest.plan);
      const [inDeclared, inPlan] = [declared.replace(from, to), plan.replace(from, to)];
      expect(inDeclared !== declared || inPlan !== plan, 'something was forged').to.equal(true);
      const forged = {
        ...rest,
        ...(inDeclared !== declared ? { declared: JSON.parse(inDeclared) } : { plan: JSON.parse(inPlan) }),
      };
      const file = JSON.stringify({ ...forged, digest: hash(canonical(forged)) });
      expect(() => decodePlan(file, 'p', 'test', hash)).to.throw('not a sound plan');
    });
});

function canonical(value: unknown): string {
  return JSON.stringify(value, (_, part) =>
    typeof part === 'object' && part !== null && !Array.isArray(part)
      ? Object.fromEntries(Object.entries(part).sort(([a], [b]) => (a < b ? -1 : 1)))
      : part,
  );
}

describe('a saved plan is stale', () => {
  const without = (id: string): Cloud => ({
    volumes: CLOUD.volumes.filter((one) => one.id !== id),
    backups: CLOUD.backups.filter((one) => one.id !== id),
  });
  const changed = (more: Partial<Cloud>): Cloud => ({
    volumes: CLOUD.volumes.map((one) => more.volumes?.find(({ id }) => id === one.id) ?? one),
    backups: CLOUD.backups.map((one) => more.backups?.find(({ id }) => id === one.id) ?? one),
  });
  const state = () => earlier().state;
  const cases: readonly (readonly [what: string, today: () => Today, ...said: string[]])[] = [
    ['no state', () => ({}), 'no-state', 'lineage line, serial 6'],
    ['another lineage', () => ({ state: { ...state(), lineage: 'other' } }), 'plan-other-lineage', 'other'],
    ['an older copy of the state', () => ({ state: { ...state(), serial: 1 } }), 'state-went-back'],
    [
      'another project',
      () => ({ state: state(), target: { ...TARGET, project_id: 'p2' } }),
      'plan-other-target',
    ],
    ['another region', () => ({ state: state(), target: { ...TARGET, region: 'nl' } }), 'plan-other-target'],
    [
      'too old',
      () => ({ state: state(), now: NOW + 7_200_000, maxAgeMs: 3_600_000 }),
      'plan-too-old',
      '2h ago',
    ],
    [
      'its record changed',
      () => ({ state: earlier().put('s/c', 'v3', 'c3', 'succeeded').state }),
      'plan-stale',
      'the record of s/c has changed since the plan was made at 2026-11-24T00:00:00.000Z: since 2026-11-20T',
      'by ada@bench (apply)',
    ],
    [
      'a record where none was',
      () => ({ state: earlier().put('s/a', 'v4', 'c4', 'running').state }),
      'the record of s/a has changed',
    ],
    [
      'its record was renamed',
      () => ({ state: earlier().moves([{ from: 's/c', to: 's/d' }]).state }),
      'it was renamed to s/d by ada@bench',
    ],
    [
      'its disk was restored under another name',
      () => ({ state: earlier().put('x/y', 'v2', 'c2', 'succeeded').state }),
      'the disk of s/b has been worked on',
      'x/y succeeded at',
    ],
    ['the backup is gone', () => ({ state: state(), cloud: without('d1') }), 'backup-gone'],
    ['the disk is gone', () => ({ state: state(), cloud: without('v2') }), 'volume-gone'],
    [
      'the backup has another size',
      () => ({
        state: state(),
        cloud: changed({ backups: [{ ...backup('b2', 'v2'), created_at: '2026-11-21T00:00:00Z', size: 9 }] }),
      }),
      'backup b2 has 9 GB, not 10 GB',
    ],
    [
      'the backup was made anew',
      () => ({
        state: state(),
        cloud: changed({ backups: [backup('b2', 'v2', { created_at: '2026-11-23T12:00:00Z' })] }),
      }),
      'backup b2 was created at 2026-11-23T12:00:00Z',
    ],
    [
      'the disk has another name',
      () => ({ state: state(), cloud: changed({ volumes: [volume('v2', { name: 'old-disk-v2' })] }) }),
      'disk v2 is called old-disk-v2, not disk-v2, and at 2026-11-24T00:00:00.000Z it was approved otherwise',
    ],
    [
      'the backup has another name',
      () => ({
        state: state(),
        cloud: changed({ backups: [backup('b2', 'v2', { created_at: '2026-11-21T00:00:00Z', name: '' })] }),
      }),
      'backup b2 is called nothing, not nightly-b2',
    ],
    [
      'the backup is of another disk',
      () => ({
        state: state(),
        cloud: changed({ backups: [backup('b2', 'v4', { created_at: '2026-11-21T00:00:00Z' })] }),
      }),
      'backup b2 is of disk v4, not of v2',
    ],
    [
      'the disk is smaller',
      () => ({ state: state(), cloud: changed({ volumes: [volume('v2', { size: 5 })] }) }),
      'has 5 GB',
    ],
  ];
  for (const [what, today, ...said] of cases)
    it(what, () => {
      const story = applied(reread(saved()), today());
      expect(story.plan, story.said).to.equal(undefined);
      for (const part of said) expect(story.said).to.include(part);
    });

  const fine: readonly (readonly [what: string, today: () => Today])[] = [
    [
      'another plan’s work elsewhere',
      () => ({ state: earlier().put('z/new', 'v4', 'd4', 'succeeded').state }),
    ],
    [
      'a disk that is attached by now',
      () => ({
        state: state(),
        cloud: changed({ volumes: [volume('v2', { status: 'in-use', attachments: [{ server_id: 'x' }] })] }),
      }),
    ],
    [
      'a disk that was extended',
      () => ({ state: state(), cloud: changed({ volumes: [volume('v2', { size: 20 })] }) }),
    ],
    [
      'a nightly backup made meanwhile',
      () => ({
        state: state(),
        cloud: {
          ...CLOUD,
          backups: [...CLOUD.backups, backup('e1', 'v1', { created_at: '2026-11-23T23:00:00Z' })],
        },
      }),
    ],
    ['an age within the limit', () => ({ state: state(), now: NOW + 1_000, maxAgeMs: 2_000 })],
  ];
  for (const [what, today] of fine)
    it(`not by ${what}`, () => {
      expect(applied(reread(saved()), today()).said).to.equal('s/a restore, s/b restore, s/c restore');
    });

  it('what a rule took of another disk is meant, also when it is planned again by its id', () => {
    const state = book().state;
    const by = (of_volume?: string) =>
      ({
        by: 'selector',
        selector: { as_of: '2026-11-23T12:00:00Z', ...(of_volume ? { of_volume } : {}) },
      }) as const;
    const codes = (backup: RestoreSpec['backup'] | string) =>
      applied(saved([spec('s/a', 'v1', backup)], state), { state }).plan?.notices.map(({ code }) => code);
    expect(codes(by('v2'))).to.deep.equal([]);
    expect(codes('b2')).to.deep.equal(['backup-of-another-disk']);
  });
});

describe('a saved plan that was begun', () => {
  const plan = saved();
  const A: [string, string] = ['v1', 'd1'];
  const B: [string, string] = ['v2', 'b2'];
  const C: [string, string, number] = ['v3', 'b3', 2];

  it('goes on where its run died', () => {
    let state = ran(earlier().state, plan, 's/a', A, 'succeeded');
    state = ran(state, plan, 's/c', C, 'intended');
    expect(applied(plan, { state }).said).to.equal('s/a noop, s/b restore, s/c resume');
  });

  it('tries again what failed without touching the disk', () => {
    const state = ran(earlier().state, plan, 's/a', A, 'failed no');
    expect(applied(plan, { state }).said).to.equal('s/a restore, s/b restore, s/c restore');
  });

  it('leaves out what ended badly, and what depends on it', () => {
    const state = ran(earlier().state, plan, 's/a', A, 'failed maybe');
    const story = applied(plan, { state });
    expect(story.said).to.equal('s/c restore');
    expect(story.plan?.notices.map(({ code }) => code)).to.include.members([
      'ended-before',
      'dependency-stuck',
    ]);
  });

  it('goes on after somebody else has followed what it began', () => {
    let state = ran(earlier().state, plan, 's/a', A, 'running');
    const running = state.records.get('s/a') as Record;
    state = fold(state, [
      {
        serial: state.serial + 1,
        at: iso(NOW),
        actor: { who: 'ada@bench', operation: 'wait', version: 'test' },
        changes: [
          {
            type: 'record',
            record: writtenBy(advance(running, { type: 'succeed', at: iso(NOW) }), undefined),
          },
        ],
      },
    ]);
    expect(applied(plan, { state }).said).to.equal('s/a noop, s/b restore, s/c restore');
  });

  it('takes a person’s word for what it left unknown', () => {
    let state = ran(earlier().state, plan, 's/a', A, 'unknown');
    const record = state.records.get('s/a') as Record;
    const resolution = { as: 'not-started', reason: 'looked', by: 'ada', at: iso(NOW) } as const;
    const resolved = advance(record, { type: 'resolve', at: iso(NOW), resolution });
    state = fold(state, [
      {
        serial: state.serial + 1,
        at: iso(NOW),
        actor: { who: 'ada@bench', operation: 'resolve', version: 'test' },
        changes: [{ type: 'record', record: resolved }],
      },
    ]);
    expect(applied(plan, { state }).said).to.equal('s/a restore, s/b restore, s/c restore');
  });

  it('is refused once it came to its end, also when others went on since', () => {
    let state = ran(earlier().state, plan, 's/a', A, 'succeeded');
    state = ran(state, plan, 's/b', B, 'succeeded');
    state = ran(state, plan, 's/c', C, 'succeeded');
    const said = `plan-applied: the plan was applied to its end before at ${iso(NOW)} by ci@runner`;
    expect(applied(plan, { state }).said).to.equal(said);
    const other = saved([spec('s/c', 'v3', 'c3')], state);
    expect(applied(plan, { state: ran(state, other, 's/c', ['v3', 'c3'], 'succeeded') }).said).to.include(
      'plan-applied',
    );
  });

  it('does not start again what runs under another name by now', () => {
    let state = ran(earlier().state, plan, 's/a', A, 'running');
    state = fold(state, [
      {
        serial: state.serial + 1,
        at: iso(NOW),
        actor: { who: 'ada@bench', operation: 'apply', version: 'test' },
        changes: [{ type: 'moved', moves: [{ from: 's/a', to: 's/x' }] }],
      },
    ]);
    const story = applied(plan, { state });
    expect(story.plan).to.equal(undefined);
    expect(story.said).to.include('its record stands at s/x by now');
  });

  it('with renames writes them down once', () => {
    const state = earlier().state;
    const renames = saved([spec('s/c2', 'v3', 'b3')], state);
    expect(renames.plan.moves).to.deep.equal([{ from: 's/c', to: 's/c2' }]);
    expect(applied(renames, { state }).plan?.moves).to.have.length(1);
    const after = committed(state, renames, { type: 'moved', moves: renames.plan.moves });
    expect(applied(renames, { state: after }).said).to.include('plan-applied');
  });
});
