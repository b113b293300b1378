import { sanitize } from './terminal.ts';
import { when } from './words.ts';

/** Who holds a state's lock: what a backend's `LockInfo` tells. */
export interface LockHolder {
  readonly id: string;
  readonly who: string;
  readonly host: string;
  readonly pid: number;
  readonly operation: string;
  readonly since: string;
  readonly lease?: { readonly ttl_ms: number; readonly renewed: string };
}

/**
 * `alice@runner-7 (process 4711 on runner-7), vbsctl apply, since 12m ago (2026-11-23T21:03:11Z)`, and when it was
 * renewed where it is. Some servers do not tell the process (pid 0).
 */
export function lockText({ who, host, pid, operation, since, lease }: LockHolder, now: number): string {
  const process = pid > 0 ? ` (process ${pid} on ${sanitize(host)})` : '';
  const renewed = lease ? `, renewed ${when(lease.renewed, now)}` : '';
  return `${sanitize(who)}${process}, vbsctl ${sanitize(operation)}, since ${when(since, now)}${renewed}`;
}
