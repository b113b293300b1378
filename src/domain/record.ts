import type { Attachment, CloudApi, CloudFailure } from './cloud.ts';
import type { Baseline, Observation, ObservationHistory, SuccessProof } from './observation.ts';
import type { Address, Selector } from './spec.ts';

/** What is known of one restore. Start here; `record-transitions.ts` has the legal steps from one record to the next. */
export type RestoreRecord = Intended | Running | Succeeded | Failed | Unknown;

/** What makes two restores the same one, whatever their addresses (the project is the state's). */
export interface Identity {
  readonly volume_id: string;
  readonly backup_id: string;
  readonly generation: number;
  /** Present if the manifest has a rule instead of an id: then this rule at this generation is done, too. */
  readonly selector?: Selector;
}

/**
 * Names of volume and backup at the first attempt. For display, and for a later attempt: if they have changed by then, it is
 * not sent (`executor/readiness.ts`).
 */
export interface Names {
  readonly volume_name: string;
  readonly backup_name: string;
  readonly backup_created_at: string;
  /** Size of the backup, GB. */
  readonly size: number;
}

export interface RecordBase extends Identity {
  readonly address: Address;
  readonly names: Names;
  readonly baseline: Baseline;
  readonly attempts: readonly Attempt[];
  /** When the record last changed. */
  readonly updated_at: string;
  /** Where the volume was attached before this restore; absent if it was not seen attached. */
  readonly attached_before?: readonly Attachment[];
  /** Digest of the saved plan that began or continued it. */
  readonly plan_digest?: string;
  /**
   * True: once it is done, nothing else is restored into its volume, whatever manifests are read. False: lifts that, also for
   * earlier restores of its address. Absent: no declaration has said either.
   */
  readonly protect?: boolean;
  /** When a declaration last changed that of a restore under way or done: a plan made before is stale. */
  readonly protect_changed_at?: string;
  /** The API that its requests are sent to; absent if it was imported. See `apiOf`. */
  readonly api?: CloudApi;
  /** The longest `retry.settle` of the runs that sent it; absent if it was imported. See `settleMsOf`. */
  readonly settle_ms?: number;
}

/** A POST may have been sent. Its answer is not known (last attempt without `answer`), or did not accept it. */
export interface Intended extends RecordBase {
  readonly status: 'intended';
  /** Observations since the first attempt in doubt. */
  readonly observation_history?: ObservationHistory;
}

/** The cloud works on it. */
export interface Running extends RecordBase {
  readonly status: 'running';
  /** Observations since the first attempt in doubt (adopted), or since the request was accepted. */
  readonly observation_history?: ObservationHistory;
  readonly evidence: Evidence;
  readonly started_at: string;
  readonly job_id?: string;
}

/** The cloud showed that it is done, or an operator said so (`resolution`). */
export interface Succeeded extends RecordBase {
  readonly status: 'succeeded';
  readonly evidence: Evidence | 'resolved' | 'imported';
  readonly started_at?: string;
  readonly finished_at: string;
  readonly job_id?: string;
  readonly resolution?: Resolution;
  /** What the cloud showed; absent if an operator said so. */
  readonly observed?: SuccessProof;
}

export interface Failed extends RecordBase {
  readonly status: 'failed';
  /** `no` only if no request can have changed the volume. */
  readonly touched: 'no' | 'maybe';
  readonly reason: string;
  readonly finished_at: string;
  readonly job_id?: string;
  readonly resolution?: Resolution;
}

/** The outcome cannot be determined; an operator must resolve it. */
export interface Unknown extends RecordBase {
  readonly status: 'unknown';
  readonly reason: string;
  readonly observations: readonly Observation[];
  readonly job_id?: string;
}

/** `accepted`: the cloud accepted the POST. `adopted`: no answer accepted it, but volume and backup prove that it started. */
type Evidence = 'accepted' | 'adopted';

/** One request for the restore, from its durable intent onwards. */
export type Attempt = UnansweredAttempt | AcceptedAttempt | FailedAttempt;

