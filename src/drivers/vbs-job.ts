import type { Job } from '../domain/cloud.ts';
import { optional } from '../domain/record.ts';
import { plainText } from '../network/plain-text.ts';
import { sameId } from './block-storage.ts';
import { list, object, optionalText, text } from './fields.ts';
import type { JsonObject } from './http/failures.ts';

const DEPTH_MAX = 5;
const REASONS_MAX = 20;

const STATUSES: ReadonlyMap<string, Job['status']> = new Map([
  ['INIT', 'init'],
  ['RUNNING', 'running'],
  ['SUCCESS', 'success'],
  ['FAIL', 'fail'],
]);

/** `GET /v1/{project_id}/jobs/{job_id}`, of the job that was asked for. Throws UnexpectedShape. */
export function parseJob(id: string, job: JsonObject): Job {
  sameId({ id: text(job, 'job_id') }, id);
  const status = text(job, 'status');
  const entities = job.entities == null ? {} : object(job.entities, 'entities');
  return {
    id,
    status: STATUSES.get(status) ?? 'unrecognised',
    raw_status: plainText(status),
    ...optional('type', plainText(optionalText(job, 'job_type') ?? '') || undefined),
    ...optional('volume_id', optionalText(entities, 'volume_id') || undefined),
    ...optional('backup_id', optionalText(entities, 'backup_id') || undefined),
    reasons: [...new Set(reasonsOf(job, 0))].slice(-REASONS_MAX),
  };
}

/** A job only sums up what its parts say: the parts come last. */
function reasonsOf(job: JsonObject, depth: number): string[] {
  const code = plainText(optionalText(job, 'error_code') ?? '');
  const reason = plainText(optionalText(job, 'fail_reason') ?? '');
  const own = [code, reason].filter((part) => part !== '').join(': ');
  const parts = depth < DEPTH_MAX ? list(job.sub_jobs ?? [], 'sub_jobs') : [];
  return [
    ...(own === '' ? [] : [own]),
    ...parts.flatMap((part) => reasonsOf(object(part, 'sub-job'), depth + 1)),
  ];
}
