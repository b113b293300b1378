import { expect } from 'chai';
import { indexRecords } from '../../src/planner/record-index.ts';
import { snapshotNeeds } from '../../src/planner/resolve-spec.ts';
import {
  action,
  backup,
  book,
  CLOUD,
  type Cloud,
  iso,
  NOW,
  named,
  observe,
  planOf,
  rule,
  said,
  spec,
  story,
  volume,
} from './builders.ts';
import { checkAll } from './tables.ts';

const HOUR = 3_600_000;

function cloudWith(...backups: Cloud['backups'][number][]): Cloud {
  return { volumes: CLOUD.volumes, backups };
}

function aged(id: string, hours: number, more: Parameters<typeof backup>[2] = {}) {
  return backup(id, 'v1', { created_at: iso(NOW - hours * HOUR), ...more });
}

const { project_id: _, ...anonymous } = aged('b', 2);

/** Id of what the rule picks, or the code of why it picks nothing. */
function pick(selector: Parameters<typeof rule>[0], cloud: Cloud = CLOUD): string | undefined {
  const [made] = planOf([spec('s/a', 'v1', rule(selector))], { cloud }).actions;
  return made?.kind === 'blocked' ? made.reasons.map(({ code }) => code).join(' ') : made?.backup.id;
}

describe('the backup that a rule picks', () => {
  const cases: { [name: string]: [Parameters<typeof rule>[0], Cloud, string] } = {
    'the newest at or before the moment': [{ as_of: '2026-11-22T12:00:00Z' }, CLOUD, 'c1'],
    'one at the very moment': [{ as_of: '2026-11-22T00:00:00Z' }, CLOUD, 'c1'],
    'none that is later': [{ as_of: '2026-11-20T23:59:59Z' }, CLOUD, 'selector-empty'],
    'latest: the newest': [{ as_of: 'latest' }, CLOUD, 'd1'],
    'latest: also when this clock is behind': [{}, cloudWith(aged('old', 9), aged('new', -1)), 'new'],
    'a moment to come: the newest until then': [
      { as_of: iso(NOW + HOUR) },
      cloudWith(aged('b', 1), aged('c', -2)),
      'b',
    ],
    'times compare as moments, not as texts': [{ as_of: '2026-11-23T00:30:00.000+01:00' }, CLOUD, 'c1'],
    'within, just': [{ as_of: 'latest', within: '3h' }, cloudWith(aged('b', 3)), 'b'],
    'within, not': [{ as_of: 'latest', within: '3h' }, cloudWith(aged('b', 3.01)), 'selector-empty'],
    'within a moment': [{ as_of: '2026-11-22T12:00:00Z', within: '6h' }, CLOUD, 'selector-empty'],
    'of another disk': [{ of_volume: 'v2' }, CLOUD, 'd2'],
    'by name': [{ name: 'nightly-c1' }, CLOUD, 'c1'],
    'by a name that it does not have': [{ name: 'nightly-c2' }, CLOUD, 'selector-empty'],
    'a tie': [{}, cloudWith(aged('b', 1), aged('c', 1)), 'selector-ambiguous'],
    'a tie behind the newest': [{}, cloudWith(aged('a', 1), aged('b', 2), aged('c', 2)), 'a'],
    'a tie broken by name': [{ name: 'nightly-c' }, cloudWith(aged('b', 1), aged('c', 1)), 'c'],
    'not another project’s': [{}, cloudWith(aged('b', 2), aged('c', 1, { project_id: 'p2' })), 'b'],
    'one that names no project': [{}, cloudWith(anonymous), 'b'],
    'not one in error': [{}, cloudWith(aged('b', 2), aged('c', 1, { status: 'error' })), 'b'],
    'not one being made': [{}, cloudWith(aged('b', 2), aged('c', 1, { status: 'creating' })), 'b'],
    'one that is being restored from': [
      {},
      cloudWith(aged('b', 2), aged('c', 1, { status: 'restoring' })),
      'c',
    ],
    'no backup at all': [{}, cloudWith(), 'selector-empty'],
  };
  for (const [name, [selector, cloud, expected]] of Object.entries(cases))
    it(name, () => expect(pick(selector, cloud)).to.equal(expected));

  it('is named as the nearest if none matches', () => {
    const made = planOf([spec('s/a', 'v1', rule({ as_of: '2026-11-22T20:00:00Z', within: '1h' }))]);
    expect(said(made, 's/a'))
      .to.contain('as of 2026-11-22T20:00:00Z, within 1h before it')
      .and.contain('Nearest: d1 (nightly-d1, 2026-11-23T00:00:00Z); c1 (')
      .and.contain('; b1 (');
  });

  it('is named as the nearest of other names if no backup has the name', () => {
    const made = planOf([spec('s/a', 'v1', rule({ name: 'nope' }))]);
    expect(said(made, 's/a')).to.contain('backup named nope of disk v1').and.contain('Nearest: d1');
  });

  it('is named with the other one if two are equally new', () => {
    const cloud = cloudWith(aged('b', 1), aged('c', 1));
    expect(said(planOf([spec('s/a', 'v1', rule())], { cloud }), 's/a'))
      .to.contain('b (')
      .and.contain('c (');
  });
});

