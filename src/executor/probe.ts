import { wasEverInDoubt, worstDoubt } from '../domain/doubt.ts';
import { unreachable } from '../domain/errors.ts';
import type { Observation, ObservationHistory } from '../domain/observation.ts';
import type { Intended } from '../domain/record.ts';
import { commitObservation, confirmReadings, observedRestore } from './confirm-readings.ts';
import { HoldTimer, isGone } from './hold-timer.ts';
import { PollSchedule } from './rhythm.ts';
import type { RestoreRun } from './run.ts';
import { effectiveSettle, judge } from './verdict.ts';

export type Finding =
  | { readonly kind: 'adopt'; readonly because: string; readonly history: ObservationHistory }
  /** Nothing was started. `seen`: the last look, if there was anything to look for. */
  | { readonly kind: 'retry'; readonly because: string; readonly for_ms: number; readonly seen?: Observation }
  | { readonly kind: 'failed'; readonly because: string }
  | { readonly kind: 'unknown'; readonly because: string; readonly observations: readonly Observation[] }
  /** Not told yet, and this run is not to wait for it. */
  | { readonly kind: 'open' };

/**
 * Looks at disk and backup until it is known what the attempts so far have done. Begins at once, and goes on
 * until settle has passed since it began: a resumed run counts from its own first look, for it cannot know how
 * long ago the request left. What is settled already is looked at once.
 */
export async function probe(session: RestoreRun, started: Intended): Promise<Finding> {
  const { run } = session;
  const { clock, settings } = run;
  // Nothing to find out: save the requests.
  if (!wasEverInDoubt(started.attempts))
    return { kind: 'retry', because: 'nothing that was sent can have started it', for_ms: 0 };

  const rhythm = new PollSchedule(clock, settings.poll);
  const gone = new HoldTimer(clock, session.settleMs);
  let told = '';
  for (;;) {
    const record = session.record?.status === 'intended' ? session.record : started;
    const confirmed = await confirmReadings(session, record, await session.look());
    const { history } = confirmed;
    const { seen } = confirmed.look;
    const settleMs = settleOf(session, record);
    const { sinceMs } = rhythm;
    const verdict = judge({
      ...observedRestore(record, run.driver.traits),
      attempts: record.attempts,
      seen,
      history,
      since_ms: sinceMs,
      gone_for_good: gone.seen(isGone(seen)),
      settle_ms: settleMs,
      after_ambiguous: settings.retry.after_ambiguous,
    });
    switch (verdict.kind) {
      case 'adopt':
        return { kind: 'adopt', because: verdict.because, history };
      case 'retry':
        return { kind: 'retry', because: verdict.because, for_ms: sinceMs, seen };
      case 'failed':
        return { kind: 'failed', because: verdict.because };
      case 'unknown':
        return { kind: 'unknown', because: verdict.because, observations: history.looks };
      case 'wait': {
        await commitObservation(session, confirmed);
        if (told !== verdict.because)
          run.emit({ type: 'checking', address: record.address, because: verdict.because });
        told = verdict.because;
        // Settle is short and bounded: it is always waited out, even past the timeout.
        const settling = sinceMs < settleMs;
        // Rule: wait-ends-with-the-timeout
        if (!settling && session.timeIsUp)
          return {
            kind: 'unknown',
            because: `not determined within the timeout: ${verdict.because}`,
            observations: history.looks,
          };
        if (!settling && run.mode === 'no_wait') return { kind: 'open' };
        await rhythm.pause(settleMs - sinceMs, run.stop);
        break;
      }
      default:
        return unreachable(verdict.kind);
    }
  }
}

/** How long an unmoved disk is looked at before it counts, ms. */
function settleOf({ run, settleMs }: RestoreRun, { attempts }: Intended): number {
  if (worstDoubt(attempts) === 'none') return 0;
  // Rule: settled-is-what-was-looked-at-until-settle
  return effectiveSettle(settleMs, run.lag.longestMs);
}
