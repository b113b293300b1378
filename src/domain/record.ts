import type { Attachment, CloudFailure } from './cloud.ts';
import type { Baseline, Observation, ObservationHistory, SuccessProof } from './observation.ts';
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

export interface Common extends Identity {
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
  readonly history?: ObservationHistory;
}

/** The cloud is doing it. */
export interface Running extends Common {
  readonly status: 'running';
  /** Adopted: since the first attempt in doubt; accepted: since the yes. */
  readonly history?: ObservationHistory;
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
  readonly observed?: SuccessProof;
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

export interface Resolution {
  readonly as: 'succeeded' | 'not-started' | 'failed';
  readonly reason: string;
  readonly by: string;
  readonly at: string;
}

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

export function jobIdOf(record: RestoreRecord): string | undefined {
  return record.status === 'intended' ? undefined : record.job_id;
}

/** What the cloud knows a restore by where it has no job for it: the request that it accepted. */
export function requestInsteadOfJob(record: RestoreRecord): string | undefined {
  if (jobIdOf(record) !== undefined) return undefined;
  return record.attempts.findLast(({ answer }) => answer === 'accepted')?.request_id;
}