describe('an entry that cannot be read', () => {
  const why = 'size is missing';
  const code = (made: ReturnType<typeof planOf>) => {
    const [only] = made.actions;
    return only?.kind === 'blocked' ? only.reasons.map((reason) => reason.code).join() : only?.kind;
  };
  const withEntries = (what: object, one: ReturnType<typeof spec>) =>
    code(
      planOf([one], {
        snapshot: { ...observe(CLOUD, snapshotNeeds([one], indexRecords(undefined))), ...what },
      }),
    );

  for (const [name, entry, expected] of [
    ['of the disk', { volume_id: 'v1', status: 'available', name: 'x' }, 'entry-unreadable'],
    ['of an unknown disk', { status: 'available', name: 'x' }, 'entry-unreadable'],
    ['in an unknown status', { volume_id: 'v1', name: 'x' }, 'entry-unreadable'],
    ['of another disk', { volume_id: 'v2', status: 'available', name: 'x' }, 'restore'],
    ['that is being made', { volume_id: 'v1', status: 'creating', name: 'x' }, 'restore'],
  ] as const)
    it(`a backup ${name}: ${expected}`, () => {
      const unreadable_backups = [{ id: 'odd', why, ...entry }];
      expect(withEntries({ unreadable_backups }, spec('s/a', 'v1', rule()))).to.equal(expected);
      expect(withEntries({ unreadable_backups }, spec('s/a', 'v1', 'b1'))).to.equal('restore');
    });

  it('a backup of another name does not concern a rule with a name', () => {
    const entry = { volume_id: 'v1', status: 'available', why };
    const wanted = spec('s/a', 'v1', rule({ name: 'nightly-c1' }));
    for (const [name, expected] of [
      ['nightly-c1', 'entry-unreadable'],
      ['other', 'restore'],
    ] as const)
      expect(withEntries({ unreadable_backups: [{ ...entry, name }] }, wanted)).to.equal(expected);
  });

  for (const [name, expected] of [
    ['disk-v1', 'entry-unreadable'],
    [undefined, 'entry-unreadable'],
    ['other', 'restore'],
  ] as const)
    it(`a disk named ${name}: ${expected}`, () => {
      const one = spec('s/a', named('disk-v1'), 'b1');
      const unreadable_volumes = [{ id: 'odd', why, ...(name === undefined ? {} : { name }) }];
      expect(withEntries({ unreadable_volumes }, one)).to.equal(expected);
    });
});

