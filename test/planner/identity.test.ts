import { expect } from 'chai';
import { recordsOfHistory } from '../../src/domain/state.ts';
import { generationAfter, indexRecords } from '../../src/planner/record-index.ts';
import { action, book, planOf, rule, said, spec } from './builders.ts';
import { checkAll } from './tables.ts';

const A = spec('s/a', 'v1', 'b1');
const selector = { as_of: 'latest' };

describe('the identity that decides whether a restore is done', () => {
  checkAll({
    'never done': { specs: [A], state: book(), plan: { 's/a': 'restore first' } },
    'never done, and no state yet': { specs: [A], plan: { 's/a': 'restore first' } },
    done: { specs: [A], state: book().put('s/a', 'v1', 'b1', 'succeeded'), plan: { 's/a': 'noop' } },
    'done, as a person found out': {
      specs: [A],
      state: book().put('s/a', 'v1', 'b1', 'resolved succeeded'),
      plan: { 's/a': 'noop' },
    },
    'done, and its record tidied away': {
      specs: [A],
      state: book().put('s/a', 'v1', 'b1', 'succeeded').commit({ type: 'removed', address: 's/a' }),
      plan: { 's/a': 'noop' },
    },
    'done, its record renamed and tidied away': {
      specs: [A],
      state: book()
        .put('s/a', 'v1', 'b1', 'succeeded')
        .moves([{ from: 's/a', to: 'other/x' }])
        .commit({ type: 'removed', address: 'other/x' }),
      plan: { 's/a': 'noop' },
    },
    'done by a rule, and its record tidied away': {
      specs: [spec('s/a', 'v1', rule())],
      state: book()
        .put('s/a', 'v1', 'b1', 'succeeded', { selector })
        .commit({ type: 'removed', address: 's/a' }),
      plan: { 's/a': 'noop' },
    },
    'maybe touched, and its record tidied away': {
      specs: [A],
      state: book().put('s/a', 'v1', 'b1', 'failed maybe').commit({ type: 'removed', address: 's/a' }),
      plan: { 's/a': 'blocked may-be-touched' },
    },
    'untouched, and its record tidied away': {
      specs: [A],
      state: book().put('s/a', 'v1', 'b1', 'failed no').commit({ type: 'removed', address: 's/a' }),
      plan: { 's/a': 'restore first' },
    },
    'another backup is another restore': {
      specs: [spec('s/a', 'v1', 'c1')],
      state: book().put('s/a', 'v1', 'b1', 'succeeded'),
      plan: { 's/a': 'restore again' },
    },
    'another disk is another restore': {
      specs: [spec('s/a', 'v2', 'b1')],
      state: book().put('s/a', 'v1', 'b1', 'succeeded'),
      plan: { 's/a': 'restore again', notices: 'backup-of-another-volume' },
    },
    'a raised generation asks again': {
      specs: [spec('s/a', 'v1', 'b1', { generation: 2 })],
      state: book().put('s/a', 'v1', 'b1', 'succeeded'),
      plan: { 's/a': 'restore again' },
    },
    'a raised generation that is done': {
      specs: [spec('s/a', 'v1', 'b1', { generation: 2 })],
      state: book()
        .put('s/a', 'v1', 'b1', 'succeeded')
        .put('s/a', 'v1', 'b1', 'succeeded', { generation: 2 }),
      plan: { 's/a': 'noop' },
    },
    'lowered to one that is done': {
      specs: [A],
      state: book()
        .put('s/a', 'v1', 'b1', 'succeeded')
        .put('s/a', 'v1', 'b1', 'succeeded', { generation: 2 }),
      plan: { 's/a': 'noop superseded by s/a' },
    },
    'lowered to one that never was: only raising asks': {
      specs: [A],
      state: book().put('s/a', 'v1', 'b1', 'succeeded', { generation: 2 }),
      plan: { 's/a': 'noop', notices: 'generation-lowered' },
    },
    'lowered to one that failed before it': {
      specs: [A],
      state: book()
        .put('s/a', 'v1', 'b1', 'failed no')
        .put('s/a', 'v1', 'b1', 'succeeded', { generation: 2 }),
      plan: { 's/a': 'noop', notices: 'generation-lowered' },
    },
    'lowered, by a rule': {
      specs: [spec('s/a', 'v1', rule())],
      state: book().put('s/a', 'v1', 'b1', 'succeeded', { generation: 2, selector }),
      plan: { 's/a': 'noop', notices: 'generation-lowered' },
    },
    'a lowered generation of another backup asks for that backup': {
      specs: [spec('s/a', 'v1', 'c1')],
      state: book().put('s/a', 'v1', 'b1', 'succeeded', { generation: 2 }),
      plan: { 's/a': 'restore again' },
    },
    'done under another address, both declared': {
      specs: [A, spec('t/a', 'v1', 'b1')],
      state: book().put('s/a', 'v1', 'b1', 'succeeded'),
      plan: { 's/a': 'noop', 't/a': 'noop' },
    },
    'may have been touched here, and not where it was tried again since': {
      specs: [A],
      state: book()
        .put('s/a', 'v1', 'b1', 'failed maybe')
        .put('s/z', 'v1', 'b1', 'failed no')
        .put('s/z', 'v1', 'c1', 'succeeded'),
      plan: { 's/a': 'blocked may-be-touched', orphans: 's/z succeeded' },
    },
    'known only to the history': {
      specs: [A, spec('s/z', 'v1', 'c1')],
      state: book().put('s/z', 'v1', 'b1', 'succeeded').put('s/z', 'v1', 'c1', 'succeeded'),
      plan: { 's/a': 'noop superseded by s/z', 's/z': 'noop' },
    },
  });

  it('shows what differs from the earlier restore', () => {
    const state = book().put('s/a', 'v1', 'b1', 'succeeded');
    const made = planOf([spec('s/a', 'v1', 'c1', { generation: 2 })], { state });
    expect(action(made, 's/a', 'restore').changes).to.deep.equal([
      { field: 'backup_id', before: 'b1', after: 'c1' },
      { field: 'backup', before: 'nightly-b1', after: 'nightly-c1' },
      { field: 'backup_created_at', before: '2026-11-23T00:00:00Z', after: '2026-11-22T00:00:00Z' },
      { field: 'generation', before: '1', after: '2' },
    ]);
  });

  it('does not call a disk unknown in an offline plan', () => {
    const state = book().put('s/a', 'v1', 'b1', 'succeeded');
    const made = planOf([spec('s/a', 'v1', 'c1')], { state, offline: true });
    expect(action(made, 's/a', 'restore').changes).to.deep.equal([
      { field: 'backup_id', before: 'b1', after: 'c1' },
    ]);
  });
});

