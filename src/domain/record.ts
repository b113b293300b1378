import type { Attachment, CloudFailure, StartOutcome } from './cloud.ts';
import { unreachable } from './errors.ts';
import { optional } from './optional.ts';
import type { Address, Selector } from './spec.ts';

/**
 * What is known of one restore, and the only legal steps from one to the next. Planner, executor and
 * state all use this union.
 *
 *     (none) ─import→ succeeded
 *     (none) ─intend→ intended ─accept→ running ─succeed→ succeeded
 *                      │  ↺ answer, settle,  │  ↺ observe
 *                      │    observe, intend  ├─fail→ failed
 *                      ├─adopt→ running      └─lose→ unknown
 *                      ├─fail→ failed
 *                      └─lose→ unknown ─resolve→ succeeded | failed
 *
 * `resolve` is also legal from intended, running, and failed where the disk may have been touched; a closed record may be
 * followed by `intend` or `import` of a new restore, and a succeeded one by `note_rule` and `note_protect`.
 */
export type RestoreRecord = Intended | Running | Succeeded | Failed | Unknown;

/** What makes a restore the same restore, whatever it is called (the target is the state's own). */
export interface Identity {
  readonly volume_id: string;
  readonly backup_id: string;
  readonly generation: number;
  /** Present when the manifest gave a rule, not an id: then this rule at this generation is done, too. */
  readonly selector?: Selector;
}

/** For people: what the two ids stood for when the restore was first attempted. */
export interface Names {
  readonly volume_name: string;
  readonly backup_name: string;
  readonly backup_created_at: string;
  /** GB, of the backup. */
  readonly size: number;
}

interface Common extends Identity {
  readonly address: Address;
  readonly names: Names;
  readonly baseline: Baseline;
  readonly attempts: readonly Attempt[];
  /** When the record last changed. */
  readonly updated_at: string;
  /** Where the disk was attached before it was detached for this; absent when nobody saw it attached. */
  readonly attached_before?: readonly Attachment[];
  /** The saved plan that began it, or went on with it. */
  readonly plan_digest?: string;
  /** Once it is done, nothing else is restored into its disk, whatever manifests are read. */
  readonly protect?: true;
  /** `retry.settle` of the runs that sent it, the longest; absent in states of earlier releases. See `settleMsOf`. */
  readonly settle_ms?: number;
}

/** A POST may have left; its answer is not known (last attempt without `answer`) or was no yes. */
export interface Intended extends Common {
  readonly status: 'intended';
  /** Since the first attempt in doubt. */
  readonly history?: LookHistory;
}

/** The cloud is doing it. */
export interface Running extends Common {
  readonly status: 'running';
  /** Adopted: since the first attempt in doubt; accepted: since the yes. */
  readonly history?: LookHistory;
  readonly evidence: Evidence;
  readonly started_at: string;
  readonly job_id?: string;
}

/** The cloud showed that it did it, or a person said so (`resolution`). */
export interface Succeeded extends Common {
  readonly status: 'succeeded';
  readonly evidence: Evidence | 'resolved' | 'imported';
  readonly started_at?: string;
  readonly finished_at: string;
  readonly job_id?: string;
  readonly resolution?: Resolution;
  /** What the cloud showed; absent where a person said so, and in states written by vbsctl 0.1.0. */
  readonly observed?: Observed;
}

export interface Failed extends Common {
  readonly status: 'failed';
  /** `no` only if nothing that was sent can have reached the disk. */
  readonly touched: 'no' | 'maybe';
  readonly reason: string;
  readonly finished_at: string;
  readonly job_id?: string;
  readonly resolution?: Resolution;
}

/** Nobody can tell; a person has to look. */
export interface Unknown extends Common {
  readonly status: 'unknown';
  readonly cause: string;
  readonly observations: readonly Observation[];
  readonly job_id?: string;
}

/** `accepted`: the POST was answered with a yes. `adopted`: no answer, but the cloud was seen doing it. */
export type Evidence = 'accepted' | 'adopted';

/** One request for the restore, from its durable intent on. */
export type Attempt = UnansweredAttempt | AcceptedAttempt | FailedAttempt;

interface AnyAttempt {
  readonly intended_at: string;
  /** Present: it was found out that this attempt did not start anything. */
  readonly settled?: Settlement;
}

