import { wasEverInDoubt, worstDoubt } from '../domain/doubt.ts';
import { unreachable } from '../domain/errors.ts';
import { isGone, type Observation, type ObservationHistory } from '../domain/observation.ts';
import type { Intended } from '../domain/record.ts';
import {
  type ConfirmedReadings,
  commitObservation,
  confirmReadings,
  observedRestore,
} from './confirm-readings.ts';
import { heldFor } from './held-for.ts';
import { PollSchedule } from './poll-intervals.ts';
import type { RestoreRun } from './restore-run.ts';
import { effectiveSettle, judgeAttempts, type Verdict, type VerdictInput } from './verdict.ts';

export type ProbeResult =
  | { readonly kind: 'adopt'; readonly reason: string; readonly history: ObservationHistory }
  /** Nothing was started. `seen`: the last observation; absent if no request can have started anything. */
  | {
      readonly kind: 'not_started';
      readonly reason: string;
      readonly for_ms: number;
      readonly seen?: Observation;
    }
  | { readonly kind: 'failed'; readonly reason: string }
  | { readonly kind: 'unknown'; readonly reason: string; readonly observations: readonly Observation[] }
  /** Not known yet, and a run in mode `no_wait` does not wait for it. */
  | { readonly kind: 'undecided' };

/**
 * Reads volume and backup until it is known what the attempts so far have done. Starts at once, and continues
 * until settle has passed since: a resumed run counts from its own first read, because it cannot know how
 * long ago the request left. If no attempt is in doubt any more, one read is enough.
 */
export async function probe(restore: RestoreRun, started: Intended): Promise<ProbeResult> {
  const { run } = restore;
  // Nothing to find out: save the requests.
  if (!wasEverInDoubt(started.attempts))
    return { kind: 'not_started', reason: 'nothing that was sent can have started it', for_ms: 0 };

  const schedule = new PollSchedule(run.clock, run.settings.poll);
  const heldGone = heldFor(run.clock, restore.settleMs);
  let emitted = '';
  for (;;) {
    const record = restore.record?.status === 'intended' ? restore.record : started;
    const confirmed = await confirmReadings(restore, record, await restore.readBoth());
    const { history } = confirmed;
    const { seen } = confirmed.readings;
    const settleMs = neededSettle(restore, record);
    const { sinceMs } = schedule;
    const absentForSettle = heldGone(isGone(seen));
    const verdict = judgeReadings(restore, record, confirmed, {
      sinceMs,
      absentForSettle,
      settleMs,
    });
    const { reason } = verdict;
    switch (verdict.kind) {
      case 'adopt':
        return { kind: 'adopt', reason, history };
      case 'not_started':
        return { kind: 'not_started', reason, for_ms: sinceMs, seen };
      case 'failed':
        return { kind: 'failed', reason };
      case 'unknown':
        return { kind: 'unknown', reason, observations: history.observations };
      case 'wait': {
        await commitObservation(restore, confirmed);
        if (emitted !== reason) run.emit({ type: 'checking', address: record.address, reason });
        emitted = reason;
        // Settle is short and bounded: it is always waited out, even past the timeout.
        const settling = sinceMs < settleMs;
        // Rule: wait-ends-with-the-timeout
        if (!settling && restore.timeIsUp)
          return {
            kind: 'unknown',
            reason: `not determined within the timeout: ${reason}`,
            observations: history.observations,
          };
        if (!settling && run.mode === 'no_wait') return { kind: 'undecided' };
        await schedule.pause(settleMs - sinceMs, run.stop);
        break;
      }
      default:
        return unreachable(verdict.kind);
    }
  }
}

/** While the answer to the POST is still awaited, only `adopt` counts. */
const UNANSWERED = { sinceMs: 0, absentForSettle: false, settleMs: Number.POSITIVE_INFINITY };

export function judgeReadings(
  { run }: RestoreRun,
  record: Intended,
  { readings, history }: ConfirmedReadings,
  timing: Pick<VerdictInput, 'sinceMs' | 'absentForSettle' | 'settleMs'> = UNANSWERED,
): Verdict {
  return judgeAttempts({
    ...observedRestore(record, run.driver.traits),
    attempts: record.attempts,
    seen: readings.seen,
    history,
    ...timing,
    afterAmbiguous: run.settings.retry.after_ambiguous,
  });
}

/** How long an unchanged volume must be observed before it counts as untouched, ms. */
function neededSettle({ run, settleMs }: RestoreRun, { attempts }: Intended): number {
  if (worstDoubt(attempts) === 'none') return 0;
  // Rule: settled-after-observing-until-settle
  return effectiveSettle(settleMs, run.lag.longestMs);
}
