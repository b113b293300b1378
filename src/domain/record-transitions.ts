import type { Attachment, CloudApi, StartOutcome } from './cloud.ts';
import { doubtOf, wasEverInDoubt, worstDoubt } from './doubt.ts';
import { unreachable } from './errors.ts';
import {
  type Baseline,
  type Observation,
  type ObservationHistory,
  type SuccessProof,
  sameObservation,
} from './observation.ts';
import { optional } from './optional.ts';
import {
  type AcceptedAttempt,
  type Attempt,
  type FailedAttempt,
  type Identity,
  type Intended,
  isMaybeTouched,
  isOpen,
  isUnderWay,
  jobIdOf,
  type Names,
  type RecordBase,
  type Resolution,
  type RestoreRecord,
  type Succeeded,
  sameIdentity,
  settleMsOf,
  type UnansweredAttempt,
} from './record.ts';
import type { Address, Selector } from './spec.ts';

export type RecordEvent = { readonly at: string } & (
  | {
      /** The POST is about to be sent. Has all that a later process needs to judge what it did. */
      readonly type: 'intend';
      readonly address: Address;
      readonly identity: Identity;
      readonly names: Names;
      readonly baseline: Baseline;
      /** Where the volume was attached, as seen since it was planned. */
      readonly attached_before?: readonly Attachment[];
      /** As declared; absent if the declaration does not say. */
      readonly protect?: boolean;
      readonly api: CloudApi;
      /** `retry.settle` of this run. */
      readonly settle_ms: number;
    }
  /** The POST was not accepted: refused, not sent, or without a clear answer. */
  | {
      readonly type: 'answer';
      readonly written_late_ms?: number;
      readonly outcome: Exclude<StartOutcome, { kind: 'accepted' }>;
    }
  | {
      readonly type: 'accept';
      readonly job_id?: string;
      readonly request_id?: string;
      readonly written_late_ms?: number;
    }
  /** An observation that a later run needs, made while nothing can be decided yet. */
  | { readonly type: 'observe'; readonly history: ObservationHistory }
  /** No attempt so far started anything: the volume did not change for `for_ms`. */
  | { readonly type: 'settle'; readonly for_ms: number; readonly seen: Observation }
  /** The cloud has not accepted a request, but volume and backup prove that it started. */
  | { readonly type: 'adopt'; readonly history?: ObservationHistory }
  | { readonly type: 'succeed'; readonly observed?: SuccessProof }
  /** `volume_changed`: the volume no longer is as in the baseline. */
  | { readonly type: 'fail'; readonly reason: string; readonly volume_changed: boolean }
  | {
      readonly type: 'mark_unknown';
      readonly reason: string;
      readonly observations: readonly Observation[];
    }
  | { readonly type: 'resolve'; readonly resolution: Resolution }
  /** A rule that was written later selects the restored backup; the history keeps the rule of the restore. */
  | { readonly type: 'record_selector'; readonly selector: Selector }
  /** Its declaration has started to protect the volume, or has stopped. */
  | { readonly type: 'record_protect'; readonly protect: boolean }
  /** It was done outside of vbsctl: a job of the cloud or an operator says that it succeeded. */
  | {
      readonly type: 'import';
      readonly address: Address;
      readonly identity: Identity;
      readonly names: Names;
      /** As seen at the import. */
      readonly baseline: Baseline;
      readonly finished_at: string;
      readonly job_id?: string;
      readonly resolution: Resolution;
      readonly protect?: boolean;
    }
);

/**
 * The next record. Throws an Error if the step is not legal, which is a bug of the caller. `record` is the one at the
 * address now; a restore with another identity may follow only a record that is not open.
 *
 *     (none) ─import→ succeeded
 *     (none) ─intend→ intended ─accept→ running ─succeed→ succeeded
 *                      │  ↺ answer, settle,  │  ↺ observe
 *                      │    observe, intend  ├─fail→ failed
 *                      ├─adopt→ running      └─mark_unknown→ unknown
 *                      ├─fail→ failed
 *                      └─mark_unknown→ unknown ─resolve→ succeeded | failed
 *
 * `resolve` is also legal from intended, running, and failed if the volume may have been changed. A record that is not open
 * may be followed by `intend` or `import` of a new restore. `record_selector` is legal for a succeeded record,
 * `record_protect` for one that is succeeded or under way.
 */
