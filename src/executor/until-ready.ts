import type { Attachment } from '../domain/cloud.ts';
import type { Diagnostic } from '../domain/diagnostic.ts';
import { unreachable } from '../domain/errors.ts';
import type { NotStarted } from '../domain/events.ts';
import { type Observation, sameObservation } from '../domain/observation.ts';
import type { RunnableAction } from '../domain/plan.ts';
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

interface CannotStart {
  readonly kind: 'cannot_start';
  readonly code: NotStarted;
  readonly reason: string;
  /** The limits of today's policy, if they are the reason. */
  readonly policyViolations?: readonly Diagnostic[];
}

/**
 * Waits until the POST may be sent, and reserves the permit for it. Calls `onAttached` with the attachments of the volume
 * whenever it is attached.
 */
export async function untilReady(
  restore: RestoreRun,
  action: RunnableAction,
  onAttached: (attachments: readonly Attachment[]) => void,
): Promise<Ready | CannotStart> {
  const { run } = restore;
  const { clock, settings } = run;
  const interval = growingInterval(settings.poll);
  let unchangedSince: { seen: Observation; at: number } | undefined;
  let emitted = '';
  let goneBefore = false;
  for (;;) {
    const blocked = startBlocked(restore, action);
    if (blocked) return blocked;
    const reservation = await run.driver.reserve(run.stop);
    let reason: string;
    let recheckMs: number | undefined;
    if (reservation.kind === 'unavailable') {
      reason = reservation.failure.message;
      if (!reservation.retryable) return { kind: 'cannot_start', code: 'cloud', reason };
    } else {
      // `checkReadiness` needs this list only at its end. It is requested now, so that the restore does not wait for it then.
      if (!unchangedSince) run.pendingBackups.prefetch();
      const readings = await restore.readBoth();
      reportAttached(readings, action, onAttached);
      if (!unchangedSince || !sameObservation(unchangedSince.seen, readings.seen))
        unchangedSince = { seen: readings.seen, at: clock.monotonic() };
      const earlier = { seen: unchangedSince.seen, ago_ms: clock.monotonic() - unchangedSince.at };
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
          return { kind: 'cannot_start', code: 'changed', reason: readiness.reason };
        case 'forbidden':
          return {
            kind: 'cannot_start',
            code: 'policy',
            reason: readiness.violations.map(({ summary }) => summary).join('; '),
            policyViolations: readiness.violations,
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
      return { kind: 'cannot_start', code: 'not_ready', reason: `not ready in time: ${reason}` };
    // `recheckMs`: it may be ready within seconds (a baseline that is too young, a 404), so that a run waits even then.
    if (run.mode === 'no_wait' && recheckMs === undefined)
      return { kind: 'cannot_start', code: 'not_ready', reason: `not ready: ${reason}` };
    if (emitted !== reason) {
      run.emit({ type: 'waiting', address: restore.ids.address, reason });
      emitted = reason;
    }
    await restore.pause(recheckMs ?? interval());
  }
}

/** Why this restore may not start any more; undefined while it may. Throws the reason of a stop. */
export function startBlocked({ run }: RestoreRun, { valid_until }: RunnableAction): CannotStart | undefined {
  run.stop.throwIfAborted();
  const blocked = run.noNewStarts();
  if (blocked) return { kind: 'cannot_start', ...blocked };
  if (valid_until !== undefined && run.clock.now() >= Date.parse(valid_until))
    return { kind: 'cannot_start', code: 'expired', reason: `it expired at ${valid_until}` };
  return undefined;
}

function reportAttached(
  { volume }: Readings,
  action: RunnableAction,
  onAttached: (attachments: readonly Attachment[]) => void,
): void {
  if (volume.kind === 'found' && volume.value.attachments.length > 0)
    onAttached(namedAsPlanned(volume.value, action).attachments);
}
