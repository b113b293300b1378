import type { Attachment } from './cloud.ts';

/** What a project has, put together from the lists of disks, backups and servers: `vbsctl get` shows it. */

export interface BackupRow {
  readonly id: string;
  readonly name: string;
  readonly status: string;
  readonly size: number;
  /** When the data was taken. */
  readonly created_at: string;
  /** The disk it was made of. */
  readonly volume_id: string;
  /** Absent where that disk is gone, or of another project. */
  readonly volume_name?: string;
  /** Where that disk is attached now. */
  readonly attachments: readonly Attachment[];
  /** Backups that another project shares cannot be restored into a disk. */
  readonly shared: boolean;
  readonly fail_reason?: string;
}

export interface VolumeRow {
  readonly id: string;
  readonly name: string;
  readonly status: string;
  readonly size: number;
  readonly attachments: readonly Attachment[];
  /** Restorable backups of this disk, and when the newest of them was taken. */
  readonly backups: number;
  readonly last_backup_at?: string;
}

export interface ServerRow {
  readonly id: string;
  /** Empty where only the disks tell of the server. */
  readonly name: string;
  /** Absent where only the disks tell of the server. */
  readonly status?: string;
  readonly volumes: readonly ServerVolume[];
  /** How far back the whole server can go at most: the oldest of the newest backups. Absent: a disk has none. */
  readonly last_backup_at?: string;
}

export interface ServerVolume {
  readonly id: string;
  readonly name: string;
  readonly size: number;
  readonly device?: string;
  readonly last_backup_at?: string;
}

/** The three lists, read at about the same time. */
export interface Inventory {
  readonly backups: readonly BackupRow[];
  readonly volumes: readonly VolumeRow[];
  readonly servers: readonly ServerRow[];
}

export type InventoryKind = keyof Inventory;