export function advance(record: RestoreRecord | undefined, event: RecordEvent): RestoreRecord {
  if (event.type === 'intend') return intend(record, event);
  if (event.type === 'import') return imported(record, event);
  if (!record) throw new IllegalTransition(record, event, 'there is no record');
  switch (event.type) {
    case 'answer':
      return { ...intended(record, event), attempts: answered(record, event), updated_at: event.at };
    case 'accept': {
      const attempts = replaceLast(intended(record, event), event, {
        answer: 'accepted',
        answered_at: event.at,
        ...optional('job_id', event.job_id),
        ...optional('request_id', event.request_id),
        ...optional('written_late_ms', event.written_late_ms),
      });
      return {
        ...common(record, event),
        status: 'running',
        attempts,
        evidence: 'accepted',
        started_at: event.at,
        ...optional('job_id', event.job_id),
      };
    }
    case 'observe':
      if (!isUnderWay(record)) throw new IllegalTransition(record, event, 'it is not under way');
      return { ...record, observation_history: event.history, updated_at: event.at };
    case 'settle':
      return {
        ...intended(record, event),
        attempts: record.attempts.map((attempt) => settled(attempt, event)),
        updated_at: event.at,
      };
    case 'adopt':
      if (record.status !== 'intended') throw new IllegalTransition(record, event, 'no attempt is under way');
      if (!wasEverInDoubt(record.attempts))
        throw new IllegalTransition(record, event, 'no attempt can have started it');
      // Rule: contradicted-restore-is-not-recorded-as-ours
      if ((event.history ?? record.observation_history)?.contradiction)
        throw new IllegalTransition(record, event, 'what was seen cannot be this restore');
      return {
        ...common(record, event),
        status: 'running',
        evidence: 'adopted',
        started_at: event.at,
        ...optional('observation_history', event.history ?? record.observation_history),
      };
    case 'succeed': {
      if (record.status !== 'running')
        throw new IllegalTransition(record, event, 'only a running restore succeeds');
      return {
        ...common(record, event),
        status: 'succeeded',
        evidence: record.evidence,
        started_at: record.started_at,
        finished_at: event.at,
        ...optional('job_id', record.job_id),
        ...optional('observed', event.observed),
      };
    }
    case 'fail': {
      if (!isUnderWay(record)) throw new IllegalTransition(record, event, 'it is not under way');
      // Rule: untouched-only-if-nothing-reached-the-volume
      const clean =
        record.status === 'intended' &&
        !event.volume_changed &&
        // Rule: untouched-only-once-doubt-is-settled
        worstDoubt(record.attempts) === 'none';
      return {
        ...common(record, event),
        status: 'failed',
        touched: clean ? 'no' : 'maybe',
        reason: event.reason,
        finished_at: event.at,
        ...optional('job_id', jobIdOf(record)),
      };
    }
    case 'mark_unknown':
      if (!isUnderWay(record)) throw new IllegalTransition(record, event, 'it is not under way');
      return {
        ...common(record, event),
        status: 'unknown',
        reason: event.reason,
        observations: event.observations,
        ...optional('job_id', jobIdOf(record)),
      };
    case 'resolve':
      return resolve(record, event);
    case 'record_selector':
      if (record.status !== 'succeeded') throw new IllegalTransition(record, event, 'it is not done');
      // This is not a later attempt, so the times stay.
      return { ...record, selector: event.selector };
    case 'record_protect': {
      if (record.status !== 'succeeded' && !isUnderWay(record))
        throw new IllegalTransition(record, event, 'it is neither under way nor done');
      return { ...record, protect: event.protect, protect_changed_at: event.at };
    }
    default:
      return unreachable(event);
  }
}

export class IllegalTransition extends Error {
  constructor(record: RestoreRecord | undefined, event: RecordEvent, why: string) {
    super(
      `illegal transition: ${event.type} on ${record ? `${record.status} ${record.address}` : 'nothing'}: ${why}`,
    );
    this.name = 'IllegalTransition';
  }
}

/** Throws if the new restore may not follow the record. */
function mustAllowNew(
  record: RestoreRecord | undefined,
  event: RecordEvent & { type: 'intend' | 'import' },
): void {
  if (!record) return;
  if (record.address !== event.address)
    throw new IllegalTransition(record, event, 'its record is at another address');
  if (isOpen(record)) throw new IllegalTransition(record, event, 'its outcome is still open');
  if (record.status === 'succeeded' && sameIdentity(record, event.identity))
    throw new IllegalTransition(record, event, 'it is done');
}

function intend(record: RestoreRecord | undefined, event: RecordEvent & { type: 'intend' }): Intended {
  const fresh: UnansweredAttempt = { intended_at: event.at };
  const next = {
    status: 'intended',
    address: event.address,
    ...event.identity,
    names: event.names,
    baseline: event.baseline,
    updated_at: event.at,
    ...optional('attached_before', event.attached_before ?? attachedBefore(record, event.identity)),
    ...optional('protect', event.protect ?? protectBefore(record, event.identity)),
    api: event.api,
    settle_ms: settleMsOf(record?.status === 'intended' ? record : undefined, event.settle_ms),
  } as const;
  if (record?.status !== 'intended') {
    mustAllowNew(record, event);
    // Rule: maybe-touched-volume-is-not-intended-again
    if (record && isMaybeTouched(record) && sameIdentity(record, event.identity))
      throw new IllegalTransition(record, event, 'it may have touched the disk');
    return { ...next, attempts: [fresh] };
  }
  if (record.address !== event.address || !sameIdentity(record, event.identity))
    throw new IllegalTransition(record, event, 'another restore is intended here');
  const attempts = [...record.attempts, fresh];
  if (!wasEverInDoubt(record.attempts)) return { ...next, attempts };
  // Only the first baseline can show what an attempt in doubt did.
  if (!sameObservation(record.baseline, event.baseline))
    throw new IllegalTransition(record, event, 'the baseline of an attempt in doubt is never replaced');
  return {
    ...record,
    attempts,
    updated_at: event.at,
    ...optional('attached_before', next.attached_before),
    ...optional('protect', next.protect),
    settle_ms: next.settle_ms,
  };
}

