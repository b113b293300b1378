import type { StartOutcome } from '../domain/cloud.ts';
import { optional } from '../domain/optional.ts';
import type { Answer, Exchange } from './http/exchange.ts';
import { errorBody, parseObject, requestId, unreadable } from './http/failures.ts';
import { type AnswerRules, classifyAnswer } from './start-answers.ts';

/** Classifies the result of `POST …/cloudbackups/{id}/restore`. */
export function classifyStart(exchange: Exchange, nowMs: number): StartOutcome {
  return classifyAnswer(exchange, nowMs, ANSWER_RULES);
}

const ANSWER_RULES: AnswerRules = {
  accept,
  mayHaveStarted: ({ code }) => code !== undefined && MAY_HAVE_STARTED.has(code),
  again: (_, body) => RETRYABLE_REFUSALS.get(body?.code ?? '') ?? 'never',
};

function accept(answer: Answer): StartOutcome {
  const id = parseObject(answer.text)?.job_id;
  if (typeof id === 'string' && JOB_ID.test(id) && (answer.secrets?.maskName(id) ?? id) === id)
    // Rule: answer-with-a-job-id-is-accepted
    return { kind: 'accepted', job_id: id, ...optional('request_id', requestId(answer)) };
  const error = errorBody(answer);
  const why = error
    ? `HTTP ${answer.status} with an error in it: ${error.message || error.code}`
    : `HTTP ${answer.status} without a job id`;
  // Rule: answer-without-a-job-id-is-ambiguous
  return { kind: 'ambiguous', failure: unreadable(answer, why) };
}

/** A job id is opaque. It is stored in the state, and must fit into a URL. */
const JOB_ID = /^(?=.*[A-Za-z0-9])[\x21-\x7e]{1,256}$/;

/**
 * Error codes of the service that leave open whether the restore started: the task could not be submitted (`.0014`:
 * "look first") or queried, the restore failed, or it gave no result.
 */
const MAY_HAVE_STARTED: ReadonlySet<string> = new Set([
  'common.0011',
  'VolumeBackup.0014',
  'VolumeBackup.0200',
  'VolumeBackup.0201',
]);

/** Error codes of refusals that may not be permanent. Every other code, and a missing code, is permanent. */
const RETRYABLE_REFUSALS: ReadonlyMap<string, 'when_ready' | 'reauthenticate'> = new Map([
  ['VolumeBackup.0044', 'reauthenticate'], // the token's rights are invalid
  ['VolumeBackup.0089', 'when_ready'], // backup not available
  ['VolumeBackup.0205', 'when_ready'], // volume not available
  ['VolumeBackup.0206', 'when_ready'], // a backup of the volume is being made
]);