describe('a return to an older backup', () => {
  const there = () => book().put('s/a', 'v1', 'b1', 'succeeded').put('s/a', 'v1', 'c1', 'succeeded');

  it('is a noop that says when it was done and which restores followed', () => {
    const state = there();
    const { done_at, superseded_by } = action(planOf([A], { state }), 's/a', 'noop');
    const [first, second] = [...recordsOfHistory(state.state)];
    expect(first).to.include({ backup_id: 'b1', finished_at: done_at });
    expect(second).to.include(superseded_by);
    expect(superseded_by).to.have.all.keys('address', 'backup_id', 'finished_at');
  });

  it('is a noop without later restores if the newer backup is declared again', () => {
    expect(
      action(planOf([spec('s/a', 'v1', 'c1')], { state: there() }), 's/a', 'noop').superseded_by,
    ).to.equal(undefined);
  });

  it('names later restores by their current address', () => {
    const state = there().moves([{ from: 's/a', to: 't/new' }]);
    expect(action(planOf([A], { state }), 's/a', 'noop').superseded_by?.address).to.equal('t/new');
  });

  it('takes the order from the history, not from the clocks', () => {
    const state = there();
    const turned = {
      ...state.state,
      history: state.state.history.map((entry) =>
        entry.type === 'closed' && entry.record.backup_id === 'c1' && entry.record.status === 'succeeded'
          ? { ...entry, record: { ...entry.record, finished_at: '2001-01-01T00:00:00Z' } }
          : entry,
      ),
    };
    expect(action(planOf([A], { state: turned }), 's/a', 'noop').superseded_by?.backup_id).to.equal('c1');
  });

  checkAll({
    'says when a later attempt may have touched the disk': {
      specs: [A],
      state: book().put('s/a', 'v1', 'b1', 'succeeded').put('s/a', 'v1', 'c1', 'failed maybe'),
      plan: { 's/a': 'noop', notices: 'disk-touched-since' },
    },
    'says when another restore is under way there, and that nobody declares it': {
      specs: [A],
      state: book().put('s/a', 'v1', 'b1', 'succeeded').put('s/a', 'v1', 'c1', 'running'),
      plan: { 's/a': 'noop', orphans: 's/a running', notices: 'disk-touched-since' },
    },
    'says nothing of a later one that did not touch the disk': {
      specs: [A],
      state: book().put('s/a', 'v1', 'b1', 'succeeded').put('s/a', 'v1', 'c1', 'failed no'),
      plan: { 's/a': 'noop' },
    },
    'says nothing of an earlier one that a success wiped out': {
      specs: [A],
      state: book().put('s/a', 'v1', 'c1', 'failed maybe').put('s/a', 'v1', 'b1', 'succeeded'),
      plan: { 's/a': 'noop' },
    },
    'a late resolution does not make an old attempt a new one': {
      specs: [A],
      state: book()
        .put('s/z', 'v1', 'c1', 'unknown')
        .put('t/y', 'v2', 'b2', 'succeeded')
        .put('s/a', 'v1', 'b1', 'succeeded')
        .resolve('s/z', 'failed'),
      plan: { 's/a': 'noop', orphans: 's/z failed, t/y succeeded' },
    },
  });

  it('suggests a generation that was not used yet', () => {
    const state = book()
      .put('s/a', 'v1', 'b1', 'succeeded')
      .put('s/a', 'v1', 'b1', 'succeeded', { generation: 2 })
      .put('s/a', 'v1', 'c1', 'failed maybe');
    const made = planOf([spec('s/a', 'v1', 'b1', { generation: 2 })], { state });
    expect(made.notices[0]?.remedy).to.contain('raise generation to 3');
    expect(made.notices[0]?.where).to.deep.equal({ address: 's/a' });
    expect(said(planOf([spec('s/a', 'v1', 'c1')], { state }), 's/a')).to.contain('raise generation to 2');
  });
});

