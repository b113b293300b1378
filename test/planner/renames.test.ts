import { expect } from 'chai';
import { fold } from '../../src/domain/state.ts';
import { action, type Book, book, planOf, said, spec, story } from './builders.ts';
import { checkAll } from './tables.ts';

const I = { volume: 'v1', backup: 'b1' };
const J = { volume: 'v2', backup: 'b2' };
const K = { volume: 'v3', backup: 'b3' };
type End = Parameters<Book['put']>[3];
const put = (at: Book, address: string, what: { volume: string; backup: string }, end: End) =>
  at.put(address, what.volume, what.backup, end);
const as = (address: string, what: { volume: string; backup: string }) =>
  spec(address, what.volume, what.backup);

describe('renames', () => {
  checkAll({
    'a done restore': {
      specs: [as('s/b', I)],
      state: put(book(), 's/a', I, 'succeeded'),
      plan: { 's/b': 'noop was s/a', moves: 's/a>s/b' },
    },
    'into another set': {
      specs: [as('t/a', I)],
      state: put(book(), 's/a', I, 'succeeded'),
      plan: { 't/a': 'noop was s/a', moves: 's/a>t/a' },
    },
    'a running one is followed under its new name': {
      specs: [as('s/b', I)],
      state: put(book(), 's/a', I, 'running'),
      plan: { 's/b': 'resume was s/a', moves: 's/a>s/b' },
    },
    'an intended one as well': {
      specs: [as('s/b', I)],
      state: put(book(), 's/a', I, 'intended'),
      plan: { 's/b': 'resume was s/a', moves: 's/a>s/b' },
    },
    'one that failed before it touched the disk': {
      specs: [as('s/b', I)],
      state: put(book(), 's/a', I, 'failed no'),
      plan: { 's/b': 'restore again was s/a', moves: 's/a>s/b' },
    },
    'one that failed, and may have': {
      specs: [as('s/b', I)],
      state: put(book(), 's/a', I, 'failed maybe'),
      plan: { 's/b': 'blocked may-be-touched was s/a', moves: 's/a>s/b' },
    },
    'one whose outcome is unknown': {
      specs: [as('s/b', I)],
      state: put(book(), 's/a', I, 'unknown'),
      plan: { 's/b': 'blocked outcome-unknown was s/a', moves: 's/a>s/b' },
    },
    'an expired one that failed': {
      specs: [spec('s/b', 'v1', 'b1', { valid_until: '2026-11-23T00:00:00Z' })],
      state: put(book(), 's/a', I, 'failed no'),
      plan: { 's/b': 'expired was s/a', moves: 's/a>s/b' },
    },
    'what only the history knows stays where it is': {
      specs: [as('s/b', I), as('s/a', J)],
      state: put(put(book(), 's/a', I, 'succeeded'), 's/a', J, 'succeeded'),
      plan: { 's/b': 'noop', 's/a': 'noop' },
    },
    'back to the old name': {
      specs: [as('s/a', I)],
      state: put(book(), 's/a', I, 'succeeded').moves([{ from: 's/a', to: 's/b' }]),
      plan: { 's/a': 'noop was s/b', moves: 's/b>s/a' },
    },
    'copied: the old name keeps the record': {
      specs: [as('s/b', I), as('s/a', I)],
      state: put(book(), 's/a', I, 'succeeded'),
      plan: { 's/b': 'noop', 's/a': 'noop' },
    },
    'renamed while something new takes the old name': {
      specs: [as('s/a', J), as('s/b', I)],
      state: put(book(), 's/a', I, 'running'),
      plan: { 's/a': 'restore first', 's/b': 'resume was s/a', moves: 's/a>s/b' },
    },
    'renamed while something new on the same backup takes the old name': {
      specs: [spec('s/a', 'v2', 'b1'), as('s/b', I)],
      state: put(book(), 's/a', I, 'running'),
      plan: {
        's/a': 'restore first',
        's/b': 'resume was s/a',
        moves: 's/a>s/b',
        notices: 'backup-of-another-volume',
      },
    },
    'two names swapped, both running': {
      specs: [as('s/a', J), as('s/b', I)],
      state: put(put(book(), 's/a', I, 'running'), 's/b', J, 'running'),
      plan: { 's/a': 'resume was s/b', 's/b': 'resume was s/a', moves: 's/b>s/a s/a>s/b' },
    },
    'two names swapped, one failed: compared with its own past, not its neighbour’s': {
      specs: [as('s/a', J), as('s/b', I)],
      state: put(put(book(), 's/a', I, 'failed no'), 's/b', J, 'succeeded'),
      plan: { 's/a': 'noop was s/b', 's/b': 'restore again was s/a', moves: 's/b>s/a s/a>s/b' },
    },
    'swapped, with --target on one: both move, for one must make room': {
      specs: [as('s/a', J), as('s/b', I)],
      state: put(put(book(), 's/a', I, 'running'), 's/b', J, 'running'),
      only: ['s/a'],
      plan: { 's/a': 'resume was s/b', moves: 's/b>s/a s/a>s/b' },
    },
    'a chain of renames': {
      specs: [as('s/b', I), as('s/c', J), as('s/d', K)],
      state: put(put(put(book(), 's/a', I, 'running'), 's/b', J, 'running'), 's/c', K, 'running'),
      plan: {
        's/b': 'resume was s/a',
        's/c': 'resume was s/b',
        's/d': 'resume was s/c',
        moves: 's/a>s/b s/b>s/c s/c>s/d',
      },
    },
  });
});

