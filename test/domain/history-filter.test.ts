import { expect } from 'chai';
import { matchingEntries } from '../../src/domain/history-filter.ts';
import { type Change, emptyState, fold } from '../../src/domain/state.ts';
import { ACTOR, AT, put, recordAfter, TARGET } from '../state/samples.ts';

const done = (address: string, generation = 1) => ({
  ...recordAfter(address, { type: 'accept', at: AT }, { type: 'succeed', at: AT }),
  generation,
});
const changes: Change[] = [
  put(done('s/a')),
  put(done('s/b')),
  { type: 'moved', moves: [{ from: 's/a', to: 's/c' }] },
  put(done('s/c', 2)),
  { type: 'removed', address: 's/c' },
];
const { history } = fold(
  emptyState('line', TARGET, AT),
  changes.map((change, index) => ({
    serial: index + 1,
    at: `2026-11-2${index}T00:00:00.000Z`,
    actor: ACTOR,
    changes: [change],
  })),
);

describe('filtered entries of the history', () => {
  it('are all entries, oldest first, without a filter', () => {
    expect(matchingEntries(history, {})).to.deep.equal([0, 1, 2, 3, 4]);
  });

  it('include earlier addresses of the selected one', () => {
    expect(matchingEntries(history, { address: 's/c' })).to.deep.equal([0, 2, 3, 4]);
    expect(matchingEntries(history, { address: 's/b' })).to.deep.equal([1]);
    expect(matchingEntries(history, { address: 's/nothing' })).to.deep.equal([]);
  });

  it('can be selected by disk id or name, and by age', () => {
    expect(matchingEntries(history, { volume: 'vol-s/b' })).to.deep.equal([1]);
    expect(matchingEntries(history, { volume: 'data' })).to.deep.equal([0, 1, 3, 4]);
    const since_ms = Date.parse('2026-11-22T00:00:00Z');
    expect(matchingEntries(history, { since_ms })).to.deep.equal([2, 3, 4]);
    expect(matchingEntries(history, { since_ms, volume: 'vol-s/a' })).to.deep.equal([]);
  });
});
