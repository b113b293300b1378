import { AVAILABLE, BACKUP_RESTORING, type Backup, type Volume } from '../domain/cloud.ts';
import { type Diagnostic, error } from '../domain/diagnostic.ts';
import { parseDuration } from '../domain/duration.ts';
import type { Selector } from '../domain/spec.ts';

/** Rules become pins: which backup, which disk. Pure; the lists come from one listing per plan. */

export type Picked<T> =
  | { readonly kind: 'picked'; readonly value: T }
  | { readonly kind: 'none'; readonly why: Diagnostic };

const NEAREST_SHOWN = 3;

/** Backups by the disk they were made of; made once per plan so that a thousand selectors stay linear. */
export type BackupsByVolume = ReadonlyMap<string, readonly Backup[]>;

export function byVolume(backups: readonly Backup[]): BackupsByVolume {
  const map = new Map<string, Backup[]>();
  for (const backup of backups) {
    const list = map.get(backup.volume_id);
    if (list) list.push(backup);
    else map.set(backup.volume_id, [backup]);
  }
  return map;
}

/**
 * The newest backup at or before `as_of`, not older than `within`. Two of the same moment are an error: which
 * one is meant is for a person to say.
 */
export function pickBackup(
  selector: Selector,
  volumeId: string,
  projectId: string,
  backups: BackupsByVolume,
  now: number,
): Picked<Backup> {
  const source = selector.of_volume ?? volumeId;
  const candidates = (backups.get(source) ?? [])
    .filter((backup) => restorable(backup, projectId) && (selector.name ?? backup.name) === backup.name)
    .sort((a, b) => Date.parse(b.created_at) - Date.parse(a.created_at));
  const latest = selector.as_of === 'latest' ? now : Date.parse(selector.as_of);
  const earliest = selector.within === undefined ? -Infinity : latest - (parseDuration(selector.within) ?? 0);
  const fitting = candidates.filter((b) => {
    const taken = Date.parse(b.created_at);
    return taken <= latest && taken >= earliest;
  });
  const [best, second] = fitting;
  if (!best) return { kind: 'none', why: nothingFits(selector, source, candidates, latest) };
  if (second && Date.parse(second.created_at) === Date.parse(best.created_at))
    return {
      kind: 'none',
      why: error('selector-tie', `two backups of disk ${source} were taken at ${best.created_at}`, {
        detail: `${best.id} (${best.name}) and ${second.id} (${second.name})`,
        remedy: 'choose one with backup_id, or add backup.name',
      }),
    };
  return { kind: 'picked', value: best };
}

export function pickVolume(name: string, volumes: readonly Volume[]): Picked<Volume> {
  const named = volumes.filter((volume) => volume.name === name);
  const [only] = named;
  if (only && named.length === 1) return { kind: 'picked', value: only };
  return {
    kind: 'none',
    why: only
      ? error('volume-name-ambiguous', `${named.length} disks are named ${name}`, {
          detail: named.map((volume) => volume.id).join(', '),
          remedy: 'choose one with volume_id',
        })
      : error('volume-name-unknown', `no disk is named ${name}`, {
          remedy: 'correct volume.name, or use volume_id',
        }),
  };
}

/** A backup that is being restored from elsewhere is as good as an available one: it only has to wait. */
function restorable(backup: Backup, projectId: string): boolean {
  const own = backup.project_id === undefined || backup.project_id === projectId;
  return own && (backup.status === AVAILABLE || backup.status === BACKUP_RESTORING);
}

function nothingFits(
  selector: Selector,
  source: string,
  candidates: readonly Backup[],
  wanted: number,
): Diagnostic {
  const nearest = [...candidates]
    .sort((a, b) => Math.abs(Date.parse(a.created_at) - wanted) - Math.abs(Date.parse(b.created_at) - wanted))
    .slice(0, NEAREST_SHOWN);
  const within = selector.within === undefined ? '' : `, at most ${selector.within} older`;
  return error('selector-empty', `no restorable backup of disk ${source} as of ${selector.as_of}${within}`, {
    detail:
      nearest.length === 0
        ? 'The disk has no backup that could be restored.'
        : `Nearest: ${nearest.map((b) => `${b.id} (${b.name}, ${b.created_at})`).join('; ')}`,
    remedy: 'change backup.as_of or backup.within, or name a backup with backup_id',
  });
}
