import { type CloudTraits, IN_USE, isErrorStatus, sameId } from './cloud.ts';
import {
  type Baseline,
  type FoundResource,
  isBackupRestoring,
  isFull,
  isVolumeAtRest,
  isVolumeRestoring,
  type Observation,
  type ObservationHistory,
  type ObservedResource,
  sameObservation,
  sameResource,
  wasFound,
} from './observation.ts';
import { optional } from './optional.ts';

/**
 * Compares the observations since an attempt. Start here to learn why a restore is adopted, and why not: a single
 * observation shows two statuses, and two restores of other clients can cause both. The sequence shows more.
 *
 * How a restore changes volume and backup (cinder/backup/api.py and manager.py, 21.x; VBS runs on Cinder):
 * - One request sets the status of the backup, then of the volume, milliseconds apart: the volume’s `updated_at` is the
 *   same, or a second later.
 * - While it runs, Cinder may write the volume’s row again (export, metadata from the backup), so the volume’s `updated_at`
 *   can be later than the backup’s, and `src_backup_id` is not final. It does not write the backup’s row.
 * - At the end it sets `src_backup_id`, then the volume, then the backup, milliseconds apart: the backup’s `updated_at`
 *   is the same, or a second later.
 */

/** What the observations are compared with. */
export interface ObservedRestore {
  readonly backup_id: string;
  /** From before the first attempt in doubt. */
  readonly baseline: Baseline;
  readonly traits: CloudTraits;
}

export const NO_OBSERVATIONS: ObservationHistory = { observations: [] };

/** At most so many are kept: always the first and the newest, and confirmed ones as long as there is room. */
const OBSERVATIONS_MAX = 10;

/** `updated_at` has whole seconds, and a new second may begin between two writes in quick succession. */
const TOGETHER_MAX_S = 1;

/** Whether volume and backup must be read again in order before anything may be concluded. */
export function needsConfirmation(seen: Observation): boolean {
  if (!isFull(seen)) return wasFound(seen.volume) && isErrorStatus(seen.volume.status);
  const { volume, backup } = seen;
  return (
    isVolumeRestoring(volume) !== isBackupRestoring(backup) ||
    isErrorStatus(volume.status) ||
    isErrorStatus(backup.status)
  );
}

export function withObservation(
  history: ObservationHistory,
  seen: Observation,
  restore: ObservedRestore,
): ObservationHistory {
  const contradiction = history.contradiction ?? contradictionIn(seen, history.observations, restore);
  return { observations: added(history.observations, seen), ...optional('contradiction', contradiction) };
}

/**
 * Whether a later run needs this observation: it contradicts the restore, or is the first to show the volume, or (if
 * confirmed) the backup, in a state that is not the baseline’s. At most one commit for each state that the cloud shows.
 */
export function mustBeStored(
  before: ObservationHistory,
  after: ObservationHistory,
  seen: Observation,
  restore: ObservedRestore,
): boolean {
  if (!isFull(seen)) return false;
  if (after.contradiction && !before.contradiction) return true;
  const telling = seen.confirmed === true || !sameResource(seen.volume, restore.baseline.volume);
  return telling && !before.observations.some((earlier) => sameObservation(earlier, seen));
}

/** Whether an observation shows both restoring, with start times of one request. */
function beganTogether({ observations }: ObservationHistory): boolean {
  return observations.some((seen) => {
    if (!isFull(seen) || !bothRestoring(seen.volume, seen.backup)) return false;
    const apart = secondsApart(seen.volume, seen.backup);
    return apart !== undefined && apart >= 0 && apart <= TOGETHER_MAX_S;
  });
}

export function sawBothRestoring({ observations }: ObservationHistory): boolean {
  return observations.some(({ volume, backup }) => bothRestoring(volume, backup));
}

/**
 * Why one restore cannot have freed both volume and backup, which are at rest; undefined if it can. Attaching the volume
 * changes its `updated_at` once more: then the start times decide.
 */
export function freedSeparately(seen: Observation, history: ObservationHistory): string | undefined {
  const apart = isFull(seen) ? secondsApart(seen.volume, seen.backup) : undefined;
  if (apart === undefined) return 'the cloud does not say when disk and backup last changed';
  if (apart <= 0 && apart >= -TOGETHER_MAX_S) return undefined;
  const inUse = wasFound(seen.volume) && seen.volume.status === IN_USE;
  if (apart > 0 && inUse && beganTogether(history)) return undefined;
  return `disk and backup became available ${Math.abs(apart)} s apart, and the end of one restore frees them together`;
}