describe('the suggested generation', () => {
  const next = (specs: Parameters<typeof planOf>[0], state: ReturnType<typeof book>) =>
    action(planOf(specs, { state }), specs[0]?.address ?? '', 'noop').next_generation;

  it('was never used for this disk and backup, however low the declared one is', () => {
    const state = book()
      .put('s/a', 'v1', 'b1', 'succeeded')
      .put('s/a', 'v1', 'b1', 'succeeded', { generation: 2 });
    expect(next([A], state)).to.equal(3);
    const seven = book().put('s/old', 'v1', 'b1', 'succeeded', { generation: 7 });
    expect(next([A], seven)).to.equal(8);
  });

  it('causes a restore once it is declared, by id or by a rule that now picks another backup', () => {
    const selector = { as_of: 'latest' };
    const state = book()
      .put('s/a', 'v1', 'b1', 'succeeded', { selector })
      .put('s/a', 'v1', 'c1', 'succeeded', { selector, generation: 4 });
    for (const backup of ['b1', { by: 'selector', selector } as const]) {
      const generation = next([spec('s/a', 'v1', backup)], state) ?? 0;
      const raised = planOf([spec('s/a', 'v1', backup, { generation })], { state });
      expect(action(raised, 's/a', 'restore').generation).to.equal(generation);
    }
  });
});

describe('the next generation after a record', () => {
  const raised = (state: ReturnType<typeof book>, address: string) => {
    const record = state.state.records.get(address);
    return record && generationAfter(indexRecords(state.state), record);
  };

  it('is not used by another record of this disk and backup, or in the history', () => {
    const state = book()
      .put('s/a', 'v1', 'b1', 'failed maybe')
      .put('s/b', 'v1', 'b1', 'failed maybe', { generation: 2 })
      .put('s/c', 'v1', 'b1', 'succeeded', { generation: 3 })
      .put('s/c', 'v2', 'b2', 'succeeded');
    expect(raised(state, 's/a')).to.equal(4);
    expect(said(planOf([A], { state: book().put('s/a', 'v1', 'b1', 'failed maybe') }), 's/a')).to.contain(
      'raise generation to 2',
    );
  });

  it('is not used by the rule of the record with any backup', () => {
    const state = book()
      .put('s/b', 'v1', 'c1', 'failed maybe', { selector, generation: 5 })
      .put('s/a', 'v1', 'b1', 'failed maybe', { selector });
    expect(raised(state, 's/a')).to.equal(6);
    const byRule = spec('s/a', 'v1', { by: 'selector', selector } as const);
    expect(said(planOf([byRule], { state }), 's/a')).to.contain('raise generation to 6');
  });

  it('is higher than that of the record even if the state could not be written', () => {
    const state = book().put('s/a', 'v1', 'b1', 'failed maybe', { generation: 4 }).state;
    const [record] = [...state.records.values()];
    expect(record && generationAfter(indexRecords(undefined), record)).to.equal(5);
  });
});

