import { expect } from 'chai';
import fc from 'fast-check';
import type { RestoreRecord } from '../../src/domain/record.ts';
import { advance, IllegalTransition, type RecordEvent } from '../../src/domain/record-transitions.ts';
import { type Change, emptyState, fold, type State } from '../../src/domain/state.ts';
import { ACTOR, AT, BASELINE, intendEvent, TARGET } from '../state/samples.ts';

/** Records of one restore, and states that hold them. */

export const A = 'set/a';
export const failure = { cause: 'status', message: 'no', status: 500 } as const;

/** The events of a restore; time is given to them when they happen. */
const EVENTS: readonly RecordEvent[] = [
  intendEvent(A),
  intendEvent(A, 2),
  { type: 'answer', at: AT, outcome: { kind: 'not_sent', failure } },
  { type: 'answer', at: AT, outcome: { kind: 'rejected', failure, again: 'later' } },
  { type: 'answer', at: AT, outcome: { kind: 'ambiguous', failure } },
  { type: 'observe', at: AT, history: { observations: [BASELINE] } },
  { type: 'settle', at: AT, for_ms: 120_000, seen: BASELINE },
  { type: 'accept', at: AT, job_id: 'job-1' },
  { type: 'adopt', at: AT },
  { type: 'succeed', at: AT },
  { type: 'fail', at: AT, reason: 'r', volume_changed: false },
  { type: 'fail', at: AT, reason: 'r', volume_changed: true },
  { type: 'mark_unknown', at: AT, reason: 'c', observations: [BASELINE] },
  ...(['succeeded', 'not-started', 'failed'] as const).map(
    (as) => ({ type: 'resolve', at: AT, resolution: { as, reason: 'looked', by: 'ada', at: AT } }) as const,
  ),
];
export const story = fc.array(fc.constantFrom(...EVENTS), { minLength: 1, maxLength: 12 });

/** Every record that a story makes, in order, a second apart. */
export function told(events: readonly RecordEvent[]): RestoreRecord[] {
  const records: RestoreRecord[] = [];
  for (const [index, event] of events.entries()) {
    const at = new Date(Date.parse(AT) + index * 1_000).toISOString();
    try {
      records.push(advance(records.at(-1), { ...event, at }));
    } catch (cause) {
      expect(cause).to.be.instanceOf(IllegalTransition);
    }
  }
  return records;
}

/** Nothing was done: the next attempt begins a new record. */
export function isFreshStart(record: RestoreRecord): boolean {
  return record.status === 'failed' && record.touched === 'no';
}

export function stateWith(...changes: Change[]): State {
  return fold(
    emptyState('line', TARGET, AT),
    changes.map((change, index) => ({ serial: index + 1, at: AT, actor: ACTOR, changes: [change] })),
  );
}

export const at = (second: number) => new Date(Date.parse(AT) + second * 1_000).toISOString();
export const intended = advance(undefined, intendEvent(A));
export const running = advance(intended, { type: 'accept', at: at(1), job_id: 'job-1' });
export const succeeded = advance(running, { type: 'succeed', at: at(2) });
const untouched = advance(intended, {
  type: 'answer',
  at: at(1),
  outcome: { kind: 'rejected', failure, again: 'never' },
});
export const settled = advance(untouched, {
  type: 'settle',
  at: at(2),
  for_ms: 1_000,
  seen: untouched.baseline,
});
export const failed = advance(settled, { type: 'fail', at: at(2), reason: 'no', volume_changed: false });
