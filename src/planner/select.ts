import { abbreviate } from '../domain/abbreviate.ts';
import { append } from '../domain/append.ts';
import { AVAILABLE, BACKUP_RESTORING, type Backup, type Volume } from '../domain/cloud.ts';
import type { UnreadableEntry } from '../domain/cloud-snapshot.ts';
import { type Diagnostic, error } from '../domain/diagnostic.ts';
import { requireDuration } from '../domain/duration.ts';
import { isWithheld } from '../domain/secrets.ts';
import type { Selector } from '../domain/spec.ts';

type Picked<T> =
  | { readonly kind: 'picked'; readonly value: T }
  | { readonly kind: 'none'; readonly reason: Diagnostic };

const NEAREST_SHOWN = 3;

interface DatedBackup {
  readonly backup: Backup;
  readonly takenMs: number;
}

/** Restorable backups, newest first, by disk and by disk and name. A pick takes a binary search. */
export type BackupIndex = ReadonlyMap<string, readonly DatedBackup[]>;

export function indexBackups(backups: readonly Backup[], projectId: string): BackupIndex {
  const index = new Map<string, DatedBackup[]>();
  const usable = backups
    .filter((backup) => isSelectable(backup, projectId))
    .map((backup) => ({ backup, takenMs: Date.parse(backup.created_at) }))
    .sort((a, b) => b.takenMs - a.takenMs);
  for (const dated of usable) {
    const { volume_id, name } = dated.backup;
    const keys = [sourceKey(volume_id, undefined), ...(isWithheld(name) ? [] : [sourceKey(volume_id, name)])];
    for (const key of keys) append(index, key, dated);
  }
  return index;
}

/** The project's own backups that cannot be restored, because they failed or are being made, by disk. */
export type UnusableBackups = ReadonlyMap<string, readonly Backup[]>;

export function unusableBackups(backups: readonly Backup[], projectId: string): UnusableBackups {
  const index = new Map<string, Backup[]>();
  for (const backup of backups)
    if (isOwn(backup, projectId) && !isSelectable(backup, projectId)) append(index, backup.volume_id, backup);
  return index;
}

/** Those that a rule would have picked before `picked`, or in place of none. */
export function passedOver(
  selector: Selector,
  volumeId: string,
  unusable: UnusableBackups,
  picked?: Pick<Backup, 'created_at'>,
): Backup[] {
  const wantedMs = selector.as_of === 'latest' ? Infinity : Date.parse(selector.as_of);
  const pickedMs = picked ? Date.parse(picked.created_at) : -Infinity;
  return (unusable.get(selector.of_volume ?? volumeId) ?? []).filter(({ name, created_at }) => {
    const takenMs = Date.parse(created_at);
    return takenMs > pickedMs && takenMs <= wantedMs && (selector.name ?? name) === name;
  });
}

/** `pay-db-2026-11-22 (error, 2026-11-22T01:00:00.000Z)` */
export function describeUnusable({ id, name, status, created_at }: Backup): string {
  return `${name || id} (${status}, ${created_at})`;
}

/**
 * The newest backup at or before `as_of`, not older than `within`. Two backups of the same moment are an error: only
 * the operator can say which one is intended.
 */
export function pickBackup(
  selector: Selector,
  volumeId: string,
  backups: BackupIndex,
  now: number,
  unusable: UnusableBackups = new Map(),
): Picked<Backup> {
  const source = selector.of_volume ?? volumeId;
  const list = backups.get(sourceKey(source, selector.name)) ?? [];
  const wantedMs = selector.as_of === 'latest' ? now : Date.parse(selector.as_of);
  // `latest` includes backups that are newer than the clock of this machine.
  const position = firstAtOrBefore(list, selector.as_of === 'latest' ? Infinity : wantedMs);
  const best = list[position];
  const ageMaxMs = selector.within === undefined ? Infinity : requireDuration(selector.within);
  if (!best || best.takenMs < wantedMs - ageMaxMs) {
    const shown = list.length > 0 ? list : (backups.get(sourceKey(source, undefined)) ?? []);
    const skipped = passedOver(selector, volumeId, unusable).slice(-NEAREST_SHOWN);
    return { kind: 'none', reason: noBackupFound(selector, source, nearest(shown, wantedMs), skipped) };
  }
  const second = list[position + 1];
  if (second?.takenMs === best.takenMs)
    return {
      kind: 'none',
      reason: error(
        'selector-ambiguous',
        `two backups of disk ${source} were taken at ${best.backup.created_at}`,
        {
          detail: `${backupText(best.backup)} and ${backupText(second.backup)}`,
          remedy: 'choose one with backup_id, or add backup.name',
        },
      ),
    };
  return { kind: 'picked', value: best.backup };
}

/**
 * Why a rule picks nothing: a backup that it could mean cannot be read. One that is being made, or is of another disk, does
 * not concern it.
 */
