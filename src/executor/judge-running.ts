import { type CloudTraits, isErrorStatus, type Job, sameId } from '../domain/cloud.ts';
import { unreachable } from '../domain/errors.ts';
import {
  isBackupRestoring,
  isFull,
  isVolumeAtRest,
  isVolumeRestoring,
  type Observation,
  type SuccessProof,
  sameResource,
  wasFound,
} from '../domain/observation.ts';
import {
  freedSeparately,
  lacksSourceBackup,
  newSourceBackup,
  sawBothRestoring,
} from '../domain/observation-history.ts';
import type { Running } from '../domain/record.ts';
import { type ConfirmedReadings, observedRestore } from './confirm-readings.ts';
import { judgeErrorStatus } from './verdict.ts';

/** What to report while the volume is restoring. */
export const RESTORING = { kind: 'in_progress', note: 'restoring', disk: 'restoring' } as const;

export type RunningJudgement =
  | {
      readonly kind: 'in_progress';
      readonly note: string;
      readonly job?: Job['status'];
      readonly disk?: 'restoring';
      readonly warning?: true;
    }
  /** At rest, and exactly as before the attempt: no restore leaves a volume like that. */
  | { readonly kind: 'unchanged'; readonly note: string; readonly observations: readonly Observation[] }
  | { readonly kind: 'succeeded'; readonly observed: SuccessProof }
  | { readonly kind: 'failed'; readonly reason: string }
  | { readonly kind: 'unknown'; readonly reason: string; readonly observations: readonly Observation[] };

function withWarning(note: string): RunningJudgement & { readonly kind: 'in_progress' } {
  return { kind: 'in_progress', note, warning: true };
}

/** The job succeeded, but does not name this restore: the volume must confirm it. */
interface Inconclusive {
  readonly kind: 'inconclusive';
  /** For display; a clause without a full stop. */
  readonly reason: string;
}

/**
 * A job proves an outcome only for the restore that was requested. A job that names another volume or backup, or that
 * creates or deletes a backup, proves nothing; one that names neither, or other work than a restore, proves nothing alone.
 */
export function judgeJob(job: Job, record: Running, at: string): RunningJudgement | Inconclusive {
  switch (job.status) {
    case 'init':
      // Rule: queued-job-is-still-running
      return { kind: 'in_progress', note: 'queued', job: job.status };
    case 'running':
      return { kind: 'in_progress', note: 'restoring', job: job.status };
    case 'unrecognised':
      // Rule: job-in-an-unknown-status-is-still-running
      return {
        kind: 'in_progress',
        note: `job status ${job.raw_status} is not known; taken as not finished`,
        job: job.status,
        warning: true,
      };
    case 'fail': {
      const other = otherWork(job, record);
      if (other) return { kind: 'unknown', reason: `job ${job.id} failed for ${other}`, observations: [] };
      // Rule: failed-job-is-a-failure
      return { kind: 'failed', reason: job.reasons.join('; ') || 'the job failed without a reason' };
    }
    case 'success': {
      const other = otherWork(job, record);
      if (other) return { kind: 'unknown', reason: `job ${job.id} succeeded for ${other}`, observations: [] };
      if (job.volume_id === undefined && job.backup_id === undefined)
        return { kind: 'inconclusive', reason: `job ${job.id} succeeded, but names neither disk nor backup` };
      if (job.type !== undefined && !isRestore(job.type))
        return { kind: 'inconclusive', reason: `job ${job.id} succeeded, but as ${job.type}` };
      return { kind: 'succeeded', observed: { at, job: { id: job.id, status: job.raw_status } } };
    }
    default:
      return unreachable(job.status);
  }
}

/** What a job did, if it was not this restore. What the job does not say counts as a match. */
export function otherWork(
  job: Job,
  { volume_id, backup_id }: { readonly volume_id: string; readonly backup_id: string },
): string | undefined {
  const volume = job.volume_id ?? volume_id;
  const backup = job.backup_id ?? backup_id;
  // Rule: job-of-another-restore-proves-nothing
  if (!sameId(volume, volume_id) || !sameId(backup, backup_id))
    return `another restore: disk ${volume} from backup ${backup}`;
  // A job that creates a backup also names a volume and a backup. Source of the types: the VBS traces of CTS.
  return job.type !== undefined && /create|delete/i.test(job.type)
    ? `other work than a restore: ${job.type}`
    : undefined;
}

/** Matches `bksRestoreBackup`, and what other releases may call it. Source: the VBS API reference, jobs. */
export function isRestore(jobType: string): boolean {
  return /restore/i.test(jobType);
}

/**
 * Judges progress and end by volume and backup alone. A volume that was accepted for restore or seen restoring, has
 * changed, and is at rest without an error has been restored: a failed restore leaves `error_restoring`, an aborted one
 * `error`. If the cloud has not accepted the request, volume and backup must also have been freed together, and no
 * observation may contradict. If the job says that it succeeded, a changed volume is enough.
 */
