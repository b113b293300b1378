import { firstLines } from '../../domain/abbreviate.ts';
import { formatDuration } from '../../domain/duration.ts';
import { grouped } from '../../domain/grouped.ts';
import {
  isOfAnotherVolume,
  type PlanTotals,
  type RestoreAction,
  recordUpdates,
  totals,
} from '../../domain/plan.ts';
import { sanitize, wrap } from '../terminal.ts';
import { phrasesOf, plural, size } from '../words.ts';
import { leftOutLines, nameOf, type PlanOutline, type PlanTextOptions } from './parts.ts';

interface PlanCounts extends PlanTotals {
  readonly rename: number;
  readonly update: number;
}

export function countsOf(plan: PlanOutline): PlanCounts {
  return { ...totals(plan), rename: plan.moves.length, update: recordUpdates(plan) };
}

/** `Plan: 3 to restore, 1 to resume, 2 done, 1 blocked.` */
function countsText(count: PlanCounts): string {
  const changes = count.restore + count.resume + count.rename + count.update;
  const parts = [
    ...(changes + count.blocked > 0 ? [] : ['nothing to do']),
    ...phrasesOf([
      [count.restore, 'to restore'],
      [count.resume, 'to resume'],
      [count.rename, 'to rename'],
      [count.update, 'to update in the state'],
      [count.noop, 'done'],
      [count.blocked, 'blocked'],
      [count.expired, 'expired'],
    ]),
  ];
  return `Plan: ${parts.join(', ')}.`;
}

/** The commands that detach the disks, by server: stop it, then remove its disks. Lines are whole, for pasting. */
export function detachLines(restores: readonly RestoreAction[], { style, width }: PlanTextOptions): string[] {
  const blocks = new Map<string, { readonly server: string; readonly commands: Set<string> }>();
  for (const { server, commands } of restores.flatMap(({ waits_for }) => waits_for)) {
    // The first command has the id of the server: two servers may have the same name.
    const [stop] = commands;
    if (server === undefined || stop === undefined) continue;
    const block = blocks.get(stop) ?? { server, commands: new Set() };
    for (const command of commands) block.commands.add(command);
    blocks.set(stop, block);
  }
  return [...blocks.values()].flatMap(({ server, commands }) => [
    '',
    ...wrap(`To detach the disks from ${sanitize(server)}:`, width),
    ...[...commands].map((command) => `  ${style.accent(sanitize(command))}`),
  ]);
}

/** Totals, and what apply would overwrite. */
export function summaryLines(
  count: PlanCounts,
  restores: readonly RestoreAction[],
  leftOut: number | undefined,
  { style, width, waitTimeoutMs }: PlanTextOptions,
): string[] {
  let gigabytes = 0;
  let attached = 0;
  let waiting = 0;
  let timeout = 0;
  for (const { volume, waits_for, timeout_ms } of restores) {
    gigabytes += volume.size ?? 0;
    if (waits_for.length === 0) continue;
    if (waits_for.some(({ server }) => server !== undefined)) attached += 1;
    else waiting += 1;
    timeout = Math.max(timeout, timeout_ms ?? waitTimeoutMs ?? 0);
  }
  const meanwhile =
    waitTimeoutMs === undefined ? '' : `, or while apply waits (up to ${formatDuration(timeout)})`;
  const text = [
    `This overwrites ${plural(restores.length, 'disk')}${gigabytes > 0 ? ` (${size(gigabytes)})` : ''};`,
    'a restore cannot be stopped or undone.',
    ...(waiting > 0
      ? [`${grouped(waiting)} still ${waiting === 1 ? 'waits' : 'wait'} for something, see above.`]
      : []),
  ].join(' ');
  const detach = `${plural(attached, 'disk')} ${attached === 1 ? 'is' : 'are'} still attached: detach ${attached === 1 ? 'it' : 'them'} first${meanwhile}.`;
  return [
    style.strong(countsText(count)),
    ...leftOutLines(leftOut, width).map(style.warn),
    ...(restores.length > 0 ? wrap(text, width) : []),
    ...(attached > 0 ? wrap(detach, width) : []),
    ...otherVolumeLines(restores, width).map(style.warn),
  ];
}

const OTHERS_LISTED_MAX = 5;

/** Repeats the warning next to the question, because this mistake loses the data of two disks. */
function otherVolumeLines(restores: readonly RestoreAction[], width: number): string[] {
  return firstLines(
    restores.filter(isOfAnotherVolume),
    OTHERS_LISTED_MAX,
    ({ address, volume, backup }) =>
      `${sanitize(address)}: the backup is of ${sanitize(backup.of_volume_name ?? backup.of_volume_id ?? '')}, not of ${volume.name ? nameOf(volume) : sanitize(volume.id ?? '')}`,
  ).flatMap((line) => wrap(`! ${line}`, width));
}
