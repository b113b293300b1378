import { shellOperand } from '../domain/escape/shell-word.ts';
import type { LockHolder } from '../domain/lock-holder.ts';
import { joinLines, sanitize, type TextOptions } from './terminal.ts';
import { when } from './words.ts';

/** What `state lock-info` says of the state at `location`. */
export function lockInfoText(
  location: string,
  lock: LockHolder | undefined,
  { style, now }: TextOptions,
): string {
  const place = sanitize(location);
  if (!lock) return joinLines([`${place} is not locked.`]);
  const remedy = `wait for that run to end: --lock-timeout 10m; only if it is no longer running: vbsctl unlock ${lock.id === undefined ? 'ID' : shellOperand(lock.id)}`;
  return joinLines([`${place} is locked`, `by ${lockText(lock, now)}.`, style.accent(`→ ${remedy}`)]);
}

/** What `unlock` did. */
export function unlockedText(location: string, freed: LockHolder, { now }: TextOptions): string {
  return joinLines([`Unlocked ${sanitize(location)}.`, `It was held by ${lockText(freed, now)}.`]);
}

/**
 * `alice@runner-7 (process 4711 on runner-7), apply since 12m ago (2026-11-23T21:03:11Z)`, and when it was renewed
 * where it is.
 */
export function lockText(holder: LockHolder, now: number): string {
  const { who = 'somebody', host, pid, operation = 'another run', since, lease } = holder;
  const on = host === undefined ? '' : ` on ${sanitize(host)}`;
  const process = pid === undefined ? '' : ` (process ${pid}${on})`;
  const began = since === undefined ? '' : ` since ${when(since, now)}`;
  const renewed = lease ? `, renewed ${when(lease.renewed, now)}` : '';
  return `${sanitize(who)}${process}, ${sanitize(operation)}${began}${renewed}`;
}
