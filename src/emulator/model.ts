/**
 * The cloud as a pure state machine: plain data, and functions of (world, time, input).
 *
 * Start here to learn what the emulated Volume Backup Service does. Times are epoch milliseconds and are passed in.
 * Nothing in this file reads a clock, draws a random number or knows about HTTP. Future events are scheduled in
 * the world. `advance` runs each as if at the time for which it was scheduled, so that a world that was not read for an hour
 * is the same as one that was read all the time.
 */

import type { FaultRecord, FaultState, JobFault } from './faults.ts';
import { isUuid } from './ids.ts';
import { type Refusal, type RefusalCode, refusal } from './refusals.ts';
import { unreachable } from './unreachable.ts';

/** Statuses of a volume that the emulator itself sets. Operators may set any other text. */
type VolumeStatus =
  | 'available'
  | 'in-use'
  | 'restoring-backup'
  | 'backing-up'
  | 'error'
  | 'error_restoring'
  | (string & {});

type BackupStatus =
  | 'creating'
  | 'available'
  | 'restoring'
  | 'error'
  | 'error_restoring'
  | 'deleting'
  | (string & {});

/** The content of a volume: its own data (`original`), a mix of two backups (`torn`), or the backup with this id. */
export type Content = 'original' | 'torn' | (string & {});

export interface World {
  format: 'vbsctl-emulator-world';
  version: 1;
  /** Identifies this world permanently, also if its server restarts on another port. */
  id: string;
  /** Number of times that a server opened this world. Seeded faults are drawn anew for each. */
  starts: number;
  /** Raised whenever a volume or backup is added or removed: sorted lists of an earlier value are out of date. */
  lists_version: number;
  region: string;
  settings: Settings;
  projects: Record<string, Project>;
  users: Record<string, User>;
  application_credentials: Record<string, ApplicationCredential>;
  access_keys: Record<string, AccessKey>;
  tokens: Record<string, Token>;
  servers: Record<string, Server>;
  volumes: Record<string, Volume>;
  backups: Record<string, Backup>;
  /** Every restore that the service accepted, in request. The audit is derived from it. */
  jobs: Record<string, Job>;
  /** Ids of the jobs that are overwriting a volume now. */
  running: string[];
  /** Future events, the next one first. */
  scheduled_events: ScheduledEvent[];
  faults: FaultState;
  fault_log: FaultRecord[];
}

export interface Settings {
  /** How long a restore overwrites its volume. */
  job_duration_ms: number;
  /** How long an accepted restore waits in INIT before volume and backup change their status. */
  queue_ms: number;
  /** How long making a backup takes. */
  backup_duration_ms: number;
  token_ttl_ms: number;
  /** Whether lists have `…_links`. Without them, a client has to page by offset. */
  list_links: boolean;
  /** Maximum page size of a list, whatever limit was requested (Cinder's osapi_max_limit). */
  list_limit_max: number;
  /** Whether the backup service accepts tasks. If not, it answers VolumeBackup.0014. */
  service_up: boolean;
}

export interface Project {
  id: string;
  name: string;
  domain: string;
  /** Types of the services in its catalog. Absent: all. */
  services?: string[];
}

export interface User {
  id: string;
  name: string;
  domain: string;
  password: string;
  project_ids: string[];
  /** From this time on the password is refused. Absent: never. */
  password_expires_ms?: number;
  /** Services that the user has no rights for. Absent: none. */
  forbidden_services?: ('vbs' | 'block-storage' | 'compute')[];
}

export interface ApplicationCredential {
  id: string;
  name: string;
  secret: string;
  user_id: string;
  project_id: string;
  /** Absent: never. */
  expires_ms?: number;
}

/** An access key, which signs requests (AK/SK). */
export interface AccessKey {
  id: string;
  secret: string;
  user_id: string;
  /** For a temporary key. */
  security_token: string | null;
  /** Absent: never. */
  expires_ms?: number;
}

export interface Token {
  user_id: string;
  /** Null for an unscoped token. */
  project_id: string | null;
  methods: string[];
  issued_ms: number;
  expires_ms: number;
}

export interface Server {
  id: string;
  name: string;
  project_id: string;
  created_ms: number;
  /** Stopped by a request. */
  stopped?: true;
}

