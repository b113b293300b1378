/**
 * The emulator's own record of what really happened, derived from the world. Faults do not change it, whatever answer
 * a client got.
 */
import type { FaultRecord } from './faults.ts';
import type { Content, Job, JobCause, JobPhase, World } from './model.ts';

/** A restore that the service accepted. Times are ISO 8601 in UTC with milliseconds. */
export interface AuditRestore {
  job_id: string;
  volume_id: string;
  backup_id: string;
  /** Id of the request that caused it. */
  request_id: string;
  cause: JobCause;
  /** Whether an intact answer with the job id was sent to the client. */
  client_informed: boolean;
  accepted_at: string;
  /** When the restore began to overwrite the volume; null if it never did. */
  started_at: string | null;
  ended_at: string | null;
  outcome: JobPhase;
  error_code: string | null;
  /** Jobs that worked on the same volume or backup at the same time. */
  overlapped_with: string[];
}

export interface AuditVolume {
  id: string;
  name: string;
  status: string;
  /** Restores that the service accepted. One that was queued and failed before it wrote is not `started`. */
  restores_accepted: number;
  restores_started: number;
  restores_succeeded: number;
  /** The id of the backup whose data the volume now holds, or `original`, or `torn`. */
  content: Content;
}

interface AuditFault extends Omit<FaultRecord, 'at_ms'> {
  at: string;
}

export interface Audit {
  world_id: string;
  restores: AuditRestore[];
  volumes: AuditVolume[];
  faults: AuditFault[];
  /** Number of requests by route since this server started, and their `total`. Admin requests are not counted. */
  requests: Record<string, number>;
}

/** The audit of a world that was advanced to the current time. */
export function auditOf(world: World, requests: Record<string, number>): Audit {
  const jobs = Object.values(world.jobs);
  const byVolume = new Map<string, Job[]>();
  for (const job of jobs) {
    const own = byVolume.get(job.volume_id);
    if (own === undefined) byVolume.set(job.volume_id, [job]);
    else own.push(job);
  }
  return {
    world_id: world.id,
    restores: jobs.map(restoreOf),
    volumes: Object.values(world.volumes).map((volume) => {
      const own = byVolume.get(volume.id) ?? [];
      return {
        id: volume.id,
        name: volume.name,
        status: volume.status,
        restores_accepted: own.length,
        restores_started: own.filter((job) => job.started_ms !== null).length,
        restores_succeeded: own.filter((job) => job.phase === 'succeeded').length,
        content: volume.content,
      };
    }),
    faults: world.fault_log.map(({ at_ms, ...fault }) => ({ at: iso(at_ms), ...fault })),
    requests: { ...requests },
  };
}

function restoreOf(job: Job): AuditRestore {
  return {
    job_id: job.id,
    volume_id: job.volume_id,
    backup_id: job.backup_id,
    request_id: job.request_id,
    cause: job.cause,
    client_informed: job.client_informed,
    accepted_at: iso(job.accepted_ms),
    started_at: job.started_ms === null ? null : iso(job.started_ms),
    ended_at: job.ended_ms === null ? null : iso(job.ended_ms),
    outcome: job.phase,
    error_code: job.error_code,
    overlapped_with: [...job.overlapped_with],
  };
}

function iso(ms: number): string {
  return new Date(ms).toISOString();
}
