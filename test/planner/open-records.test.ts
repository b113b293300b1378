import { expect } from 'chai';
import { action, book, planOf, rule, said, spec } from './builders.ts';
import { checkAll } from './tables.ts';

const A = spec('s/a', 'v1', 'b1');

describe('the plan after a failed or unknown restore', () => {
  checkAll({
    'disk not touched: planned again': {
      specs: [A],
      state: book().put('s/a', 'v1', 'b1', 'failed no'),
      plan: { 's/a': 'restore again' },
    },
    'not touched, known only to the history, under another name': {
      specs: [A],
      state: book().put('s/z', 'v1', 'b1', 'failed no').put('s/z', 'v2', 'b2', 'succeeded'),
      plan: { 's/a': 'restore first', orphans: 's/z succeeded' },
    },
    'not touched, then done by its id: the rule is done, too': {
      specs: [spec('s/a', 'v1', rule())],
      state: book()
        .put('s/a', 'v1', 'b1', 'failed no', { selector: { as_of: 'latest' } })
        .put('s/a', 'v1', 'b1', 'succeeded'),
      plan: { 's/a': 'noop' },
    },
    'not touched, then done elsewhere: the newest fact counts': {
      specs: [A],
      state: book().put('s/a', 'v1', 'b1', 'failed no').put('s/z', 'v1', 'b1', 'succeeded'),
      plan: { 's/a': 'noop was s/z', moves: 's/z>s/a' },
    },
    'not touched where it stands, done where only the history tells': {
      specs: [A],
      state: book()
        .put('s/a', 'v1', 'b1', 'failed no')
        .put('s/z', 'v1', 'b1', 'succeeded')
        .put('s/z', 'v2', 'b2', 'succeeded'),
      plan: { 's/a': 'noop', orphans: 's/z succeeded' },
    },
    'done, and elsewhere said not to have started: done stays done': {
      specs: [A],
      state: book().put('s/a', 'v1', 'b1', 'succeeded').put('s/z', 'v1', 'b1', 'resolved not-started'),
      plan: { 's/a': 'noop', orphans: 's/z failed' },
    },
    'maybe touched: a person decides': {
      specs: [A],
      state: book().put('s/a', 'v1', 'b1', 'failed maybe'),
      plan: { 's/a': 'blocked may-be-touched' },
    },
    'maybe touched, raised': {
      specs: [spec('s/a', 'v1', 'b1', { generation: 2 })],
      state: book().put('s/a', 'v1', 'b1', 'failed maybe'),
      plan: { 's/a': 'restore again' },
    },
    'maybe touched, known only to the history, under another name': {
      specs: [A],
      state: book().put('s/z', 'v1', 'b1', 'failed maybe').put('s/z', 'v2', 'b2', 'succeeded'),
      plan: { 's/a': 'blocked may-be-touched', orphans: 's/z succeeded' },
    },
    'unknown: a person decides': {
      specs: [A],
      state: book().put('s/a', 'v1', 'b1', 'unknown'),
      plan: { 's/a': 'blocked outcome-unknown' },
    },
    'unknown, raised: it is still open': {
      specs: [spec('s/a', 'v1', 'b1', { generation: 2 })],
      state: book().put('s/a', 'v1', 'b1', 'unknown'),
      plan: { 's/a': 'blocked address-occupied', orphans: 's/a unknown' },
    },
    'resolved as succeeded': {
      specs: [A],
      state: book().put('s/a', 'v1', 'b1', 'resolved succeeded'),
      plan: { 's/a': 'noop' },
    },
    'resolved as not started': {
      specs: [A],
      state: book().put('s/a', 'v1', 'b1', 'resolved not-started'),
      plan: { 's/a': 'restore again' },
    },
    'resolved as failed': {
      specs: [A],
      state: book().put('s/a', 'v1', 'b1', 'resolved failed'),
      plan: { 's/a': 'blocked may-be-touched' },
    },
    'failed, touched, then found never to have started': {
      specs: [A],
      state: book().put('s/a', 'v1', 'b1', 'failed maybe').resolve('s/a', 'not-started'),
      plan: { 's/a': 'restore again' },
    },
  });

  it('names both remedies if both are possible', () => {
    const state = book().put('s/a', 'v1', 'b1', 'failed maybe');
    expect(said(planOf([A], { state }), 's/a'))
      .to.contain('raise generation to 2')
      .and.contain('vbsctl resolve s/a --as');
  });

  it('does not suggest to resolve a resolved record', () => {
    const state = book().put('s/a', 'v1', 'b1', 'resolved failed');
    expect(said(planOf([A], { state }), 's/a'))
      .to.contain('raise generation to 2')
      .and.not.contain('vbsctl resolve');
  });

  it('never suggests to resolve an address that another record has now', () => {
    const state = book().put('s/z', 'v1', 'b1', 'failed maybe').put('s/z', 'v2', 'b2', 'running');
    expect(said(planOf([A], { state }), 's/a'))
      .to.contain('raise generation')
      .and.not.contain('vbsctl resolve');
  });

  it('names a remedy if the state no longer has the unknown record', () => {
    const { state } = book().put('s/a', 'v1', 'b1', 'unknown');
    const forgotten = { ...state, records: new Map() };
    expect(said(planOf([A], { state: forgotten }), 's/a'))
      .to.contain('the disk moved')
      .and.contain('raise generation to 2')
      .and.not.contain('vbsctl resolve');
    const raised = spec('s/a', 'v1', 'b1', { generation: 2 });
    expect(planOf([raised], { state: forgotten }).actions[0]?.kind).to.equal('restore');
  });

  it('shows the last outcome', () => {
    const state = book().put('s/a', 'v1', 'b1', 'failed no');
    expect(action(planOf([A], { state }), 's/a', 'restore').changes).to.deep.include({
      field: 'last outcome',
      before: 'failed: the service said no',
      after: '',
    });
  });
});

