import type { Clock } from '../domain/clock.ts';
import type { Diagnostic } from '../domain/diagnostic.ts';
import { formatDuration } from '../domain/duration.ts';
import { Failure } from '../domain/errors.ts';
import type { LeaseTime } from './lease-terms.ts';
import { renewEveryMs } from './lease-terms.ts';

export interface Renewal {
  readonly clock: Clock;
  /** Ends it. */
  readonly signal: AbortSignal;
  readonly time: LeaseTime;
  /** One renewal. */
  readonly renew: () => Promise<void>;
  /** Whether it was a cut connection, after which the next renewal just connects again; default: never. */
  readonly isCut?: (cause: unknown) => boolean;
  /** Told of what a person may be able to mend before the lease ends. */
  readonly onNote: ((note: Diagnostic) => void) | undefined;
}

/** Renews a lease until it is ended or `isLost`. Rejects never. */
export async function keepRenewed(renewal: Renewal, isLost: () => boolean): Promise<void> {
  const { clock, signal, time, renew, isCut, onNote } = renewal;
  while (!signal.aborted && !isLost()) {
    try {
      await clock.sleep(renewEveryMs(time.ttlMs), signal);
      await renew();
    } catch (cause) {
      if (signal.aborted || isLost() || isCut?.(cause)) continue;
      onNote?.(notRenewed(cause, time.remainingMs()));
    }
  }
}

function notRenewed(cause: unknown, leftMs: number): Diagnostic {
  const summary = cause instanceof Failure ? cause.diagnostics[0]?.summary : undefined;
  const because = summary ?? (cause instanceof Error ? cause.message : 'the reason is not known');
  return {
    severity: 'warning',
    code: 'lock-not-renewed',
    summary: `the lock on the state could not be renewed: ${because}`,
    detail: `It lasts ${formatDuration(leftMs)} more and is renewed again before. When it ends, this run starts no restore any more.`,
    remedy: 'give this run back its access to the state',
  };
}
