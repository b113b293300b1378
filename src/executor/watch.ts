import type { ObservationHistory } from '../domain/observation.ts';
import { commitObservation, confirmReadings } from './confirm-readings.ts';
import { growingInterval } from './poll-intervals.ts';
import { judgeReadings } from './probe.ts';
import { readBoth } from './readings.ts';
import { assertIntended, type RestoreRun } from './restore-run.ts';
import { stoppableReads } from './stoppable-reads.ts';

/** What showed that the restore is running. */
interface ObservedStart {
  readonly reason: string;
  readonly history: ObservationHistory;
}

/**
 * Reads volume and backup while a POST waits for its answer. A lost answer usually means a gateway timeout (about a
 * minute). A quick restore may be over by then, and reads that only start afterwards could no longer show it. The verdict
 * is the same as after the answer, and an observation that contradicts the restore is committed at once.
 */
export async function readWhilePending<T>(
  request: Promise<T>,
  restore: RestoreRun,
): Promise<{ readonly value: T; readonly observedStart: ObservedStart | undefined }> {
  const { stop, lease } = restore.run;
  const reads = stoppableReads(stop);
  const until = reads.signal;
  let sighting: ObservedStart | undefined;
  let failure: { readonly cause: unknown } | undefined;
  observeUntilStarted(restore, until).then(
    (seen) => {
      sighting = seen;
    },
    (cause: unknown) => {
      // Aborted reads reject as well: that is no failure.
      if (!until.aborted) failure = { cause };
    },
  );
  try {
    const value = await request;
    // If the state cannot be written, the answer must not get lost: the next commit fails, too, and keeps it as unsaved.
    if (failure && !lease.failure) throw failure.cause;
    return { value, observedStart: sighting };
  } finally {
    reads.end(POST_ANSWERED);
  }
}

/** One error for all, because creating one takes a stack trace each time. */
const POST_ANSWERED = new Error('answered');

/** Resolves when the restore is seen running. Rejects with the reason of the signal. */
async function observeUntilStarted(restore: RestoreRun, until: AbortSignal): Promise<ObservedStart> {
  const { run, ids } = restore;
  const interval = growingInterval(run.settings.poll);
  for (;;) {
    await run.clock.sleep(interval(), until);
    const record = assertIntended(restore);
    const first = await readBoth(run.driver, run.clock, ids, until);
    const confirmed = await confirmReadings(restore, record, first, until);
    until.throwIfAborted();
    const { kind, reason } = judgeReadings(restore, record, confirmed);
    if (kind === 'adopt') return { reason, history: confirmed.history };
    await commitObservation(restore, confirmed);
  }
}
