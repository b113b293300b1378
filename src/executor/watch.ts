import type { ObservationHistory } from '../domain/observation.ts';
import { commitObservation, confirmReadings, observedRestore } from './confirm-readings.ts';
import { growing } from './growing-interval.ts';
import { look } from './readings.ts';
import { intended, type RestoreRun } from './run.ts';
import { judge } from './verdict.ts';

/** The restore was seen under way. */
export interface Sighting {
  readonly because: string;
  readonly history: ObservationHistory;
}

/**
 * Looks at disk and backup while a POST waits for its answer. An answer that is lost mostly takes a gateway's whole
 * patience (a minute) to be lost, and a quick restore has come and gone by then: who looks only afterwards cannot
 * tell any more. The evidence asked for is the same, and what speaks against it is made durable at once.
 */
export async function watchWhile<T>(
  posting: Promise<T>,
  session: RestoreRun,
): Promise<{ readonly value: T; readonly sighting: Sighting | undefined }> {
  const { stop } = session.run;
  const over = new AbortController();
  // Not AbortSignal.any: that is kept track of by weak references, which the garbage collector pays for.
  const onStop = () => over.abort(stop.reason);
  if (stop.aborted) onStop();
  else stop.addEventListener('abort', onStop, { once: true });
  const until = over.signal;
  let sighting: Sighting | undefined;
  let failure: { readonly cause: unknown } | undefined;
  sight(session, until).then(
    (seen) => {
      sighting = seen;
    },
    (cause: unknown) => {
      // It ends with the answer, or when somebody asks to stop.
      if (!until.aborted) failure = { cause };
    },
  );
  try {
    const value = await posting;
    // What came of the request is worth more: a state that cannot be written says so at the next step, which keeps it.
    if (failure && !session.run.lease.failure) throw failure.cause;
    return { value, sighting };
  } finally {
    stop.removeEventListener('abort', onStop);
    over.abort(ANSWERED);
  }
}

/** Made once: an error takes its stack each time. */
const ANSWERED = new Error('answered');

/** Resolves when the restore is seen under way. Rejects with the reason of the signal. */
async function sight(session: RestoreRun, until: AbortSignal): Promise<Sighting> {
  const { run, ids } = session;
  const { poll, retry } = run.settings;
  const interval = growing(poll.min_interval_ms, poll.max_interval_ms);
  for (;;) {
    await run.clock.sleep(interval(), until);
    const record = intended(session);
    const confirmed = await confirmReadings(
      session,
      record,
      await look(run.driver, run.clock, ids, until),
      until,
    );
    until.throwIfAborted();
    const verdict = judge({
      ...observedRestore(record, run.driver.traits),
      attempts: record.attempts,
      seen: confirmed.look.seen,
      history: confirmed.history,
      since_ms: 0,
      gone_for_good: false,
      settle_ms: Number.POSITIVE_INFINITY,
      after_ambiguous: retry.after_ambiguous,
    });
    if (verdict.kind === 'adopt') return { because: verdict.because, history: confirmed.history };
    await commitObservation(session, confirmed);
  }
}
