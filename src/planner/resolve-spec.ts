import type { SnapshotNeeds } from '../domain/cloud-snapshot.ts';
import { type Diagnostic, error } from '../domain/diagnostic.ts';
import type { BackupRef, RestoreSpec } from '../domain/spec.ts';
import type { PlanContext } from './context.ts';
import type { MatchedRecord, RecordIndex } from './record-index.ts';
import { hiddenBackup, pickBackup, pickVolume } from './select.ts';

/** A spec with its disk and backup, as far as they could be found. */
export type ResolvedSpec = ResolvedWithIds | Unresolved;

export interface ResolvedWithIds {
  readonly spec: RestoreSpec;
  readonly volume_id: string;
  readonly backup_id: string;
  /** The record of this restore, at any address. */
  readonly found?: MatchedRecord;
  /** The record was found by the backup that the rule picks; no restore was done by the rule itself. */
  readonly newRule?: boolean;
  /** If the name of the disk no longer identifies it; otherwise empty. */
  readonly problems: readonly Diagnostic[];
}

interface Unresolved {
  readonly spec: RestoreSpec;
  readonly volume_id?: string;
  readonly backup_id?: undefined;
  readonly found?: undefined;
  readonly newRule?: undefined;
  /** Why disk or backup could not be found. */
  readonly problems: readonly [Diagnostic];
}

export function resolveSpec(spec: RestoreSpec, context: PlanContext): ResolvedSpec {
  if (spec.volume.by === 'id') return withVolume(spec, spec.volume.id, context);
  const { snapshot, volumesByName } = context;
  if (!snapshot) return withoutVolume(spec, spec.volume.name, needsCloud('volume.name'), context);
  const picked = pickVolume(spec.volume.name, volumesByName, snapshot.unreadable_volumes);
  return picked.kind === 'picked'
    ? withVolume(spec, picked.value.id, context)
    : withoutVolume(spec, spec.volume.name, picked.reason, context);
}

/** Looks for a record before anything is picked: no other backup is picked for a restore that is done. */
function withVolume(spec: RestoreSpec, volume_id: string, context: PlanContext): ResolvedSpec {
  const { records, snapshot, backups, unusable, now } = context;
  const { backup, generation } = spec;
  const found = records.find(volume_id, backup, generation);
  // Rule: restore-is-known-by-its-identity
  if (found) return { spec, volume_id, backup_id: found.record.backup_id, found, problems: [] };
  if (backup.by === 'id') return { spec, volume_id, backup_id: backup.id, problems: [] };
  if (!snapshot) return { spec, volume_id, problems: [needsCloud('backup')] };

  const hidden = hiddenBackup(backup.selector, volume_id, snapshot.unreadable_backups);
  if (hidden) return { spec, volume_id, problems: [hidden] };
  const picked = pickBackup(backup.selector, volume_id, backups, now, unusable);
  if (picked.kind === 'none') return { spec, volume_id, problems: [picked.reason] };
  const backup_id = picked.value.id;
  // The rule is new, but its backup may have been restored already, by id or by another rule.
  const known = records.find(volume_id, { by: 'id', id: backup_id }, generation);
  return { spec, volume_id, backup_id, problems: [], ...(known ? { found: known, newRule: true } : {}) };
}

/**
 * A name that identifies no disk now identified one when the restore began: a restore under way is followed, and what
 * is done stays done. Nothing new starts, because the problem remains.
 */
function withoutVolume(
  spec: RestoreSpec,
  name: string,
  problem: Diagnostic,
  { records }: PlanContext,
): ResolvedSpec {
  const here = records.at(spec.address);
  const found =
    here?.names.volume_name === name ? records.find(here.volume_id, spec.backup, spec.generation) : undefined;
  if (!found) return { spec, problems: [problem] };
  const { volume_id, backup_id } = found.record;
  return { spec, volume_id, backup_id, found, problems: [problem] };
}

/**
 * What must be read from the cloud to plan these restores: all that `resolveSpec` and `cloudProblems` use. Restores that are
 * done need no read; their record has the names.
 */
export function snapshotNeeds(specs: readonly RestoreSpec[], records: RecordIndex): SnapshotNeeds {
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
    // A rule that was resolved before keeps its backup.
    needBackup(record ? { by: 'id', id: record.backup_id } : backup);
  }
  return { volume_ids, backup_ids, all_volumes, all_backups };
}

/** A set expires exactly at `valid_until`, as in the executor. `now`: epoch ms. */
export function hasExpired(spec: RestoreSpec, now: number): spec is RestoreSpec & { valid_until: string } {
  return spec.valid_until !== undefined && Date.parse(spec.valid_until) <= now;
}

function needsCloud(field: string): Diagnostic {
  return error('needs-cloud', `${field} can only be resolved with the cloud`, {
    remedy: 'plan without --offline',
  });
}