export function hiddenBackup(
  { of_volume, name: wanted }: Selector,
  volumeId: string,
  unreadable: readonly UnreadableEntry[] = [],
): Diagnostic | undefined {
  const source = of_volume ?? volumeId;
  const hidden = unreadable.find(
    ({ volume_id, status, name }) =>
      (volume_id === undefined || volume_id === source) &&
      (status === undefined || isRestorableStatus(status)) &&
      (wanted === undefined || name === undefined || name === wanted),
  );
  return hidden && mayBeMeant('backup', hidden, 'backup_id');
}

function mayBeMeant(what: string, { id, why }: UnreadableEntry, field: string): Diagnostic {
  return error(
    'entry-unreadable',
    `${what} ${id ?? 'without an id'} may be the one that is meant, and cannot be read: ${why}`,
    { remedy: `name the ${what} with ${field}` },
  );
}

/** The newest restorable backup of a disk; undefined if none is known. */
export function newestOf(volumeId: string, backups: BackupIndex): Backup | undefined {
  return backups.get(sourceKey(volumeId, undefined))?.[0]?.backup;
}

export type VolumeIndex = ReadonlyMap<string, readonly Volume[]>;

export function indexVolumes(volumes: readonly Volume[]): VolumeIndex {
  const index = new Map<string, Volume[]>();
  for (const volume of volumes) {
    // A name that was masked does not identify a disk.
    if (isWithheld(volume.name)) continue;
    append(index, volume.name, volume);
  }
  return index;
}

/** `unreadable`: the volumes that `volumes` lacks. */
export function pickVolume(
  name: string,
  volumes: VolumeIndex,
  unreadable: readonly UnreadableEntry[] = [],
): Picked<Volume> {
  const hidden = unreadable.find((entry) => entry.name === undefined || entry.name === name);
  if (hidden) return { kind: 'none', reason: mayBeMeant('disk', hidden, 'volume_id') };
  const all = volumes.get(name) ?? [];
  const [only] = all;
  if (!only)
    return {
      kind: 'none',
      reason: error('volume-name-unknown', `no disk is named ${name}`, {
        remedy: 'correct volume.name, or use volume_id',
      }),
    };
  if (all.length === 1) return { kind: 'picked', value: only };
  return {
    kind: 'none',
    reason: error('volume-name-ambiguous', `${all.length} disks are named ${name}`, {
      detail: abbreviate(all, 3, ({ id }) => id),
      remedy: 'choose one with volume_id',
    }),
  };
}

/** A backup that another restore is using counts: this restore only has to wait. */
function isSelectable(backup: Backup, projectId: string): boolean {
  return isOwn(backup, projectId) && isRestorableStatus(backup.status);
}

function isRestorableStatus(status: string): boolean {
  return status === AVAILABLE || status === BACKUP_RESTORING;
}

function isOwn({ project_id }: Backup, projectId: string): boolean {
  return project_id === undefined || project_id === projectId;
}

function sourceKey(volumeId: string, name: string | undefined): string {
  return JSON.stringify([volumeId, name]);
}

/** Position in a list sorted newest first; its length if all are later. */
function firstAtOrBefore(list: readonly DatedBackup[], ms: number): number {
  let low = 0;
  let high = list.length;
  while (low < high) {
    const middle = (low + high) >>> 1;
    if ((list[middle]?.takenMs ?? -Infinity) <= ms) high = middle;
    else low = middle + 1;
  }
  return low;
}

function nearest(list: readonly DatedBackup[], wantedMs: number): readonly Backup[] {
  const position = firstAtOrBefore(list, wantedMs);
  return list
    .slice(Math.max(0, position - NEAREST_SHOWN), position + NEAREST_SHOWN)
    .sort((a, b) => Math.abs(a.takenMs - wantedMs) - Math.abs(b.takenMs - wantedMs))
    .slice(0, NEAREST_SHOWN)
    .map(({ backup }) => backup);
}

function noBackupFound(
  selector: Selector,
  source: string,
  near: readonly Backup[],
  skipped: readonly Backup[],
): Diagnostic {
  const named = selector.name === undefined ? '' : ` named ${selector.name}`;
  const within = selector.within === undefined ? '' : `, within ${selector.within} before it`;
  return error(
    'selector-empty',
    `no restorable backup${named} of disk ${source} ${selector.as_of === 'latest' ? '(latest)' : `as of ${selector.as_of}`}${within}`,
    {
      detail: [
        near.length === 0
          ? 'The disk has no backup that could be restored.'
          : `Nearest: ${near.map(backupText).join('; ')}`,
        ...(skipped.length > 0 ? [`not restorable: ${skipped.map(describeUnusable).join('; ')}`] : []),
      ].join('; '),
      remedy: `change ${selector.name === undefined ? '' : 'backup.name, '}backup.as_of or backup.within, or name a backup with backup_id`,
    },
  );
}

function backupText({ id, name, created_at }: Backup): string {
  return `${id} (${name}, ${created_at})`;
}
