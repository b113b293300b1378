import { shellOperand } from '../domain/escape/shell-word.ts';
import { joinLines, sanitize, type TextOptions } from './terminal.ts';
import { when } from './words.ts';

/** Who holds a state's lock: what a backend's `LockInfo` tells, empty (pid 0) what it does not. */
export interface LockHolder {
  readonly id: string;
  readonly who: string;
  readonly host: string;
  readonly pid: number;
  readonly operation: string;
  readonly since: string;
  readonly lease?: { readonly ttl_ms: number; readonly renewed: string };
}

/** What `state lock-info` says of the state at `location`. */
export function lockInfoText(
  location: string,
  lock: LockHolder | undefined,
  { style, now }: TextOptions,
): string {
  const place = sanitize(location);
  if (!lock) return joinLines([`${place} is not locked.`]);
  const remedy = `wait for that run to end; only when it is surely dead: vbsctl unlock ${lock.id === '' ? 'ID' : shellOperand(lock.id)}`;
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
export function lockText({ who, host, pid, operation, since, lease }: LockHolder, now: number): string {
  const process = pid > 0 ? ` (process ${pid} on ${sanitize(host)})` : '';
  const renewed = lease ? `, renewed ${when(lease.renewed, now)}` : '';
  const what = sanitize(operation) || 'another run';
  return `${sanitize(who) || 'somebody'}${process}, ${what}${since && ` since ${when(since, now)}`}${renewed}`;
}
