/**
 * What Cinder has in addition to the volumes and backups of `block-storage`: its own restore, which has no job, and the
 * messages that say why a restore failed. Texts and statuses as recorded from Cinder 21.3.
 */
import { type ApiRoot, linksOf } from './block-storage.ts';
import { isFields } from './check.ts';
import { hashedUuid } from './ids.ts';
import {
  CINDER_WINDOW_MS,
  type Job,
  lookup,
  type RestoreRequest,
  restoreByCinder,
  type World,
} from './model.ts';
import {
  blockStorageError,
  formatTime,
  header,
  json,
  parseJson,
  type Reply,
  type WireRequest,
} from './wire.ts';

/** `POST /v3/{project_id}/backups/{backup_id}/restore`; `job` is null when the service refused. */
export function postCinderRestore(
  world: World,
  body: string,
  request: Omit<RestoreRequest, 'volume_id'>,
  now_ms: number,
): { reply: Reply; job: Job | null; delay_ms?: number } {
  const withoutJob = (reply: Reply) => ({ reply, job: null });
  const parsed = parseJson(body);
  const restore = isFields(parsed) ? parsed.restore : undefined;
  if (!isFields(restore)) return withoutJob(blockStorageError(400, "'restore' is a required property"));
  const unexpected = Object.keys(restore)
    .filter((key) => key !== 'volume_id' && key !== 'name')
    .sort();
  if (unexpected.length > 0) {
    const names = unexpected.map((key) => `'${key}'`).join(', ');
    const problem = `Additional properties are not allowed (${names} ${unexpected.length > 1 ? 'were' : 'was'} unexpected)`;
    return withoutJob(blockStorageError(400, `Invalid input for field/attribute restore. ${problem}`));
  }
  const { volume_id } = restore;
  // Without a volume id, Cinder would create a volume. Here, the quota of the project does not allow it.
  if (typeof volume_id !== 'string') return withoutJob(overQuota(Object.keys(world.volumes).length));
  const result = restoreByCinder(world, { ...request, volume_id }, now_ms);
  if (!result.accepted) return withoutJob(blockStorageError(result.status, result.message));
  const { backup_id } = request;
  const volume_name = lookup(world.volumes, volume_id)?.name ?? '';
  const reply = json(202, { restore: { backup_id, volume_id, volume_name } });
  return { reply, job: result.job, delay_ms: CINDER_WINDOW_MS + ANSWER_MS };
}

function overQuota(volumes: number): Reply {
  const message = `VolumeLimitExceeded: Maximum number of volumes allowed (${volumes}) exceeded for quota 'volumes'.`;
  return json(413, { overLimit: { code: 413, message, retryAfter: '0' } }, { 'Retry-After': '0' });
}

/** Long enough that the answer is sent after the statuses have changed. */
const ANSWER_MS = 10;

/** Messages exist from this microversion on. */
const MESSAGES_MINOR = 3;
/** Messages can be filtered and paged from this microversion on. */
const FILTER_MINOR = 5;

/** `GET /v3/{project_id}/messages`, newest first, by `request_id`. */
export function listMessages(world: World, root: ApiRoot, request: WireRequest): Reply {
  const minor = Number(/^volume 3\.(\d+)$/.exec(header(request, 'openstack-api-version') ?? '')?.[1] ?? 0);
  if (minor < MESSAGES_MINOR) return blockStorageError(404, 'The resource could not be found.');
  const request_id = minor < FILTER_MINOR ? null : request.query.get('request_id');
  const failed = Object.values(world.jobs)
    .filter((job) => job.project_id === root.project_id && leftMessage(job))
    .filter((job) => request_id === null || job.request_id === request_id)
    .sort((one, other) => (other.ended_ms ?? 0) - (one.ended_ms ?? 0));
  return json(200, { messages: failed.map((job) => messageBody(job, root)) });
}

/** A restore that was cancelled, or that failed because its daemon restarted, leaves no message. */
function leftMessage(job: Job): boolean {
  return (
    job.api === 'cinder' && job.phase === 'failed' && job.faults.some(({ kind }) => kind === 'restore_fails')
  );
}

const THIRTY_DAYS_MS = 30 * 86_400_000;

function messageBody(job: Job, root: ApiRoot): object {
  const id = hashedUuid('message', job.id);
  const failure = job.faults.find((fault) => fault.kind === 'restore_fails');
  const reason =
    (failure?.kind === 'restore_fails' && failure.reason) || 'Backup driver failed to restore backup.';
  const ended_ms = job.ended_ms ?? job.accepted_ms;
  return {
    id,
    event_id: 'VOLUME_VOLUME_BACKUP_015_026',
    user_message: `restore backup:${reason}`,
    message_level: 'ERROR',
    created_at: formatTime(ended_ms),
    guaranteed_until: formatTime(ended_ms + THIRTY_DAYS_MS),
    request_id: job.request_id,
    links: linksOf(id, root, 'messages'),
    resource_type: 'VOLUME_BACKUP',
    resource_uuid: job.backup_id,
  };
}
