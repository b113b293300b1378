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
import type { UnreadableEntry } from '../domain/cloud-snapshot.ts';

/** What the cloud reports about a failure, apart from volume, backup and job. */
export type FailureReport =
  | { readonly kind: 'failed'; readonly reason: string }
  /** The cloud answered, and reports no reason. */
  | { readonly kind: 'none' }
  /** The cloud could not be asked, or did not answer. */
  | { readonly kind: 'unavailable' };

/**
 * One API of one cloud project. A driver makes exactly one attempt for a POST and never repeats it. It never throws for
 * errors of a cloud or a network: it returns them as classified data. All requests share one budget
 * (`requests_per_second`).
 */
export interface Driver {
  readonly api: CloudApi;
  readonly traits: CloudTraits;
  readonly target: CloudProject;
  /**
   * Reserves what a POST needs before its intent is written: a place in the request budget and a valid token. So the
   * POST does not wait, except in a run that was slowed down meanwhile.
   */
  reserve(signal?: AbortSignal): Promise<Reservation>;

  /**
   * Sends the POST. Sends nothing (`not_sent`) if `fresh_until` has passed or the cloud has asked for a pause when the
   * request would be sent.
   */
  start(permit: Permit, request: StartRequest): Promise<StartOutcome>;

  volume(id: string, signal?: AbortSignal): Promise<Reading<Volume>>;
  backup(id: string, signal?: AbortSignal): Promise<Reading<Backup>>;
  job(id: string, signal?: AbortSignal): Promise<Reading<Job>>;

  /** Lists the volumes of the project, page by page: all of them, or those that `options` selects. */
  volumes(signal?: AbortSignal, options?: ListOptions<Volume>): Promise<Listing<Volume>>;
  backups(signal?: AbortSignal, options?: ListOptions<Backup>): Promise<Listing<Backup>>;
  /** Reads at most one entry of the list, to learn whether it may be read. */
  checkListAccess(what: 'volumes' | 'backups', signal?: AbortSignal): Promise<Reading<number>>;
  /**
   * Lists every server of the project. Absent if the catalog has no compute service. Only names for people come from
   * it.
   */
  readonly servers?: (signal?: AbortSignal) => Promise<Listing<Server>>;

  /**
   * Why a restore failed, if the cloud reports it apart from volume, backup and job. `request_ids`: ids of the POSTs
   * that may have started it. The report is `unavailable` if there are none.
   */
  failureReason?(request_ids: readonly string[], signal?: AbortSignal): Promise<FailureReport>;

  /** Number of HTTP requests sent so far, including those for tokens. */
  requests(): number;
  /** How often the cloud throttled a request (429, `Retry-After`), so that the whole run slowed down. */
  slowdowns(): number;
  /** Calls the listener at each pause; it replaces the previous listener until the returned function is called. */
  onSlowdown(listener: (slowdown: Slowdown) => void): () => void;
}

export interface StartRequest {
  readonly volume_id: string;
  readonly backup_id: string;
  /** After this time the intent is stale and nothing may be sent. */
  readonly fresh_until: Moment;
  /** Called in the last step before the request is written. If it returns false, nothing is sent. */
  readonly maySend?: () => boolean;
  /**
   * Called if the request was written although `maySend` or `fresh_until` would have stopped it by then: the process
   * was frozen between the check and the write, for `late_ms`.
   */
  readonly onWrittenLate?: (late_ms: number) => void;
}

/** Made by `reserve` only. Valid for one POST. */
export interface Permit {
  readonly kind: 'permit';
}

export type Reservation =
  | Permit
  /** There is no valid token. */
  | { readonly kind: 'unavailable'; readonly failure: CloudFailure; readonly retryable: boolean };

/** Which part of a list the caller wants. */
export interface ListOptions<T> {
  /** Only entries in this status. A service that does not filter sends others, too. */
  readonly status?: string;
  /** Called for each entry that cannot be read, which is left out. Without it, such an entry makes the whole list unreadable. */
  readonly onUnreadable?: (entry: UnreadableEntry) => void;
  /** Called after each page except the last: whether to read the next page. `page`: the entries of this page. */
  readonly wantsMore?: (page: readonly T[], pages: number) => boolean;
}

export type Listing<T> =
  | {
      readonly kind: 'listed';
      readonly values: readonly T[];
      /** Number of requests for the list. */
      readonly pages: number;
      /** False: `wantsMore` ended the list before the last page. */
      readonly complete: boolean;
    }
  | { readonly kind: 'unreadable'; readonly failure: CloudFailure; readonly retryable: boolean };
