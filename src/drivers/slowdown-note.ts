import { isoTime } from '../domain/clock.ts';
import type { Slowdown } from '../domain/cloud.ts';
import type { Diagnostic } from '../domain/diagnostic.ts';
import { formatDuration } from '../domain/duration.ts';

/** A shorter pause is over before it is read. */
const PAUSE_TOLD_MS = 3_000;

/**
 * What a person who waits for a command should know. Nothing where the cloud asks to wait longer than the pause: then
 * the command does not wait but fails, and its failure says so.
 */
export function slowdownNote(
  { status, asked_ms = 0, pause_ms }: Slowdown,
  nowMs: number,
): Diagnostic | undefined {
  if (pause_ms < PAUSE_TOLD_MS || asked_ms > pause_ms) return undefined;
  return {
    severity: 'warning',
    code: 'slowed-down',
    summary: `the cloud asks to wait ${formatDuration(pause_ms)} (HTTP ${status})`,
    detail: `Nothing is sent until ${isoTime(nowMs + pause_ms).slice(11, 19)} UTC; then it goes on. Ctrl-C ends it now.`,
  };
}