/** A volume stays detached for the next try, so where it was attached is kept, unless the last restore succeeded. */
function attachedBefore(
  record: RestoreRecord | undefined,
  { volume_id }: Identity,
): RecordBase['attached_before'] {
  return record && record.status !== 'succeeded' && record.volume_id === volume_id
    ? record.attached_before
    : undefined;
}

function imported(record: RestoreRecord | undefined, event: RecordEvent & { type: 'import' }): Succeeded {
  const { address, identity, names, baseline, finished_at, job_id, resolution, protect, at } = event;
  mustAllowNew(record, event);
  return {
    status: 'succeeded',
    address,
    ...identity,
    names,
    baseline,
    attempts: [],
    evidence: 'imported',
    finished_at,
    updated_at: at,
    resolution,
    ...optional('job_id', job_id),
    ...optional('protect', protect ?? protectBefore(record, identity)),
  };
}

/** The next restore of the volume keeps a protection until a declaration says otherwise; it repeats no `protect: false`. */
function protectBefore(record: RestoreRecord | undefined, { volume_id }: Identity): true | undefined {
  return (record?.volume_id === volume_id && record.protect) || undefined;
}

function resolve(record: RestoreRecord, event: RecordEvent & { type: 'resolve' }): RestoreRecord {
  const resolvable = isOpen(record) || isMaybeTouched(record);
  if (!resolvable) throw new IllegalTransition(record, event, 'nothing about it is open');
  const { resolution } = event;
  const closed = {
    ...common(record, event),
    finished_at: event.at,
    resolution,
    ...optional('job_id', jobIdOf(record)),
  };
  switch (resolution.as) {
    case 'succeeded':
      return { ...closed, status: 'succeeded', evidence: 'resolved' };
    case 'not-started':
      return { ...closed, status: 'failed', touched: 'no', reason: 'resolved as not started' };
    case 'failed':
      return { ...closed, status: 'failed', touched: 'maybe', reason: 'resolved as failed' };
    default:
      return unreachable(resolution.as);
  }
}

function intended(record: RestoreRecord, event: RecordEvent): Intended {
  if (record.status !== 'intended') throw new IllegalTransition(record, event, 'no attempt is under way');
  return record;
}

function answered(record: RestoreRecord, event: RecordEvent & { type: 'answer' }): readonly Attempt[] {
  const { outcome } = event;
  return replaceLast(intended(record, event), event, {
    answered_at: event.at,
    answer: answerOf(outcome),
    failure: outcome.failure,
    ...optional('request_id', outcome.failure.request_id),
    ...optional('written_late_ms', event.written_late_ms),
  });
}

function settled(attempt: Attempt, { at, for_ms, seen }: RecordEvent & { type: 'settle' }): Attempt {
  return doubtOf(attempt) === 'none' ? attempt : { ...attempt, settled: { at, for_ms, seen } };
}

function answerOf(outcome: Exclude<StartOutcome, { kind: 'accepted' }>): FailedAttempt['answer'] {
  if (outcome.kind !== 'rejected') return outcome.kind;
  switch (outcome.again) {
    case 'later':
    case 'when_ready':
      return 'rejected_for_now';
    case 'reauthenticate':
      return 'unauthorized';
    case 'never':
      return 'rejected';
    default:
      return unreachable(outcome.again);
  }
}

function replaceLast(
  record: Intended,
  event: RecordEvent,
  answer: Omit<AcceptedAttempt, 'intended_at'> | Omit<FailedAttempt, 'intended_at'>,
): readonly Attempt[] {
  const last = record.attempts.at(-1);
  if (!last || last.answer !== undefined)
    throw new IllegalTransition(record, event, 'the last attempt is answered already');
  return [...record.attempts.slice(0, -1), { intended_at: last.intended_at, ...answer }];
}

/** What a record keeps in every status, at the time of the event. */
function common(record: RestoreRecord, event: RecordEvent): RecordBase {
  const kept = Object.entries(record).filter(([field]) => field in KEPT_IN_EVERY_STATUS);
  return { ...(Object.fromEntries(kept) as unknown as RecordBase), updated_at: event.at };
}

/** The fields of `RecordBase`; the compiler asks for each. */
const KEPT_IN_EVERY_STATUS: { readonly [Field in keyof Required<RecordBase>]: true } = {
  address: true,
  volume_id: true,
  backup_id: true,
  generation: true,
  selector: true,
  names: true,
  baseline: true,
  attempts: true,
  updated_at: true,
  attached_before: true,
  plan_digest: true,
  protect: true,
  protect_changed_at: true,
  api: true,
  settle_ms: true,
};

/** The record as a run writes it. A run without a saved plan keeps the digest of the plan that began the restore. */
export function writtenBy(record: RestoreRecord, planDigest: string | undefined): RestoreRecord {
  return planDigest === undefined ? record : { ...record, plan_digest: planDigest };
}