describe('renames onto an address that has a record', () => {
  checkAll({
    'a done one of nobody: it stays in the history': {
      specs: [as('s/b', I)],
      state: put(put(book(), 's/a', I, 'succeeded'), 's/b', J, 'succeeded'),
      plan: { 's/b': 'noop was s/a', moves: 's/a>s/b' },
    },
    'an open one of nobody stays, and so does what is done': {
      specs: [as('s/b', I)],
      state: put(put(book(), 's/a', I, 'succeeded'), 's/b', J, 'running'),
      plan: { 's/b': 'noop', orphans: 's/b running' },
    },
    'an open one of nobody holds up what is under way': {
      specs: [as('s/b', I)],
      state: put(put(book(), 's/a', I, 'running'), 's/b', J, 'unknown'),
      plan: { 's/b': 'blocked address-occupied', orphans: 's/b unknown' },
    },
    'an open one of nobody holds up a new restore': {
      specs: [as('s/b', I)],
      state: put(book(), 's/b', J, 'running'),
      plan: { 's/b': 'blocked address-occupied', orphans: 's/b running' },
    },
    'an open one of nobody, and its own outcome is unknown': {
      specs: [as('s/b', I)],
      state: put(put(book(), 's/a', I, 'unknown'), 's/b', J, 'running'),
      plan: { 's/b': 'blocked outcome-unknown address-occupied', orphans: 's/b running' },
    },
    'an open one of nobody, and its own failed': {
      specs: [as('s/b', I)],
      state: put(put(book(), 's/a', I, 'failed maybe'), 's/b', J, 'running'),
      plan: { 's/b': 'blocked may-be-touched address-occupied', orphans: 's/b running' },
    },
    'half a swap: the other half is not declared any more': {
      specs: [as('s/a', J)],
      state: put(put(book(), 's/a', I, 'running'), 's/b', J, 'running'),
      plan: { 's/a': 'blocked address-occupied', orphans: 's/a running' },
    },
    'a chain whose end is taken: nothing of it moves': {
      specs: [as('s/b', I), as('s/c', J), as('s/d', K)],
      state: put(
        put(put(put(book(), 's/a', I, 'running'), 's/b', J, 'running'), 's/c', K, 'running'),
        's/d',
        { volume: 'v4', backup: 'b4' },
        'unknown',
      ),
      plan: {
        's/b': 'blocked address-occupied',
        's/c': 'blocked address-occupied',
        's/d': 'blocked address-occupied',
        orphans: 's/d unknown',
      },
    },
    'a chain whose end is taken, with a closed one in the middle: that is overwritten': {
      specs: [as('s/b', I), as('s/c', J), as('s/d', K)],
      state: put(
        put(put(put(book(), 's/a', I, 'running'), 's/b', J, 'succeeded'), 's/c', K, 'running'),
        's/d',
        { volume: 'v4', backup: 'b4' },
        'unknown',
      ),
      plan: {
        's/b': 'resume was s/a',
        's/c': 'noop',
        's/d': 'blocked address-occupied',
        moves: 's/a>s/b',
        orphans: 's/d unknown',
      },
    },
  });

  it('names the record that cannot move, and the remedy', () => {
    const state = put(put(book(), 's/a', I, 'running'), 's/b', J, 'running');
    expect(said(planOf([as('s/b', I)], { state }), 's/b'))
      .to.contain('another restore at s/b is running')
      .and.contain('the record of this restore (running) is at s/a')
      .and.contain('vbsctl resolve s/b');
    const unknown = put(book(), 's/b', J, 'unknown');
    expect(said(planOf([as('s/b', I)], { state: unknown }), 's/b'))
      .to.contain('vbsctl resolve s/b')
      .and.not.contain('vbsctl wait');
  });

  it('keep an overwritten record as done in the history', () => {
    const before = put(put(book(), 's/a', I, 'succeeded'), 's/b', J, 'succeeded').state;
    const { moves } = planOf([as('s/b', I)], { state: before });
    const at = '2026-11-24T00:00:00Z';
    const actor = { who: 'ada@bench', operation: 'apply', version: '0.1.0' };
    const after = fold(before, [
      { serial: before.serial + 1, at, actor, changes: [{ type: 'moved', moves }] },
    ]);
    expect(planOf([as('s/c', J)], { state: after }).actions[0]?.kind).to.equal('noop');
  });
});