export interface Attachment {
  attachment_id: string;
  server_id: string;
  device: string;
  attached_ms: number;
}

export interface Volume {
  id: string;
  project_id: string;
  name: string;
  status: VolumeStatus;
  size_gb: number;
  volume_type: string;
  availability_zone: string;
  bootable: boolean;
  encrypted: boolean;
  multiattach: boolean;
  metadata: Record<string, string>;
  attachments: Attachment[];
  created_ms: number;
  updated_ms: number;
  /** Protected for disaster recovery: not restorable (VolumeBackup.0211). */
  dr_site: boolean;
  content: Content;
}

export interface Backup {
  id: string;
  project_id: string;
  name: string;
  description: string | null;
  volume_id: string;
  status: BackupStatus;
  size_gb: number;
  is_incremental: boolean;
  fail_reason: string | null;
  created_ms: number;
  updated_ms: number;
  /** Projects that may see this backup. They may not restore it in place. */
  shared_with: string[];
  /** Overrides the settings of the world for restores of this backup. */
  job_duration_ms?: number;
  queue_ms?: number;
}

/** The cause of a restore: a request, a second delivery of it, a late one, or another actor. */
export type JobCause = 'request' | 'duplicate' | 'late_start' | 'operator';

export type JobPhase = 'queued' | 'running' | 'succeeded' | 'failed';

export interface Job {
  id: string;
  project_id: string;
  volume_id: string;
  backup_id: string;
  request_id: string;
  cause: JobCause;
  /** Whether an intact answer with the id of this job was sent to the client. */
  client_informed: boolean;
  phase: JobPhase;
  accepted_ms: number;
  /** When the job began to overwrite the volume; null if it never did. */
  started_ms: number | null;
  ended_ms: number | null;
  duration_ms: number;
  error_code: string | null;
  fail_reason: string | null;
  /** Jobs that used the same volume or backup at the same time. */
  overlapped_with: string[];
  faults: JobFault[];
  /** Accepted by Cinder itself, which checks less than VBS at the start and at the end. Absent: by VBS. */
  api?: 'cinder';
}

type ScheduledEvent = { at_ms: number } & (
  | { event: 'restore_starts'; job_id: string }
  | { event: 'restore_ends'; job_id: string }
  | { event: 'restore_arrives'; request: RestoreRequest }
  | { event: 'backup_made'; backup_id: string; volume_status: VolumeStatus }
);

/** The input of the decision on a restore. `backup_id` and `volume_id` are what the client sent, unchecked. */
export interface RestoreRequest {
  project_id: string;
  backup_id: string;
  volume_id: string;
  request_id: string;
  job_id: string;
  cause: JobCause;
  faults: JobFault[];
  /** Absent: VBS. */
  api?: 'cinder';
}

type RestoreResult = { accepted: true; job: Job } | { accepted: false; refusal: Refusal };

/** Runs all events that are due by `now_ms`, in order, each at its own time. */
export function advance(world: World, now_ms: number): void {
  for (
    let next = world.scheduled_events[0];
    next !== undefined && next.at_ms <= now_ms;
    next = world.scheduled_events[0]
  ) {
    world.scheduled_events.shift();
    runEvent(world, next);
  }
}

function runEvent(world: World, item: ScheduledEvent): void {
  switch (item.event) {
    case 'restore_starts':
      startJob(world, jobOf(world, item.job_id), item.at_ms);
      break;
    case 'restore_ends':
      endJob(world, jobOf(world, item.job_id), item.at_ms);
      break;
    case 'restore_arrives':
      // A request that arrives late is checked at that time, and nobody gets the answer.
      if (item.request.api === 'cinder') restoreByCinder(world, item.request, item.at_ms);
      else restore(world, item.request, item.at_ms);
      break;
    case 'backup_made':
      finishBackup(world, item.backup_id, item.volume_status, item.at_ms);
      break;
    default:
      unreachable(item);
  }
}

/** The entry of an external key. Inherited names such as `__proto__` are not entries. */
export function lookup<T>(record: Readonly<Record<string, T>>, key: string): T | undefined {
  return Object.hasOwn(record, key) ? record[key] : undefined;
}

