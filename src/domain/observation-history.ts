import {
  AVAILABLE,
  BACKUP_RESTORING,
  type CloudTraits,
  IN_USE,
  isErrorStatus,
  sameId,
  VOLUME_RESTORING,
} from './cloud.ts';
import {
  type Baseline,
  type FoundResource,
  isFull,
  type Observation,
  type ObservationHistory,
  type ObservedResource,
  sameObservation,
  sameResource,
  wasFound,
} from './observation.ts';
import { optional } from './optional.ts';

/**
 * What the looks since an attempt show together. Start here to learn why a restore is adopted, and why not: one look at
 * disk and backup shows two statuses, and two restores of strangers can make both. The sequence tells more.
 *
 * How a restore moves the two (cinder/backup/api.py and manager.py, 21.x; VBS runs on Cinder):
 * - One request sets the backup, then the disk, milliseconds apart: the disk’s `updated_at` is the same, or a second
 *   later.
 * - While it runs, Cinder may write the disk again (export, metadata from the backup), so the disk’s `updated_at` can be
 *   later than the backup’s, and `src_backup_id` is not final. It does not write the backup.
 * - At the end it sets `src_backup_id`, then the disk, then the backup, milliseconds apart: the backup’s `updated_at`
 *   is the same, or a second later.
 */
export interface ObservedRestore {
  readonly backup_id: string;
  /** From before the first attempt in doubt. */
  readonly baseline: Baseline;
  readonly traits: CloudTraits;
}

export const NO_OBSERVATIONS: ObservationHistory = { looks: [] };

/** More are not kept: the first and the newest stay, and what was confirmed as long as there is room. */
const LOOKS_MAX = 10;

/** `updated_at` has whole seconds: a second may begin between two writes that follow each other at once. */
const STRADDLE_S = 1;

/** Whether a second reading in order is needed before anything may be concluded from this look. */
export function needsConfirmation(seen: Observation): boolean {
  if (!isFull(seen)) return wasFound(seen.volume) && isErrorStatus(seen.volume.status);
  const { volume, backup } = seen;
  return (
    isRestoringDisk(volume) !== isRestoringBackup(backup) ||
    isErrorStatus(volume.status) ||
    isErrorStatus(backup.status)
  );
}

/** The history with one look more. */
export function withObservation(
  history: ObservationHistory,
  look: Observation,
  restore: ObservedRestore,
): ObservationHistory {
  const contradiction = history.contradiction ?? contradictionIn(look, history.looks, restore);
  return { looks: added(history.looks, look), ...optional('contradiction', contradiction) };
}

/**
 * Whether a later run has to know of this look: it rules something out, or it is the first to show the disk, or the
 * backup beside it, in a state that is not the baseline’s. At most one commit for each state that the cloud shows.
 */
export function mustBeStored(
  before: ObservationHistory,
  after: ObservationHistory,
  look: Observation,
  restore: ObservedRestore,
): boolean {
  if (!isFull(look)) return false;
  if (after.contradiction && !before.contradiction) return true;
  const telling = look.confirmed === true || !sameResource(look.volume, restore.baseline.volume);
  return telling && !before.looks.some((earlier) => sameObservation(earlier, look));
}

/** Whether disk and backup were seen being restored by what began together. */
export function beganTogether({ looks }: ObservationHistory): boolean {
  return looks.some((look) => {
    if (!isFull(look) || !bothRestoring(look.volume, look.backup)) return false;
    const apart = secondsApart(look.volume, look.backup);
    return apart !== undefined && apart >= 0 && apart <= STRADDLE_S;
  });
}

export function sawBothRestoring({ looks }: ObservationHistory): boolean {
  return looks.some(({ volume, backup }) => bothRestoring(volume, backup));
}

/**
 * Why disk and backup, both at rest, cannot have been freed by the same restore; undefined when they can. Who attaches
 * the disk moves its time once more: then the beginning has to tell.
 */
export function endedApart(seen: Observation, history: ObservationHistory): string | undefined {
  const apart = isFull(seen) ? secondsApart(seen.volume, seen.backup) : undefined;
  if (apart === undefined) return 'the cloud does not tell when disk and backup changed';
  if (apart <= 0 && apart >= -STRADDLE_S) return undefined;
  if (apart > 0 && isInUse(seen.volume) && beganTogether(history)) return undefined;
  return `disk and backup were freed ${Math.abs(apart)} s apart, and one restore frees them together`;
}

/**
 * What a disk at rest says of where it was restored from: `ours` or `another` backup, newly since the baseline.
 * A name that somebody else wrote without a restore does not move `updated_at`.
 */
