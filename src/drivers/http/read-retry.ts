import { backoffMs } from '../../domain/backoff.ts';
import type { Clock } from '../../domain/clock.ts';
import type { CloudFailure } from '../../domain/cloud.ts';
import type { RetrySettings } from '../../domain/config.ts';
import { formatDuration } from '../../domain/duration.ts';
import { unreachable } from '../../domain/errors.ts';
import { isPermanentNetworkError } from '../../network/network-errors.ts';
import { RetryableError, retry } from '../../network/retry.ts';
import type { Exchange } from './exchange.ts';
import { errorBody } from './failures.ts';

/** Attempts of one read before its failure is returned. The caller may ask again later. */
const ATTEMPTS = 4;

/** "Querying the task failed": VBS asks the client to repeat the query. */
const TASK_QUERY_FAILED = 'common.0011';

export interface RetryTools {
  readonly retry: RetrySettings;
  readonly clock: Clock;
  /** In [0, 1). */
  readonly random: () => number;
}

/** The result of one attempt. `retryable`: a repetition may succeed. */
export type AttemptResult<T> =
  | { readonly kind: 'done'; readonly value: T }
  | { readonly kind: 'failed'; readonly failure: CloudFailure; readonly retryable: boolean };

/**
 * Repeats a read, or a request for a token. Gives up after a few attempts, or at once when the cloud asks to wait longer than
 * `max_retry_after`; the failure says for how long the cloud asked. Rejects only with the signal's reason.
 */
export async function retryRead<T>(
  attempt: () => Promise<AttemptResult<T>>,
  { retry: settings, clock, random }: RetryTools,
  signal?: AbortSignal,
): Promise<AttemptResult<T>> {
  let failure: CloudFailure | undefined;
  const tryOnce = async () => {
    const attempted = await attempt();
    if (attempted.kind === 'done' || !attempted.retryable) return attempted;
    failure = attempted.failure;
    throw new RetryableError(failure.message);
  };
  const pauseMs = (failed: number) =>
    failure && asksTooLong(failure, settings) ? undefined : backoffMs(failed, failure, settings, random);
  try {
    return await retry(tryOnce, { clock, retries: ATTEMPTS - 1, pauseMs, signal });
  } catch (error) {
    if (!(error instanceof RetryableError) || !failure) throw error;
    return { kind: 'failed', failure: withWait(failure, settings), retryable: true };
  }
}

function asksTooLong({ retry_after_ms = 0 }: CloudFailure, { max_retry_after_ms }: RetrySettings): boolean {
  return retry_after_ms > max_retry_after_ms;
}

/** The failure for people, with the time after which a repetition is useful. */
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

/** Whether a repetition of the same read may succeed. */
export function isTransient(exchange: Exchange): boolean {
  switch (exchange.kind) {
    case 'no_connection':
      return !isPermanentNetworkError(exchange.code);
    case 'broken':
      // A repetition would have the same long answer.
      return exchange.code !== 'RESPONSE_TOO_LARGE';
    case 'answer':
      return (
        exchange.status === 408 ||
        exchange.status === 429 ||
        exchange.status >= 500 ||
        // With 404 it means that the task does not exist. A list (200) is no error, so it is not parsed for the code.
        (exchange.status >= 400 && exchange.status !== 404 && errorBody(exchange)?.code === TASK_QUERY_FAILED)
      );
    default:
      return unreachable(exchange);
  }
}
