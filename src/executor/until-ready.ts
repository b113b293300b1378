import type { Attachment } from '../domain/cloud.ts';
import type { Diagnostic } from '../domain/diagnostic.ts';
import { unreachable } from '../domain/errors.ts';
import type { NotStarted } from '../domain/events.ts';
import { type Observation, sameObservation } from '../domain/observation.ts';
import type { PinnedAction } from '../domain/plan.ts';
import type { Permit } from '../drivers/driver.ts';
import { growingInterval } from './poll-intervals.ts';
import { checkReadiness, namedAsPlanned } from './readiness.ts';
import type { FoundReadings, Readings } from './readings.ts';
import type { RestoreRun } from './restore-run.ts';

export interface Ready {
  readonly kind: 'ready';
  readonly permit: Permit;
  readonly readings: FoundReadings;
}

export interface Refused {
  readonly kind: 'refused';
  readonly code: NotStarted;
  readonly reason: string;
  /** The limits of today's policy, if they are the reason. */
  readonly policy?: readonly Diagnostic[];
}

/**
 * Waits until the POST may be sent, and reserves the permit for it. Calls `onAttached` with the attachments of the volume
 * whenever it is attached.
 */
export async function untilReady(
  restore: RestoreRun,
  action: PinnedAction,
  onAttached: (attachments: readonly Attachment[]) => void,
): Promise<Ready | Refused> {
  const { run } = restore;
  const { clock, settings } = run;
  const interval = growingInterval(settings.poll);
  let first: { seen: Observation; at: number } | undefined;
  let emitted = '';
  let goneBefore = false;
  for (;;) {
    const blocked = startBlocked(restore, action);
    if (blocked) return blocked;
    const reservation = await run.driver.reserve(run.stop);
    let reason: string;
    let recheckMs: number | undefined;
    if (reservation.kind === 'refused') {
      reason = reservation.failure.message;
      if (!reservation.retryable) return { kind: 'refused', code: 'cloud', reason };
    } else {
      // `checkReadiness` needs this list last, and restores that start now share it: asked for early, it holds up none.
      if (!first) run.pendingBackups.soon();
      const readings = await restore.readBoth();
      noteAttached(readings, action, onAttached);
      if (!first || !sameObservation(first.seen, readings.seen))
        first = { seen: readings.seen, at: clock.monotonic() };
      const earlier = { seen: first.seen, ago_ms: clock.monotonic() - first.at };
      const intendedNames = restore.record?.status === 'intended' ? restore.record.names : undefined;
      const readiness = await checkReadiness(run, action, readings, earlier, intendedNames);
      switch (readiness.kind) {
        case 'ready':
          return { kind: 'ready', permit: reservation, readings: readiness.readings };
        case 'never':
          if (readiness.gone && !goneBefore) {
            goneBefore = true;
            reason = readiness.reason;
            recheckMs = settings.poll.min_interval_ms;
            break;
          }
          return { kind: 'refused', code: 'changed', reason: readiness.reason };
        case 'refused':
          return {
            kind: 'refused',
            code: 'policy',
            reason: readiness.reasons.map(({ summary }) => summary).join('; '),
            policy: readiness.reasons,
          };
        case 'not_yet':
          reason = readiness.reason;
          recheckMs = readiness.recheck_ms;
          break;
        default:
          return unreachable(readiness);
      }
    }
    if (restore.timeIsUp)
      return { kind: 'refused', code: 'not_ready', reason: `not ready in time: ${reason}` };
    // A baseline that is too young is ready within seconds: worth the wait.
    if (run.mode === 'no_wait' && recheckMs === undefined)
      return { kind: 'refused', code: 'not_ready', reason: `not ready: ${reason}` };
    if (emitted !== reason) {
      run.emit({ type: 'waiting', address: restore.ids.address, reason });
      emitted = reason;
    }
    await restore.pause(recheckMs ?? interval());
  }
}

/** Why this restore may not start any more; undefined while it may. Throws the reason of a stop. */
export function startBlocked({ run }: RestoreRun, { valid_until }: PinnedAction): Refused | undefined {
  run.stop.throwIfAborted();
  const blocked = run.noNewStarts();
  if (blocked) return { kind: 'refused', ...blocked };
  if (valid_until !== undefined && run.clock.now() >= Date.parse(valid_until))
    return { kind: 'refused', code: 'expired', reason: `it expired at ${valid_until}` };
  return undefined;
}

function noteAttached(
  { volume }: Readings,
  action: PinnedAction,
  onAttached: (attachments: readonly Attachment[]) => void,
): void {
  if (volume.kind === 'found' && volume.value.attachments.length > 0)
    onAttached(namedAsPlanned(volume.value, action).attachments);
}
