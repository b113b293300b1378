import type { ObservationNeeds } from '../domain/observations.ts';
import type { RestoreSpec } from '../domain/spec.ts';
import type { State } from '../domain/state.ts';
import { ledgerOf } from './ledger.ts';

/** What must be read of the cloud to plan these restores. What is done needs no look: its record has the names. */
export function observationNeeds(specs: readonly RestoreSpec[], state: State | undefined): ObservationNeeds {
  const ledger = ledgerOf(state);
  const volume_ids = new Set<string>();
  const backup_ids = new Set<string>();
  let all_volumes = false;
  let all_backups = false;
  for (const spec of specs) {
    if (spec.volume.by === 'name') all_volumes = true;
    else {
      const record = ledger.find(spec.volume.id, spec.backup, spec.generation)?.record;
      if (record?.status === 'succeeded') continue;
      volume_ids.add(spec.volume.id);
      if (record) backup_ids.add(record.backup_id);
    }
    if (spec.backup.by === 'selector') all_backups = true;
    else backup_ids.add(spec.backup.id);
  }
  return { volume_ids, backup_ids, all_volumes, all_backups };
}
