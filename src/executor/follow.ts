import { BACKUP_RESTORING, isErrorStatus, type Job, VOLUME_RESTORING } from '../domain/cloud.ts';
import { unreachable } from '../domain/errors.ts';
import type { End } from '../domain/events.ts';
import { type Observation, type Running, sameSeen } from '../domain/record.ts';
import { growing } from './backoff.ts';
import type { Look } from './look.ts';
import { withCloudsReason } from './reason.ts';
import type { Session } from './run.ts';

/**
 * Follows a restore that the cloud is doing to its end, or until this run’s time for it is up: then the record
 * stays `running` and a later run goes on. Never starts anything.
 */
export async function follow(session: Session, record: Running): Promise<End> {
  const { run } = session;
  const { poll } = run.settings;
  const interval = growing(poll.min_interval_ms, poll.max_interval_ms);
  const told = teller(session);
  let { acceptedAt } = session;
  let gone: { since: number } | undefined;
  let unmovedSince: number | undefined;

  for (;;) {
    const pollBegan = run.clock.monotonic();
    let step: Step;
    if (record.job_id !== undefined) {
      const reading = await run.driver.job(record.job_id, run.stop);
      switch (reading.kind) {
        case 'found':
          gone = undefined;
          step = judgeJob(reading.value, record);
          break;
        case 'unreadable':
          step = { kind: 'goes_on', note: `job ${record.job_id} cannot be read: ${reading.failure.message}` };
          break;
        case 'gone':
          // A job that was just promised may not be listed yet; later, only the disk can tell.
          gone ??= { since: run.clock.monotonic() };
          step =
            run.clock.monotonic() - gone.since < run.settings.retry.settle_ms
              ? { kind: 'goes_on', note: `job ${record.job_id} is not found` }
              : judgeWithoutJob(await session.look(), record);
          break;
        default:
          return unreachable(reading);
      }
      if (acceptedAt !== undefined && step.kind === 'goes_on') {
        const volume = await run.driver.volume(record.volume_id, run.stop);
        const queued = step.job === 'init';
        const shown = volume.kind === 'found' && volume.value.status === VOLUME_RESTORING;
        // A job still queued tells that the lag is at least so long already.
        if (shown || queued) run.lag.saw(run.clock.monotonic() - acceptedAt);
        if (!queued) acceptedAt = undefined;
      }
    } else {
      step = judgeStatuses(await session.look(), record);
      if (step.kind === 'unmoved') {
        unmovedSince ??= run.clock.monotonic();
        if (run.clock.monotonic() - unmovedSince >= run.settings.retry.settle_ms)
          step = { kind: 'lost', cause: step.note, observations: step.observations };
      }
    }

    switch (step.kind) {
      case 'succeeded':
        await session.step({ type: 'succeed', at: session.now() });
        return recorded(session);
      case 'failed':
        await session.step({
          type: 'fail',
          at: session.now(),
          reason: await withCloudsReason(session, step.reason),
          moved: true,
        });
        return recorded(session);
      case 'lost':
        await session.step({
          type: 'lose',
          at: session.now(),
          cause: step.cause,
          observations: step.observations,
        });
        return recorded(session);
      case 'unmoved':
        told(step.note, undefined);
        break;
      case 'goes_on':
        told(step.note, step.job);
        break;
      default:
        return unreachable(step);
    }
    if (session.timeIsUp || run.reach === 'submit') return recorded(session);
    // From poll to poll, so that slow answers do not add up; a cloud that is slower than that gets its rest.
    const wished = interval();
    await session.pause(Math.max(wished - (run.clock.monotonic() - pollBegan), wished / 2));
  }
}

export type Step =
  | { readonly kind: 'goes_on'; readonly note: string; readonly job?: Job['status'] }
  /** At rest, and just as before the attempt: no restore can look like that. */
  | { readonly kind: 'unmoved'; readonly note: string; readonly observations: readonly Observation[] }
  | { readonly kind: 'succeeded' }
  | { readonly kind: 'failed'; readonly reason: string }
  | { readonly kind: 'lost'; readonly cause: string; readonly observations: readonly Observation[] };

