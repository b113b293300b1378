import type { Moment } from '../domain/clock.ts';
import type { StartOutcome } from '../domain/cloud.ts';
import type { Permit } from '../drivers/driver.ts';
import type { RestoreRun, Run } from './run.ts';

/** How long a person who asked to stop waits for the answer to a POST that is under way. */
const STOP_GRACE_MS = 700;

/**
 * The only place from which a POST is sent; its intent is durable. Throws the reason of the stop when somebody asked for it
 * and no answer came: then the next run finds out what came of the request.
 */
export async function sendRestore(
  session: RestoreRun,
  permit: Permit,
  freshUntil: Moment,
  onWrittenLate: (late_ms: number) => void,
): Promise<StartOutcome> {
  const { run, ids } = session;
  const { lease, settings } = run;
  // Rule: follower-sends-nothing
  if (run.mode === 'follow') throw new Error('a run that only follows would start a restore');
  if (lease.failure) throw lease.failure;
  // What is started no more may have been told while the intent was written.
  const closed = run.closed();
  if (closed) return notSent(closed.reason);
  // Rule: lease-outlasts-the-request
  const neededMs = settings.http.request_timeout_ms;
  const holds = () => lease.remainingMs() > neededMs;
  // Rule: lost-lock-holds-the-post
  if (!holds()) return notSent('the lock on the state is lost, or could end before the request does');
  const posting = run.driver.start(permit, {
    volume_id: ids.volume_id,
    backup_id: ids.backup_id,
    fresh_until: freshUntil,
    // Rule: lost-lock-holds-the-post-to-the-last
    // A connection takes its time: meanwhile a stop may have been asked for, or this process have been frozen.
    mayLeave: () => !run.stop.aborted && holds(),
    onWrittenLate,
  });
  const answer = await untilHurried(posting, run);
  if (!answer) throw run.stop.reason;
  return answer;
}

function notSent(message: string): StartOutcome {
  return { kind: 'not_sent', failure: { cause: 'no_connection', message } };
}

/** What the promise brings, or `undefined` a moment after a person asked to stop. */
async function untilHurried<T>(promise: Promise<T>, { hurry, clock }: Run): Promise<T | undefined> {
  let giveUp: (() => void) | undefined;
  const stopped = new Promise<undefined>((resolve) => {
    giveUp = () => void clock.sleep(STOP_GRACE_MS).then(() => resolve(undefined));
    if (hurry.aborted) giveUp();
    else hurry.addEventListener('abort', giveUp, { once: true });
  });
  try {
    return await Promise.race([promise, stopped]);
  } finally {
    if (giveUp) hurry.removeEventListener('abort', giveUp);
  }
}
