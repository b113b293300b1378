import { expect } from 'chai';
import fc from 'fast-check';
import { runSync } from '../../src/domain/chunked-work.ts';
import { changesOf, mergeUnsaved } from '../../src/domain/merge-unsaved.ts';
import { type RestoreRecord, sameIdentity } from '../../src/domain/record.ts';
import { advance } from '../../src/domain/record-transitions.ts';
import { fold, type State } from '../../src/domain/state.ts';
import { ACTOR, AT, intendEvent, put } from '../state/samples.ts';
import {
  A,
  at,
  failed,
  failure,
  intended,
  isFreshStart,
  running,
  settled,
  stateWith,
  story,
  succeeded,
  told,
} from './record-stories.ts';

describe('records that a run could not save', () => {
  const kinds = (state: State, ...records: RestoreRecord[]) =>
    runSync(mergeUnsaved(state, records)).map(({ kind }) => kind);

  it('are merged if they continue the records of the state', () => {
    const state = stateWith(put(intended));
    const merges = runSync(mergeUnsaved(state, [running]));
    expect(merges).to.deep.equal([{ kind: 'taken', unsaved: running, record: running, before: 'intended' }]);
    const after = fold(state, [{ serial: 2, at: AT, actor: ACTOR, changes: changesOf(merges) }]);
    expect(after.records.get(A)).to.deep.equal(running);
    expect(kinds(after, running)).to.deep.equal(['known']);
  });

  it('count as known if the state has later records', () => {
    const state = stateWith(put(running), put(succeeded));
    expect(kinds(state, intended, running, succeeded)).to.deep.equal(['known', 'known', 'known']);
    const removed = stateWith(put(running), put(succeeded), { type: 'removed', address: A });
    expect(kinds(removed, running, succeeded)).to.deep.equal(['known', 'known']);
  });

  it('are merged at the current address of the restore', () => {
    const state = stateWith(put(intended), { type: 'moved', moves: [{ from: A, to: 'new/b' }] });
    expect(runSync(mergeUnsaved(state, [running]))[0]).to.deep.include({
      kind: 'taken',
      record: { ...running, address: 'new/b' },
    });
  });

  it('do not weaken the terms that the state has', () => {
    const terms = (state: State, told: object) => {
      const [merge] = runSync(mergeUnsaved(state, [{ ...running, ...told } as RestoreRecord]));
      const { protect, api, settle_ms } = merge?.kind === 'taken' ? merge.record : running;
      return [merge?.kind, protect, api, settle_ms];
    };
    const strict = { protect: true, api: 'vbs', settle_ms: 600_000 } as const;
    const state = stateWith(put({ ...intended, ...strict }));
    for (const told of [
      { api: undefined, settle_ms: undefined },
      { protect: false, api: 'cinder', settle_ms: 0 },
    ])
      expect(terms(state, told)).to.deep.equal(['taken', true, 'vbs', 600_000]);
    const none = stateWith(put(intended));
    expect(terms(none, strict)).to.deep.equal(['taken', true, 'vbs', 600_000]);
    expect(terms(stateWith(), { protect: false })).to.deep.equal(['taken', undefined, 'vbs', 120_000]);
  });

  it('are refused if they contradict the state', () => {
    const elsewhere = advance(advance(undefined, { ...intendEvent(A), at: at(5) }), {
      type: 'accept',
      at: at(6),
      job_id: 'job-2',
    });
    expect(kinds(stateWith(put(elsewhere)), running)).to.deep.equal(['refused']);
    expect(kinds(stateWith(put(succeeded)), elsewhere)).to.deep.equal(['refused']);
    const other = advance(undefined, { ...intendEvent(A, 2), at: at(9) });
    expect(kinds(stateWith(put(other)), running)).to.deep.equal(['refused']);
    const [refused] = runSync(mergeUnsaved(stateWith(put(elsewhere)), [running]));
    expect(refused).to.have.property('reason').that.includes('running').and.includes(at(6));
  });

  const ended = { finished_at: at(9), updated_at: at(9) };
  const { started_at: _, evidence: __, ...open } = running as RestoreRecord & { status: 'running' };
  const adopted = advance(
    advance(intended, { type: 'answer', at: at(1), outcome: { kind: 'ambiguous', failure } }),
    { type: 'adopt', at: at(2) },
  );
  const contradicted = advance(intended, {
    type: 'observe',
    at: at(1),
    history: { observations: [], contradiction: { at: at(1), reason: 'b' } },
  });
  const untried = { ...failed, attempts: [{ intended_at: AT }] };
  const word = { as: 'not-started', reason: 'r', by: 'ada', at: at(9) } as const;
  const done = { status: 'succeeded', ...ended } as const;
  const impossible: Readonly<Record<string, readonly [before: RestoreRecord, claimed: object]>> = {
    'a running one that did not touch its disk': [
      running,
      { ...open, ...ended, status: 'failed', touched: 'no', reason: 'r' },
    ],
    'an adopted one that did not touch its disk': [
      adopted,
      { ...adopted, ...ended, status: 'failed', touched: 'no', reason: 'r' },
    ],
    'an adopted one, settled, that did not touch its disk': [
      adopted,
      {
        ...adopted,
        ...ended,
        attempts: settled.attempts,
        status: 'failed',
        touched: 'no',
        reason: 'r',
      },
    ],
    'one without an answer that did not touch its disk': [intended, { ...untried, ...ended }],
    'a success that nobody saw under way': [
      intended,
      { ...intended, ...done, evidence: 'adopted', attempts: [] },
    ],
    'a yes in an attempt without one': [intended, { ...intended, ...done, evidence: 'accepted' }],
    'a yes that was settled': [
      intended,
      {
        ...failed,
        ...ended,
        attempts: running.attempts.map((each) => ({ ...each, settled: settled.attempts[0]?.settled })),
      },
    ],
    'two that were accepted': [
      intended,
      { ...running, updated_at: at(9), attempts: [...running.attempts, ...running.attempts] },
    ],
    'another job than was accepted': [running, { ...succeeded, ...ended, job_id: 'job-9' }],
    'other evidence than before': [running, { ...succeeded, ...ended, evidence: 'adopted' }],
    'one adopted that was contradicted': [contradicted, { ...adopted, updated_at: at(9) }],
    'the word of a person': [
      advance(running, { type: 'mark_unknown', at: at(2), reason: 'c', observations: [] }),
      { ...open, ...ended, status: 'failed', touched: 'no', reason: 'r', resolution: word },
    ],
    'an import': [
      failed,
      { ...intended, ...done, attempts: [], evidence: 'imported', resolution: { ...word, as: 'succeeded' } },
    ],
  };
  for (const [what, [before, claimed]] of Object.entries(impossible))
    it(`are refused if no run can write them: ${what}`, () => {
      expect(kinds(stateWith(put(before)), claimed as RestoreRecord)).to.deep.equal(['refused']);
    });

  it('are merged once for each address and restore', () => {
    const other = advance(undefined, { ...intendEvent(A, 2), at: at(9) });
    expect(kinds(stateWith(), running, other)).to.deep.equal(['taken', 'refused']);
    const elsewhere = { ...running, address: 'set/b' };
    expect(kinds(stateWith(put(intended)), running, elsewhere)).to.deep.equal(['taken', 'refused']);
  });

  it('are compared in steps, and none with all records of the state', () => {
    class Counted extends Map<string, RestoreRecord> {
      reads = 0;
      override values() {
        this.reads += 1;
        return super.values();
      }
    }
    const records = new Counted();
    for (let n = 0; n < 5_000; n++)
      records.set(`set/${n}`, { ...running, address: `set/${n}`, volume_id: `vol-${n}` });
    const work = mergeUnsaved({ ...stateWith(), records }, [...records.values()]);
    records.reads = 0;
    expect([...work]).to.have.length(5);
    expect(records.reads).to.equal(1);
  });

  it('are merged if the state does not know them, unless a newer record has their address', () => {
    expect(kinds(stateWith(), running)).to.deep.equal(['taken']);
    const past = advance(advance(undefined, { ...intendEvent(A, 2), at: AT }), {
      type: 'fail',
      at: AT,
      reason: 'r',
      volume_changed: false,
    });
    expect(kinds(stateWith(put(past)), running)).to.deep.equal(['taken']);
    const later = { ...past, updated_at: at(60) };
    expect(kinds(stateWith(put(later)), running)).to.deep.equal(['refused']);
  });

  it('give the same state whatever was lost at the end of a history', () => {
    fc.assert(
      fc.property(story, fc.nat(12), (events, cut) => {
        const records = told(events);
        const saved = records.slice(0, cut);
        const lost = records.at(-1);
        if (!lost || !records.every((each) => sameIdentity(each, lost))) return;
        if (records.slice(saved.length, -1).some(isFreshStart)) return;
        const state = stateWith(...saved.map(put));
        const [merge] = runSync(mergeUnsaved(state, [lost]));
        const isNews = saved.length < records.length;
        // What a person said is committed by its own command, or not at all.
        if (isNews && 'resolution' in lost) return void expect(merge?.kind).to.equal('refused');
        expect(merge?.kind).to.equal(isNews ? 'taken' : 'known');
        const changes = changesOf(merge ? [merge] : []);
        const after = fold(state, [{ serial: state.serial + 1, at: AT, actor: ACTOR, changes }]);
        expect(after.records.get(A)).to.deep.equal(lost);
      }),
      { numRuns: 1_000 },
    );
  });
});
