import type { ObservationHistory } from '../domain/observation.ts';
import { commitObservation, confirmReadings } from './confirm-readings.ts';
import { growingInterval } from './poll-intervals.ts';
import { judgeReadings } from './probe.ts';
import { readBoth } from './readings.ts';
import { intended, type RestoreRun } from './restore-run.ts';

/** The restore was seen running. */
interface Sighting {
  readonly reason: string;
  readonly history: ObservationHistory;
}

/**
 * Reads volume and backup while a POST waits for its answer. A lost answer usually means a gateway timeout (about a
 * minute). A quick restore may be over by then, and reads that only start afterwards could no longer show it. The verdict
 * is the same as after the answer, and an observation that contradicts the restore is committed at once.
 */
export async function watchWhile<T>(
  posting: Promise<T>,
  restore: RestoreRun,
): Promise<{ readonly value: T; readonly sighting: Sighting | undefined }> {
  const { stop, lease } = restore.run;
  const over = new AbortController();
  // Not AbortSignal.any: it keeps its signals by weak references, which cost the garbage collector.
  const onStop = () => over.abort(stop.reason);
  if (stop.aborted) onStop();
  else stop.addEventListener('abort', onStop, { once: true });
  const until = over.signal;
  let sighting: Sighting | undefined;
  let failure: { readonly cause: unknown } | undefined;
  sight(restore, until).then(
    (seen) => {
      sighting = seen;
    },
    (cause: unknown) => {
      // It ends with the answer, or on a stop.
      if (!until.aborted) failure = { cause };
    },
  );
  try {
    const value = await posting;
    // The answer is worth more: if the state cannot be written, the next step fails, too, and keeps the answer as unsaved.
    if (failure && !lease.failure) throw failure.cause;
    return { value, sighting };
  } finally {
    stop.removeEventListener('abort', onStop);
    over.abort(ANSWERED);
  }
}

/** One for all: creating an error takes a stack trace each time. */
const ANSWERED = new Error('answered');

/** Resolves when the restore is seen running. Rejects with the reason of the signal. */
async function sight(restore: RestoreRun, until: AbortSignal): Promise<Sighting> {
  const { run, ids } = restore;
  const interval = growingInterval(run.settings.poll);
  for (;;) {
    await run.clock.sleep(interval(), until);
    const record = intended(restore);
    const first = await readBoth(run.driver, run.clock, ids, until);
    const confirmed = await confirmReadings(restore, record, first, until);
    until.throwIfAborted();
    const { kind, reason } = judgeReadings(restore, record, confirmed);
    if (kind === 'adopt') return { reason, history: confirmed.history };
    await commitObservation(restore, confirmed);
  }
}
