import type { Backup, Volume } from '../domain/cloud.ts';
import { type Diagnostic, warning } from '../domain/diagnostic.ts';
import { REPLICATION_OFF } from '../domain/refusal-remedies.ts';

/** Facts that do not block a restore, but that the operator should know before the volume is overwritten. */
export function overwriteWarnings(
  volume: Pick<Volume, 'size' | 'replication_status'>,
  backup: Pick<Backup, 'size'>,
): Diagnostic[] {
  return [...capacityFallsBack(volume, backup), ...takesPartInReplication(volume)];
}

/** An extended volume gets the partitions and file systems of the backup, which must be extended again. */
function capacityFallsBack(volume: Pick<Volume, 'size'>, backup: Pick<Backup, 'size'>): Diagnostic[] {
  if (volume.size <= backup.size) return [];
  return [
    warning(
      'capacity-falls-back',
      `the disk has ${volume.size} GB, the backup ${backup.size} GB: after the restore its partitions and file systems span ${backup.size} GB`,
      {
        remedy:
          'grow them again after the restore, on the server: growpart /dev/vdb 1, then resize2fs /dev/vdb1 (ext4) or xfs_growfs MOUNT (XFS)',
      },
    ),
  ];
}

/** Statuses of EVS for a volume of a replicated pair. */
const REPLICATED: ReadonlySet<string> = new Set(['active', 'active-stopped', 'copying', 'inactive']);

/** No answer says which volume of a pair is at the disaster-recovery site, until the service refuses the restore. */
function takesPartInReplication({ replication_status }: Pick<Volume, 'replication_status'>): Diagnostic[] {
  if (replication_status === undefined || !REPLICATED.has(replication_status)) return [];
  return [
    warning(
      'volume-replicated',
      `the disk is replicated (replication_status ${replication_status}): if it is the one at the disaster-recovery site, the service refuses the restore`,
      {
        remedy: REPLICATION_OFF,
      },
    ),
  ];
}
