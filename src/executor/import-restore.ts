import { type Clock, isoTime } from '../domain/clock.ts';
import { sameId } from '../domain/cloud.ts';
import { refused } from '../domain/errors.ts';
import { isVolumeRestoring } from '../domain/observation.ts';
import { optional } from '../domain/optional.ts';
import type { RestoreAction } from '../domain/plan.ts';
import { identityText, jobIdOf, type RestoreRecord, statusWord } from '../domain/record.ts';
import { advance } from '../domain/record-transitions.ts';
import { allRecords, type State } from '../domain/state.ts';
import type { Driver } from '../drivers/driver.ts';
import type { Lease } from '../state/backend.ts';
import { isRestore, otherWork } from './judge-running.ts';
import { bothFound, namesOf, readBoth } from './readings.ts';

/** What shows that a restore was done outside of vbsctl: a job of the cloud, or the word of an operator. */
export type ImportProof = (
  | { readonly by: 'job'; readonly job_id: string; readonly succeeded_at?: string }
  | { readonly by: 'operator'; readonly succeeded_at: string }
) & { readonly reason: string; readonly who: string };

/** A declared restore that is not done according to the state. `protect`: as declared; nothing is lifted by it. */
export type ImportedRestore = Pick<RestoreAction, 'address' | 'generation' | 'volume' | 'backup'> & {
  readonly protect?: true;
};

/**
 * Records a declared restore that was done outside of vbsctl, so that it is never done again. Reads the cloud first: a job
 * must have succeeded and be of this volume and backup, and no restore into the volume may be running.
 */
export async function importRestore(
  lease: Lease,
  driver: Driver,
  clock: Clock,
  action: ImportedRestore,
  proof: ImportProof,
): Promise<RestoreRecord> {
  const { address, generation } = action;
  const volume_id = action.volume.id;
  const backup_id = action.backup.id;
  const readings = await readBoth(driver, clock, { volume_id, backup_id });
  if (!bothFound(readings))
    throw refused(
      'cannot-read',
      `disk ${volume_id} or backup ${backup_id} cannot be read`,
      'try again when the cloud answers',
    );
  const { backup, seen } = readings;
  if (isVolumeRestoring(seen.volume))
    throw refused(
      'still-restoring',
      `disk ${volume_id} is being restored right now`,
      'wait for it to end, then import it',
    );
  if (proof.by === 'job') {
    refuseKnownJob(lease.state(), proof.job_id);
    await refuseOtherJob(driver, proof.job_id, { volume_id, backup_id });
  }
  const now = clock.now();
  const finished_at = proof.succeeded_at ?? isoTime(now);
  if (Date.parse(finished_at) > now || Date.parse(finished_at) < Date.parse(backup.value.created_at))
    throw refused(
      'impossible-time',
      `it cannot have succeeded at ${finished_at}: the backup is of ${backup.value.created_at}, and now is ${isoTime(now)}`,
      'correct --succeeded-at, or the backup in the manifest',
    );
  const at = isoTime(now);
  const record = advance(lease.state()?.records.get(address), {
    type: 'import',
    at,
    address,
    identity: { volume_id, backup_id, generation, ...optional('selector', action.backup.selector) },
    names: namesOf(readings),
    baseline: seen,
    finished_at,
    ...optional('job_id', proof.by === 'job' ? proof.job_id : undefined),
    resolution: { as: 'succeeded', reason: proof.reason, by: proof.who, at },
    ...optional('protect', action.protect),
  });
  await lease.commit([{ type: 'record', record }]);
  return record;
}

/** A job does one restore. If the state has it already, it was of another one. */
function refuseKnownJob(state: State | undefined, id: string): void {
  const known = state && [...allRecords(state)].findLast((record) => sameId(jobIdOf(record) ?? '', id));
  if (!known) return;
  throw refused(
    'job-known',
    `the state already has job ${id}, for ${known.address}: ${identityText(known)}, ${statusWord(known.status)}`,
    'name the job of the restore that was done outside of vbsctl: --job-id; if there is none, restore it with vbsctl apply',
  );
}

async function refuseOtherJob(
  driver: Driver,
  id: string,
  wanted: { readonly volume_id: string; readonly backup_id: string },
): Promise<void> {
  const reading = await driver.job(id);
  if (reading.kind !== 'found')
    throw refused(
      'job-unknown',
      `job ${id} cannot be read: ${reading.failure.message}`,
      'correct --job-id; if the service no longer has the job: --succeeded-at TIME --reason "…"',
    );
  const job = reading.value;
  if (job.status !== 'success')
    throw refused(
      'job-not-succeeded',
      `job ${id} is ${job.raw_status}${job.reasons.length > 0 ? `: ${job.reasons.join('; ')}` : ''}`,
      job.status === 'fail' ? 'restore it with vbsctl apply' : 'wait for it to end, then import it',
    );
  const other = otherWork(job, wanted);
  if (other !== undefined)
    throw refused(
      'job-of-another',
      `job ${id} did ${other}; declared are disk ${wanted.volume_id} and backup ${wanted.backup_id}`,
      'correct --job-id or the manifest',
    );
  // Only the job says what it did.
  if (job.type === undefined || !isRestore(job.type))
    throw refused(
      'job-not-a-restore',
      `job ${id} succeeded, but ${job.type === undefined ? 'does not say what it did' : `did other work than a restore: ${job.type}`}`,
      'correct --job-id; if you know that it was this restore: --succeeded-at TIME --reason "…"',
    );
  if (job.volume_id === undefined || job.backup_id === undefined)
    throw refused(
      'job-without-ids',
      `job ${id} succeeded, but does not name ${job.volume_id === undefined ? 'a disk' : 'a backup'}`,
      'if you know that it was this restore: --succeeded-at TIME --reason "…"',
    );
}
