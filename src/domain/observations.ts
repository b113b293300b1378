import type { Backup, Reading, Volume } from './cloud.ts';

/** What a plan needs to know of the cloud. */
export interface ObservationNeeds {
  readonly volume_ids: ReadonlySet<string>;
  readonly backup_ids: ReadonlySet<string>;
  /** A disk is named, not given by id: only the list of all disks tells which one it is. */
  readonly all_volumes: boolean;
  /** A rule picks a backup: only the list of all backups tells which one. */
  readonly all_backups: boolean;
}

/** The cloud as seen once, for one plan. */
export interface Observations {
  readonly volumes: ReadonlyMap<string, Reading<Volume>>;
  readonly backups: ReadonlyMap<string, Reading<Backup>>;
  /** Whole, when `all_volumes` was asked for; what it lists stands in `volumes`, too. */
  readonly volume_list?: readonly Volume[];
  /** Likewise. */
  readonly backup_list?: readonly Backup[];
  /**
   * Looked up only where a backup of another disk is named: names of the disks such backups are of, and whatever
   * backups could be listed. For advice alone.
   */
  readonly beside?: { readonly volumes: readonly Volume[]; readonly backups: readonly Backup[] };
  /** Backups that are being made, as far as known; absent where the service does not mind them. */
  readonly pending_backups?: readonly Backup[];
}