interface AnyAttempt {
  readonly intended_at: string;
  /** Present if this attempt is known not to have started anything. */
  readonly settled?: Settlement;
}

/** The request is on its way, or the process ended before it recorded the answer. */
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
   * The request was written this long after the last check that it may be sent, because the process was frozen in between.
   * Another run may have taken over meanwhile. For display; it changes no verdict.
   */
  readonly written_late_ms?: number;
}

/** The cloud accepted the request. */
export interface AcceptedAttempt extends AnyAnswer {
  readonly answer: 'accepted';
  readonly job_id?: string;
  readonly failure?: undefined;
}

/** The cloud did not accept the request, or its answer is not known. */
export interface FailedAttempt extends AnyAnswer {
  readonly answer: 'not_sent' | 'rejected' | 'rejected_for_now' | 'unauthorized' | 'ambiguous';
  readonly failure: CloudFailure;
  readonly job_id?: undefined;
}

/** Why an attempt is no longer in doubt: the volume was observed until settle had passed, and did not change. */
export interface Settlement {
  readonly at: string;
  /** How long it was observed, ms. */
  readonly for_ms: number;
  /** The last observation. */
  readonly seen: Observation;
}

export interface Resolution {
  readonly as: 'succeeded' | 'not-started' | 'failed';
  readonly reason: string;
  readonly by: string;
  readonly at: string;
}

/**
 * The status as texts show it. `intended` sounds as if nothing had happened yet, although a request may have been sent. JSON
 * output has the status itself.
 */
export function statusWord(status: RestoreRecord['status']): string {
  return status === 'intended' ? 'begun' : status;
}

/** Whether the outcome is not known yet. Open records block every other start on their volume and backup. */
export function isOpen(record: RestoreRecord): record is Intended | Running | Unknown {
  return record.status === 'intended' || record.status === 'running' || record.status === 'unknown';
}

/** Restores that have begun and whose end a run can still find out. */
export type UnderWay = Intended | Running;

export function isUnderWay(record: RestoreRecord): record is UnderWay {
  return record.status === 'intended' || record.status === 'running';
}

/** Whether it failed and may have changed the volume. */
export function isMaybeTouched(record: RestoreRecord): record is Failed & { readonly touched: 'maybe' } {
  return record.status === 'failed' && record.touched === 'maybe';
}

/**
 * How long a request of the restore may still take effect, ms: the longest of the settings of this run and of the runs that
 * sent it. (`wait` and `resolve` read no manifests, and so not the config beside them.)
 */
export function settleMsOf(record: Pick<RecordBase, 'settle_ms'> | undefined, configuredMs: number): number {
  return Math.max(configuredMs, record?.settle_ms ?? 0);
}

export function sameIdentity(a: Identity, b: Identity): boolean {
  return a.volume_id === b.volume_id && a.backup_id === b.backup_id && a.generation === b.generation;
}

export function identityText({ volume_id, backup_id, generation }: Identity): string {
  return `disk ${volume_id} from backup ${backup_id}, generation ${generation}`;
}

/** A map key that is equal for equal identities. */
export function identityKey({ volume_id, backup_id, generation }: Identity): string {
  return `${volume_id} from ${backup_id} #${generation}`;
}

export function jobIdOf(record: RestoreRecord): string | undefined {
  return record.status === 'intended' ? undefined : record.job_id;
}

/** The API that the restore was sent to, and that alone can tell what became of it; undefined if the record does not show it. */
export function apiOf(record: RestoreRecord): CloudApi | undefined {
  // Only VBS names jobs.
  return record.api ?? (jobIdOf(record) === undefined ? undefined : 'vbs');
}

/** The id of the accepted request, by which the cloud knows a restore without a job. */
export function requestInsteadOfJob(record: RestoreRecord): string | undefined {
  if (jobIdOf(record) !== undefined) return undefined;
  return record.attempts.findLast(({ answer }) => answer === 'accepted')?.request_id;
}