describe('the same restore declared twice', () => {
  const B = spec('t/a', 'v1', 'b1');
  checkAll({
    'never begun: neither, for nobody says which': {
      specs: [A, B],
      state: book(),
      plan: { 's/a': 'blocked volume-shared', 't/a': 'blocked volume-shared' },
    },
    'running: the one that has the record goes on': {
      specs: [B, A],
      state: book().put('s/a', 'v1', 'b1', 'running'),
      plan: { 's/a': 'resume', 't/a': 'blocked same-restore-twice' },
    },
    'running under a third address: the first takes it over': {
      specs: [A, B],
      state: book().put('s/old', 'v1', 'b1', 'running'),
      plan: { 's/a': 'resume was s/old', 't/a': 'blocked same-restore-twice', moves: 's/old>s/a' },
    },
    'failed before it touched the disk: one tries again': {
      specs: [B, A],
      state: book().put('s/a', 'v1', 'b1', 'failed no'),
      plan: { 's/a': 'restore again', 't/a': 'blocked same-restore-twice' },
    },
    'failed, known only to the history: neither': {
      specs: [A, B],
      state: book().put('s/z', 'v1', 'b1', 'failed no').put('s/z', 'v2', 'b2', 'succeeded'),
      plan: { 's/a': 'blocked volume-shared', 't/a': 'blocked volume-shared', orphans: 's/z succeeded' },
    },
    'once by id, once by a rule': {
      specs: [spec('t/a', 'v1', rule({ as_of: '2026-11-21T12:00:00Z' })), A],
      state: book().put('s/a', 'v1', 'b1', 'running'),
      plan: { 's/a': 'resume', 't/a': 'blocked same-restore-twice' },
    },
    'unknown: both wait for a person': {
      specs: [A, B],
      state: book().put('s/a', 'v1', 'b1', 'unknown'),
      plan: { 's/a': 'blocked outcome-unknown', 't/a': 'blocked same-restore-twice' },
    },
  });

  it('names the declaration that has the record', () => {
    const made = planOf([B, A], { state: book().put('s/a', 'v1', 'b1', 'running') });
    expect(said(made, 't/a')).to.contain('the same restore as s/a').and.contain('remove one');
  });
});

describe('one disk in two declarations', () => {
  checkAll({
    'both to be done: neither': {
      specs: [A, spec('t/a', 'v1', 'c1'), spec('t/b', 'v2', 'b2')],
      state: book(),
      plan: { 's/a': 'blocked volume-shared', 't/a': 'blocked volume-shared', 't/b': 'restore first' },
    },
    'one done: the other goes': {
      specs: [A, spec('t/a', 'v1', 'c1')],
      state: book().put('s/a', 'v1', 'b1', 'succeeded'),
      plan: { 's/a': 'noop', 't/a': 'restore first' },
    },
    'one under way: it ends first': {
      specs: [A, spec('t/a', 'v1', 'c1')],
      state: book().put('s/a', 'v1', 'b1', 'running'),
      plan: { 's/a': 'resume', 't/a': 'blocked open-restore volume-shared' },
    },
    'one expired: the other goes': {
      specs: [spec('s/a', 'v1', 'b1', { valid_until: '2026-11-23T00:00:00Z' }), spec('t/a', 'v1', 'c1')],
      state: book(),
      plan: { 's/a': 'expired', 't/a': 'restore first' },
    },
    'one failed for good: the other goes': {
      specs: [A, spec('t/a', 'v1', 'c1')],
      state: book().put('s/a', 'v1', 'b1', 'failed maybe'),
      plan: { 's/a': 'blocked may-be-touched', 't/a': 'restore first' },
    },
    'left out by --target, it is still there': {
      specs: [A, spec('t/a', 'v1', 'c1')],
      state: book(),
      only: ['t/a'],
      plan: { 't/a': 'blocked volume-shared' },
    },
  });

  it('names three addresses of many', () => {
    const many = Array.from({ length: 9 }, (_, n) => spec(`s/r${n}`, 'v1', `b${n}`));
    const made = planOf(many, { offline: true });
    expect(said(made, 's/r1')).to.contain('s/r0, s/r2, s/r3 and 5 more would restore');
    expect(said(made, 's/r8')).to.contain('s/r0, s/r1, s/r2 and 5 more would restore');
  });
});
