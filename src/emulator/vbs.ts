/** The Volume Backup Service's own calls: restore in place (v2) and job status (v1). */
import { isFields } from './check.ts';
import type { JobFault } from './faults.ts';
import { type Job, type JobCause, type JobPhase, lookup, restore, type World } from './model.ts';
import { type RefusalCode, refusal } from './refusals.ts';
import { json, parseJson, type Reply, vbsError } from './wire.ts';

interface RestoreCall {
  project_id: string;
  backup_id: string;
  /** As sent. */
  body: string;
  request_id: string;
  job_id: string;
  cause: JobCause;
  faults: JobFault[];
}

/** `POST /v2/{project_id}/cloudbackups/{backup_id}/restore`; `job` is null when the service refused. */
export function postRestore(
  world: World,
  call: RestoreCall,
  now_ms: number,
): { reply: Reply; job: Job | null } {
  const volume_id = restoreTarget(call.body);
  if (volume_id === null) return { reply: refused('VolumeBackup.0210'), job: null };
  const { body: _, ...rest } = call;
  const result = restore(world, { ...rest, volume_id }, now_ms);
  if (!result.accepted) return { reply: refused(result.refusal.code), job: null };
  return { reply: json(200, { job_id: result.job.id }), job: result.job };
}

/** The `volume_id` in the body of a restore, with any text; null if the body does not have the documented shape. */
export function restoreTarget(body: string): string | null {
  const parsed = parseJson(body);
  const restore = isFields(parsed) ? parsed.restore : undefined;
  const volume_id = isFields(restore) ? restore.volume_id : undefined;
  return typeof volume_id === 'string' ? volume_id : null;
}

function refused(code: RefusalCode): Reply {
  const { status, message } = refusal(code);
  return vbsError(status, code, message);
}

const JOB_STATUS: Record<JobPhase, string> = {
  queued: 'INIT',
  running: 'RUNNING',
  succeeded: 'SUCCESS',
  failed: 'FAIL',
};

/** `GET /v1/{project_id}/jobs/{job_id}`. `faults` change this answer only, in addition to those of the job. */
export function getJob(
  world: World,
  job_id: string,
  project_id: string,
  faults: readonly JobFault[],
  now_ms: number,
): Reply {
  const job = lookup(world.jobs, job_id);
  if (job === undefined || job.project_id !== project_id) return refused('common.0011');
  const all = [...job.faults, ...faults];

  const vanishing = all.find((fault) => fault.kind === 'job_vanishes');
  if (vanishing?.kind === 'job_vanishes' && now_ms >= job.accepted_ms + (vanishing.after_ms ?? 0))
    return refused('common.0011');
  const body = jobBody(job);
  if (all.some((fault) => fault.kind === 'job_endless'))
    Object.assign(body, { status: 'RUNNING', end_time: null, error_code: null, fail_reason: null });
  const unknown = all.find((fault) => fault.kind === 'job_unknown_status');
  if (unknown?.kind === 'job_unknown_status') body.status = unknown.status ?? 'SUSPENDED';
  const mismatch = all.find((fault) => fault.kind === 'job_entities_mismatch');
  if (mismatch?.kind === 'job_entities_mismatch') {
    body.status = mismatch.status ?? body.status;
    body.entities = { ...body.entities, volume_id: '00000000-0000-4000-8000-00000000dead' };
  }
  const failure = all.find((fault) => fault.kind === 'restore_fails');
  if (job.phase === 'failed' && failure?.kind === 'restore_fails' && failure.in_sub_job) {
    body.sub_jobs = [{ ...body, job_id: `${job.id}-1`, job_type: 'bksRestoreBackupSub' }];
    Object.assign(body, { error_code: null, fail_reason: null });
  }
  return json(200, body);
}

interface JobBody {
  status: string;
  entities: Record<string, string>;
  job_id: string;
  job_type: string;
  begin_time: string;
  end_time: string | null;
  error_code: string | null;
  fail_reason: string | null;
  sub_jobs: unknown[];
}

function jobBody(job: Job): JobBody {
  return {
    status: JOB_STATUS[job.phase],
    entities: { backup_id: job.backup_id, volume_id: job.volume_id },
    job_id: job.id,
    job_type: 'bksRestoreBackup',
    begin_time: new Date(job.accepted_ms).toISOString(),
    end_time: job.ended_ms === null ? null : new Date(job.ended_ms).toISOString(),
    error_code: job.error_code,
    fail_reason: job.fail_reason,
    sub_jobs: [],
  };
}
