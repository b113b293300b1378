import type { Moment } from '../domain/clock.ts';
import type {
  Backup,
  CloudApi,
  CloudFailure,
  CloudTraits,
  Job,
  Reading,
  Server,
  Slowdown,
  StartOutcome,
  Volume,
} from '../domain/cloud.ts';
import type { CloudProject } from '../domain/cloud-project.ts';

/** What the cloud says of a failure elsewhere than in disk, backup and job. */
export type FailureReport =
  | { readonly kind: 'failed'; readonly reason: string }
  /** It was asked, and reports none. */
  | { readonly kind: 'none' }
  /** It could not be asked. */
  | { readonly kind: 'untold' };

/**
 * One API of one cloud project. A driver makes exactly one attempt for a POST and never repeats it; it never
 * throws for anything a cloud or a network can do: that comes back as data, classified. All requests go
 * through one budget (`requests_per_second`).
 */
export interface Driver {
  readonly api: CloudApi;
  readonly traits: CloudTraits;
  readonly target: CloudProject;
  /**
   * What a POST needs, taken before its intent is written down: a place in the request budget and a valid
   * token. So the POST itself has nothing to wait for.
   */
  reserve(signal?: AbortSignal): Promise<Reservation>;

  /**
   * The POST. Sends nothing (`not_sent`) when it is later than `fresh_until`, or the cloud asked for a pause, by the time
   * the request would leave.
   */
  start(permit: Permit, request: StartRequest): Promise<StartOutcome>;

  volume(id: string, signal?: AbortSignal): Promise<Reading<Volume>>;
  backup(id: string, signal?: AbortSignal): Promise<Reading<Backup>>;
  job(id: string, signal?: AbortSignal): Promise<Reading<Job>>;

  /** Every disk of the project, page after page in one go; or what of it is wished for. */
  volumes(signal?: AbortSignal, wish?: ListWish<Volume>): Promise<Listing<Volume>>;
  backups(signal?: AbortSignal, wish?: ListWish<Backup>): Promise<Listing<Backup>>;
  /** Whether the lists may be read, by one entry at most. */
  mayList(what: 'volumes' | 'backups', signal?: AbortSignal): Promise<Reading<number>>;
  /** Every server of the project; absent where the catalog has no compute service. Names for people, no more. */
  readonly servers?: (signal?: AbortSignal) => Promise<Listing<Server>>;

  /**
   * Why a restore failed, where the cloud tells it apart from disk, backup and job. `request_ids`: of the POSTs
   * that may have started it; `untold` when there are none.
   */
  failureReason?(request_ids: readonly string[], signal?: AbortSignal): Promise<FailureReport>;

  /** HTTP requests sent so far, tokens included. */
  requests(): number;
  /** How often the cloud asked for less (429, `Retry-After`), and the whole run slowed down. */
  slowdowns(): number;
  /** Tells this listener of each pause, in place of the one before, until what it returns is called. */
  onSlowdown(listener: (slowdown: Slowdown) => void): () => void;
}

export interface StartRequest {
  readonly volume_id: string;
  readonly backup_id: string;
  /** After this the intent is stale and nothing may be sent. */
  readonly fresh_until: Moment;
  /** Asked in the last step before the request is written; on false nothing is sent. */
  readonly mayLeave?: () => boolean;
  /**
   * Told when the request was written although `mayLeave` or `fresh_until` would have held it back by then: the process
   * was frozen between the question and the write, for `late_ms`.
   */
  readonly onWrittenLate?: (late_ms: number) => void;
}

/** Made by `reserve` only; good for one POST. */
export interface Permit {
  readonly kind: 'permit';
}

export type Reservation =
  | Permit
  | { readonly kind: 'refused'; readonly failure: CloudFailure; readonly retryable: boolean };

/** Which part of a list is wished for. */
export interface ListWish<T> {
  /** Those in this status; others, too, where the service does not filter. */
  readonly status?: string;
  /** Asked after each page but the last: whether the next one is wanted. `page`: what it held. */
  readonly goOn?: (page: readonly T[], pages: number) => boolean;
}

export type Listing<T> =
  | {
      readonly kind: 'listed';
      readonly values: readonly T[];
      /** Requests that it took. */
      readonly pages: number;
      /** False: `goOn` ended it before the last page. */
      readonly complete: boolean;
      readonly cloud_time_ms?: number;
    }
  | { readonly kind: 'unreadable'; readonly failure: CloudFailure; readonly retryable: boolean };
