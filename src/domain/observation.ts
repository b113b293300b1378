import { AVAILABLE, BACKUP_RESTORING, IN_USE, VOLUME_RESTORING } from './cloud.ts';

/** Volume and backup of a restore, as two reads at about the same time showed them. */
export interface Observation {
  readonly at: string;
  readonly volume: ObservedResource;
  readonly backup: ObservedResource;
  /**
   * Both were so at one instant: the backup was read again after the volume, then the volume again, unchanged. Without it
   * a change may have come between the two reads.
   */
  readonly confirmed?: true;
}

/** The observations of a restore so far (`observation-history.ts` adds to them). */
export interface ObservationHistory {
  /** Oldest first, only those that differ from the one before. */
  readonly observations: readonly Observation[];
  /** Present if an observation cannot be of our restore: another client restores. No later observation takes it back. */
  readonly contradiction?: Contradiction;
}

export interface Contradiction {
  readonly at: string;
  /** For display; a clause without a full stop. */
  readonly reason: string;
}

/** What the cloud showed at the end of a restore that succeeded: the job, where there is one, proves it alone. */
export interface SuccessProof {
  /** When the last of it was read. */
  readonly at: string;
  readonly job?: { readonly id: string; readonly status: string };
  /** Absent in states of earlier versions. */
  readonly volume?: ObservedResource;
  readonly backup?: ObservedResource;
}

/** What the cloud showed of a volume or a backup, or why it showed nothing. */
export type ObservedResource = FoundResource | MissingResource;

export interface FoundResource {
  readonly reading?: undefined;
  /** As the API names it. */
  readonly status: string;
  readonly updated_at?: string;
  readonly src_backup_id?: string;
}

export interface MissingResource {
  readonly reading: 'gone' | 'unreadable';
  /** Why it could not be read; a clause without a full stop. */
  readonly reason?: string;
}

export function wasFound(seen: ObservedResource): seen is FoundResource {
  return seen.reading === undefined;
}

/** For display: the status, or why there is none. */
export function observedStatus(seen: ObservedResource): string {
  return seen.reading ?? seen.status;
}

export interface FullObservation extends Observation {
  readonly volume: FoundResource;
  readonly backup: FoundResource;
}

export function isFull(seen: Observation): seen is FullObservation {
  return wasFound(seen.volume) && wasFound(seen.backup);
}

/** The cloud says that volume or backup does not exist. */
export function isGone({ volume, backup }: Observation): boolean {
  return volume.reading === 'gone' || backup.reading === 'gone';
}

export function isVolumeRestoring(seen: ObservedResource): boolean {
  return wasFound(seen) && seen.status === VOLUME_RESTORING;
}

export function isBackupRestoring(seen: ObservedResource): boolean {
  return wasFound(seen) && seen.status === BACKUP_RESTORING;
}

/** Whether the volume has a status in which nothing is written to it. */
export function isVolumeAtRest({ status }: FoundResource): boolean {
  return status === AVAILABLE || status === IN_USE;
}

/**
 * Volume and backup as they were right before the POST. Each attempt takes a new one, until an attempt is in doubt: its
 * baseline stays. Both were found and, unless the restore was imported, had a status in which a restore may start.
 */
export type Baseline = FullObservation;

/** Whether two observations show the same, at whatever time. */
export function sameObservation(a: Observation, b: Observation): boolean {
  return sameResource(a.volume, b.volume) && sameResource(a.backup, b.backup);
}

export function sameResource(a: ObservedResource, b: ObservedResource): boolean {
  if (!wasFound(a) || !wasFound(b)) return a.reading === b.reading;
  return a.status === b.status && a.updated_at === b.updated_at && a.src_backup_id === b.src_backup_id;
}
