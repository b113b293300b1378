import type { Moment } from '../domain/clock.ts';
import type { StartOutcome } from '../domain/cloud.ts';
import type { Permit } from '../drivers/driver.ts';
import type { RestoreRun } from './restore-run.ts';
import type { Run } from './run.ts';

/** How long an interrupted run still waits for the answer to a POST. */
const STOP_GRACE_MS = 700;

/**
 * Sends the POST; the only place that does. Its intent is already durable. Throws the reason of the stop if the user
 * interrupts the run and no answer comes: then the next run finds out what the request did.
 */
export async function sendRestore(
  restore: RestoreRun,
  permit: Permit,
  freshUntil: Moment,
  onWrittenLate: (late_ms: number) => void,
): Promise<StartOutcome> {
  const { run, ids } = restore;
  const { lease, settings } = run;
  // Rule: follow-run-sends-nothing
  if (run.mode === 'follow') throw new Error('a run that only follows would start a restore');
  if (lease.failure) throw lease.failure;
  // The run may have been halted while the intent was written.
  const blocked = run.noNewStarts();
  if (blocked) return notSent(blocked.reason);
  // Rule: lease-outlasts-the-request
  const neededMs = settings.http.request_timeout_ms;
  const leaseOutlastsRequest = () => lease.lock.remainingMs() > neededMs;
  // Rule: lost-lock-blocks-the-post
  if (!leaseOutlastsRequest())
    return notSent('the lock on the state is lost, or could end before the request does');
  const posting = run.driver.start(permit, {
    volume_id: ids.volume_id,
    backup_id: ids.backup_id,
    fresh_until: freshUntil,
    // Rule: lost-lock-blocks-the-post-until-it-is-written
    // While the connection is made, the run may be stopped, or this process may be frozen.
    maySend: () => !run.stop.aborted && leaseOutlastsRequest(),
    onWrittenLate,
  });
  const answer = await untilInterrupted(posting, run);
  if (!answer) throw run.stop.reason;
  return answer;
}

function notSent(message: string): StartOutcome {
  return { kind: 'not_sent', failure: { cause: 'held_back', message } };
}

/** The value of the promise, or `undefined` if the user interrupts the run and `STOP_GRACE_MS` pass without one. */
async function untilInterrupted<T>(promise: Promise<T>, { interrupt, clock }: Run): Promise<T | undefined> {
  let giveUp: (() => void) | undefined;
  const stopped = new Promise<undefined>((resolve) => {
    giveUp = () => void clock.sleep(STOP_GRACE_MS).then(() => resolve(undefined));
    if (interrupt.aborted) giveUp();
    else interrupt.addEventListener('abort', giveUp, { once: true });
  });
  try {
    return await Promise.race([promise, stopped]);
  } finally {
    if (giveUp) interrupt.removeEventListener('abort', giveUp);
  }
}