/** It is on its way, or the process ended before it wrote down what came. */
export interface UnansweredAttempt extends AnyAttempt {
  readonly answer?: undefined;
  readonly answered_at?: undefined;
  readonly request_id?: undefined;
  readonly written_late_ms?: undefined;
  readonly job_id?: undefined;
  readonly failure?: undefined;
}

interface AnyAnswer extends AnyAttempt {
  readonly answered_at: string;
  readonly request_id?: string;
  /**
   * The request was written this long after it was last asked whether it may be sent, when it should not have been sent any
   * more: the process was frozen in between. Another run may have taken over meanwhile. Evidence for people; it changes no
   * verdict.
   */
  readonly written_late_ms?: number;
}

/** The cloud promised to do it. */
export interface AcceptedAttempt extends AnyAnswer {
  readonly answer: 'accepted';
  readonly job_id?: string;
  readonly failure?: undefined;
}

/** No promise came. */
export interface FailedAttempt extends AnyAnswer {
  readonly answer: 'not_sent' | 'rejected' | 'rejected_for_now' | 'unauthorized' | 'ambiguous';
  readonly failure: CloudFailure;
  readonly job_id?: undefined;
}

/** Why an attempt in doubt no longer is: the disk was looked at until settle had passed, and had not moved. */
export interface Settlement {
  readonly at: string;
  /** How long it was looked at, ms. */
  readonly for_ms: number;
  /** The last look. */
  readonly seen: Observation;
}

/** Disk and backup as one look saw them. */
export interface Observation {
  readonly at: string;
  readonly volume: Seen;
  readonly backup: Seen;
  /**
   * Both were so at one instant: the backup was read again after the disk, then the disk again, and the disk was the
   * same. Without it, the two readings overlap, and a change may lie between them.
   */
  readonly confirmed?: true;
}

/** What looks have shown so far that an outcome may rest on (`look-history.ts` keeps it). */
export interface LookHistory {
  /** Oldest first; only those that showed something else than the one before. */
  readonly looks: readonly Observation[];
  /** Present: what is being restored into the disk is not ours, whatever later looks show. */
  readonly contradiction?: Contradiction;
}

export interface Contradiction {
  readonly at: string;
  /** For people; a clause without a full stop. */
  readonly because: string;
}

/** The last reading of everything on which `succeeded` rests. */
export interface Observed {
  readonly at: string;
  readonly job?: { readonly id: string; readonly status: string };
  readonly volume?: Seen;
  readonly backup?: Seen;
}

/** What the cloud showed of a disk or a backup, or why it showed nothing. */
export type Seen = Shown | NotShown;

export interface Shown {
  readonly reading?: undefined;
  /** As the cloud names it. */
  readonly status: string;
  readonly updated_at?: string;
  readonly src_backup_id?: string;
}

export interface NotShown {
  readonly reading: 'gone' | 'unreadable';
}

export function isShown(seen: Seen): seen is Shown {
  return seen.reading === undefined;
}

/** For people: the status, or why there is none. */
export function statusOf(seen: Seen): string {
  return seen.reading ?? seen.status;
}

/** Disk and backup were both found. */
export interface FullObservation extends Observation {
  readonly volume: Shown;
  readonly backup: Shown;
}

export function isFull(seen: Observation): seen is FullObservation {
  return isShown(seen.volume) && isShown(seen.backup);
}

/** The observation from before the first attempt; both were `available`. */
export type Baseline = FullObservation;

export interface Resolution {
  readonly as: 'succeeded' | 'not-started' | 'failed';
  readonly reason: string;
  readonly by: string;
  readonly at: string;
}