/** Adds a future event. Events of the same time keep the order in which they were added. */
export function schedule(world: World, item: ScheduledEvent): void {
  let index = world.scheduled_events.length;
  while (index > 0 && (world.scheduled_events[index - 1]?.at_ms ?? 0) > item.at_ms) index -= 1;
  world.scheduled_events.splice(index, 0, item);
}

/** Accepts a restore, or refuses it with the documented code. Start and end are scheduled. */
export function restore(world: World, request: RestoreRequest, now_ms: number): RestoreResult {
  const code = refusalCode(world, request);
  if (code !== null) return { accepted: false, refusal: refusal(code) };

  const backup = world.backups[request.backup_id];
  return {
    accepted: true,
    job: enqueue(world, request, backup?.queue_ms ?? world.settings.queue_ms, now_ms),
  };
}

/** Adds an accepted restore; it becomes visible `queue_ms` from now. */
function enqueue(world: World, request: RestoreRequest, queue_ms: number, now_ms: number): Job {
  const job: Job = {
    id: request.job_id,
    project_id: request.project_id,
    volume_id: request.volume_id,
    backup_id: request.backup_id,
    request_id: request.request_id,
    cause: request.cause,
    client_informed: false,
    phase: 'queued',
    accepted_ms: now_ms,
    started_ms: null,
    ended_ms: null,
    duration_ms: world.backups[request.backup_id]?.job_duration_ms ?? world.settings.job_duration_ms,
    error_code: null,
    fail_reason: null,
    overlapped_with: [],
    faults: request.faults,
    ...(request.api === undefined ? {} : { api: request.api }),
  };
  world.jobs[job.id] = job;
  if (queue_ms === 0) startJob(world, job, now_ms);
  else schedule(world, { at_ms: now_ms + queue_ms, event: 'restore_starts', job_id: job.id });
  return job;
}

/**
 * How long after its check Cinder changes the statuses of volume and backup. It answers after that. It accepts another
 * request in between, too (observed: 7 of 8 restores of one backup, sent at once).
 */
export const CINDER_WINDOW_MS = 120;

type CinderRestoreResult =
  | { accepted: true; job: Job }
  | { accepted: false; status: number; message: string };

/** Cinder's own restore, with its own rules in their own order (cinder/backup/api.py, 21.3). */
export function restoreByCinder(world: World, request: RestoreRequest, now_ms: number): CinderRestoreResult {
  const refused = (status: number, message: string): CinderRestoreResult => ({
    accepted: false,
    status,
    message,
  });
  const backup = lookup(world.backups, request.backup_id);
  if (backup === undefined || backup.project_id !== request.project_id)
    return refused(404, `Backup ${request.backup_id} could not be found.`);
  if (backup.status !== 'available') return refused(400, 'Invalid backup: Backup status must be available');
  const volume = lookup(world.volumes, request.volume_id);
  if (volume === undefined || volume.project_id !== request.project_id)
    return refused(404, `Volume ${request.volume_id} could not be found.`);
  if (volume.status !== 'available')
    return refused(400, 'Invalid volume: Volume to be restored to must be available');
  if (backup.size_gb > volume.size_gb) {
    const sizes = `volume size ${volume.size_gb} is too small to restore backup of size ${backup.size_gb}.`;
    return refused(400, `Invalid volume: ${sizes}`);
  }
  if (!world.settings.service_up) return refused(404, 'Service cinder-backup could not be found.');
  return { accepted: true, job: enqueue(world, { ...request, api: 'cinder' }, CINDER_WINDOW_MS, now_ms) };
}

/** When the backup daemon starts, it fails the restores that were running when it stopped. It leaves no message. */
export function failInterrupted(world: World, at_ms: number): void {
  for (const job of runningJobs(world).filter(({ api }) => api === 'cinder')) {
    failJob(job, { code: 'abandoned', message: 'The backup service was restarted.' }, at_ms);
    setStatuses(world, job, 'error_restoring', at_ms);
  }
}

/**
 * The checks of the service: first those of the request itself, then those that need the state of the cloud. A queued restore
 * has not changed a status yet. So the service accepts a second one, which a client must not request; the audit shows it.
 */
