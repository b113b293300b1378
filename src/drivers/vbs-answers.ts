import type { StartOutcome } from '../domain/cloud.ts';
import { optional } from '../domain/optional.ts';
import type { Answer, Exchange } from './http/exchange.ts';
import { errorBody, parseObject, requestId, unreadable } from './http/failures.ts';
import { classifyAnswer, type Dialect } from './start-answers.ts';

/** What the end of `POST …/cloudbackups/{id}/restore` means. */
export function classifyStart(exchange: Exchange, nowMs: number): StartOutcome {
  return classifyAnswer(exchange, nowMs, DIALECT);
}

const DIALECT: Dialect = {
  accept,
  mayHaveStarted: ({ code }) => code !== undefined && MAY_HAVE_STARTED.has(code),
  again: (_, body) => RETRY_HELPS.get(body?.code ?? '') ?? 'never',
};

function accept(answer: Answer): StartOutcome {
  const id = parseObject(answer.text)?.job_id;
  if (typeof id === 'string' && JOB_ID.test(id) && (answer.secrets?.maskName(id) ?? id) === id)
    // Rule: yes-with-a-job-is-accepted
    return { kind: 'accepted', job_id: id, ...optional('request_id', requestId(answer)) };
  const said = errorBody(answer);
  const why = said
    ? `HTTP ${answer.status} with an error in it: ${said.message || said.code}`
    : `HTTP ${answer.status} without a job id`;
  // Rule: yes-without-a-job-is-ambiguous
  return { kind: 'ambiguous', failure: unreadable(answer, why) };
}

/** An opaque word, which goes into the state; but nothing that would not fit into an address. */
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
