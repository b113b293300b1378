import type { CloudFailure, StartOutcome } from '../domain/cloud.ts';
import { unreachable } from '../domain/errors.ts';
import type { Answer, Exchange } from './http/exchange.ts';
import { type ErrorBody, errorBody, failureOf } from './http/failures.ts';

/** How one API answers the POST of a restore. */
export interface AnswerRules {
  /** Interprets a 200 or 202. It counts as accepted only if it has the form that the API promises. */
  accept(answer: Answer): StartOutcome;
  /** Whether an error with this body does not exclude that the restore started. */
  mayHaveStarted(body: ErrorBody): boolean;
  /** Whether a 4xx may be retried, and when. `never`, unless the API documents something else for it. */
  again(status: number, body: ErrorBody | undefined): Rejected['again'];
}

type Rejected = Extract<StartOutcome, { kind: 'rejected' }>;

/**
 * Classifies the result of the POST of a restore. Pure. In doubt the result is ambiguous: an answer counts as refused
 * only if the service or its gateway said so.
 */
export function classifyAnswer(exchange: Exchange, nowMs: number, rules: AnswerRules): StartOutcome {
  switch (exchange.kind) {
    case 'no_connection':
      // Rule: unwritten-request-was-not-sent
      return { kind: 'not_sent', failure: failureOf(exchange, nowMs) };
    case 'broken':
      // Rule: lost-answer-is-ambiguous
      return { kind: 'ambiguous', failure: failureOf(exchange, nowMs) };
    case 'answer':
      return exchange.status === 200 || exchange.status === 202
        ? rules.accept(exchange)
        : classifyError(exchange, failureOf(exchange, nowMs), rules);
    default:
      return unreachable(exchange);
  }
}

function classifyError(answer: Answer, failure: CloudFailure, rules: AnswerRules): StartOutcome {
  const { status } = answer;
  const body = errorBody(answer);
  const ambiguous: StartOutcome = { kind: 'ambiguous', failure };
  // Rule: undecided-error-is-ambiguous
  if (body && rules.mayHaveStarted(body)) return ambiguous;
  switch (status) {
    case 401:
      // Rule: refused-token-is-renewed
      return { kind: 'rejected', failure, again: 'reauthenticate' };
    case 409:
    case 429:
    case 503:
      // Rule: gateway-page-is-ambiguous
      // A page or an empty body may come from a gateway that has already forwarded the request.
      if (!body) return ambiguous;
      // Rule: busy-answer-is-retried-later
      return { kind: 'rejected', failure, again: 'later' };
    // Something between client and service stopped waiting; the service may still process the request.
    // Rule: request-timeout-is-ambiguous
    case 408:
    // Rule: closed-request-is-ambiguous
    case 499:
      return ambiguous;
    default:
      // Rule: redirect-is-ambiguous
      if (status < 400) return ambiguous;
      // Rule: server-error-is-ambiguous
      if (status >= 500) return ambiguous;
      // Rule: error-code-decides-whether-to-retry
      return { kind: 'rejected', failure, again: rules.again(status, body) };
  }
}
