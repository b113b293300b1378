import {
  BACKUP_RESTORING,
  type CloudTraits,
  isErrorStatus,
  type Job,
  sameId,
  VOLUME_RESTORING,
} from '../domain/cloud.ts';
import { unreachable } from '../domain/errors.ts';
import {
  isFull,
  type Observation,
  type SuccessProof,
  sameResource,
  wasFound,
} from '../domain/observation.ts';
import {
  endedApart,
  isDiskAtRest,
  lacksItsName,
  newlyNamed,
  sawBothRestoring,
} from '../domain/observation-history.ts';
import type { Running } from '../domain/record.ts';
import { type ConfirmedReadings, observedRestore } from './confirm-readings.ts';
import type { Readings } from './readings.ts';

/** The cloud shows that it works on it. */
export const RESTORING = { kind: 'goes_on', note: 'restoring', disk: 'restoring' } as const;

export type Step =
  | {
      readonly kind: 'goes_on';
      readonly note: string;
      readonly job?: Job['status'];
      readonly disk?: 'restoring';
      readonly trouble?: true;
    }
  /** At rest, and just as before the attempt: no restore can look like that. */
  | { readonly kind: 'unmoved'; readonly note: string; readonly observations: readonly Observation[] }
  | { readonly kind: 'succeeded'; readonly observed: SuccessProof }
  | { readonly kind: 'failed'; readonly reason: string }
  | { readonly kind: 'lost'; readonly cause: string; readonly observations: readonly Observation[] };

/** The job succeeded, but does not say that it was a restore of this: the disk has to tell, too. */
interface Unproven {
  readonly kind: 'unproven';
  /** For people; a clause without a full stop. */
  readonly because: string;
}

/**
 * An end counts only for the restore that was asked for: a job that names another disk or backup, or that makes or
 * deletes a backup, is no proof of anything here; one that names nothing, or other work than a restore, is none alone.
 */
export function judgeJob(job: Job, record: Running, at: string): Step | Unproven {
  switch (job.status) {
    case 'init':
      // Rule: queued-job-goes-on
      return { kind: 'goes_on', note: 'queued', job: job.status };
    case 'running':
      return { kind: 'goes_on', note: 'restoring', job: job.status };
    case 'unrecognised':
      // Rule: job-in-an-unknown-status-goes-on
      return {
        kind: 'goes_on',
        note: `job status ${job.raw_status} is not known; taken as not finished`,
        job: job.status,
        trouble: true,
      };
    case 'fail': {
      const other = otherWork(job, record);
      if (other) return { kind: 'lost', cause: `job ${job.id} failed for ${other}`, observations: [] };
      // Rule: failed-job-is-a-failure
      return { kind: 'failed', reason: job.reasons.join('; ') || 'the job failed without a reason' };
    }
    case 'success': {
      const other = otherWork(job, record);
      if (other) return { kind: 'lost', cause: `job ${job.id} succeeded for ${other}`, observations: [] };
      if (job.volume_id === undefined && job.backup_id === undefined)
        return { kind: 'unproven', because: `job ${job.id} succeeded, but names neither disk nor backup` };
      if (job.type !== undefined && !isRestore(job.type))
        return { kind: 'unproven', because: `job ${job.id} succeeded, but as ${job.type}` };
      return { kind: 'succeeded', observed: { at, job: { id: job.id, status: job.raw_status } } };
    }
    default:
      return unreachable(job.status);
  }
}

/** What a job did, if that is not this restore; what it does not tell is taken as right. */
export function otherWork(
  job: Job,
  { volume_id, backup_id }: { readonly volume_id: string; readonly backup_id: string },
): string | undefined {
  const volume = job.volume_id ?? volume_id;
  const backup = job.backup_id ?? backup_id;
  // Rule: job-of-another-restore-proves-nothing
  if (!sameId(volume, volume_id) || !sameId(backup, backup_id))
    return `another restore: disk ${volume} from backup ${backup}`;
  // Making a backup has a disk and a backup, too. Source of the names: the VBS traces of CTS.
  return job.type !== undefined && /create|delete/i.test(job.type)
    ? `other work than a restore: ${job.type}`
    : undefined;
}

/** `bksRestoreBackup` and what other releases may call it. Source of the name: the reference of VBS, jobs. */
export function isRestore(jobType: string): boolean {
  return /restore/i.test(jobType);
}

/**
 * Progress and end from disk and backup alone. A disk that was accepted or seen restoring, has moved, and is at
 * rest without an error has been restored: a failed restore leaves `error_restoring`, an aborted one `error`. Of what
 * nobody said yes to, disk and backup must have been freed together as well, and nothing seen so far may contradict.
 * `told_by` the job that it is done, it is enough that the disk moved.
 */