export function newlyNamed(
  now: FoundResource,
  { backup_id, baseline }: ObservedRestore,
): 'ours' | 'another' | undefined {
  const { src_backup_id } = now;
  if (src_backup_id === undefined || src_backup_id === baseline.volume.src_backup_id) return undefined;
  if (!sameId(src_backup_id, backup_id)) return 'another';
  return now.updated_at === baseline.volume.updated_at ? undefined : 'ours';
}

/**
 * Whether a restore of ours would have left its name on the disk where none of ours is. Cinder (since 16.0, Ussuri)
 * writes it after each restore into another disk than the backup’s own, and replaces or removes a name that stood before.
 */
export function lacksItsName(
  { src_backup_id }: FoundResource,
  { backup_id, baseline }: ObservedRestore,
  intoAnotherDisk: boolean,
): boolean {
  if (src_backup_id !== undefined && sameId(src_backup_id, backup_id)) return false;
  const before = baseline.volume.src_backup_id;
  return intoAnotherDisk || (before !== undefined && src_backup_id === before);
}

/** A status in which nothing is being written to the disk. */
export function isDiskAtRest({ status }: FoundResource): boolean {
  return status === AVAILABLE || status === IN_USE;
}

/** Why this look, after those before it, rules out that what it shows is ours. */
function contradictionIn(
  look: Observation,
  earlier: readonly Observation[],
  restore: ObservedRestore,
): ObservationHistory['contradiction'] {
  if (!isFull(look)) return undefined;
  const { at, volume, backup, confirmed } = look;
  // Rule: disk-restoring-alone-contradicts
  if (isRestoringDisk(volume) && !isRestoringBackup(backup))
    // Rule: torn-look-contradicts-nothing
    return confirmed
      ? { at, because: `the disk was being restored while this backup was ${backup.status}` }
      : undefined;
  if (bothRestoring(volume, backup)) {
    const alone = earlier.find(
      (one) => one.confirmed && !isRestoringDisk(one.volume) && sameResource(one.backup, backup),
    );
    // Rule: backup-restoring-alone-before-contradicts
    if (alone)
      return { at, because: `the backup was already being restored at ${alone.at}, and the disk was not` };
    const apart = secondsApart(volume, backup);
    // Rule: disk-before-backup-contradicts
    if (apart !== undefined && apart < 0)
      return { at, because: `the restore of the backup began ${-apart} s after that of the disk` };
    // Rule: disk-long-after-backup-contradicts
    if (apart !== undefined && apart > STRADDLE_S && !restore.traits.rewritesDisk)
      return { at, because: `the restore of the disk began ${apart} s after that of the backup` };
    return undefined;
  }
  // Rule: disk-from-another-backup-contradicts
  if (isDiskAtRest(volume) && newlyNamed(volume, restore) === 'another')
    return { at, because: `the disk was restored from another backup, ${volume.src_backup_id}` };
  return undefined;
}

/** Keeps the first and the newest looks: the change is between them. */
function added(looks: readonly Observation[], look: Observation): readonly Observation[] {
  const last = looks.at(-1);
  const repeats = last !== undefined && sameObservation(last, look);
  if (repeats && last.confirmed && !look.confirmed) return looks;
  const all = [...(repeats ? looks.slice(0, -1) : looks), look];
  if (all.length <= LOOKS_MAX) return all;
  const plain = all.findIndex(({ confirmed }, index) => index > 0 && !confirmed);
  const dropped = plain > 0 && plain < all.length - 1 ? plain : 1;
  return all.filter((_, index) => index !== dropped);
}

/** How much later the disk was changed than the backup, s; undefined where the cloud gives no times. */
function secondsApart(volume: FoundResource, backup: FoundResource): number | undefined {
  const apart = Date.parse(volume.updated_at ?? '') - Date.parse(backup.updated_at ?? '');
  return Number.isNaN(apart) ? undefined : Math.round(apart / 1_000);
}

function isInUse(seen: ObservedResource): boolean {
  return wasFound(seen) && seen.status === IN_USE;
}

function bothRestoring(volume: ObservedResource, backup: ObservedResource): boolean {
  return isRestoringDisk(volume) && isRestoringBackup(backup);
}

export function isRestoringDisk(seen: ObservedResource): boolean {
  return wasFound(seen) && seen.status === VOLUME_RESTORING;
}

export function isRestoringBackup(seen: ObservedResource): boolean {
  return wasFound(seen) && seen.status === BACKUP_RESTORING;
}
