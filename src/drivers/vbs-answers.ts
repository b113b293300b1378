import type { StartOutcome } from '../domain/cloud.ts';
import { unreachable } from '../domain/errors.ts';
import { optional } from '../domain/record.ts';
import type { Answer, Exchange } from './http/exchange.ts';
import { errorBody, failureOf, parseObject, requestId, unreadable } from './http/failures.ts';

/**
 * What the end of `POST …/cloudbackups/{id}/restore` means: the answer table of the design, row by row. Pure,
 * and in doubt ambiguous: an answer counts as a no only when somebody who knows said it.
 */
export function classifyStart(exchange: Exchange, nowMs: number): StartOutcome {
  switch (exchange.kind) {
    case 'no_connection':
      return { kind: 'not_sent', failure: failureOf(exchange, nowMs) };
    case 'broken':
      return { kind: 'ambiguous', failure: failureOf(exchange, nowMs) };
    case 'answer':
      return classifyAnswer(exchange, nowMs);
    default:
      return unreachable(exchange);
  }
}

function classifyAnswer(answer: Answer, nowMs: number): StartOutcome {
  const { status } = answer;
  if (status === 200 || status === 202) return classifyYes(answer);
  const failure = failureOf(answer, nowMs);
  const ambiguous: StartOutcome = { kind: 'ambiguous', failure };
  if (failure.code !== undefined && MAY_HAVE_STARTED.has(failure.code)) return ambiguous;
  switch (status) {
    case 401:
      return { kind: 'rejected', failure, again: 'reauthenticate' };
    case 409:
    case 429:
    case 503:
      // A page or an empty body may come from a gateway that had passed the request on.
      return errorBody(answer) ? { kind: 'rejected', failure, again: 'later' } : ambiguous;
    case 408:
    case 499:
      // Somebody on the way gave up waiting; what lies behind may still work on it.
      return ambiguous;
    default:
      if (status < 400 || status >= 500) return ambiguous;
      return { kind: 'rejected', failure, again: RETRY_HELPS.get(failure.code ?? '') ?? 'never' };
  }
}

function classifyYes(answer: Answer): StartOutcome {
  const id = parseObject(answer.text)?.job_id;
  if (typeof id === 'string' && JOB_ID.test(id))
    return { kind: 'accepted', job_id: id, ...optional('request_id', requestId(answer)) };
  const said = errorBody(answer);
  const why = said
    ? `HTTP ${answer.status} with an error in it: ${said.message || said.code}`
    : `HTTP ${answer.status} without a job id`;
  return { kind: 'ambiguous', failure: unreadable(answer, why) };
}

/** An opaque word; but nothing that would not fit into an address. */
const JOB_ID = /^(?=.*[A-Za-z0-9])[\x21-\x7e]{1,256}$/;

/**
 * The service's own codes that do not say whether anything began: the restore task could not be submitted
 * (`.0014`: "look first") or queried, the restore failed, or gave no result.
 */
const MAY_HAVE_STARTED: ReadonlySet<string> = new Set([
  'common.0011',
  'VolumeBackup.0014',
  'VolumeBackup.0200',
  'VolumeBackup.0201',
]);

/** The codes of a no that need not stay one. Every other code, and no code, is for good. */
const RETRY_HELPS: ReadonlyMap<string, 'when_ready' | 'reauthenticate'> = new Map([
  ['VolumeBackup.0044', 'reauthenticate'], // the token's rights are invalid
  ['VolumeBackup.0089', 'when_ready'], // backup not available
  ['VolumeBackup.0205', 'when_ready'], // disk not available
  ['VolumeBackup.0206', 'when_ready'], // a backup of the disk is being made
]);
