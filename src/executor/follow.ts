import {
  BACKUP_RESTORING,
  isErrorStatus,
  type Job,
  type Reading,
  VOLUME_RESTORING,
  type Volume,
} from '../domain/cloud.ts';
import { unreachable } from '../domain/errors.ts';
import type { End } from '../domain/events.ts';
import { type Observation, optional, type Running, sameSeen } from '../domain/record.ts';
import { type Look, lookOf } from './look.ts';
import { withCloudsReason } from './reason.ts';
import type { Session } from './run.ts';

/**
 * Follows a restore that the cloud is doing to its end, or until this run’s time for it is up: then the record
 * stays `running` and a later run goes on. Never starts anything.
 */
export async function follow(session: Session, record: Running): Promise<End> {
  const { run } = session;
  const following = new Following(session, record);
  const followed = run.lookout.follow(record.volume_id, () => following.seenRestoring());
  const told = teller(session);
  try {
    // What is under way already need not be looked at while a list shows it so.
    if (session.acceptedAt === undefined && run.reach !== 'submit')
      await run.lookout.restUnseen(followed, session.timeLeftMs);
    for (;;) {
      const began = run.clock.monotonic();
      const step = await following.look();
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
          told({ ...step, trouble: true });
          break;
        case 'goes_on':
          told(step);
          if (step.disk === 'restoring') followed.shown = 'restoring';
          break;
        default:
          return unreachable(step);
      }
      if (session.timeIsUp || run.reach === 'submit') return recorded(session);
      await run.lookout.rest(followed, run.clock.monotonic() - began, session.timeLeftMs);
    }
  } finally {
    run.lookout.end(followed);
  }
}

/** Looks at one restore, each look the fewest requests that tell how it stands. */
class Following {
  readonly #session: Session;
  readonly #record: Running;
  /** From the yes on, until the disk is seen restoring: how late this cloud shows what it has accepted. */
  #acceptedAt: number | undefined;
  #goneSince: number | undefined;
  #unmovedSince: number | undefined;

  constructor(session: Session, record: Running) {
    this.#session = session;
    this.#record = record;
    this.#acceptedAt = session.acceptedAt;
  }

  seenRestoring(): void {
    if (this.#acceptedAt === undefined) return;
    this.#lagIsAtLeast(this.#acceptedAt);
    this.#acceptedAt = undefined;
  }

  async look(): Promise<Step> {
    const { job_id } = this.#record;
    if (job_id === undefined) return this.#lookAtStatuses();
    // A job says nothing of its disk: until that was seen to move, it is asked first.
    if (this.#acceptedAt !== undefined && isRestoring(await this.#volume())) {
      this.seenRestoring();
      return RESTORING;
    }
    const step = await this.#lookAtJob(job_id);
    // A job still queued tells that the lag is at least so long already.
    if (this.#acceptedAt !== undefined && step.kind === 'goes_on' && step.job === 'init')
      this.#lagIsAtLeast(this.#acceptedAt);
    return step;
  }

  async #lookAtJob(id: string): Promise<Step> {
    const { run } = this.#session;
    const reading = await run.driver.job(id, run.stop);
    switch (reading.kind) {
      case 'found':
        this.#goneSince = undefined;
        return judgeJob(reading.value, this.#record);
      case 'unreadable':
        return {
          kind: 'goes_on',
          note: `job ${id} cannot be read: ${reading.failure.message}`,
          trouble: true,
        };
      case 'gone':
        // A job that was just promised may not be listed yet; later, only the disk can tell.
        this.#goneSince ??= run.clock.monotonic();
        return run.clock.monotonic() - this.#goneSince < run.settings.retry.settle_ms
          ? { kind: 'goes_on', note: `job ${id} is not found`, trouble: true }
          : judgeWithoutJob(await this.#session.look(), this.#record);
      default:
        return unreachable(reading);
    }
  }

  async #lookAtStatuses(): Promise<Step> {
    const { run } = this.#session;
    const volume = await this.#volume();
    if (isRestoring(volume)) {
      this.seenRestoring();
      return RESTORING;
    }
    // The backup is at rest later than the disk, never sooner: it is asked when the disk no longer says it all.
    const backup = await run.driver.backup(this.#record.backup_id, run.stop);
    const step = judgeStatuses(lookOf(volume, backup, run.clock), this.#record);
    if (step.kind !== 'unmoved') return step;
    if (this.#acceptedAt !== undefined) this.#lagIsAtLeast(this.#acceptedAt);
    this.#unmovedSince ??= run.clock.monotonic();
    return run.clock.monotonic() - this.#unmovedSince < run.settings.retry.settle_ms
      ? step
      : { kind: 'lost', cause: step.note, observations: step.observations };
  }

  #volume(): Promise<Reading<Volume>> {
    const { run } = this.#session;
    return run.driver.volume(this.#record.volume_id, run.stop);
  }

  #lagIsAtLeast(acceptedAt: number): void {
    const { lag, clock } = this.#session.run;
    lag.saw(clock.monotonic() - acceptedAt);
  }
}

const RESTORING = { kind: 'goes_on', note: 'restoring', disk: 'restoring' } as const;

function isRestoring(volume: Reading<Volume>): boolean {
  return volume.kind === 'found' && volume.value.status === VOLUME_RESTORING;
}

export type Step =
  | {
      readonly kind: 'goes_on';
      readonly note: string;
      readonly job?: Job['status'];
      readonly disk?: 'restoring';
      readonly trouble?: true;
    }
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
        trouble: true,
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
    return { kind: 'goes_on', note: `the disk cannot be read: ${volume.failure.message}`, trouble: true };
  if (volume.kind === 'gone') return { kind: 'lost', cause: 'the disk is gone', observations: [seen] };
  if (isErrorStatus(volume.value.status))
    return { kind: 'failed', reason: `the disk went to ${volume.value.status}` };
  if (volume.value.status === VOLUME_RESTORING) return RESTORING;
  if (backup.kind === 'unreadable')
    return { kind: 'goes_on', note: `the backup cannot be read: ${backup.failure.message}`, trouble: true };
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
  // Of what nobody saw restoring the backup has to tell, too: a disk is also moved by who attaches or extends it.
  const unseen = record.evidence === 'accepted' && named === undefined;
  if (unseen && backup.kind === 'gone')
    return {
      kind: 'lost',
      cause: 'the backup is gone, and the disk alone does not tell',
      observations: [seen],
    };
  // Neither a yes nor an earlier look is proof: this read may come from a database that has not heard of it yet.
  if (
    sameSeen(seen.volume, record.baseline.volume) ||
    (unseen && sameSeen(seen.backup, record.baseline.backup))
  )
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

interface Progress {
  readonly note: string;
  readonly job?: Job['status'];
  readonly trouble?: true;
}

/** Tells progress once, and again only when it changes; of trouble that comes and goes, once that it is there. */
function teller(session: Session): (progress: Progress) => void {
  const troubles = new Set<string>();
  let last: string | undefined;
  return ({ note, job, trouble }) => {
    if (note === last) return;
    last = note;
    const isNew = trouble === true && !troubles.has(note);
    troubles.add(note);
    session.run.emit({
      type: 'progress',
      address: session.ids.address,
      note,
      ...optional('job', job),
      ...optional('trouble', isNew || undefined),
    });
  };
}
