import { expect } from 'chai';
import { acceptedState } from '../../src/domain/accept.ts';
import { runSync } from '../../src/domain/chunked-work.ts';
import { historyMismatches } from '../../src/domain/history-mismatch.ts';
import { type HistoryEntry, SERIAL_MAX, type State } from '../../src/domain/state.ts';
import type { Snapshot } from '../../src/state/codec.ts';
import { extendChain, findBreaks } from '../../src/state/history-chain.ts';
import { fingerprint, knownStateOf } from '../../src/state/known-states.ts';
import { stateFaults } from '../../src/state/state-faults.ts';
import { verify } from '../../src/state/verify.ts';
import { ACTOR, AT, sample } from './samples.ts';

const state = sample();
const sound: Snapshot = { state, chain: extendChain(state, []) };
const kinds = (snapshot: Snapshot, known = {}) =>
  runSync(stateFaults(snapshot, known)).map(({ kind }) => kind);
const edited = (index: number, { state: before, chain }: Snapshot = sound): Snapshot => ({
  state: {
    ...before,
    history: before.history.map((e, i) => (i === index ? { ...e, at: '2020-01-01T00:00:00.000Z' } : e)),
  },
  chain,
});
function accept({ state: before, chain }: Snapshot): Snapshot {
  const after = acceptedState(
    before,
    { reason: 'checked by hand', mismatches: historyMismatches(before) },
    { at: AT, actor: ACTOR },
  );
  return { state: after, chain: extendChain(after, chain) };
}
function commit({ state: before, chain }: Snapshot): Snapshot {
  const entry: HistoryEntry = {
    type: 'moved',
    from: 'x/a',
    to: 'x/b',
    serial: before.serial + 1,
    at: AT,
    actor: ACTOR,
  };
  const after: State = { ...before, serial: before.serial + 1, history: [...before.history, entry] };
  return { state: after, chain: extendChain(after, chain) };
}

describe('the verification of a state', () => {
  it('finds no fault in a state that vbsctl wrote', () => {
    expect(runSync(verify(sound))).to.deep.equal({
      entries: state.history.length,
      records: state.records.size,
      accepted: [],
      mismatches: [],
    });
  });

  it('names an accepted break, which covers the entries before it and none after', () => {
    for (const index of state.history.keys()) {
      const accepted = commit(accept(edited(index)));
      expect(runSync(verify(accepted)).broken).to.equal(undefined);
      expect(runSync(verify(accepted)).accepted.map((each) => each.index)).to.deep.equal([index]);
      expect(kinds(accepted)).to.deep.equal([]);
      // once more, before it and after it
      for (const again of accepted.state.history.keys())
        if (again !== index) expect(kinds(edited(again, accepted)), `${index} ${again}`).to.include('broken');
      const twice = accept(edited(again(accepted), accepted));
      expect(runSync(verify(twice)).broken).to.equal(undefined);
      expect(
        runSync(findBreaks(twice.state, twice.chain)).every((each) => each.accepted_by !== undefined),
      ).to.equal(true);
    }
    function again({ state: { history } }: Snapshot): number {
      return history.length - 1;
    }
  });

  it('ignores an acceptance whose own hash does not match', () => {
    const accepted = accept(edited(0));
    const forged = { ...accepted, chain: accepted.chain.with(-1, 'a'.repeat(64)) };
    expect(kinds(forged)).to.deep.equal(['broken']);
  });

  it('finds no contradiction of records once they are accepted', () => {
    const first = [...state.records.values()].find(({ status }) => status === 'succeeded');
    const wrong: State['records'][] = [
      new Map(),
      new Map([...state.records].filter(([, record]) => record !== first)),
      new Map(
        [...state.records].map(([key, record]) => [
          key,
          { ...record, updated_at: '2020-01-01T00:00:00.000Z' },
        ]),
      ),
      new Map([...state.records, ...(first ? [['x/y', { ...first, address: 'x/y' }] as const] : [])]),
    ];
    for (const records of wrong) {
      const snapshot = { state: { ...state, records }, chain: sound.chain };
      expect(kinds(snapshot)).to.include('contradictory');
      const accepted = accept(snapshot);
      expect(kinds(accepted)).to.deep.equal([]);
      expect(accepted.state.records).to.equal(records);
    }
  });

  it('detects an older state, another one with the same serial, and another lineage', () => {
    const known = knownStateOf(sound, 'here', AT);
    expect(kinds(sound, { of_lineage: known, here: known })).to.deep.equal([]);
    expect(kinds(sound, { of_lineage: { ...known, serial: known.serial + 1 } })).to.deep.equal(['older']);
    expect(
      kinds(sound, { of_lineage: { ...known, serial: known.serial - 1, fingerprint: 'x' } }),
    ).to.deep.equal([]);
    expect(kinds(sound, { of_lineage: { ...known, fingerprint: '1.1:x' } })).to.deep.equal(['differs']);
    for (const other of ['', '1.0:of-another-vbsctl'])
      expect(kinds(sound, { of_lineage: { ...known, fingerprint: other } })).to.deep.equal([]);
    expect(kinds(sound, { here: { ...known, lineage: 'another' } })).to.deep.equal(['other_lineage']);
    expect(kinds({ ...sound, state: { ...state, serial: 1 } })).to.deep.equal(['set_back']);
  });

  it('covers open records, target and serial by a fingerprint', () => {
    const open = [...state.records.values()].find(
      ({ status }) => status === 'running' || status === 'intended',
    );
    expect(open).to.not.equal(undefined);
    const changed: Partial<State>[] = [
      { serial: state.serial + 1 },
      { lineage: 'another' },
      { target: { ...state.target, project_id: 'another' } },
      { records: new Map([...state.records].filter(([, record]) => record !== open)) },
    ];
    for (const change of changed)
      expect(fingerprint({ ...sound, state: { ...state, ...change } })).to.not.equal(fingerprint(sound));
    expect(
      fingerprint({ ...sound, state: { ...state, records: new Map([...state.records].reverse()) } }),
    ).to.equal(fingerprint(sound));
  });

  it('gives an accepted state a serial above all known ones', () => {
    const over = { lineage: state.lineage, serial: 90 };
    const after = acceptedState(state, { reason: 'r', over, mismatches: [] }, { at: AT, actor: ACTOR });
    expect(after.serial).to.equal(91);
    // A memory that was poisoned is no reason to end up where no serial is left.
    const poisoned = { lineage: state.lineage, serial: SERIAL_MAX };
    expect(
      acceptedState(state, { reason: 'r', over: poisoned, mismatches: [] }, { at: AT, actor: ACTOR }).serial,
    ).to.equal(state.serial + 1);
    expect(after.history.at(-1)).to.deep.include({ type: 'state_accepted', over, reason: 'r', serial: 91 });
  });
});
