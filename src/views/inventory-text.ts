import { describeAttachment, isErrorStatus, looksLikeId } from '../domain/cloud.ts';
import type { BackupRow, ServerRow, VolumeRow } from '../domain/inventory.ts';
import { type Column, tableLines } from './table.ts';
import { joinLines, type Paint, type Style, type TextOptions } from './terminal.ts';
import { age, plural, size, utc } from './words.ts';

/** `vbsctl get`: a line for each, with the id last for copying. Every text ends with a line break. */

export function backupsText(rows: readonly BackupRow[], options: TextOptions): string {
  const { style, now } = options;
  return listText('backup', rows, options, [
    { title: 'TAKEN', cell: ({ created_at }) => utc(created_at) },
    { title: 'BACKUP', cell: ({ name }) => name },
    { title: 'DISK', cell: ({ volume_name, volume_id }) => volume_name || volume_id },
    { title: 'SIZE', cell: (row) => size(row.size), align: 'right', droppable: true },
    { title: 'AGE', cell: ({ created_at }) => age(created_at, now), align: 'right', droppable: true },
    { title: 'SERVER', cell: serverText, droppable: true },
    {
      title: 'STATUS',
      cell: ({ status, shared }) => (shared ? `${status}, shared` : status),
      paint: ({ status, shared }) => (shared ? style.warn : statusPaint(status, style)),
    },
    { title: 'ID', cell: ({ id }) => id, paint: () => style.faint },
  ]);
}

export function volumesText(rows: readonly VolumeRow[], options: TextOptions): string {
  const { style, now } = options;
  return listText('disk', rows, options, [
    { title: 'DISK', cell: ({ name }) => name },
    { title: 'SIZE', cell: (row) => size(row.size), align: 'right' },
    {
      title: 'STATUS',
      cell: ({ status }) => status,
      paint: ({ status }) => statusPaint(status, style),
    },
    { title: 'SERVER', cell: serverText },
    { title: 'BACKUPS', cell: ({ backups }) => String(backups), align: 'right' },
    { title: 'LAST BACKUP', cell: ({ last_backup_at }) => lastBackup(last_backup_at, now), align: 'right' },
    { title: 'ID', cell: ({ id }) => id, paint: () => style.faint },
  ]);
}

export function serversText(rows: readonly ServerRow[], options: TextOptions): string {
  const { style, now } = options;
  return listText('server', rows, options, [
    { title: 'SERVER', cell: ({ name }) => name },
    { title: 'STATUS', cell: ({ status }) => status ?? '' },
    { title: 'DISKS', cell: ({ volumes }) => volumes.map(({ name, id }) => name || id).join(', ') },
    {
      title: 'BACKED UP',
      cell: ({ volumes, last_backup_at }) => (volumes.length === 0 ? '' : lastBackup(last_backup_at, now)),
      align: 'right',
    },
    { title: 'ID', cell: ({ id }) => id, paint: () => style.faint },
  ]);
}

function listText<Row>(
  what: string,
  rows: readonly Row[],
  options: TextOptions,
  columns: readonly Column<Row>[],
): string {
  if (rows.length === 0) return joinLines([`No ${what} found.`]);
  const total = options.style.strong(plural(rows.length, what));
  return joinLines([...tableLines(columns, rows, options), '', total]);
}

function serverText({ attachments }: Pick<VolumeRow, 'attachments'>): string {
  return attachments.map(describeAttachment).join(', ');
}

function lastBackup(at: string | undefined, now: number): string {
  return at === undefined ? 'none' : age(at, now);
}

function statusPaint(status: string, style: Style): Paint {
  if (isErrorStatus(status)) return style.bad;
  return status === 'available' || status === 'in-use' ? style.good : style.warn;
}

/**
 * A line for each, as a value for `--volume` and `--server`: the name if it is unique, needs no quoting and cannot be an id;
 * otherwise the id.
 */
export function namesText(rows: readonly { readonly id: string; readonly name: string }[]): string {
  const ids = new Set(rows.map(({ id }) => id));
  const seen = new Map<string, number>();
  for (const { name } of rows) seen.set(name, (seen.get(name) ?? 0) + 1);
  const isUsable = (name: string) =>
    seen.get(name) === 1 && UNQUOTED.test(name) && !looksLikeId(name) && !ids.has(name);
  return joinLines(rows.map(({ id, name }) => (isUsable(name) ? name : id)));
}

/** A word that no shell changes. */
const UNQUOTED = /^[\p{L}\p{N}][\p{L}\p{N}_.:@/+-]*$/u;