export function judgeStatuses(
  { look, history }: Pick<ConfirmedReadings, 'look' | 'history'>,
  record: Running,
  traits: CloudTraits,
  goneForGood: boolean,
  told_by?: 'job',
): Step {
  const { volume, backup, seen } = look;
  const subject = observedRestore(record, traits);
  const { contradiction } = history;
  const lost = (cause: string): Step => ({
    kind: 'lost',
    cause,
    observations: history.looks,
  });
  if (volume.kind === 'unreadable')
    return { kind: 'goes_on', note: `the disk cannot be read: ${volume.failure.message}`, trouble: true };
  if (volume.kind === 'gone' || !wasFound(seen.volume))
    return goneForGood
      ? lost('the disk is gone')
      : { kind: 'goes_on', note: 'the disk is not found', trouble: true };
  // Rule: disk-in-error-is-a-failure
  if (isErrorStatus(volume.value.status))
    return broken(`the disk went to ${volume.value.status}`, look, history, lost);
  if (volume.value.status === VOLUME_RESTORING && contradiction)
    return {
      ...RESTORING,
      note: `restoring, but not by this restore: ${contradiction.because}`,
      trouble: true,
    };
  // Rule: restoring-disk-goes-on
  if (volume.value.status === VOLUME_RESTORING) return RESTORING;
  // Rule: disk-at-work-goes-on
  if (!isDiskAtRest(seen.volume)) return { kind: 'goes_on', note: `the disk is ${volume.value.status}` };
  if (backup.kind === 'unreadable')
    return { kind: 'goes_on', note: `the backup cannot be read: ${backup.failure.message}`, trouble: true };
  if (backup.kind === 'found') {
    // Rule: restoring-backup-goes-on
    if (backup.value.status === BACKUP_RESTORING) return { kind: 'goes_on', note: 'restoring' };
    if (isErrorStatus(backup.value.status))
      return broken(`the backup went to ${backup.value.status}`, look, history, lost);
  }
  const named = newlyNamed(seen.volume, subject);
  // Rule: disk-from-another-backup-is-not-ours
  if (named === 'another')
    return lost(`the disk was restored from another backup, ${seen.volume.src_backup_id}`);
  const observed: SuccessProof = { at: seen.at, volume: seen.volume, backup: seen.backup };
  // Rule: contradicted-restore-is-not-ours
  if (contradiction)
    return lost(`${contradiction.because}: what was restored into the disk is not this restore`);
  if (named === 'ours') return { kind: 'succeeded', observed };
  // Rule: backup-that-is-gone-proves-nothing
  // Of what does not name its backup, the backup has to tell, too: a disk is also moved by who attaches or extends it.
  if (backup.kind === 'gone' || !isFull(seen))
    return goneForGood
      ? lost('the backup is gone, and the disk alone does not tell')
      : { kind: 'goes_on', note: 'the backup is not found', trouble: true };
  const unseen = record.evidence === 'accepted';
  // Neither a yes nor an earlier look is proof: this read may come from a database that has not heard of it yet.
  if (
    // Rule: disk-as-before-is-not-restored
    sameResource(seen.volume, record.baseline.volume) ||
    // Rule: backup-as-before-is-not-restored
    (unseen && told_by === undefined && sameResource(seen.backup, record.baseline.backup))
  )
    return {
      kind: 'unmoved',
      note: unseen
        ? 'the cloud said yes, but the disk looks as it did before'
        : 'it was seen restoring, but the disk looks as it did before',
      observations: history.looks,
    };
  // Cinder's yes is sent when disk and backup are in the database as restoring: it needs no more.
  if (told_by === 'job' || (unseen && record.job_id === undefined)) return { kind: 'succeeded', observed };
  const apart = endedApart(seen, history);
  // Rule: restore-frees-both-together
  if (apart !== undefined) return lost(apart);
  // Rule: restore-leaves-its-name
  if (lacksItsName(seen.volume, subject, !sameId(backup.value.volume_id, record.volume_id)))
    return lost(
      'the disk does not name this backup as the one it was restored from, and a restore of ours does that',
    );
  return { kind: 'succeeded', observed };
}

/** An error that a second reading in order did not show may be an old copy of the data. */
function broken(
  reason: string,
  { seen }: Readings,
  { contradiction }: ConfirmedReadings['history'],
  lost: (cause: string) => Step,
): Step {
  if (!seen.confirmed) return { kind: 'goes_on', note: reason, trouble: true };
  return contradiction
    ? lost(`${reason}, after another restore than this: ${contradiction.because}`)
    : { kind: 'failed', reason };
}

/**
 * The job is not found any more: what is still under way is followed. What is over counts as succeeded if disk and
 * backup were both seen restoring after the yes; without that, a yes and two statuses are too little, for VBS says yes
 * before anything moves.
 */
export function judgeWithoutJob(
  confirmed: ConfirmedReadings,
  record: Running,
  traits: CloudTraits,
  goneForGood: boolean,
): Step {
  const step = judgeStatuses(confirmed, record, traits, goneForGood);
  switch (step.kind) {
    case 'goes_on':
    case 'failed':
    case 'lost':
      return step;
    case 'succeeded':
      // Rule: job-that-is-gone-needs-both-seen-restoring
      if (sawBothRestoring(confirmed.history)) return step;
      break;
    case 'unmoved':
      break;
    default:
      return unreachable(step);
  }
  return {
    kind: 'lost',
    cause: `job ${record.job_id} is not found any more, and the disk is at rest`,
    observations: confirmed.history.looks,
  };
}
