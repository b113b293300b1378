import { isoTime } from '../domain/clock.ts';
import type { Slowdown } from '../domain/cloud.ts';
import type { Diagnostic } from '../domain/diagnostic.ts';
import { formatDuration } from '../domain/duration.ts';

/** A note about a shorter pause would appear when the pause is over. */
const PAUSE_SHOWN_MS = 3_000;

/**
 * The note for a person who waits for a command. Undefined if the cloud asks to wait longer than the longest pause:
 * then the command fails instead, and its failure says so.
 */
export function slowdownNote(
  { status, asked_ms = 0, pause_ms }: Slowdown,
  nowMs: number,
): Diagnostic | undefined {
  if (pause_ms < PAUSE_SHOWN_MS || asked_ms > pause_ms) return undefined;
  return {
    severity: 'warning',
    code: 'slowed-down',
    summary: `the cloud asks to wait ${formatDuration(pause_ms)} (HTTP ${status})`,
    detail: `Nothing is sent until ${isoTime(nowMs + pause_ms).slice(11, 19)} UTC; then vbsctl continues. Ctrl-C ends it now.`,
  };
}
