import { unreachable } from '../domain/errors.ts';
import type { Intended, Observation } from '../domain/record.ts';
import { worstDoubt } from '../domain/record.ts';
import { Rhythm } from './rhythm.ts';
import type { Session } from './run.ts';
import { effectiveSettle, judge } from './verdict.ts';

export type Finding =
  | {
      readonly kind: 'adopt' | 'retry' | 'failed';
      readonly because: string;
      readonly seen: Observation | undefined;
    }
  | { readonly kind: 'unknown'; readonly because: string; readonly observations: readonly Observation[] };

/** Looks kept as evidence of an unknown outcome. */
const OBSERVATIONS_MAX = 10;

/**
 * Looks at disk and backup until it is known what the attempts so far have done. Begins at once, and goes on
 * until settle has passed since it began: a resumed run counts from its own first look, for it cannot know how
 * long ago the request left.
 */
export async function probe(session: Session, record: Intended): Promise<Finding> {
  const { run } = session;
  const { clock, settings } = run;
  // Nothing to find out: save the requests.
  if (worstDoubt(record.attempts) === 'none')
    return { kind: 'retry', because: 'nothing that was sent can have started it', seen: undefined };

  const rhythm = new Rhythm(clock, settings.poll);
  const observations: Observation[] = [];
  let told = '';
  for (;;) {
    const { seen } = await session.look();
    remember(observations, seen);
    const settleMs = effectiveSettle(settings.retry.settle_ms, run.lag.longestMs);
    const { sinceMs } = rhythm;
    const verdict = judge({
      backup_id: record.backup_id,
      attempts: record.attempts,
      baseline: record.baseline,
      seen,
      since_ms: sinceMs,
      settle_ms: settleMs,
      after_ambiguous: settings.retry.after_ambiguous,
    });
    if (told !== verdict.because) {
      run.emit({ type: 'verdict', address: record.address, verdict: verdict.kind, because: verdict.because });
      told = verdict.because;
    }
    switch (verdict.kind) {
      case 'adopt':
      case 'retry':
      case 'failed':
        return { kind: verdict.kind, because: verdict.because, seen };
      case 'unknown':
        return { kind: 'unknown', because: verdict.because, observations };
      case 'wait': {
        // Settle is short and bounded: it is always waited out, even past the timeout.
        const settling = sinceMs < settleMs;
        if (!settling && session.timeIsUp)
          return {
            kind: 'unknown',
            because: `not told within the timeout: ${verdict.because}`,
            observations,
          };
        await rhythm.pause(settleMs - sinceMs, run.stop);
        break;
      }
      default:
        return unreachable(verdict.kind);
    }
  }
}

/** Keeps the first and the newest looks: the change is between them. */
function remember(observations: Observation[], seen: Observation): void {
  const last = observations.at(-1);
  if (last && JSON.stringify({ ...last, at: '' }) === JSON.stringify({ ...seen, at: '' })) observations.pop();
  observations.push(seen);
  if (observations.length > OBSERVATIONS_MAX) observations.splice(1, 1);
}
