import type { Intended } from '../domain/record.ts';
import { growing } from './growing-interval.ts';
import { look } from './look.ts';
import type { Session } from './run.ts';
import { judge, type Verdict } from './verdict.ts';

/**
 * Looks at disk and backup while a POST waits for its answer. An answer that is lost mostly takes a gateway's whole
 * patience (a minute) to be lost, and a quick restore has come and gone by then: who looks only afterwards cannot
 * tell any more. The evidence asked for is the same: both restoring, and not before.
 */
export async function watchWhile<T>(
  posting: Promise<T>,
  session: Session,
  record: Intended,
): Promise<{ readonly value: T; readonly sighting: Verdict | undefined }> {
  const { stop } = session.run;
  const over = new AbortController();
  // Not AbortSignal.any: that is kept track of by weak references, which the garbage collector pays for.
  const onStop = () => over.abort(stop.reason);
  if (stop.aborted) onStop();
  else stop.addEventListener('abort', onStop, { once: true });
  const until = over.signal;
  let sighting: Verdict | undefined;
  sight(session, record, until).then(
    (seen) => {
      sighting = seen;
    },
    (cause: unknown) => {
      // It ends with the answer, or when somebody asks to stop.
      if (!until.aborted) throw cause;
    },
  );
  try {
    return { value: await posting, sighting };
  } finally {
    stop.removeEventListener('abort', onStop);
    over.abort(ANSWERED);
  }
}

/** Made once: an error takes its stack each time. */
const ANSWERED = new Error('answered');

/** Resolves when the restore is seen under way. Rejects with the reason of the signal. */
async function sight({ run, ids }: Session, record: Intended, until: AbortSignal): Promise<Verdict> {
  const { poll, retry } = run.settings;
  const interval = growing(poll.min_interval_ms, poll.max_interval_ms);
  for (;;) {
    await run.clock.sleep(interval(), until);
    const { seen } = await look(run.driver, run.clock, ids, until);
    const verdict = judge({
      backup_id: record.backup_id,
      attempts: record.attempts,
      baseline: record.baseline,
      seen,
      since_ms: 0,
      settle_ms: Number.POSITIVE_INFINITY,
      after_ambiguous: retry.after_ambiguous,
    });
    if (verdict.kind === 'adopt') return verdict;
  }
}
