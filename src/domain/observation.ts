/** Disk and backup as one look saw them. */
export interface Observation {
  readonly at: string;
  readonly volume: ObservedResource;
  readonly backup: ObservedResource;
  /**
   * Both were so at one instant: the backup was read again after the disk, then the disk again, and the disk was the
   * same. Without it, the two readings overlap, and a change may lie between them.
   */
  readonly confirmed?: true;
}

/** What looks have shown so far that an outcome may rest on (`observation-history.ts` keeps it). */
export interface ObservationHistory {
  /** Oldest first; only those that showed something else than the one before. */
  readonly looks: readonly Observation[];
  /** Present: what is being restored into the disk is not ours, whatever later looks show. */
  readonly contradiction?: Contradiction;
}

export interface Contradiction {
  readonly at: string;
  /** For people; a clause without a full stop. */
  readonly because: string;
}

/** The last reading of everything on which `succeeded` rests. */
export interface SuccessProof {
  readonly at: string;
  readonly job?: { readonly id: string; readonly status: string };
  readonly volume?: ObservedResource;
  readonly backup?: ObservedResource;
}

/** What the cloud showed of a disk or a backup, or why it showed nothing. */
export type ObservedResource = FoundResource | MissingResource;

export interface FoundResource {
  readonly reading?: undefined;
  /** As the cloud names it. */
  readonly status: string;
  readonly updated_at?: string;
  readonly src_backup_id?: string;
}

export interface MissingResource {
  readonly reading: 'gone' | 'unreadable';
}

export function wasFound(seen: ObservedResource): seen is FoundResource {
  return seen.reading === undefined;
}

/** For people: the status, or why there is none. */
export function observedStatus(seen: ObservedResource): string {
  return seen.reading ?? seen.status;
}

/** Disk and backup were both found. */
export interface FullObservation extends Observation {
  readonly volume: FoundResource;
  readonly backup: FoundResource;
}

export function isFull(seen: Observation): seen is FullObservation {
  return wasFound(seen.volume) && wasFound(seen.backup);
}

/** The observation from before the first attempt; both were `available`. */
export type Baseline = FullObservation;

/** Whether two looks saw the same; when they were made does not matter. */
export function sameObservation(a: Observation, b: Observation): boolean {
  return sameResource(a.volume, b.volume) && sameResource(a.backup, b.backup);
}

export function sameResource(a: ObservedResource, b: ObservedResource): boolean {
  if (!wasFound(a) || !wasFound(b)) return a.reading === b.reading;
  return a.status === b.status && a.updated_at === b.updated_at && a.src_backup_id === b.src_backup_id;
}