export function judgeStatuses(
  { readings, history }: Pick<ConfirmedReadings, 'readings' | 'history'>,
  record: Running,
  traits: CloudTraits,
  absentForSettle: boolean,
  jobSucceeded = false,
): RunningJudgement {
  const { volume, backup, seen } = readings;
  const restore = observedRestore(record, traits);
  const { contradiction } = history;
  const unknown = (reason: string): RunningJudgement => ({
    kind: 'unknown',
    reason,
    observations: history.observations,
  });
  const judgeError = (error: string): RunningJudgement => {
    const { kind, reason } = judgeErrorStatus(error, { seen, history });
    if (kind === 'wait') return withWarning(reason);
    return kind === 'unknown' ? unknown(reason) : { kind: 'failed', reason };
  };
  if (volume.kind === 'unreadable') return withWarning(`the disk cannot be read: ${volume.failure.message}`);
  if (volume.kind === 'gone' || !wasFound(seen.volume))
    return absentForSettle ? unknown('the disk is gone') : withWarning('the disk is not found');
  const { status } = seen.volume;
  // Rule: volume-in-error-is-a-failure
  if (isErrorStatus(status)) return judgeError(`the status of the disk is ${status}`);
  if (isVolumeRestoring(seen.volume) && contradiction)
    return {
      ...withWarning(`restoring, but not by this restore: ${contradiction.reason}`),
      disk: 'restoring',
    };
  // Rule: restoring-volume-is-still-running
  if (isVolumeRestoring(seen.volume)) return RESTORING;
  // Rule: busy-volume-is-still-running
  if (!isVolumeAtRest(seen.volume)) return { kind: 'in_progress', note: `the disk is ${status}` };
  if (backup.kind === 'unreadable')
    return withWarning(`the backup cannot be read: ${backup.failure.message}`);
  if (backup.kind === 'found') {
    // Rule: restoring-backup-is-still-running
    if (isBackupRestoring(seen.backup)) return { kind: 'in_progress', note: 'restoring' };
    if (isErrorStatus(backup.value.status))
      return judgeError(`the status of the backup is ${backup.value.status}`);
  }
  const named = newSourceBackup(seen.volume, restore);
  // Rule: volume-from-another-backup-is-not-ours
  if (named === 'another')
    return unknown(`the disk was restored from another backup, ${seen.volume.src_backup_id}`);
  const observed: SuccessProof = { at: seen.at, volume: seen.volume, backup: seen.backup };
  // Rule: contradicted-restore-is-not-ours
  if (contradiction)
    return unknown(`${contradiction.reason}: what was restored into the disk is not this restore`);
  if (named === 'ours') return { kind: 'succeeded', observed };
  // Rule: missing-backup-proves-nothing
  // A volume that does not name its backup needs the backup as well: attaching or extending it changes it, too.
  if (backup.kind === 'gone' || !isFull(seen))
    return absentForSettle
      ? unknown('the backup is gone, and the disk alone does not show it')
      : withWarning('the backup is not found');
  const accepted = record.evidence === 'accepted';
  // Neither an accepted response nor an earlier observation is proof: this read may come from an outdated replica.
  if (
    // Rule: volume-as-before-is-not-restored
    sameResource(seen.volume, record.baseline.volume) ||
    // Rule: backup-as-before-is-not-restored
    (accepted && !jobSucceeded && sameResource(seen.backup, record.baseline.backup))
  )
    return {
      kind: 'unchanged',
      note: accepted
        ? 'the cloud accepted the request, but the disk looks as it did before'
        : 'it was seen restoring, but the disk looks as it did before',
      observations: history.observations,
    };
  if (jobSucceeded || (accepted && traits.acceptsOnceRestoring)) return { kind: 'succeeded', observed };
  const separately = freedSeparately(seen, history);
  // Rule: restore-frees-both-together
  if (separately !== undefined) return unknown(separately);
  // Rule: restored-volume-must-name-its-backup
  if (lacksSourceBackup(seen.volume, restore, !sameId(backup.value.volume_id, record.volume_id)))
    return unknown(
      'the disk does not name this backup as its source (src_backup_id), as it would after our restore',
    );
  return { kind: 'succeeded', observed };
}

/**
 * Judges a restore whose job is no longer found. It continues while volume and backup show that. Once they are at rest, it
 * succeeded if both were seen restoring after the request was accepted. Without that it is unknown, because VBS accepts a
 * request before anything changes.
 */
export function judgeWithoutJob(
  confirmed: ConfirmedReadings,
  record: Running,
  traits: CloudTraits,
  absentForSettle: boolean,
): RunningJudgement {
  const step = judgeStatuses(confirmed, record, traits, absentForSettle);
  switch (step.kind) {
    case 'in_progress':
    case 'failed':
    case 'unknown':
      return step;
    case 'succeeded':
      // Rule: missing-job-requires-both-observed-restoring
      if (sawBothRestoring(confirmed.history)) return step;
      break;
    case 'unchanged':
      break;
    default:
      return unreachable(step);
  }
  return {
    kind: 'unknown',
    reason: `job ${record.job_id} is not found any more, and the disk is at rest`,
    observations: confirmed.history.observations,
  };
}