/**
 * Which backup a volume at rest names as its source, if it did not at the baseline. A client that writes `src_backup_id`
 * without a restore does not change `updated_at`.
 */
export function newSourceBackup(
  now: FoundResource,
  { backup_id, baseline }: ObservedRestore,
): 'ours' | 'another' | undefined {
  const { src_backup_id } = now;
  if (src_backup_id === undefined || src_backup_id === baseline.volume.src_backup_id) return undefined;
  if (!sameId(src_backup_id, backup_id)) return 'another';
  return now.updated_at === baseline.volume.updated_at ? undefined : 'ours';
}

/**
 * Whether the volume lacks the `src_backup_id` that our restore would have left. Cinder (since 16.0, Ussuri) sets it after
 * each restore into another volume than the backup’s own, and otherwise replaces or removes an earlier one.
 */
export function lacksSourceBackup(
  { src_backup_id }: FoundResource,
  { backup_id, baseline }: ObservedRestore,
  intoAnotherVolume: boolean,
): boolean {
  if (src_backup_id !== undefined && sameId(src_backup_id, backup_id)) return false;
  const before = baseline.volume.src_backup_id;
  return intoAnotherVolume || (before !== undefined && src_backup_id === before);
}

/** Why this observation, after the earlier ones, cannot be of our restore. */
function contradictionIn(
  seen: Observation,
  earlier: readonly Observation[],
  restore: ObservedRestore,
): ObservationHistory['contradiction'] {
  if (!isFull(seen)) return undefined;
  const { at, volume, backup, confirmed } = seen;
  // Rule: volume-restoring-alone-contradicts
  if (isVolumeRestoring(volume) && !isBackupRestoring(backup))
    // Rule: unconfirmed-observation-contradicts-nothing
    return confirmed
      ? { at, reason: `the disk was being restored while this backup was ${backup.status}` }
      : undefined;
  if (bothRestoring(volume, backup)) {
    const alone = earlier.find(
      (one) => one.confirmed && !isVolumeRestoring(one.volume) && sameResource(one.backup, backup),
    );
    // Rule: backup-restoring-alone-before-contradicts
    if (alone)
      return { at, reason: `the backup was already being restored at ${alone.at}, and the disk was not` };
    const apart = secondsApart(volume, backup);
    // Rule: volume-before-backup-contradicts
    if (apart !== undefined && apart < 0)
      return { at, reason: `the restore of the backup began ${-apart} s after that of the disk` };
    // Rule: volume-long-after-backup-contradicts
    if (apart !== undefined && apart > TOGETHER_MAX_S && !restore.traits.rewritesVolume)
      return { at, reason: `the restore of the disk began ${apart} s after that of the backup` };
    return undefined;
  }
  // Rule: volume-from-another-backup-contradicts
  if (isVolumeAtRest(volume) && newSourceBackup(volume, restore) === 'another')
    return { at, reason: `the disk was restored from another backup, ${volume.src_backup_id}` };
  return undefined;
}

/** Keeps the first and the newest observations: the change is between them. */
function added(observations: readonly Observation[], seen: Observation): readonly Observation[] {
  const last = observations.at(-1);
  const repeats = last !== undefined && sameObservation(last, seen);
  if (repeats && last.confirmed && !seen.confirmed) return observations;
  const all = [...(repeats ? observations.slice(0, -1) : observations), seen];
  if (all.length <= OBSERVATIONS_MAX) return all;
  const plain = all.findIndex(({ confirmed }, index) => index > 0 && !confirmed);
  const dropped = plain > 0 && plain < all.length - 1 ? plain : 1;
  return all.filter((_, index) => index !== dropped);
}

/** How much later the volume changed than the backup, s; undefined if the cloud gives no times. */
function secondsApart(volume: FoundResource, backup: FoundResource): number | undefined {
  const apart = Date.parse(volume.updated_at ?? '') - Date.parse(backup.updated_at ?? '');
  return Number.isNaN(apart) ? undefined : Math.round(apart / 1_000);
}

function bothRestoring(volume: ObservedResource, backup: ObservedResource): boolean {
  return isVolumeRestoring(volume) && isBackupRestoring(backup);
}