describe('an open restore on the same disk or backup', () => {
  for (const end of ['intended', 'running', 'unknown'] as const)
    checkAll({
      [`${end} on the same disk, by an orphan`]: {
        specs: [spec('s/a', 'v1', 'c1')],
        state: book().put('s/z', 'v1', 'b1', end),
        plan: { 's/a': 'blocked open-restore', orphans: `s/z ${end}` },
      },
      [`${end} from the same backup, by an orphan`]: {
        specs: [spec('s/a', 'v2', 'b1')],
        state: book().put('s/z', 'v1', 'b1', end),
        plan: { 's/a': 'blocked open-restore', orphans: `s/z ${end}` },
      },
      [`${end} at the same address, on the same disk`]: {
        specs: [spec('s/a', 'v1', 'c1')],
        state: book().put('s/a', 'v1', 'b1', end),
        plan: { 's/a': 'blocked address-occupied', orphans: `s/a ${end}` },
      },
      [`${end} elsewhere: no matter`]: {
        specs: [spec('s/a', 'v2', 'c2')],
        state: book().put('s/z', 'v1', 'b1', end),
        plan: { 's/a': 'restore first', orphans: `s/z ${end}` },
      },
    });
  checkAll({
    'declared, from the same backup: resumed first': {
      specs: [A, spec('s/b', 'v2', 'b1')],
      state: book().put('s/a', 'v1', 'b1', 'running'),
      plan: { 's/a': 'resume', 's/b': 'restore first', notices: 'backup-of-another-volume' },
    },
    'left out by --target': {
      specs: [A, spec('s/b', 'v2', 'b1')],
      state: book().put('s/a', 'v1', 'b1', 'running'),
      only: ['s/b'],
      plan: { 's/b': 'blocked open-restore' },
    },
    'over: nothing in the way': {
      specs: [A, spec('s/b', 'v2', 'b1')],
      state: book().put('s/a', 'v1', 'b1', 'failed maybe'),
      plan: { 's/a': 'blocked may-be-touched', 's/b': 'restore first', notices: 'backup-of-another-volume' },
    },
    'does not hold up what is done': {
      specs: [A],
      state: book().put('s/a', 'v1', 'b1', 'succeeded').put('s/z', 'v2', 'b1', 'running'),
      plan: { 's/a': 'noop', orphans: 's/z running' },
    },
    'does not hold up what is itself under way': {
      specs: [A],
      state: book().put('s/a', 'v1', 'b1', 'running').put('s/z', 'v2', 'b1', 'running'),
      plan: { 's/a': 'resume', orphans: 's/z running' },
    },
  });

  it('is named with the remedy for its status', () => {
    const other = spec('s/b', 'v2', 'b1');
    const blockedBy = (end: 'intended' | 'running' | 'unknown', declared: boolean) =>
      said(
        planOf(declared ? [A, other] : [other], {
          state: book().put('s/a', 'v1', 'b1', end),
          only: ['s/b'],
        }),
        's/b',
      );
    expect(blockedBy('running', true))
      .to.contain('s/a is running on the same backup')
      .and.contain('disk v1 from backup b1, generation 1')
      .and.contain('vbsctl apply --target s/a')
      .and.not.contain('vbsctl resolve');
    expect(blockedBy('intended', false)).to.contain('s/a is begun on the same backup');
    expect(blockedBy('running', false)).to.contain('vbsctl wait s/a').and.contain('vbsctl resolve s/a');
    expect(blockedBy('unknown', true)).to.contain('vbsctl resolve s/a').and.not.contain('--target');
  });

  it('is named by its new address if it was renamed', () => {
    const state = book().put('s/old', 'v1', 'b1', 'running');
    expect(said(planOf([A, spec('s/b', 'v2', 'b1')], { state, only: ['s/b'] }), 's/b')).to.contain(
      'vbsctl apply --target s/a',
    );
  });

  it('is waited for if this plan resumes it', () => {
    const made = planOf([A, spec('s/b', 'v2', 'b1')], { state: book().put('s/a', 'v1', 'b1', 'running') });
    expect(action(made, 's/b', 'restore').waits_for[0]?.what).to.equal('s/a is resumed first');
  });

  it('is named once if it has both disk and backup', () => {
    const state = book().put('s/z', 'v1', 'b1', 'running');
    const made = planOf([spec('s/a', 'v1', 'b1', { generation: 2 })], { state });
    expect(action(made, 's/a', 'blocked').reasons).to.have.length(1);
  });

  it('is one of three named if there are many', () => {
    const state = book();
    for (let n = 0; n < 9; n++) state.put(`s/r${n}`, `w${n}`, 'b1', 'running');
    expect(action(planOf([A], { state }), 's/a', 'blocked').reasons).to.have.length(3);
  });
});
