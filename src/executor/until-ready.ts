import type { Attachment } from '../domain/cloud.ts';
import type { Diagnostic } from '../domain/diagnostic.ts';
import { unreachable } from '../domain/errors.ts';
import type { NotStarted } from '../domain/events.ts';
import { type Observation, sameObservation } from '../domain/observation.ts';
import type { PinnedAction } from '../domain/plan.ts';
import type { Permit } from '../drivers/driver.ts';
import { growing } from './growing-interval.ts';
import { checkReadiness, namedAsPlanned } from './readiness.ts';
import type { FoundReadings, Readings } from './readings.ts';
import type { RestoreRun } from './run.ts';

export interface Ready {
  readonly kind: 'ready';
  readonly permit: Permit;
  readonly look: FoundReadings;
}

export interface Refused {
  readonly kind: 'refused';
  readonly code: NotStarted;
  readonly reason: string;
  /** The limits of today's policy, when they are the reason. */
  readonly policy?: readonly Diagnostic[];
}

/** Looks until the POST may be sent, and reserves the permit for it. `onAttached`: where the disk was seen attached. */
export async function untilReady(
  session: RestoreRun,
  action: PinnedAction,
  onAttached: (attachments: readonly Attachment[]) => void,
): Promise<Ready | Refused> {
  const { run } = session;
  const { clock, settings } = run;
  const interval = growing(settings.poll.min_interval_ms, settings.poll.max_interval_ms);
  let first: { seen: Observation; at: number } | undefined;
  let told = '';
  let goneBefore = false;
  for (;;) {
    const closed = closedTo(session, action);
    if (closed) return closed;
    const reservation = await run.driver.reserve(run.stop);
    let reason: string;
    let recheckMs: number | undefined;
    if (reservation.kind === 'refused') {
      reason = reservation.failure.message;
      if (!reservation.retryable) return { kind: 'refused', code: 'cloud', reason };
    } else {
      // The last question of `checkReadiness`, which all that begin now share: behind their looks it would hold them all.
      if (!first) run.pendingBackups.soon();
      const look = await session.look();
      noteAttached(look, action, onAttached);
      if (!first || !sameObservation(first.seen, look.seen))
        first = { seen: look.seen, at: clock.monotonic() };
      const earlier = { seen: first.seen, ago_ms: clock.monotonic() - first.at };
      const begun = session.record?.status === 'intended' ? session.record.names : undefined;
      const readiness = await checkReadiness(run, action, look, earlier, begun);
      switch (readiness.kind) {
        case 'ready':
          return { kind: 'ready', permit: reservation, look: readiness.look };
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
    if (session.timeIsUp)
      return { kind: 'refused', code: 'not_ready', reason: `not ready in time: ${reason}` };
    // A baseline that only has to settle is worth the seconds.
    if (run.mode === 'no_wait' && recheckMs === undefined)
      return { kind: 'refused', code: 'not_ready', reason: `not ready: ${reason}` };
    if (told !== reason) {
      run.emit({ type: 'waiting', address: session.ids.address, reason });
      told = reason;
    }
    await session.pause(recheckMs ?? interval());
  }
}

/** Why this restore may not be started any more, if so. Throws the reason of the stop that somebody asked for. */
export function closedTo({ run }: RestoreRun, { valid_until }: PinnedAction): Refused | undefined {
  run.stop.throwIfAborted();
  const closed = run.closed();
  if (closed) return { kind: 'refused', ...closed };
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