export type RecordEvent =
  /** About to POST. Carries all that a later process needs to judge what came of it. */
  | {
      readonly type: 'intend';
      readonly at: string;
      readonly address: Address;
      readonly identity: Identity;
      readonly names: Names;
      readonly baseline: Baseline;
      /** As seen since it was planned. */
      readonly attached_before?: readonly Attachment[];
      /** As declared; absent where the declaration does not say. */
      readonly protect?: boolean;
      /** `retry.settle` of this run. */
      readonly settle_ms?: number;
    }
  /** The POST was answered, or was not sent; not with a yes. */
  | {
      readonly type: 'answer';
      readonly at: string;
      readonly written_late_ms?: number;
      readonly outcome: Exclude<StartOutcome, { kind: 'accepted' }>;
    }
  | {
      readonly type: 'accept';
      readonly at: string;
      readonly job_id?: string;
      readonly request_id?: string;
      readonly written_late_ms?: number;
    }
  /** A look that a later run has to know of, made while nothing can be decided yet. */
  | { readonly type: 'observe'; readonly at: string; readonly history: LookHistory }
  /** It was found out that no attempt so far started anything: the disk did not move for `for_ms`. */
  | { readonly type: 'settle'; readonly at: string; readonly for_ms: number; readonly seen: Observation }
  /** Nobody said yes, but disk and backup are seen restoring and were not before. */
  | { readonly type: 'adopt'; readonly at: string; readonly history?: LookHistory }
  | { readonly type: 'succeed'; readonly at: string; readonly observed?: Observed }
  /** `moved`: the disk no longer looks as in the baseline. */
  | { readonly type: 'fail'; readonly at: string; readonly reason: string; readonly moved: boolean }
  | {
      readonly type: 'lose';
      readonly at: string;
      readonly cause: string;
      readonly observations: readonly Observation[];
    }
  | { readonly type: 'resolve'; readonly at: string; readonly resolution: Resolution }
  /** A rule that was written later picks what is done; the rule it was done under stays in the history. */
  | { readonly type: 'note_rule'; readonly at: string; readonly selector: Selector }
  /** Its declaration protects the disk since, or no longer does. */
  | { readonly type: 'note_protect'; readonly at: string; readonly protect: boolean }
  /** It was done by hand: by a job that the cloud says succeeded, or by a person's word. */
  | {
      readonly type: 'import';
      readonly at: string;
      readonly address: Address;
      readonly identity: Identity;
      readonly names: Names;
      /** As seen now, long after. */
      readonly baseline: Baseline;
      readonly finished_at: string;
      readonly job_id?: string;
      readonly resolution: Resolution;
      readonly protect?: boolean;
    };

/**
 * What people are shown for a status. `intended` sounds as if nothing had happened yet, and a request may have left;
 * the JSON keeps the ledger’s own word.
 */
export function statusWord(status: RestoreRecord['status']): string {
  return status === 'intended' ? 'begun' : status;
}

/** Records whose outcome is still to come: they block every other start on their disk and backup. */
export function isOpen(record: RestoreRecord): record is Intended | Running | Unknown {
  return record.status === 'intended' || record.status === 'running' || record.status === 'unknown';
}

/** Restores that were begun and whose end a run can still establish. */
export type UnderWay = Intended | Running;

export function isUnderWay(record: RestoreRecord): record is UnderWay {
  return record.status === 'intended' || record.status === 'running';
}

/** It failed, and nobody knows whether the disk was written. */
export function isMaybeTouched(record: RestoreRecord): record is Failed & { readonly touched: 'maybe' } {
  return record.status === 'failed' && record.touched === 'maybe';
}

/**
 * How sure it is that an attempt did nothing. `none`: certainly nothing, for not a byte was sent. `possible_duplicate`: it
 * was answered with a no, whatever its status, that may belong to a second copy of the request (a gateway that repeated it,
 * whose second copy may meet a token that has ended), or that may have crossed its own effect. `full`: nobody knows.
 * Unless it is `none`, nothing is repeated or called untouched before settle has passed.
 */
export type Doubt = 'none' | 'possible_duplicate' | 'full';

/** As it stands now: what was settled is no doubt any more. */
export function doubtOf(attempt: Attempt): Doubt {
  // Rule: settled-doubt-does-not-return
  return attempt.settled ? 'none' : doubtWhenSent(attempt);
}

/** As it was before anybody looked. What was ever in doubt keeps its baseline: only that can show a start after all. */
export function doubtWhenSent(attempt: Attempt): Doubt {
  switch (attempt.answer) {
    // Rule: unanswered-attempt-is-in-doubt
    case undefined:
    // Rule: ambiguous-attempt-is-in-doubt
    case 'ambiguous':
    case 'accepted':
      return 'full';
    // Rule: refusal-for-now-may-answer-a-copy
    case 'rejected_for_now':
    case 'rejected':
    // Rule: refused-token-may-answer-a-copy
    case 'unauthorized':
      return 'possible_duplicate';
    // Rule: unsent-attempt-is-in-no-doubt
    case 'not_sent':
      return 'none';
    default:
      return unreachable(attempt);
  }
}

export function worstDoubt(attempts: readonly Attempt[]): Doubt {
  return worst(attempts.map(doubtOf));
}

/** Whether something that was sent can have started it, settled or not. */
export function wasEverInDoubt(attempts: readonly Attempt[]): boolean {
  return worst(attempts.map(doubtWhenSent)) !== 'none';
}

