import { type StartOutcome, sameId } from '../domain/cloud.ts';
import { optional } from '../domain/optional.ts';
import { isObject } from '../domain/shape.ts';
import type { StartRequest } from './driver.ts';
import type { Answer, Exchange } from './http/exchange.ts';
import { type ErrorBody, errorBody, parseObject, requestId, unreadable } from './http/failures.ts';
import { classifyAnswer } from './start-answers.ts';

type RequestedRestore = Pick<StartRequest, 'volume_id' | 'backup_id'>;

/** Classifies the result of `POST /v3/{project}/backups/{id}/restore`. */
export function classifyStart(exchange: Exchange, requested: RequestedRestore, nowMs: number): StartOutcome {
  return classifyAnswer(exchange, nowMs, {
    accept: (answer) => accept(answer, requested),
    mayHaveStarted: () => false,
    again,
  });
}

/**
 * `{"restore":{"backup_id","volume_id","volume_name"}}`. The restore is accepted only if the answer names the requested
 * volume and backup.
 */
function accept(answer: Answer, requested: RequestedRestore): StartOutcome {
  const restore = parseObject(answer.text)?.restore;
  if (
    isObject(restore) &&
    namesId(restore.volume_id, requested.volume_id) &&
    namesId(restore.backup_id, requested.backup_id)
  )
    // Rule: cinder-202-is-accepted
    return { kind: 'accepted', ...optional('request_id', requestId(answer)) };
  const error = errorBody(answer);
  const why = error
    ? `HTTP ${answer.status} with an error in it: ${error.message || error.code}`
    : `HTTP ${answer.status} that does not name the restore asked for`;
  // Rule: unreadable-cinder-202-is-ambiguous
  return { kind: 'ambiguous', failure: unreadable(answer, why) };
}

function namesId(named: unknown, requested: string): boolean {
  if (typeof named !== 'string') return false;
  // Rule: cinder-202-must-name-the-requested-restore
  return sameId(named, requested);
}

function again(status: number, body: ErrorBody | undefined): 'later' | 'when_ready' | 'never' {
  if (body?.fault === undefined) return 'never';
  if (body.fault === 'overLimit') return 'later';
  return RETRYABLE_REFUSALS.some(
    (refusal) =>
      refusal.status === status && refusal.fault === body.fault && refusal.message === body.message,
  )
    ? 'when_ready'
    : 'never';
}

/**
 * Refusals that may not be permanent. Cinder has no code for them: it also sends `badRequest` for a volume that is too
 * small, and `itemNotFound` for a backup that does not exist. So only the complete sentence is compared. A release that words
 * it differently is taken as `never`, which ends the restore and changes nothing. Source: cinder/backup/api.py (`restore`,
 * `_get_available_backup_service_host`), observed on 21.3.
 */
const RETRYABLE_REFUSALS: readonly {
  readonly status: number;
  readonly fault: string;
  readonly message: string;
}[] = [
  { status: 400, fault: 'badRequest', message: 'Invalid backup: Backup status must be available' },
  {
    status: 400,
    fault: 'badRequest',
    message: 'Invalid volume: Volume to be restored to must be available',
  },
  // No backup daemon is running. In contrast, `Backup … could not be found.` is permanent.
  { status: 404, fault: 'itemNotFound', message: 'Service cinder-backup could not be found.' },
];