function refusalCode(world: World, request: RestoreRequest): RefusalCode | null {
  if (request.backup_id === '') return 'VolumeBackup.0203';
  if (!isUuid(request.backup_id)) return 'VolumeBackup.0204';
  if (!isUuid(request.volume_id)) return 'VolumeBackup.0208';
  if (!world.settings.service_up) return 'VolumeBackup.0014';

  const backup = world.backups[request.backup_id];
  if (backup === undefined) return 'VolumeBackup.0111';
  if (backup.project_id !== request.project_id)
    return backup.shared_with.includes(request.project_id) ? 'VolumeBackup.0042' : 'VolumeBackup.0111';

  const volume = world.volumes[request.volume_id];
  if (volume === undefined || volume.project_id !== request.project_id) return 'VolumeBackup.0207';
  if (volume.dr_site) return 'VolumeBackup.0211';
  if (volume.status.startsWith('error')) return 'VolumeBackup.0202';
  if (volume.status === 'backing-up' || isBeingBackedUp(world, volume.id)) return 'VolumeBackup.0206';
  if (volume.status !== 'available') return 'VolumeBackup.0205';
  if (backup.status !== 'available') return 'VolumeBackup.0089';
  if (volume.size_gb < backup.size_gb) return 'VolumeBackup.0209';
  return null;
}

/** Whether a backup of the volume is being created, even if the status of the volume does not show it. */
function isBeingBackedUp(world: World, volume_id: string): boolean {
  return Object.values(world.backups).some(
    (backup) => backup.volume_id === volume_id && backup.status === 'creating',
  );
}

function startJob(world: World, job: Job, at_ms: number): void {
  const volume = world.volumes[job.volume_id];
  const backup = world.backups[job.backup_id];
  // Cinder checked before it accepted, and does not check again.
  const obstacle = job.api === 'cinder' ? null : startFailure(volume, backup, job);
  if (obstacle !== null || volume === undefined || backup === undefined) {
    failJob(job, obstacle ?? refusal('VolumeBackup.0111'), at_ms);
    return;
  }

  for (const other of runningJobs(world)) {
    if (other.volume_id !== job.volume_id && other.backup_id !== job.backup_id) continue;
    other.overlapped_with.push(job.id);
    job.overlapped_with.push(other.id);
  }
  job.phase = 'running';
  job.started_ms = at_ms;
  world.running.push(job.id);
  volume.status = 'restoring-backup';
  volume.content = 'torn';
  volume.updated_ms = at_ms;
  backup.status = 'restoring';
  backup.updated_ms = at_ms;

  if (job.faults.some((fault) => fault.kind === 'job_endless')) return;
  schedule(world, { at_ms: at_ms + job.duration_ms, event: 'restore_ends', job_id: job.id });
}

/**
 * The world may have changed while a restore was queued: if the volume is attached now, the job fails and the volume is
 * unchanged.
 */
function startFailure(
  volume: Volume | undefined,
  backup: Backup | undefined,
  job: Job,
): { code: string; message: string } | null {
  const untouched = job.faults.find((fault) => fault.kind === 'restore_fails' && fault.touched === false);
  if (untouched?.kind === 'restore_fails') return failureOf(untouched);
  if (backup === undefined) return refusal('VolumeBackup.0111');
  if (volume === undefined) return refusal('VolumeBackup.0207');
  // A restore in progress does not prevent another one: two restores that were queued at the same time overwrite the volume
  // at the same time.
  const volume_ready = volume.status === 'available' || volume.status === 'restoring-backup';
  if (!volume_ready)
    return refusal(volume.status.startsWith('error') ? 'VolumeBackup.0202' : 'VolumeBackup.0205');
  const backup_ready = backup.status === 'available' || backup.status === 'restoring';
  return backup_ready ? null : refusal('VolumeBackup.0089');
}

