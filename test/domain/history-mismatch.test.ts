import { expect } from 'chai';
import fc from 'fast-check';
import { historyMismatches } from '../../src/domain/history-mismatch.ts';
import { type RestoreRecord, sameIdentity } from '../../src/domain/record.ts';
import { type Change, type Commit, emptyState, fold, type State } from '../../src/domain/state.ts';
import { ACTOR, AT, everyKind, numbered, put, recordAfter, TARGET } from '../state/samples.ts';

const empty = emptyState('line', TARGET, AT);
const commit = (serial: number, ...changes: Change[]): Commit => ({ serial, at: AT, actor: ACTOR, changes });
const done = (address: string) =>
  recordAfter(address, { type: 'accept', at: AT }, { type: 'succeed', at: AT });

describe('records and history', () => {
  it('never contradict each other in a state made by commits', () => {
    const addresses = ['s/a', 's/b', 's/c'];
    const change: fc.Arbitrary<Change> = fc.oneof(
      fc
        .tuple(
          fc.constantFrom(...addresses),
          fc.constantFrom(recordAfter, done),
          fc.integer({ min: 1, max: 4 }),
        )
        .map(([address, make, generation]) => put({ ...make(address), generation })),
      fc.constantFrom(...everyKind()).map(put),
      fc.constantFrom(...addresses).map((address): Change => ({ type: 'removed', address })),
      fc.shuffledSubarray(addresses, { minLength: 2 }).map(
        (ring): Change => ({
          type: 'moved',
          moves: ring.map((from, index) => ({ from, to: ring[(index + 1) % ring.length] ?? from })),
        }),
      ),
      fc
        .tuple(fc.constantFrom(...addresses), fc.constantFrom('t/x', ...addresses))
        .filter(([from, to]) => from !== to)
        .map(([from, to]): Change => ({ type: 'moved', moves: [{ from, to }] })),
    );
    let moves = 0;
    fc.assert(
      fc.property(fc.array(change, { maxLength: 15 }), (changes) => {
        let state: State = empty;
        for (const each of changes) {
          // the same restore at two addresses, or anew after it is done: that the planner prevents
          if (each.type === 'record' && isKnown(state, each.record)) continue;
          try {
            state = fold(state, [commit(state.serial + 1, each)]);
            if (each.type === 'moved') moves += 1;
          } catch (cause) {
            expect(String(cause)).to.match(/nothing to (move|remove)|forgotten/);
          }
        }
        expect(historyMismatches(state)).to.deep.equal([]);
      }),
      { numRuns: 1_000 },
    );
    expect(moves).to.be.greaterThan(100);
  });

  function isKnown({ history, records }: State, record: RestoreRecord): boolean {
    return (
      history.some((entry) => entry.type === 'closed' && sameIdentity(entry.record, record)) ||
      [...records.values()].some((each) => sameIdentity(each, record) && each.address !== record.address)
    );
  }

  const state = fold(empty, [commit(1, put(done('s/a'))), commit(2, put(done('s/b')), numbered(1))]);
  const said = (changed: State) =>
    historyMismatches(changed).map(({ address, what }) => `${address}: ${what}`);
  const identityOf = ({ volume_id, backup_id, generation }: RestoreRecord) => ({
    volume_id,
    backup_id,
    generation,
  });
  const without = (map: State['records'], address: string) =>
    new Map([...map].filter(([each]) => each !== address));

  it('contradict each other if a restore began and its record is missing, of another restore, or ended', () => {
    const begun = 'set/r1';
    const record = state.records.get(begun) as RestoreRecord;
    expect(said({ ...state, records: without(state.records, begun) }).join()).to.match(
      /^set\/r1: there is no record, but the history says that a restore began \(disk .*\), and not that it ended$/,
    );
    const another = new Map(state.records).set(begun, { ...record, generation: 2 });
    expect(said({ ...state, records: another }).join()).to.match(
      /^set\/r1: the record is of another restore than the one that began last: .*generation 2, not .*generation 1$/,
    );
    const ended = new Map(state.records).set(begun, { ...done(begun), ...identityOf(record) });
    expect(said({ ...state, records: ended }).join()).to.match(
      /^set\/r1: the record is succeeded since .*, but the history has no end of the restore that began last/,
    );
    const again = new Map(state.records).set('s/a', recordAfter('s/a'));
    expect(said({ ...state, records: again }).join()).to.match(
      /s\/a: the record is begun, but the history does not say that this restore began after succeeded at /,
    );
    // As an earlier vbsctl left it.
    const unheard = new Map(state.records).set('s/c', recordAfter('s/c'));
    expect(said({ ...state, records: unheard })).to.deep.equal([]);
  });

  it('contradict each other if a running record has another job than its request, or that of another restore', () => {
    const running = (address: string, job_id: string) =>
      recordAfter(address, { type: 'accept', at: AT, job_id });
    const ended = recordAfter('s/a', { type: 'accept', at: AT, job_id: 'j1' }, { type: 'succeed', at: AT });
    const sound = fold(empty, [commit(1, put(ended)), commit(2, put(running('s/b', 'j2')))]);
    expect(said(sound)).to.deep.equal([]);
    const exchanged = { ...running('s/b', 'j2'), job_id: 'j1' } as RestoreRecord;
    expect(said({ ...sound, records: new Map(sound.records).set('s/b', exchanged) })).to.deep.equal([
      's/b: the record has job j1, but the cloud accepted its request as job j2',
    ]);
    const both = new Map(sound.records).set('s/b', running('s/b', 'j1'));
    expect(said({ ...sound, records: both }).join()).to.match(
      /^s\/b: its job j1 is that of another restore: succeeded at/,
    );
  });

  it('contradict each other if a record was removed, added or changed', () => {
    expect(said({ ...state, records: without(state.records, 's/a') }).join()).to.match(
      /^s\/a: there is no record, but the history has one, succeeded at .* and no entry that removed it$/,
    );
    expect(said({ ...state, history: state.history.slice(1) }).join()).to.match(
      /^s\/a: .*the history has no entry for it$/,
    );
    const changed = { ...done('s/a'), updated_at: '2026-12-01T00:00:00.000Z' };
    expect(said({ ...state, records: new Map(state.records).set('s/a', changed) }).join()).to.match(
      /^s\/a: .*2026-12-01.* but in the history/,
    );
    const other = { ...done('s/a'), backup_id: 'other' };
    expect(said({ ...state, records: new Map(state.records).set('s/a', other) }).join()).to.match(
      /^s\/a: the last entry of the history is another restore.*bak-s\/a.*other/,
    );
  });

  it('contradict each other if a record is open and the history has its success', () => {
    const open = { ...recordAfter('s/a') };
    expect(said({ ...state, records: new Map(state.records).set('s/a', open) }).join()).to.match(
      /^s\/a: the record is begun, but the history says that the same restore succeeded/,
    );
  });
});
