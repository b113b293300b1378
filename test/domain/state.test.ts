import { expect } from 'chai';
import fc from 'fast-check';
import { type Change, type Commit, emptyState, fold, MutableState } from '../../src/domain/state.ts';
import { ACTOR, AT, everyKind, intendEvent, numbered, put, recordAfter, TARGET } from '../state/samples.ts';

const empty = emptyState('line', TARGET, AT);
const commits = (...groups: Change[][]): Commit[] =>
  groups.map((changes, index) => ({ serial: index + 1, at: AT, actor: ACTOR, changes }));

describe('the fold of commits', () => {
  it('keeps the last record of each address, and in the history each beginning and outcome', () => {
    const running = recordAfter('s/a', { type: 'accept', at: AT });
    const done = recordAfter('s/a', { type: 'accept', at: AT }, { type: 'succeed', at: AT });
    const state = fold(empty, commits([put(recordAfter('s/a'))], [put(running)], [put(done)]));
    expect(state.serial).to.equal(3);
    expect([...state.records]).to.deep.equal([['s/a', done]]);
    const { address, volume_id, backup_id, generation, names } = done;
    const begun = { type: 'begun', address, volume_id, backup_id, generation, names };
    expect(state.history).to.deep.equal([
      { ...begun, serial: 1, at: AT, actor: ACTOR },
      { type: 'closed', record: done, serial: 3, at: AT, actor: ACTOR },
    ]);
  });

  it('lets two records exchange addresses', () => {
    const swap: Change = {
      type: 'moved',
      moves: [
        { from: 's/r1', to: 's/r2' },
        { from: 's/r2', to: 's/r1' },
      ],
    };
    const at = (name: string) => recordAfter(`s/${name}`);
    const state = fold(empty, commits([put(at('r1')), put(at('r2'))], [swap]));
    expect(state.records.get('s/r1')).to.deep.equal({ ...at('r2'), address: 's/r1' });
    expect(state.records.get('s/r2')).to.deep.equal({ ...at('r1'), address: 's/r2' });
    expect(state.history.map((h) => h.type)).to.deep.equal(['begun', 'begun', 'moved', 'moved']);
  });

  it('does not change its input', () => {
    const before = fold(empty, commits([numbered(1)]));
    fold(before, [{ serial: 2, at: AT, actor: ACTOR, changes: [numbered(2)] }]);
    expect(before.records.size).to.equal(1);
  });

  it('moves a removed record into the history', () => {
    const done = recordAfter('s/a', { type: 'accept', at: AT }, { type: 'succeed', at: AT });
    const state = fold(empty, commits([put(done)], [{ type: 'removed', address: 's/a' }]));
    expect(state.records.size).to.equal(0);
    expect(state.history.at(-1)).to.deep.equal({
      type: 'removed',
      record: done,
      serial: 2,
      at: AT,
      actor: ACTOR,
    });
    const gone: Change = { type: 'removed', address: 's/a' };
    expect(() => fold(empty, commits([gone]))).to.throw(/nothing to remove/);
    expect(() => fold(empty, commits([put(recordAfter('s/a'))], [gone]))).to.throw(/forgotten/);
  });

  it('refuses a gap in the serials, a move of no record, and the removal of an open one', () => {
    const [one] = commits([numbered(1)]);
    expect(() => fold(empty, [{ ...(one as Commit), serial: 2 }])).to.throw(/does not follow/);
    expect(() => fold(empty, commits([{ type: 'moved', moves: [{ from: 's/x', to: 's/y' }] }]))).to.throw(
      /nothing to move/,
    );
    const other = { ...intendEvent('set/r1', 2).identity, generation: 2 };
    expect(() => fold(empty, commits([numbered(1)], [put({ ...recordAfter('set/r1'), ...other })]))).to.throw(
      /forgotten/,
    );
    const onto: Change = { type: 'moved', moves: [{ from: 'set/r2', to: 'set/r1' }] };
    expect(() => fold(empty, commits([numbered(1), numbered(2)], [onto]))).to.throw(/forgotten/);
  });

  it('gives the same state for any prefix and the rest', () => {
    const pool = [...everyKind().map(put), numbered(1), numbered(2)];
    fc.assert(
      fc.property(fc.array(fc.constantFrom(...pool), { maxLength: 12 }), fc.nat(12), (changes, cut) => {
        const all = commits(...changes.map((c) => [c]));
        const parts = fold(fold(empty, all.slice(0, cut)), all.slice(cut));
        expect(parts).to.deep.equal(fold(empty, all));
      }),
    );
  });
});

describe('MutableState', () => {
  it('shows no staged changes', () => {
    const state = new MutableState(empty);
    for (const commit of commits([numbered(1)], [numbered(2)])) state.stage(commit);
    expect(state.state()).to.deep.equal(empty);
    expect(state.next).to.equal(3);
    state.applyStaged();
    expect(state.state().serial).to.equal(2);
    expect(state.state().records.size).to.equal(2);
  });

  it('checks a commit against those staged before it', () => {
    const state = new MutableState(empty);
    const moved: Change = { type: 'moved', moves: [{ from: 'set/r1', to: 'set/r2' }] };
    for (const commit of commits([numbered(1)], [moved], [numbered(1)])) state.stage(commit);
    state.applyStaged();
    expect([...state.state().records.keys()].sort()).to.deep.equal(['set/r1', 'set/r2']);
  });
});
