import type { Backup } from './cloud.ts';
import type { CloudProject } from './cloud-project.ts';
import type { Diagnostic } from './diagnostic.ts';
import type { VolumeRow } from './inventory.ts';

/** A manifest that `vbsctl generate` writes from what is in the cloud. */
export interface Draft {
  /** Name of the set. */
  readonly set: string;
  readonly target: CloudProject;
  /** As given: a time with its zone, or `latest`. */
  readonly as_of: string;
  /** The same, ISO 8601 UTC. */
  readonly moment: string;
  readonly entries: readonly DraftEntry[];
}

export type DraftEntry = DraftRestore | OmittedVolume;

export interface DraftRestore {
  readonly kind: 'restore';
  /** Unique in the set. */
  readonly name: string;
  readonly volume: VolumeRow;
  readonly backup: Backup;
  /** The backups of the volume before and after `backup` in time, as alternatives. */
  readonly older?: Backup;
  readonly newer?: Backup;
}

/** A selected volume without a restorable backup. */
export interface OmittedVolume {
  readonly kind: 'omitted';
  readonly volume: VolumeRow;
  readonly reason: string;
  readonly detail?: Diagnostic['detail'];
}
