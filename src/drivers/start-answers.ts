import type { CloudFailure, StartOutcome } from '../domain/cloud.ts';
import { unreachable } from '../domain/errors.ts';
import type { Answer, Exchange } from './http/exchange.ts';
import { type ErrorBody, errorBody, failureOf } from './http/failures.ts';

/** What is particular to one API in the answers to a restore. */
export interface Dialect {
  /** What a 200 or 202 promises, if it is worded as the API words it. */
  accept(answer: Answer): StartOutcome;
  /** Whether a no with this body leaves open that the restore began all the same. */
  mayHaveStarted(body: ErrorBody): boolean;
  /** What a 4xx says about another time; `never` unless the API has words for something else. */
  again(status: number, body: ErrorBody | undefined): Rejected['again'];
}

type Rejected = Extract<StartOutcome, { kind: 'rejected' }>;

/**
 * What the end of the POST of a restore means: the answer table of the design, row by row. Pure, and in doubt
 * ambiguous: an answer counts as a no only when somebody who knows said it.
 */
export function classifyAnswer(exchange: Exchange, nowMs: number, dialect: Dialect): StartOutcome {
  switch (exchange.kind) {
    case 'no_connection':
      // Rule: unwritten-request-was-not-sent
      return { kind: 'not_sent', failure: failureOf(exchange, nowMs) };
    case 'broken':
      // Rule: lost-answer-is-ambiguous
      return { kind: 'ambiguous', failure: failureOf(exchange, nowMs) };
    case 'answer':
      return exchange.status === 200 || exchange.status === 202
        ? dialect.accept(exchange)
        : classifyNo(exchange, failureOf(exchange, nowMs), dialect);
    default:
      return unreachable(exchange);
  }
}

function classifyNo(answer: Answer, failure: CloudFailure, dialect: Dialect): StartOutcome {
  const { status } = answer;
  const body = errorBody(answer);
  const ambiguous: StartOutcome = { kind: 'ambiguous', failure };
  // Rule: error-that-leaves-it-open-is-ambiguous
  if (body && dialect.mayHaveStarted(body)) return ambiguous;
  switch (status) {
    case 401:
      // Rule: refused-token-is-renewed
      return { kind: 'rejected', failure, again: 'reauthenticate' };
    case 409:
    case 429:
    case 503:
      // Rule: gateway-page-is-ambiguous
      // A page or an empty body may come from a gateway that had passed the request on.
      if (!body) return ambiguous;
      // Rule: busy-cloud-is-asked-later
      return { kind: 'rejected', failure, again: 'later' };
    // Somebody on the way gave up waiting; what lies behind may still work on it.
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
      // Rule: refusal-means-what-its-code-says
      return { kind: 'rejected', failure, again: dialect.again(status, body) };
  }
}