/** SUCCESS counts only for the restore that was asked for: an entity that names another one is no proof. */
export function judgeJob(job: Job, record: Running): Step {
  switch (job.status) {
    case 'init':
      return { kind: 'goes_on', note: 'queued', job: job.status };
    case 'running':
      return { kind: 'goes_on', note: 'restoring', job: job.status };
    case 'unrecognised':
      return {
        kind: 'goes_on',
        note: `job status ${job.raw_status} is not known; taken as not finished`,
        job: job.status,
      };
    case 'fail':
      return { kind: 'failed', reason: job.reasons.join('; ') || 'the job failed without a reason' };
    case 'success': {
      const volume = job.volume_id ?? record.volume_id;
      const backup = job.backup_id ?? record.backup_id;
      if (volume === record.volume_id && backup === record.backup_id) return { kind: 'succeeded' };
      return {
        kind: 'lost',
        cause: `job ${job.id} succeeded for another restore: disk ${volume} from backup ${backup}`,
        observations: [],
      };
    }
    default:
      return unreachable(job.status);
  }
}

/**
 * Progress and end from disk and backup alone. A disk that was accepted or seen restoring, has moved, and is at
 * rest without an error has been restored: a failed restore leaves `error_restoring`, an aborted one `error`.
 */
export function judgeStatuses({ volume, backup, seen }: Look, record: Running): Step {
  if (volume.kind === 'unreadable')
    return { kind: 'goes_on', note: `the disk cannot be read: ${volume.failure.message}` };
  if (volume.kind === 'gone') return { kind: 'lost', cause: 'the disk is gone', observations: [seen] };
  if (isErrorStatus(volume.value.status))
    return { kind: 'failed', reason: `the disk went to ${volume.value.status}` };
  if (volume.value.status === VOLUME_RESTORING) return { kind: 'goes_on', note: 'restoring' };
  if (backup.kind === 'unreadable')
    return { kind: 'goes_on', note: `the backup cannot be read: ${backup.failure.message}` };
  if (backup.kind === 'found') {
    if (backup.value.status === BACKUP_RESTORING) return { kind: 'goes_on', note: 'restoring' };
    if (isErrorStatus(backup.value.status))
      return { kind: 'failed', reason: `the backup went to ${backup.value.status}` };
  }
  const { src_backup_id } = volume.value;
  const named = src_backup_id !== record.baseline.volume.src_backup_id ? src_backup_id : undefined;
  if (named !== undefined && named !== record.backup_id)
    return {
      kind: 'lost',
      cause: `the disk was restored from another backup, ${named}`,
      observations: [seen],
    };
  // Neither a yes nor an earlier look is proof: this read may come from a database that has not heard of it yet.
  if (sameSeen(seen.volume, record.baseline.volume))
    return {
      kind: 'unmoved',
      note:
        record.evidence === 'accepted'
          ? 'the cloud said yes, but the disk looks as it did before'
          : 'it was seen restoring, but the disk looks as it did before',
      observations: [seen],
    };
  return { kind: 'succeeded' };
}

/** The job is not found any more: what is still under way is followed, what is over cannot be told. */
function judgeWithoutJob(look: Look, record: Running): Step {
  const step = judgeStatuses(look, record);
  if (step.kind !== 'succeeded' && step.kind !== 'unmoved') return step;
  return {
    kind: 'lost',
    cause: `job ${record.job_id} is not found any more, and the disk is at rest`,
    observations: [look.seen],
  };
}

function recorded(session: Session): End {
  if (!session.record) throw new Error('nothing was recorded');
  return { kind: 'recorded', record: session.record };
}

/** Tells progress once, and again only when it changes. */
function teller(session: Session): (note: string, job: Job['status'] | undefined) => void {
  let last: string | undefined;
  return (note, job) => {
    if (note === last) return;
    last = note;
    session.run.emit({ type: 'progress', address: session.ids.address, note, ...(job ? { job } : {}) });
  };
}