function worst(doubts: readonly Doubt[]): Doubt {
  return doubts.includes('full')
    ? 'full'
    : doubts.includes('possible_duplicate')
      ? 'possible_duplicate'
      : 'none';
}

/**
 * How long a request for it may still take effect, ms: as this run is configured, or as a run was that sent one, whichever
 * is longer. `wait` and `resolve` read no manifests, and so not the config beside them.
 */
export function settleMsOf(record: Pick<Common, 'settle_ms'> | undefined, configuredMs: number): number {
  return Math.max(configuredMs, record?.settle_ms ?? 0);
}

export function sameIdentity(a: Identity, b: Identity): boolean {
  return a.volume_id === b.volume_id && a.backup_id === b.backup_id && a.generation === b.generation;
}

/** For people. */
export function identityText({ volume_id, backup_id, generation }: Identity): string {
  return `disk ${volume_id} from backup ${backup_id}, generation ${generation}`;
}

/** Equal exactly for the same identity, as a key of a map. */
export function identityKey({ volume_id, backup_id, generation }: Identity): string {
  return `${volume_id} from ${backup_id} #${generation}`;
}

/**
 * The next record, or an Error when the step is not legal: that is a bug in the caller, never a condition
 * of the world. `record` is what stands at the address now; a new identity may follow only a closed one.
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
        ...common(record),
        status: 'running',
        attempts,
        evidence: 'accepted',
        started_at: event.at,
        updated_at: event.at,
        ...optional('job_id', event.job_id),
      };
    }
    case 'observe':
      if (!isUnderWay(record)) throw new IllegalTransition(record, event, 'it is not under way');
      return { ...record, history: event.history, updated_at: event.at };
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
      if ((event.history ?? record.history)?.contradiction)
        throw new IllegalTransition(record, event, 'what was seen cannot be this restore');
      return {
        ...common(record),
        status: 'running',
        evidence: 'adopted',
        started_at: event.at,
        updated_at: event.at,
        ...optional('history', event.history ?? record.history),
      };
    case 'succeed': {
      if (record.status !== 'running')
        throw new IllegalTransition(record, event, 'only a running restore succeeds');
      return {
        ...common(record),
        status: 'succeeded',
        evidence: record.evidence,
        started_at: record.started_at,
        finished_at: event.at,
        updated_at: event.at,
        ...optional('job_id', record.job_id),
        ...optional('observed', event.observed),
      };
    }
    case 'fail': {
      if (!isUnderWay(record)) throw new IllegalTransition(record, event, 'it is not under way');
      // Rule: untouched-only-if-nothing-reached-the-disk
      const clean =
        record.status === 'intended' &&
        !event.moved &&
        // Rule: untouched-only-once-doubt-is-settled
        worstDoubt(record.attempts) === 'none';
      return {
        ...common(record),
        status: 'failed',
        touched: clean ? 'no' : 'maybe',
        reason: event.reason,
        finished_at: event.at,
        updated_at: event.at,
        ...optional('job_id', jobIdOf(record)),
      };
    }
    case 'lose':
      if (!isUnderWay(record)) throw new IllegalTransition(record, event, 'it is not under way');
      return {
        ...common(record),
        status: 'unknown',
        cause: event.cause,
        observations: event.observations,
        updated_at: event.at,
        ...optional('job_id', jobIdOf(record)),
      };
    case 'resolve':
      return resolve(record, event);
    case 'note_rule':
      if (record.status !== 'succeeded') throw new IllegalTransition(record, event, 'it is not done');
      // The attempt is no later one for it, so its times stay.
      return { ...record, selector: event.selector };
    case 'note_protect': {
      if (record.status !== 'succeeded') throw new IllegalTransition(record, event, 'it is not done');
      const { protect, ...rest } = record;
      return { ...rest, ...protection(event.protect) };
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

export function jobIdOf(record: RestoreRecord): string | undefined {
  return record.status === 'intended' ? undefined : record.job_id;
}

/** What the cloud knows a restore by where it has no job for it: the request that it accepted. */
export function requestInsteadOfJob(record: RestoreRecord): string | undefined {
  if (jobIdOf(record) !== undefined) return undefined;
  return record.attempts.findLast(({ answer }) => answer === 'accepted')?.request_id;
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
    ...optional('attached_before', event.attached_before ?? notPutBack(record, event.identity)),
    ...protection(event.protect ?? (record?.status === 'intended' && record.protect)),
    ...settleOf(event, record?.status === 'intended' ? record : undefined),
  } as const;
  if (record && record.address !== event.address)
    throw new IllegalTransition(record, event, 'it stands at another address');
  if (record?.status !== 'intended') {
    if (record && isOpen(record)) throw new IllegalTransition(record, event, 'its outcome is still open');
    if (record?.status === 'succeeded' && sameIdentity(record, event.identity))
      throw new IllegalTransition(record, event, 'it is done');
    // Rule: maybe-touched-disk-is-not-intended-again
    if (record && isMaybeTouched(record) && sameIdentity(record, event.identity))
      throw new IllegalTransition(record, event, 'it may have touched the disk');
    return { ...next, attempts: [fresh] };
  }
  if (!sameIdentity(record, event.identity))
    throw new IllegalTransition(record, event, 'another restore is intended here');
  const attempts = [...record.attempts, fresh];
  if (!wasEverInDoubt(record.attempts)) return { ...next, attempts };
  // Only the first baseline can tell what an attempt in doubt did.
  if (!sameLook(record.baseline, event.baseline))
    throw new IllegalTransition(record, event, 'the baseline of an attempt in doubt is never replaced');
  return {
    ...record,
    attempts,
    updated_at: event.at,
    ...optional('attached_before', next.attached_before),
    ...optional('settle_ms', next.settle_ms),
  };
}

