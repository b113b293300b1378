import type { TrueRestore } from './checker.ts';

/**
 * What `succeeded` has to mean: the restore of ours took place, and the disk held our backup because of it. Judged by
 * the cloud's own account of every restore, and by nothing that the program saw.
 */
export type Truth =
  | { readonly kind: 'true' }
  | { readonly kind: 'exception'; readonly name: SuccessException }
  | { readonly kind: 'false'; readonly why: string };

export type SuccessException =
  /** Another client's restore of the same backup into the same disk began after our baseline: the disk does hold it. */
  | 'same-restore'
  /**
   * Two other clients restored another backup into our disk and our backup into another disk, began and ended together by
   * the whole seconds that the cloud shows, no look fell between their beginnings, and no name on the disk tells which
   * backup it was.
   */
  | 'crossed'
  /**
   * Ours took place, or another client's that looks like ours, and another client wrote another backup into the disk at the same
   * time; the cloud says that it succeeded.
   */
  | 'mixed'
  /** Ours failed, and within the same second, as the cloud shows it, somebody set the status of the disk back. */
  | 'reset-at-once';

/** A success that the program claims by what the cloud answered or showed. */
export interface Claim {
  readonly volume_id: string;
  readonly backup_id: string;
  readonly evidence: 'accepted' | 'adopted';
  /** When disk and backup were read for its baseline, epoch ms: what began before shows there. */
  readonly begun_ms: number;
  /** A run read the disk as being restored while the backup was not, and lived to write that down. */
  readonly sawDiskAlone: boolean;
}

/** What the cloud did, by its own account. */
export interface Account {
  readonly api: 'vbs' | 'cinder';
  readonly jobs: readonly TrueRestore[];
  /** Backup → the disk that it was made of. */
  readonly sources: ReadonlyMap<string, string>;
  /** When somebody set the status of this disk back from an error, epoch ms. */
  readonly resets: readonly number[];
}

/** `own`: what the cloud took on because of our requests for it. */
export function truthOfSuccess(claim: Claim, own: readonly TrueRestore[], account: Account): Truth {
  const { jobs, resets } = account;
  const done = own.filter(({ phase }) => phase === 'succeeded');
  if (done.some((job) => !isMixed(job, jobs))) return { kind: 'true' };
  // The cloud names its job and calls it done, or Cinder took both on within its window: nothing else is shown.
  if (done.length > 0) return { kind: 'exception', name: 'mixed' };
  if (own.some(({ ended_ms }) => resets.some((at) => ended_ms !== null && secondsApart(at, ended_ms) === 0)))
    return { kind: 'exception', name: 'reset-at-once' };
  if (claim.evidence === 'accepted') return { kind: 'false', why: 'it was accepted, and was not done' };

  const otherClients = jobs.filter(
    ({ cause, started_ms }) => cause === 'operator' && started_ms !== null && started_ms >= claim.begun_ms,
  );
  const held = otherClients.filter(
    ({ volume_id, phase }) => volume_id === claim.volume_id && phase === 'succeeded',
  );
  const alike = held.filter(({ backup_id }) => backup_id === claim.backup_id);
  if (alike.some((job) => !isMixed(job, jobs))) return { kind: 'exception', name: 'same-restore' };
  if (alike.length > 0) return { kind: 'exception', name: 'mixed' };
  const fromBackup = otherClients.filter(({ backup_id }) => backup_id === claim.backup_id);
  const untold =
    !claim.sawDiskAlone &&
    held.some(
      (one) =>
        !namesTell(one, claim, account) && fromBackup.some((other) => lookLikeOne(one, other, account.api)),
    );
  if (untold) return { kind: 'exception', name: 'crossed' };
  return { kind: 'false', why: 'the cloud took on no such restore' };
}

/**
 * Whether the disk shows that it was not restored from our backup. A restore into another disk than the backup's own
 * leaves the name of the backup there.
 */
function namesTell(
  { backup_id, ended_ms }: TrueRestore,
  { volume_id, ...claim }: Claim,
  account: Account,
): boolean {
  const { jobs, sources } = account;
  const isForeign = (id: string) => sources.get(id) !== volume_id;
  if (isForeign(backup_id)) return true;
  const hadName = jobs.some(
    (job) =>
      job.volume_id === volume_id &&
      job.phase === 'succeeded' &&
      isForeign(job.backup_id) &&
      (job.ended_ms ?? 0) < (ended_ms ?? 0),
  );
  // Over a name a restore writes the next one, whosever backup it is.
  return isForeign(claim.backup_id) || hadName;
}

/**
 * Two restores of which one moved our disk and the other our backup, as one of ours would: the cloud sets the backup
 * and then the disk, and frees the disk and then the backup, so a second may begin between. Cinder writes a disk again
 * while it restores it.
 */
function lookLikeOne(disk: TrueRestore, backup: TrueRestore, api: 'vbs' | 'cinder'): boolean {
  const begin = secondsApart(disk.started_ms, backup.started_ms);
  const end = secondsApart(disk.ended_ms, backup.ended_ms);
  return begin >= 0 && (begin <= 1 || api === 'cinder') && end <= 0 && end >= -1;
}

/** Another backup was written into its disk while it was. */
function isMixed(job: TrueRestore, jobs: readonly TrueRestore[]): boolean {
  return jobs.some(
    (other) =>
      job.overlapped_with.includes(other.id) &&
      other.volume_id === job.volume_id &&
      other.backup_id !== job.backup_id,
  );
}

/** By the whole seconds that `updated_at` has; NaN for what has not happened. */
function secondsApart(a: number | null, b: number | null): number {
  if (a === null || b === null) return Number.NaN;
  return Math.floor(a / 1_000) - Math.floor(b / 1_000);
}