describe('the pin of a rule', () => {
  const selector = { as_of: 'latest' };
  const A = spec('s/a', 'v1', rule());
  checkAll({
    'done: a newer backup makes no new restore': {
      specs: [A],
      state: book().put('s/a', 'v1', 'b1', 'succeeded', { selector }),
      plan: { 's/a': 'noop' },
    },
    'done, the same backup by its id': {
      specs: [spec('s/a', 'v1', 'b1')],
      state: book().put('s/a', 'v1', 'b1', 'succeeded', { selector }),
      plan: { 's/a': 'noop' },
    },
    'done by its id, now by a rule that picks it': {
      specs: [A],
      state: book().put('s/a', 'v1', 'd1', 'succeeded'),
      plan: { 's/a': 'noop and notes its rule' },
    },
    'done by one rule, now by another that picks it': {
      specs: [spec('s/a', 'v1', rule({ as_of: '2026-11-23T12:00:00Z' }))],
      state: book().put('s/a', 'v1', 'd1', 'succeeded', { selector }),
      plan: { 's/a': 'noop and notes its rule' },
    },
    'done under another address, which moves here': {
      specs: [A],
      state: book().put('s/old', 'v1', 'd1', 'succeeded'),
      plan: { 's/a': 'noop was s/old and notes its rule', moves: 's/old>s/a' },
    },
    'done long ago, and something else since: the record is not there to keep the rule': {
      specs: [A],
      state: book().put('s/a', 'v1', 'd1', 'succeeded').put('s/a', 'v1', 'b1', 'succeeded'),
      plan: { 's/a': 'noop superseded by s/a' },
    },
    'done, the rule in another order of keys': {
      specs: [spec('s/a', 'v1', { by: 'selector', selector: { within: '9d', as_of: 'latest' } })],
      state: book().put('s/a', 'v1', 'b1', 'succeeded', { selector: { as_of: 'latest', within: '9d' } }),
      plan: { 's/a': 'noop' },
    },
    'done for another disk is not done for this one': {
      specs: [spec('s/a', 'v2', rule({ of_volume: 'v1' }))],
      state: book().put('s/b', 'v1', 'd1', 'succeeded', { selector: { as_of: 'latest', of_volume: 'v1' } }),
      plan: { 's/a': 'restore first', orphans: 's/b succeeded', notices: 'as-of-latest' },
    },
  });

  const pinOf = (made: ReturnType<typeof planOf>) => made.actions[0]?.backup.id;

  it('keeps a recorded rule and earlier rules done after the next backup', () => {
    const early = { as_of: '2026-11-23T12:00:00Z' };
    const state = book().put('s/a', 'v1', 'd1', 'succeeded', { selector: early }).note('s/a', selector);
    const cloud = { ...CLOUD, backups: [...CLOUD.backups, aged('e1', 1)] };
    for (const each of [A, spec('s/a', 'v1', rule(early)), spec('s/a', 'v1', 'd1')])
      expect(story(planOf([each], { state, cloud }))).to.deep.equal({ 's/a': 'noop' });
  });

  it('is picked again for a raised generation', () => {
    const state = book().put('s/a', 'v1', 'b1', 'succeeded', { selector });
    const made = planOf([spec('s/a', 'v1', rule(), { generation: 2 })], { state });
    expect(action(made, 's/a', 'restore').selector).to.deep.equal(selector);
    expect(pinOf(made)).to.equal('d1');
  });

  it('is kept by a restore that failed untouched', () => {
    const state = book().put('s/a', 'v1', 'b1', 'failed no', { selector });
    const made = planOf([A], { state });
    expect(made.actions[0]?.kind).to.equal('restore');
    expect(pinOf(made)).to.equal('b1');
  });

  it('can be replaced as the remedy says if its backup is gone', () => {
    const state = book().put('s/a', 'v1', 'gone', 'failed no', { selector });
    expect(said(planOf([A], { state }), 's/a'))
      .to.contain('backup gone does not exist')
      .and.contain('raise generation to 2 to let the rule pick another one');
  });

  it('is kept by a running restore', () => {
    const state = book().put('s/a', 'v1', 'b1', 'running', { selector });
    const made = planOf([A], { state });
    expect(made.actions[0]?.kind).to.equal('resume');
    expect(pinOf(made)).to.equal('b1');
  });

  it('is shown with its rule for a new restore', () => {
    expect(planOf([A]).actions[0]?.backup).to.deep.equal({
      id: 'd1',
      name: 'nightly-d1',
      size: 10,
      created_at: '2026-11-23T00:00:00Z',
      of_volume_id: 'v1',
      selector,
    });
  });
});

