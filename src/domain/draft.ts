import type { Backup } from './cloud.ts';
import type { CloudProject } from './cloud-project.ts';
import type { Diagnostic } from './diagnostic.ts';
import type { VolumeRow } from './inventory.ts';

/** A manifest that `vbsctl generate` is about to write: found in the cloud, not yet declared by anybody. */
export interface Draft {
  /** Name of the set. */
  readonly set: string;
  readonly target: CloudProject;
  /** As it was asked for: a time with its zone, or `latest`. */
  readonly as_of: string;
  /** The same, ISO 8601 UTC. */
  readonly moment: string;
  readonly entries: readonly DraftEntry[];
}

export type DraftEntry = DraftRestore | DraftGap;

export interface DraftRestore {
  readonly kind: 'restore';
  /** Unique in the set. */
  readonly name: string;
  readonly volume: VolumeRow;
  readonly backup: Backup;
  /** The next restorable ones, for who wants another. */
  readonly older?: Backup;
  readonly newer?: Backup;
}

/** A disk that was asked for and that has nothing to go back to. */
export interface DraftGap {
  readonly kind: 'gap';
  readonly volume: VolumeRow;
  readonly reason: string;
  readonly detail?: Diagnostic['detail'];
}
