/**
 * Volumes, backups and jobs as a cloud shows them, and how a request to it can end. Planner, executor and drivers share
 * these types. Times are ISO 8601 in UTC with a `Z`, sizes are GB as the API counts them.
 */

export interface Attachment {
  readonly server_id: string;
  readonly server_name?: string;
  readonly device?: string;
}

/** `db1 (/dev/vdb)` */
export function describeAttachment(attachment: Attachment): string {
  const server = attachment.server_name ?? attachment.server_id;
  return attachment.device ? `${server} (${attachment.device})` : server;
}

export interface Server {
  readonly id: string;
  readonly name: string;
  /** As the API names it: `ACTIVE`, `SHUTOFF`, … */
  readonly status: string;
}

export interface Volume {
  readonly id: string;
  readonly name: string;
  /** As the API names it: `available`, `in-use`, `restoring-backup`, `error_restoring`, … */
  readonly status: string;
  readonly size: number;
  readonly attachments: readonly Attachment[];
  /** Changes when a restore starts and when it ends; resolution is one second. */
  readonly updated_at?: string;
  readonly project_id?: string;
  readonly availability_zone?: string;
  /** Present if the volume is one of a replicated pair and the service says so: `active`, `copying`, … */
  readonly replication_status?: string;
  /** The backup of another volume that this volume was last restored from (`metadata.src_backup_id`). */
  readonly src_backup_id?: string;
}

export interface Backup {
  readonly id: string;
  readonly name: string;
  /** `creating`, `available`, `restoring`, `error`, `error_restoring`, `deleting` */
  readonly status: string;
  readonly size: number;
  /** The volume that the backup was made of, never the one it is restored into. */
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

/** Why a request failed. Never contains a secret. */
export interface CloudFailure {
  readonly cause:
    | 'held_back' // vbsctl decided not to send it
    | 'no_connection' // no byte of the request was written
    | 'connection_lost' // something was written, no whole answer came
    | 'timeout'
    | 'status' // an answer with an error status
    | 'unreadable'; // an answer that does not match the API
  /** For display: what the service or the network reported. */
  readonly message: string;
  /** HTTP status, when there was an answer. */
  readonly status?: number;
  /** The service's own code (`VolumeBackup.0205`, `APIGW.0308`), or the network's (`ECONNREFUSED`). */
  readonly code?: string;
  readonly request_id?: string;
  /** From `Retry-After`. */
  readonly retry_after_ms?: number;
}

/** The cloud asked this client to send fewer requests. */
export interface Throttle {
  /** HTTP status of the answer: mostly 429, also 503, or 413 in older OpenStack. */
  readonly status: number;
  /** From `Retry-After`, ms; absent in a 429 without it. */
  readonly asked_ms?: number;
}

/** All requests of this process slow down: none is sent during a pause, and then half as many as before. */
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

/** The result of one GET of a volume, backup or job. */
export type Reading<T> =
  | Found<T>
  | { readonly kind: 'gone'; readonly failure: CloudFailure }
  | { readonly kind: 'unreadable'; readonly failure: CloudFailure; readonly retryable: boolean };

/** The outcome of one POST of a restore. The executor's rules depend on telling these apart. */
export type StartOutcome =
  /** The service accepted it. Only VBS names a job. */
  | { readonly kind: 'accepted'; readonly job_id?: string; readonly request_id?: string }
  /** Not a byte was sent. */
  | { readonly kind: 'not_sent'; readonly failure: CloudFailure }
  /**
   * The service, or its gateway, refused. `later`: the same request may be accepted another time (409, 429,
   * 503). `when_ready`: volume, backup or backup service is not ready yet, which may take long. `reauthenticate`:
   * the token was refused (401). `never`: a repetition does not help.
   */
  | {
      readonly kind: 'rejected';
      readonly failure: CloudFailure;
      readonly again: 'later' | 'when_ready' | 'reauthenticate' | 'never';
    }
  /** Not known whether it started. */
  | { readonly kind: 'ambiguous'; readonly failure: CloudFailure };

/** The backup API of a cloud. */
export type CloudApi = 'vbs' | 'cinder';

/** How the APIs differ in treating the volume of a restore. Code asks these, not the name of the API. */
export interface CloudTraits {
  /** It refuses a restore while another backup of the volume is being made, which not every volume shows. */
  readonly refusesDuringBackup: boolean;
  /** It may set `updated_at` of the volume again during a restore, so that it gets later than the backup's. */
  readonly rewritesVolume: boolean;
  /**
   * When it accepts a request, its database already shows volume and backup as restoring. So a volume that changed after
   * an acceptance was changed by the restore.
   */
  readonly acceptsOnceRestoring: boolean;
}

/** Ids are UUIDs, written in upper or lower case. */
export function sameId(a: string, b: string): boolean {
  return a.toLowerCase() === b.toLowerCase();
}

/**
 * Whether a text has the form of an id, with dashes or without. Where a name or an id is allowed, such a text is an id and
 * never a name: otherwise a volume could be named like the id of another one.
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
