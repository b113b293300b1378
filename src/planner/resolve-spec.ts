import { type Diagnostic, error } from '../domain/diagnostic.ts';
import type { ObservationNeeds } from '../domain/observations.ts';
import type { BackupRef, RestoreSpec } from '../domain/spec.ts';
import type { Context } from './context.ts';
import type { MatchedRecord, RecordIndex } from './record-index.ts';
import { pickBackup, pickVolume } from './select.ts';

/** A spec with its disk and backup found, as far as they could be. */
export type Resolved = Pinned | Unpinned;

/** Disk and backup are known. */
export interface Pinned {
  readonly spec: RestoreSpec;
  readonly volume_id: string;
  readonly backup_id: string;
  /** What is known of this very restore, under whatever address. */
  readonly found?: MatchedRecord;
  /** It was found by what its rule picks: the rule itself was never done. */
  readonly newRule?: boolean;
  /** What the name of the disk has come to mean since it began; else empty. */
  readonly problems: readonly Diagnostic[];
}

interface Unpinned {
  readonly spec: RestoreSpec;
  readonly volume_id?: string;
  readonly backup_id?: undefined;
  readonly found?: undefined;
  readonly newRule?: undefined;
  /** Why disk or backup could not be found. */
  readonly problems: readonly [Diagnostic];
}

export function resolve(spec: RestoreSpec, context: Context): Resolved {
  if (spec.volume.by === 'id') return withVolume(spec, spec.volume.id, context);
  const { observations, volumesByName } = context;
  if (!observations) return withoutVolume(spec, spec.volume.name, needsCloud('volume.name'), context);
  const picked = pickVolume(spec.volume.name, volumesByName);
  return picked.kind === 'picked'
    ? withVolume(spec, picked.value.id, context)
    : withoutVolume(spec, spec.volume.name, picked.why, context);
}

/** Done or not is asked before anything is picked: what is done is not picked again. */
function withVolume(spec: RestoreSpec, volume_id: string, context: Context): Resolved {
  const { records, observations, backups, now } = context;
  const { backup, generation } = spec;
  const found = records.find(volume_id, backup, generation);
  // Rule: restore-is-known-by-its-identity
  if (found) return { spec, volume_id, backup_id: found.record.backup_id, found, problems: [] };
  if (backup.by === 'id') return { spec, volume_id, backup_id: backup.id, problems: [] };
  if (!observations) return { spec, volume_id, problems: [needsCloud('backup')] };

  const picked = pickBackup(backup.selector, volume_id, backups, now);
  if (picked.kind === 'none') return { spec, volume_id, problems: [picked.why] };
  const backup_id = picked.value.id;
  // The rule is new, but what it picks may have been restored already, by its id or by another rule.
  const known = records.find(volume_id, { by: 'id', id: backup_id }, generation);
  return { spec, volume_id, backup_id, problems: [], ...(known ? { found: known, newRule: true } : {}) };
}

/**
 * A name that tells no disk now told one when the restore began: what is under way is followed and what is done
 * stays done. Nothing new starts, for the problem remains.
 */
function withoutVolume(spec: RestoreSpec, name: string, problem: Diagnostic, { records }: Context): Resolved {
  const here = records.at(spec.address);
  const found =
    here?.names.volume_name === name ? records.find(here.volume_id, spec.backup, spec.generation) : undefined;
  if (!found) return { spec, problems: [problem] };
  const { volume_id, backup_id } = found.record;
  return { spec, volume_id, backup_id, found, problems: [problem] };
}

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

/** At the very moment of `valid_until` it is over; the executor says the same. `now`: epoch ms. */
export function hasExpired(spec: RestoreSpec, now: number): spec is RestoreSpec & { valid_until: string } {
  return spec.valid_until !== undefined && Date.parse(spec.valid_until) <= now;
}

function needsCloud(field: string): Diagnostic {
  return error('needs-cloud', `${field} can only be resolved with the cloud`, {
    remedy: 'plan without --offline',
  });
}
