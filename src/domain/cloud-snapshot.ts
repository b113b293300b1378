import type { Backup, Reading, Volume } from './cloud.ts';

/** What a plan needs from the cloud. */
export interface SnapshotNeeds {
  readonly volume_ids: ReadonlySet<string>;
  readonly backup_ids: ReadonlySet<string>;
  /** A manifest gives a volume by name: only the list of all volumes shows its id. */
  readonly all_volumes: boolean;
  /** A rule selects a backup: only the list of all backups shows which. */
  readonly all_backups: boolean;
}

/** An entry of a list that cannot be read, with what can be read of it. Absent fields may have any value. */
export interface UnreadableEntry {
  /** `size is missing` */
  readonly why: string;
  readonly id?: string;
  readonly name?: string;
  readonly status?: string;
  readonly volume_id?: string;
}

/** The cloud as read for one plan. */
export interface CloudSnapshot {
  readonly volumes: ReadonlyMap<string, Reading<Volume>>;
  readonly backups: ReadonlyMap<string, Reading<Backup>>;
  /** All volumes, if `all_volumes` was needed; they are in `volumes`, too. */
  readonly volume_list?: readonly Volume[];
  /** The same for backups. */
  readonly backup_list?: readonly Backup[];
  /** What `volume_list` and `backup_list` lack. */
  readonly unreadable_volumes?: readonly UnreadableEntry[];
  readonly unreadable_backups?: readonly UnreadableEntry[];
  /**
   * Read only if a manifest names a backup of another volume: the volumes of such backups, and the backups that can be
   * listed. For advice only.
   */
  readonly advice?: { readonly volumes: readonly Volume[]; readonly backups: readonly Backup[] };
  /** Backups that are being made, as far as known; absent if the service does not refuse because of them. */
  readonly pending_backups?: readonly Backup[];
}