describe('orphans', () => {
  checkAll({
    'are what nothing declares': {
      specs: [as('s/a', I)],
      state: put(put(put(book(), 's/a', I, 'succeeded'), 's/b', J, 'succeeded'), 's/c', K, 'running'),
      plan: { 's/a': 'noop', orphans: 's/b succeeded, s/c running' },
    },
    'are not what --target leaves out': {
      specs: [as('s/a', I), as('s/b', J)],
      state: put(put(book(), 's/a', I, 'succeeded'), 's/b', J, 'running'),
      only: ['s/a'],
      plan: { 's/a': 'noop' },
    },
    'are not what a declaration supersedes': {
      specs: [as('s/a', J)],
      state: put(book(), 's/a', I, 'failed maybe'),
      plan: { 's/a': 'restore again' },
    },
  });

  it('list the disk and backup that they block', () => {
    const state = put(book(), 's/a', I, 'running');
    expect(planOf([], { state }).orphans).to.deep.equal([
      { address: 's/a', status: 'running', volume_id: 'v1', backup_id: 'b1' },
    ]);
  });
});

describe('resume', () => {
  it('carries the record, its pin, and what the manifest says now', () => {
    const state = book().put('s/a', 'v1', 'b1', 'running', { selector: { as_of: 'latest' } });
    const declared = spec('s/a', 'v1', 'b1', { timeout_ms: 5, expect: { size: 99 }, depends_on: ['s/x'] });
    const made = action(planOf([declared], { state }), 's/a', 'resume');
    expect(made).to.include({ timeout_ms: 5, generation: 1 });
    expect(made.record).to.equal(state.state.records.get('s/a'));
    expect(made.expect).to.deep.equal({ size: 99 });
    expect(made.backup).to.include({ id: 'b1' });
    // The next intent writes the rule down again, else it would be forgotten.
    expect(made.selector).to.deep.equal({ as_of: 'latest' });
  });

  it('takes the rule of the manifest over the one of the record', () => {
    const state = book().put('s/a', 'v1', 'd1', 'intended', { selector: { as_of: 'latest' } });
    const selector = { as_of: '2026-11-23T12:00:00Z' };
    const made = planOf([spec('s/a', 'v1', { by: 'selector', selector })], { state });
    expect(action(made, 's/a', 'resume').selector).to.deep.equal(selector);
  });

  checkAll({
    'also after valid_until': {
      specs: [spec('s/a', 'v1', 'b1', { valid_until: '2026-11-23T00:00:00Z' })],
      state: put(book(), 's/a', I, 'running'),
      plan: { 's/a': 'resume' },
    },
    'also when disk or backup cannot be seen': {
      specs: [as('s/a', I)],
      state: put(book(), 's/a', I, 'running'),
      cloud: { volumes: [], backups: [] },
      plan: { 's/a': 'resume' },
    },
  });

  for (const end of ['intended', 'running', 'unknown'] as const)
    it(`never applies to a restore that is only in the history (${end})`, () => {
      const { state } = put(book(), 's/a', I, end);
      const actor = { who: 'ada@bench', operation: 'apply', version: '0.1.0' };
      const history = [...state.records.values()].map(
        (record) => ({ type: 'closed', record, serial: 1, at: record.updated_at, actor }) as const,
      );
      const made = planOf([as('s/a', I)], { state: { ...state, records: new Map(), history } });
      expect(story(made)).to.deep.equal({ 's/a': 'blocked outcome-unknown' });
    });
});
