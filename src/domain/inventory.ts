import type { Attachment } from './cloud.ts';

export interface BackupRow {
  readonly id: string;
  readonly name: string;
  readonly status: string;
  readonly size: number;
  /** When the data was taken. */
  readonly created_at: string;
  /** The volume that it was made of. */
  readonly volume_id: string;
  /** Absent if that volume is gone, or of another project. */
  readonly volume_name?: string;
  /** Where that volume is attached now. */
  readonly attachments: readonly Attachment[];
  /** Another project shares it: such a backup cannot be restored into a volume. */
  readonly shared: boolean;
  readonly fail_reason?: string;
}

export interface VolumeRow {
  readonly id: string;
  readonly name: string;
  readonly status: string;
  readonly size: number;
  readonly attachments: readonly Attachment[];
  /** Number of restorable backups of this volume; `last_backup_at`: when the newest was taken. */
  readonly backups: number;
  readonly last_backup_at?: string;
}

export interface ServerRow {
  readonly id: string;
  /** Empty if only the volumes name the server. */
  readonly name: string;
  /** Absent if only the volumes name the server. */
  readonly status?: string;
  readonly volumes: readonly ServerVolume[];
  /** The oldest of the newest backups of its volumes: the whole server can be restored to this time. Absent if a volume has none. */
  readonly last_backup_at?: string;
}

interface ServerVolume {
  readonly id: string;
  readonly name: string;
  readonly size: number;
  readonly device?: string;
  readonly last_backup_at?: string;
}

/** The volumes, backups and servers of a project, read at about the same time, as `vbsctl get` shows them. */
export interface Inventory {
  readonly backups: readonly BackupRow[];
  readonly volumes: readonly VolumeRow[];
  readonly servers: readonly ServerRow[];
}

export type InventoryKind = keyof Inventory;
