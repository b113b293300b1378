import pRetry from 'p-retry';
import type { Clock } from '../../domain/clock.ts';
import type { CloudFailure } from '../../domain/cloud.ts';
import type { RetrySettings } from '../../domain/config.ts';
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
 * Gives up after a few attempts, or at once when the cloud asks for more patience than `max_delay_ms`: the
 * failure carries its `Retry-After` then. Rejects only with the signal's reason.
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
        if (attempted.kind === 'failed' && attempted.again && isPatient(attempted.failure, retry))
          throw new Transient(attempted);
        return attempted;
      },
      {
        retries: ATTEMPTS - 1,
        // p-retry keeps time by timers of its own; all waiting is done here, on the clock that was passed in.
        minTimeout: 0,
        shouldRetry: ({ error }) => error instanceof Transient,
        onFailedAttempt: async ({ error, attemptNumber, retriesLeft }) => {
          if (!(error instanceof Transient) || retriesLeft === 0) return;
          const { retry_after_ms } = error.attempted.failure;
          await clock.sleep(retry_after_ms ?? backoffMs(attemptNumber, retry, random), signal);
        },
      },
    );
  } catch (error) {
    if (error instanceof Transient) return error.attempted as Attempted<T>;
    throw error;
  }
}

class Transient extends Error {
  readonly attempted: Extract<Attempted<never>, { kind: 'failed' }>;

  constructor(attempted: Extract<Attempted<never>, { kind: 'failed' }>) {
    super(attempted.failure.message);
    this.attempted = attempted;
  }
}

function isPatient({ retry_after_ms = 0 }: CloudFailure, retry: RetrySettings): boolean {
  return retry_after_ms <= retry.max_delay_ms;
}

/** Doubles from `min_delay_ms` to `max_delay_ms`; a random half of it, so that many clients spread. */
function backoffMs(attemptNumber: number, retry: RetrySettings, random: () => number): number {
  const ceiling = Math.min(retry.max_delay_ms, retry.min_delay_ms * 2 ** (attemptNumber - 1));
  return Math.round(ceiling * (0.5 + random() / 2));
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
