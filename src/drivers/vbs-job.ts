import type { Job } from '../domain/cloud.ts';
import { optional } from '../domain/optional.ts';
import { type JsonObject, list, object } from '../domain/shape.ts';
import { plainText } from '../network/plain-text.ts';
import { sameId } from './block-storage.ts';
import { checked, field, nonEmptyText, optionalField, text } from './fields.ts';

const DEPTH_MAX = 5;
const REASONS_MAX = 20;

const STATUSES: ReadonlyMap<string, Job['status']> = new Map([
  ['INIT', 'init'],
  ['RUNNING', 'running'],
  ['SUCCESS', 'success'],
  ['FAIL', 'fail'],
]);

/** Parses `GET /v1/{project_id}/jobs/{job_id}` for the requested job. Throws UnexpectedShape. */
export function parseJob(id: string, job: JsonObject): Job {
  sameId({ id: field(job, 'job_id', nonEmptyText) }, id);
  const status = field(job, 'status', nonEmptyText);
  const entities = job.entities == null ? {} : checked(job.entities, object, 'entities');
  return {
    id,
    status: STATUSES.get(status) ?? 'unrecognised',
    raw_status: plainText(status),
    ...optional('type', plainText(optionalField(job, 'job_type', text) ?? '') || undefined),
    ...optional('volume_id', optionalField(entities, 'volume_id', text) || undefined),
    ...optional('backup_id', optionalField(entities, 'backup_id', text) || undefined),
    reasons: [...new Set(reasonsOf(job, 0))].slice(-REASONS_MAX),
  };
}

/** Reasons of the job and its parts. Those of the parts come last, because a job only summarizes them. */
function reasonsOf(job: JsonObject, depth: number): string[] {
  const code = plainText(optionalField(job, 'error_code', text) ?? '');
  const reason = plainText(optionalField(job, 'fail_reason', text) ?? '');
  const own = [code, reason].filter((part) => part !== '').join(': ');
  const parts = depth < DEPTH_MAX ? checked(job.sub_jobs ?? [], list, 'sub_jobs') : [];
  return [
    ...(own === '' ? [] : [own]),
    ...parts.flatMap((part) => reasonsOf(checked(part, object, 'sub-job'), depth + 1)),
  ];
}
