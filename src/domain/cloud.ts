/**
 * What a cloud shows of disks, backups and jobs, and how a request to it can end: the words that planner,
 * executor and drivers share. Times are ISO 8601 in UTC with a `Z`, sizes are GB as the API counts them.
 */

export interface Attachment {
  readonly server_id: string;
  readonly server_name?: string;
  readonly device?: string;
}

/** A machine that disks are attached to. */
export interface Server {
  readonly id: string;
  readonly name: string;
  /** As the API names it: `ACTIVE`, `SHUTOFF`, … */
  readonly status: string;
  readonly created_at?: string;
}

export interface Volume {
  readonly id: string;
  readonly name: string;
  /** As the API names it: `available`, `in-use`, `restoring-backup`, `error_restoring`, … */
  readonly status: string;
  readonly size: number;
  readonly attachments: readonly Attachment[];
  readonly created_at?: string;
  /** Moves when a restore starts and when it ends; resolution is a whole second. */
  readonly updated_at?: string;
  readonly project_id?: string;
  readonly availability_zone?: string;
  /** Of a disk that is one of a replicated pair, where the service tells: `active`, `copying`, … */
  readonly replication_status?: string;
  /** The backup of another disk that this disk was last restored from (`metadata.src_backup_id`). */
  readonly src_backup_id?: string;
}

export interface Backup {
  readonly id: string;
  readonly name: string;
  /** `creating`, `available`, `restoring`, `error`, `error_restoring`, `deleting` */
  readonly status: string;
  readonly size: number;
  /** The disk the backup was made of, never the disk it is restored into. */
  readonly volume_id: string;
  /** When the data was taken (`data_timestamp`), else when the backup was created. */
  readonly created_at: string;
  readonly updated_at?: string;
  readonly project_id?: string;
  readonly availability_zone?: string;
  readonly fail_reason?: string;
}

export interface Job {
  readonly id: string;
  /** `unrecognised` keeps what the cloud said in `raw_status` and is treated as not finished. */
  readonly status: 'init' | 'running' | 'success' | 'fail' | 'unrecognised';
  readonly raw_status: string;
  /** What the job does, as the API names it: `bksRestoreBackup`, `bksCreateBackup`, … */
  readonly type?: string;
  readonly volume_id?: string;
  readonly backup_id?: string;
  /** Reasons of the job and its sub-jobs, most specific last. */
  readonly reasons: readonly string[];
}

/** Why a request did not bring what was asked for. Never holds a secret. */
export interface CloudFailure {
  readonly cause:
    | 'no_connection' // no byte of the request was written
    | 'connection_lost' // something was written, no whole answer came
    | 'timeout'
    | 'status' // an answer with an error status
    | 'unreadable' // an answer that is not what the API promises
    | 'crashed'; // the process ended before it recorded an answer
  /** For people: what the service or the network said. */
  readonly message: string;
  /** HTTP status, when there was an answer. */
  readonly status?: number;
  /** The service's own code (`VolumeBackup.0205`, `APIGW.0308`), or the network's (`ECONNREFUSED`). */
  readonly code?: string;
  readonly request_id?: string;
  /** From `Retry-After`. */
  readonly retry_after_ms?: number;
}

/** That the cloud asked this client to send less. */
export interface Throttle {
  /** HTTP status that it came with: 429 mostly, 503, or 413 in older OpenStack. */
  readonly status: number;
  /** From `Retry-After`, ms; absent in a 429 that does not say for how long. */
  readonly asked_ms?: number;
}

/** That all requests of this process slow down for it: nothing is sent during a pause, then half as much as before. */
export interface Slowdown extends Throttle {
  /** From now on, ms. */
  readonly pause_ms: number;
}

export interface Found<T> {
  readonly kind: 'found';
  readonly value: T;
  /** The cloud's own `Date`, epoch ms. */
  readonly cloud_time_ms?: number;
}

/** A disk, backup or job as read just now. */
export type Reading<T> =
  | Found<T>
  | { readonly kind: 'gone'; readonly failure: CloudFailure }
  | { readonly kind: 'unreadable'; readonly failure: CloudFailure; readonly retryable: boolean };

/** What one POST of a restore came to. The executor's whole rule hangs on telling these apart. */
export type StartOutcome =
  /** The service promised to do it. Only VBS names a job. */
  | { readonly kind: 'accepted'; readonly job_id?: string; readonly request_id?: string }
  /** Not a byte left this machine. */
  | { readonly kind: 'not_sent'; readonly failure: CloudFailure }
  /**
   * The service, or its gateway, said no. `later`: the same request may be accepted another time (409, 429,
   * 503). `when_ready`: disk, backup or backup service is not ready yet, which may take long. `reauthenticate`:
   * the token was refused (401). `never`: no repetition will help.
   */
  | {
      readonly kind: 'rejected';
      readonly failure: CloudFailure;
      readonly again: 'later' | 'when_ready' | 'reauthenticate' | 'never';
    }
  /** Nobody knows whether it started. */
  | { readonly kind: 'ambiguous'; readonly failure: CloudFailure };

/** The interface that a cloud is spoken to through. */
export type CloudApi = 'vbs' | 'cinder';

/** How an API treats the disk of a restore, where they differ. What decides by it asks this, not the API's name. */
export interface CloudTraits {
  /** It refuses a restore while another backup of the disk is being made, and not every disk shows that one is. */
  readonly refusesDuringBackup: boolean;
  /** It may write the disk again while it restores it, so that the disk's `updated_at` gets later than the backup's. */
  readonly rewritesDisk: boolean;
}

/** Ids are UUIDs: services and people write them in upper or lower case. */
export function sameId(a: string, b: string): boolean {
  return a.toLowerCase() === b.toLowerCase();
}

/**
 * Whether a text has the form of an id, with dashes or without. Where a name or an id may be given, it is an id and never
 * a name: whoever may name a disk could otherwise give it the id of another one.
 */
export function looksLikeId(text: string): boolean {
  return /^[0-9a-f]{8}(-?)[0-9a-f]{4}\1[0-9a-f]{4}\1[0-9a-f]{4}\1[0-9a-f]{12}$/i.test(text);
}

/** `error`, `error_restoring`, `error_extending`, … */
export function isErrorStatus(status: string): boolean {
  return status === 'error' || status.startsWith('error_');
}

export const VOLUME_RESTORING = 'restoring-backup';
export const BACKUP_RESTORING = 'restoring';
export const AVAILABLE = 'available';
export const IN_USE = 'in-use';
