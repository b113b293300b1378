import type { Job } from '../domain/cloud.ts';
import { optional } from '../domain/optional.ts';
import { anyObject, isObject, type JsonObject } from '../domain/shape.ts';
import { printableText } from '../network/message-text.ts';
import { assertSameId } from './block-storage.ts';
import { ANSWER_TEXT_LENGTH_MAX, checked, field, nonEmptyText, optionalField, text } from './fields.ts';

const SUB_JOB_DEPTH_MAX = 5;
const REASONS_KEPT_MAX = 20;

const STATUSES: ReadonlyMap<string, Job['status']> = new Map([
  ['INIT', 'init'],
  ['RUNNING', 'running'],
  ['SUCCESS', 'success'],
  ['FAIL', 'fail'],
]);

/** Parses `GET /v1/{project_id}/jobs/{job_id}` for the requested job. Throws UnexpectedShape. */
export function parseJob(id: string, job: JsonObject): Job {
  assertSameId({ id: field(job, 'job_id', nonEmptyText) }, id);
  const status = field(job, 'status', nonEmptyText);
  const entities = isEmpty(job.entities) ? {} : checked(job.entities, anyObject, 'entities');
  return {
    id,
    status: STATUSES.get(status) ?? 'unrecognised',
    raw_status: printableText(status),
    ...optional('type', printableText(textIn(job, 'job_type')) || undefined),
    ...optional('volume_id', optionalField(entities, 'volume_id', text) || undefined),
    ...optional('backup_id', optionalField(entities, 'backup_id', text) || undefined),
    reasons: [...new Set(reasonsOf(job, 0))].slice(-REASONS_KEPT_MAX),
  };
}

/** Some services write an empty text or list for an empty object. */
function isEmpty(value: unknown): boolean {
  return value == null || value === '' || (Array.isArray(value) && value.length === 0);
}

/**
 * Reasons of the job and its sub-jobs, as far as they can be read: they decide nothing. Those of the sub-jobs come last,
 * because a job only summarizes them. VBS names them `error_code` and `fail_reason`, other services `code` and `message`.
 */
function reasonsOf(job: JsonObject, depth: number): string[] {
  const code = textIn(job, 'error_code') || textIn(job, 'code');
  const reason = textIn(job, 'fail_reason') || textIn(job, 'message');
  const own = [code, reason].map((each) => printableText(each)).filter((each) => each !== '');
  const subJobs = depth < SUB_JOB_DEPTH_MAX && Array.isArray(job.sub_jobs) ? job.sub_jobs : [];
  return [
    ...(own.length === 0 ? [] : [own.join(': ')]),
    ...subJobs.filter(isObject).flatMap((subJob) => reasonsOf(subJob, depth + 1)),
  ];
}

/** A text or a number, as text; anything else counts as absent. */
function textIn(from: JsonObject, key: string): string {
  const value = from[key];
  if (typeof value === 'number') return String(value);
  return typeof value === 'string' && value.length <= ANSWER_TEXT_LENGTH_MAX ? value : '';
}
