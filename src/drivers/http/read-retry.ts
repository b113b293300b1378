import pRetry from 'p-retry';
import { backoffMs } from '../../domain/backoff.ts';
import type { Clock } from '../../domain/clock.ts';
import type { CloudFailure } from '../../domain/cloud.ts';
import type { RetrySettings } from '../../domain/config.ts';
import { formatDuration } from '../../domain/duration.ts';
import { unreachable } from '../../domain/errors.ts';
import { isForGood } from '../../network/network-errors.ts';
import type { Exchange } from './exchange.ts';
import { errorBody } from './failures.ts';

/** Attempts of one read before its failure is handed up; whoever asked may ask again later. */
const ATTEMPTS = 4;

/** "Querying the task failed": VBS asks for the question to be repeated. */
const TASK_QUERY_FAILED = 'common.0011';

export interface RetryTools {
  readonly retry: RetrySettings;
  readonly clock: Clock;
  /** In [0, 1). */
  readonly random: () => number;
}

/** What one attempt came to. `again`: it may go better the next time. */
export type Attempted<T> =
  | { readonly kind: 'done'; readonly value: T }
  | { readonly kind: 'failed'; readonly failure: CloudFailure; readonly again: boolean };

/**
 * Repeats what may be repeated without harm: reads, and requests for a token. Never the POST of a restore.
 * Gives up after a few attempts, or at once when the cloud asks to wait longer than `max_retry_after`; the failure says
 * for how long the cloud asked. Rejects only with the signal's reason.
 */
export async function withRetries<T>(
  attempt: () => Promise<Attempted<T>>,
  { retry, clock, random }: RetryTools,
  signal?: AbortSignal,
): Promise<Attempted<T>> {
  try {
    return await pRetry(
      async () => {
        const attempted = await attempt();
        if (attempted.kind === 'failed' && attempted.again) throw new Transient(attempted);
        return attempted;
      },
      {
        retries: ATTEMPTS - 1,
        // p-retry keeps time by timers of its own; all waiting is done here, on the clock that was passed in.
        minTimeout: 0,
        shouldRetry: ({ error }) =>
          error instanceof Transient && !asksTooLong(error.attempted.failure, retry),
        onFailedAttempt: async ({ error, attemptNumber, retriesLeft }) => {
          if (!(error instanceof Transient) || retriesLeft === 0) return;
          const { failure } = error.attempted;
          if (asksTooLong(failure, retry)) return;
          await clock.sleep(backoffMs(attemptNumber, failure, retry, random), signal);
        },
      },
    );
  } catch (error) {
    if (!(error instanceof Transient)) throw error;
    const { attempted } = error;
    return { ...attempted, failure: withWait(attempted.failure, retry) };
  }
}

class Transient extends Error {
  readonly attempted: Extract<Attempted<never>, { kind: 'failed' }>;

  constructor(attempted: Extract<Attempted<never>, { kind: 'failed' }>) {
    super(attempted.failure.message);
    this.attempted = attempted;
  }
}

function asksTooLong({ retry_after_ms = 0 }: CloudFailure, { max_retry_after_ms }: RetrySettings): boolean {
  return retry_after_ms > max_retry_after_ms;
}

/** The failure as a person should read it: when it is worth asking again. */
function withWait(failure: CloudFailure, retry: RetrySettings): CloudFailure {
  const { retry_after_ms = 0, message } = failure;
  if (retry_after_ms === 0) return failure;
  const limit = asksTooLong(failure, retry)
    ? `, longer than retry.max_retry_after (${formatDuration(retry.max_retry_after_ms)})`
    : '';
  return {
    ...failure,
    message: `${message}; the cloud asks to wait ${formatDuration(retry_after_ms)}${limit}`,
  };
}

/** Whether the same read may go better the next time. */
export function isTransient(exchange: Exchange): boolean {
  switch (exchange.kind) {
    case 'no_connection':
      return !isForGood(exchange.code);
    case 'broken':
      // The same question has the same long answer.
      return exchange.code !== 'RESPONSE_TOO_LARGE';
    case 'answer':
      return (
        exchange.status === 408 ||
        exchange.status === 429 ||
        exchange.status >= 500 ||
        // With 404 it means that the task itself is not there.
        (exchange.status !== 404 && errorBody(exchange)?.code === TASK_QUERY_FAILED)
      );
    default:
      return unreachable(exchange);
  }
}