/** Who has to try again leaves the disk detached; what has succeeded is put back. */
function notPutBack(record: RestoreRecord | undefined, { volume_id }: Identity): Common['attached_before'] {
  return record && record.status !== 'succeeded' && record.volume_id === volume_id
    ? record.attached_before
    : undefined;
}

function settleOf(
  { settle_ms }: RecordEvent & { type: 'intend' },
  before: Intended | undefined,
): Pick<Common, 'settle_ms'> {
  return optional('settle_ms', settle_ms === undefined ? before?.settle_ms : settleMsOf(before, settle_ms));
}

function imported(record: RestoreRecord | undefined, event: RecordEvent & { type: 'import' }): Succeeded {
  const { address, identity, names, baseline, finished_at, job_id, resolution, protect, at } = event;
  if (record && record.address !== address)
    throw new IllegalTransition(record, event, 'it stands at another address');
  if (record && isOpen(record)) throw new IllegalTransition(record, event, 'its outcome is still open');
  if (record?.status === 'succeeded' && sameIdentity(record, identity))
    throw new IllegalTransition(record, event, 'it is done');
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
    ...protection(protect),
  };
}

function protection(protect: boolean | undefined): Pick<Common, 'protect'> {
  return protect ? { protect } : {};
}

function resolve(record: RestoreRecord, event: RecordEvent & { type: 'resolve' }): RestoreRecord {
  const resolvable = isOpen(record) || isMaybeTouched(record);
  if (!resolvable) throw new IllegalTransition(record, event, 'nothing about it is open');
  const { resolution } = event;
  const closed = {
    ...common(record),
    finished_at: event.at,
    updated_at: event.at,
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

function common(record: RestoreRecord): Common {
  const { address, volume_id, backup_id, generation, selector, names, baseline, attempts, updated_at } =
    record;
  const { attached_before, plan_digest, protect, settle_ms } = record;
  return {
    address,
    volume_id,
    backup_id,
    generation,
    ...optional('selector', selector),
    names,
    baseline,
    attempts,
    updated_at,
    ...optional('attached_before', attached_before),
    ...optional('plan_digest', plan_digest),
    ...optional('protect', protect),
    ...optional('settle_ms', settle_ms),
  };
}

/** The record as a run writes it: who only follows what a saved plan began leaves it that plan's. */
export function writtenBy(record: RestoreRecord, planDigest: string | undefined): RestoreRecord {
  return planDigest === undefined ? record : { ...record, plan_digest: planDigest };
}

/** Whether two looks saw the same; when they were made does not matter. */
export function sameLook(a: Observation, b: Observation): boolean {
  return sameSeen(a.volume, b.volume) && sameSeen(a.backup, b.backup);
}

export function sameSeen(a: Seen, b: Seen): boolean {
  if (!isShown(a) || !isShown(b)) return a.reading === b.reading;
  return a.status === b.status && a.updated_at === b.updated_at && a.src_backup_id === b.src_backup_id;
}