describe('a disk selected by name', () => {
  const A = spec('s/a', named('disk-v1'), 'b1');
  const noDisk: Cloud = { volumes: [volume('v2')], backups: CLOUD.backups };
  const twoDisks: Cloud = {
    volumes: [...CLOUD.volumes, volume('v9', { name: 'disk-v1' })],
    backups: CLOUD.backups,
  };
  checkAll({
    unique: { specs: [A], plan: { 's/a': 'restore first' } },
    'nobody has it': { specs: [A], cloud: noDisk, plan: { 's/a': 'blocked volume-name-unknown' } },
    'two have it': { specs: [A], cloud: twoDisks, plan: { 's/a': 'blocked volume-name-ambiguous' } },
    'done by id is done by name': {
      specs: [A],
      state: book().put('s/a', 'v1', 'b1', 'succeeded'),
      plan: { 's/a': 'noop' },
    },
    'the name and the id of one disk': {
      specs: [A, spec('t/a', 'v1', 'c1')],
      plan: { 's/a': 'blocked volume-shared', 't/a': 'blocked volume-shared' },
    },
    'by name, by a rule': {
      specs: [spec('s/a', named('disk-v1'), rule())],
      plan: { 's/a': 'restore first', notices: 'as-of-latest' },
    },
    'a name that tells no disk any more: what is done stays done': {
      specs: [A],
      cloud: noDisk,
      state: book().put('s/a', 'v1', 'b1', 'succeeded'),
      plan: { 's/a': 'noop' },
    },
    'and what is under way is followed': {
      specs: [A],
      cloud: twoDisks,
      state: book().put('s/a', 'v1', 'b1', 'running'),
      plan: { 's/a': 'resume' },
    },
    'but nothing starts': {
      specs: [A],
      cloud: twoDisks,
      state: book().put('s/a', 'v1', 'b1', 'failed no'),
      plan: { 's/a': 'blocked volume-name-ambiguous' },
    },
    'a record of a disk of another name is another restore': {
      specs: [spec('s/a', named('disk-v9'), 'b1')],
      state: book().put('s/a', 'v1', 'b1', 'succeeded'),
      plan: { 's/a': 'blocked volume-name-unknown' },
    },
    'nor does another restore of that name count': {
      specs: [spec('s/a', named('disk-v1'), 'c1')],
      cloud: noDisk,
      state: book().put('s/a', 'v1', 'b1', 'succeeded'),
      plan: { 's/a': 'blocked volume-name-unknown' },
    },
  });

  it('lists the disks that share the name', () => {
    expect(said(planOf([A], { cloud: twoDisks }), 's/a'))
      .to.contain('2 disks')
      .and.contain('v1, v9');
  });
});

describe('an offline plan', () => {
  checkAll({
    'ids need no cloud': {
      specs: [spec('s/a', 'v1', 'b1')],
      offline: true,
      plan: { 's/a': 'restore first' },
    },
    'a rule does': {
      specs: [spec('s/a', 'v1', rule())],
      offline: true,
      plan: { 's/a': 'blocked needs-cloud' },
    },
    'a name does': {
      specs: [spec('s/a', named('disk-v1'), 'b1')],
      offline: true,
      plan: { 's/a': 'blocked needs-cloud' },
    },
    'a rule that is done does not': {
      specs: [spec('s/a', 'v1', rule())],
      state: book().put('s/a', 'v1', 'b1', 'succeeded', { selector: { as_of: 'latest' } }),
      offline: true,
      plan: { 's/a': 'noop' },
    },
    'a name that is done or under way does not': {
      specs: [spec('s/a', named('disk-v1'), 'b1'), spec('s/b', named('disk-v2'), 'b2')],
      state: book().put('s/a', 'v1', 'b1', 'succeeded').put('s/b', 'v2', 'b2', 'running'),
      offline: true,
      plan: { 's/a': 'noop', 's/b': 'resume' },
    },
  });

  it('says that it is offline, and shows the facts in the record', () => {
    const state = book().put('s/a', 'v1', 'b1', 'running');
    const made = planOf([spec('s/a', 'v1', 'b1')], { state, offline: true });
    expect(made.offline).to.equal(true);
    expect(made.actions[0]?.volume).to.deep.equal({ id: 'v1', name: 'disk-v1' });
    expect(made.actions[0]?.backup).to.deep.equal({
      id: 'b1',
      name: 'nightly-b1',
      created_at: '2026-11-23T00:00:00Z',
      size: 10,
    });
  });
});
