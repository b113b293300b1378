import { shellOperand } from '../domain/escape/shell-word.ts';
import type { LockHolder } from '../domain/lock-holder.ts';
import { remedyLines } from './diagnostics.ts';
import { joinLines, sanitize, type TextOptions } from './terminal.ts';
import { when } from './words.ts';

/** `vbsctl state lock-info` */
export function lockInfoText(location: string, lock: LockHolder | undefined, options: TextOptions): string {
  if (!lock) return joinLines([`${sanitize(location)} is not locked.`]);
  const remedy = `wait for that run to end: --lock-timeout 10m; only if it is no longer running: vbsctl unlock ${lock.id === undefined ? 'ID' : shellOperand(lock.id)}`;
  return joinLines([
    `${sanitize(location)} is locked`,
    `by ${lockText(lock, options.now)}.`,
    ...remedyLines(remedy, options),
  ]);
}

/** `vbsctl unlock` */
export function unlockedText(location: string, freed: LockHolder, { now }: TextOptions): string {
  return joinLines([`Unlocked ${sanitize(location)}.`, `It was held by ${lockText(freed, now)}.`]);
}

/** `alice@runner-7 (process 4711 on runner-7), apply since 12m ago (2026-11-23T21:03:11Z), renewed 3s ago (…)` */
export function lockText(holder: LockHolder, now: number): string {
  const { who = 'an unknown user', host, pid, operation = 'another run', since, lease } = holder;
  const on = host === undefined ? '' : ` on ${sanitize(host)}`;
  const process = pid === undefined ? '' : ` (process ${pid}${on})`;
  const began = since === undefined ? '' : ` since ${when(since, now)}`;
  const renewed = lease ? `, renewed ${when(lease.renewed, now)}` : '';
  return `${sanitize(who)}${process}, ${sanitize(operation)}${began}${renewed}`;
}
