import type { ObservationNeeds } from '../domain/observations.ts';
import type { BackupRef, RestoreSpec } from '../domain/spec.ts';
import type { RecordIndex } from './record-index.ts';

/**
 * What must be read of the cloud to plan these restores. What is done needs no look: its record has the names.
 * Mirrors `resolve`: what that looks for and `factProblems` reads is asked for here.
 */
export function observationNeeds(specs: readonly RestoreSpec[], records: RecordIndex): ObservationNeeds {
  const volume_ids = new Set<string>();
  const backup_ids = new Set<string>();
  let all_volumes = false;
  let all_backups = false;
  const needBackup = (backup: BackupRef) => {
    if (backup.by === 'id') backup_ids.add(backup.id);
    else all_backups = true;
  };
  for (const { volume, backup, generation } of specs) {
    if (volume.by === 'name') {
      all_volumes = true;
      needBackup(backup);
      continue;
    }
    const record = records.find(volume.id, backup, generation)?.record;
    if (record?.status === 'succeeded') continue;
    volume_ids.add(volume.id);
    // A rule that was resolved before keeps its pin.
    needBackup(record ? { by: 'id', id: record.backup_id } : backup);
  }
  return { volume_ids, backup_ids, all_volumes, all_backups };
}