function endJob(world: World, job: Job, at_ms: number): void {
  if (job.api === 'cinder') {
    endByCinder(world, job, at_ms);
    return;
  }
  world.running = world.running.filter((id) => id !== job.id);
  const failure = job.faults.find((fault) => fault.kind === 'restore_fails');
  if (failure?.kind === 'restore_fails') failJob(job, failureOf(failure), at_ms);
  else {
    job.phase = 'succeeded';
    job.ended_ms = at_ms;
  }

  // The last job to end sets the status. Until then volume and backup stay busy.
  const volume = world.volumes[job.volume_id];
  if (volume !== undefined) {
    const busy = runningJobs(world).some((other) => other.volume_id === volume.id);
    if (!busy) volume.status = job.phase === 'succeeded' ? 'available' : 'error_restoring';
    if (job.phase === 'succeeded') {
      volume.content = isMixed(world, job) ? 'torn' : job.backup_id;
      // Cinder records the backup in a volume that is not the backup's source (observed on 21.3).
      if (world.backups[job.backup_id]?.volume_id !== volume.id)
        volume.metadata.src_backup_id = job.backup_id;
    }
    volume.updated_ms = at_ms;
  }
  const backup = world.backups[job.backup_id];
  if (backup !== undefined) {
    const busy = runningJobs(world).some((other) => other.backup_id === backup.id);
    if (!busy) backup.status = 'available';
    backup.updated_ms = at_ms;
  }
}

/**
 * Cinder ends each restore as if it were the only one. The first of several restores to end makes volume and backup
 * available while the others still write. When the others find that the backup is no longer `restoring`, they stop and
 * leave the volume in error.
 */
function endByCinder(world: World, job: Job, at_ms: number): void {
  // A restart of the daemon has ended the job already, or there is no daemon to end it.
  if (job.phase !== 'running' || !world.settings.service_up) return;
  const failure = job.faults.find((fault) => fault.kind === 'restore_fails');
  if (failure?.kind === 'restore_fails') {
    failJob(job, failureOf(failure), at_ms);
    setStatuses(world, job, 'error_restoring', at_ms);
    return;
  }
  const canceled = world.backups[job.backup_id]?.status !== 'restoring';
  if (canceled) failJob(job, { code: 'canceled', message: 'The backup was freed meanwhile.' }, at_ms);
  else {
    job.phase = 'succeeded';
    job.ended_ms = at_ms;
  }
  const volume = world.volumes[job.volume_id];
  if (volume !== undefined) {
    if (!canceled) volume.content = isMixed(world, job) ? 'torn' : job.backup_id;
    const named = volume.metadata.src_backup_id;
    const foreign = world.backups[job.backup_id]?.volume_id !== volume.id;
    if (foreign || (named !== undefined && named !== job.backup_id))
      volume.metadata.src_backup_id = job.backup_id;
  }
  setStatuses(world, job, canceled ? 'error' : 'available', at_ms);
}

function setStatuses(world: World, job: Job, shown: VolumeStatus, at_ms: number): void {
  world.running = world.running.filter((id) => id !== job.id);
  const volume = world.volumes[job.volume_id];
  if (volume !== undefined) Object.assign(volume, { status: shown, updated_ms: at_ms });
  const backup = world.backups[job.backup_id];
  if (backup !== undefined) Object.assign(backup, { status: 'available', updated_ms: at_ms });
}

/**
 * Two different backups that are written to one volume at the same time leave a mix of both. The same backup twice does
 * not.
 */
function isMixed(world: World, job: Job): boolean {
  return job.overlapped_with.some((id) => {
    const other = jobOf(world, id);
    return other.volume_id === job.volume_id && other.backup_id !== job.backup_id;
  });
}

function failJob(job: Job, failure: { code: string; message: string }, at_ms: number): void {
  job.phase = 'failed';
  job.ended_ms = at_ms;
  job.error_code = failure.code;
  job.fail_reason = failure.message;
}

function failureOf(fault: Extract<JobFault, { kind: 'restore_fails' }>): { code: string; message: string } {
  const standard = refusal('VolumeBackup.0200');
  return { code: fault.code ?? standard.code, message: fault.reason ?? standard.message };
}

function finishBackup(world: World, backup_id: string, volume_status: VolumeStatus, at_ms: number): void {
  const backup = world.backups[backup_id];
  if (backup === undefined || backup.status !== 'creating') return;
  backup.status = 'available';
  backup.updated_ms = at_ms;
  const volume = world.volumes[backup.volume_id];
  if (volume?.status !== 'backing-up') return;
  volume.status = volume_status;
  volume.updated_ms = at_ms;
}

function runningJobs(world: World): Job[] {
  return world.running.map((id) => jobOf(world, id));
}

function jobOf(world: World, id: string): Job {
  const job = world.jobs[id];
  if (job === undefined) throw new RangeError(`emulator: job ${id} is scheduled but not in the world`);
  return job;
}
