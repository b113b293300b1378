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
}

/** `alice@runner-7 (process 4711 on runner-7), vbsctl apply, since 12m ago (2026-11-23T21:03:11Z)` */
export function lockText({ who, host, pid, operation, since }: LockHolder, now: number): string {
  return `${sanitize(who)} (process ${pid} on ${sanitize(host)}), vbsctl ${sanitize(operation)}, since ${when(since, now)}`;
}
