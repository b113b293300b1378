import type { MultilineText } from '../domain/diagnostic.ts';
import { Failure } from '../domain/errors.ts';
import { optional } from '../domain/optional.ts';
import type { Secrets } from '../domain/secrets.ts';
import { messageText } from '../network/message-text.ts';
import { codeOf, explainNetworkError } from '../network/network-errors.ts';

/** What goes wrong with the server that stores a state, whatever its protocol. */

interface ServerFailure {
  /** Where the state is, as it is shown. */
  readonly location: string;
  readonly remedy: string;
  readonly detail?: string | undefined;
  readonly cause?: unknown;
}

export function serverFailure(summary: string, { location, remedy, detail, cause }: ServerFailure): Failure {
  const more = { where: { file: location }, ...optional('detail', detail), remedy };
  return Failure.of('state', 'state-server', summary, more, { cause });
}

/** A location of a state that vbsctl cannot take. */
export function invalidUrl(summary: string, remedy: string | MultilineText): Failure {
  return Failure.of('usage', 'state-url', summary, { remedy });
}

/** Whether the same request may succeed later: the server, or a gateway before it, is away or busy. 501 is final. */
export function isTransientStatus(status: number): boolean {
  return status === 408 || status === 429 || (status >= 500 && status !== 501);
}

/** Why a request got no answer. Uses only code and message of the error: an axios error carries the request with its password. */
export function noAnswerReason(cause: unknown, secrets: Secrets | undefined): string {
  if (!(cause instanceof Error)) return 'no answer';
  if (['AbortError', 'CanceledError', 'TimeoutError'].includes(cause.name)) return 'no answer in time';
  const code = codeOf(cause);
  const text = code === '' ? cause.message || cause.name : explainNetworkError(code, cause.message);
  return messageText(text, secrets) || 'no answer';
}

export function notWritten(
  location: string,
  why: string,
  cause?: unknown,
  remedy = 'fix this, then run the same command again: it checks the cloud first',
): Failure {
  const detail =
    'No new restore is started. Everything reported before is safe, and running restores continue in the cloud.';
  const more = { where: { file: location }, detail, remedy };
  return Failure.of('state', 'state-not-written', `cannot write the state: ${why}`, more, { cause });
}
