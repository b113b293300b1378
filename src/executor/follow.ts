import {
  AVAILABLE,
  BACKUP_RESTORING,
  type CloudApi,
  isErrorStatus,
  type Job,
  type Reading,
  sameId,
  VOLUME_RESTORING,
  type Volume,
} from '../domain/cloud.ts';
import { unreachable } from '../domain/errors.ts';
import type { End } from '../domain/events.ts';
import {
  endedApart,
  isDiskAtRest,
  lacksItsName,
  newlyNamed,
  sawBothRestoring,
} from '../domain/look-history.ts';
import { type Observation, type Observed, optional, type Running, sameSeen } from '../domain/record.ts';
import { type ConfirmedLook, commitLook, confirmLook, subjectOf } from './confirm-look.ts';
import { isGone, Lasting } from './lasting.ts';
import { type Look, lookOf } from './look.ts';
import { failureReport, withCloudsReason } from './reason.ts';
import type { Session } from './run.ts';

/**
 * Follows a restore that the cloud is doing to its end, or until this run’s time for it is up: then the record
 * stays `running` and a later run goes on. Never starts anything.
 */
export async function follow(session: Session, record: Running): Promise<End> {
  const { run } = session;
  const following = new Following(session);
  const followed = run.restorePoller.follow(record.volume_id, () => following.seenRestoring());
  const told = teller(session);
  try {
    // What is under way already need not be looked at while a list shows it so.
    if (session.acceptedAt === undefined && run.reach !== 'submit')
      await run.restorePoller.restUnseen(followed, session.timeLeftMs);
    for (;;) {
      const began = run.clock.monotonic();
      const step = await following.look();
      switch (step.kind) {
        case 'succeeded':
          await session.step({ type: 'succeed', at: session.now(), observed: step.observed });
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
      await run.restorePoller.rest(followed, run.clock.monotonic() - began, session.timeLeftMs);
    }
  } finally {
    run.restorePoller.end(followed);
  }
}

/** Looks at one restore, each look the fewest requests that tell how it stands. */
class Following {
  readonly #session: Session;
  readonly #jobGone: Lasting;
  readonly #gone: Lasting;
  readonly #unmoved: Lasting;
  /** From the yes on, until the disk is seen restoring: how late this cloud shows what it has accepted. */
  #acceptedAt: number | undefined;

  constructor(session: Session) {
    const { clock, settings } = session.run;
    this.#session = session;
    this.#acceptedAt = session.acceptedAt;
    this.#jobGone = new Lasting(clock, settings.retry.settle_ms);
    this.#gone = new Lasting(clock, settings.retry.settle_ms);
    this.#unmoved = new Lasting(clock, settings.retry.settle_ms);
  }

  seenRestoring(): void {
    if (this.#acceptedAt === undefined) return;
    this.#lagIsAtLeast(this.#acceptedAt);
    this.#acceptedAt = undefined;
  }

  async look(): Promise<Step> {
    const { job_id, evidence } = this.#record;
    if (job_id === undefined)
      return evidence === 'accepted'
        ? this.#lookAtDiskFirst()
        : this.#lookAtStatuses(await this.#session.look());
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
    const goneForGood = this.#jobGone.seen(reading.kind === 'gone');
    switch (reading.kind) {
      case 'found': {
        const step = judgeJob(reading.value, this.#record, this.#session.now());
        return step.kind === 'unproven' ? this.#lookAtDiskToo(reading.value, step.because) : step;
      }
      case 'unreadable':
        return {
          kind: 'goes_on',
          note: `job ${id} cannot be read: ${reading.failure.message}`,
          trouble: true,
        };
      case 'gone': {
        // A job that was just promised may not be listed yet; if it stays away, what is seen from now on has to tell.
        const seen = await this.#confirm(await this.#session.look());
        return goneForGood
          ? judgeWithoutJob(seen, this.#record, run.driver.api, this.#gone.seen(isGone(seen.look.seen)))
          : { kind: 'goes_on', note: `job ${id} is not found`, trouble: true };
      }
      default:
        return unreachable(reading);
    }
  }

  /** The job alone proves nothing, and the disk may still show what was: so it is looked at until settle has passed. */
  async #lookAtDiskToo(job: Job, because: string): Promise<Step> {
    const { run } = this.#session;
    const seen = await this.#confirm(await this.#session.look());
    const goneForGood = this.#gone.seen(isGone(seen.look.seen));
    const step = judgeStatuses(seen, this.#record, run.driver.api, goneForGood, 'job');
    const unmovedForGood = this.#unmoved.seen(step.kind === 'unmoved');
    switch (step.kind) {
      case 'succeeded':
        return {
          kind: 'succeeded',
          observed: { ...step.observed, job: { id: job.id, status: job.raw_status } },
        };
      case 'unmoved': {
        const note = `${because}, and the disk looks as it did before`;
        return unmovedForGood
          ? { kind: 'lost', cause: note, observations: step.observations }
          : { ...step, note };
      }
      case 'goes_on':
      case 'failed':
      case 'lost':
        return step;
      default:
        return unreachable(step);
    }
  }

  /** After a yes the disk alone tells that it goes on; the backup is asked for when the disk is at rest. */
  async #lookAtDiskFirst(): Promise<Step> {
    const { run } = this.#session;
    const volume = await this.#volume();
    if (isRestoring(volume)) {
      this.seenRestoring();
      this.#gone.seen(false);
      this.#unmoved.seen(false);
      return RESTORING;
    }
    const backup = await run.driver.backup(this.#record.backup_id, run.stop);
    return this.#lookAtStatuses(lookOf(volume, backup, run.clock));
  }

  async #lookAtStatuses(first: Look): Promise<Step> {
    const { run } = this.#session;
    const seen = await this.#confirm(first);
    const step = judgeStatuses(seen, this.#record, run.driver.api, this.#gone.seen(isGone(seen.look.seen)));
    if (step.kind === 'goes_on' && step.disk === 'restoring') this.seenRestoring();
    const unmovedForGood = this.#unmoved.seen(step.kind === 'unmoved');
    if (step.kind === 'succeeded' && this.#record.evidence === 'accepted')
      return (await this.#failureThatWasReset(seen)) ?? step;
    if (step.kind !== 'unmoved') return step;
    if (this.#acceptedAt !== undefined) this.#lagIsAtLeast(this.#acceptedAt);
    return unmovedForGood ? { kind: 'lost', cause: step.note, observations: step.observations } : step;
  }

  /**
   * A failed restore leaves an error that a person can set back (`openstack volume set --state`). That moves the disk
   * once more after the backup, as attaching it does; then Cinder's messages tell. Where they cannot be read, a disk that
   * is attached is believed: that is what people do with one that was restored.
   */
  async #failureThatWasReset({ look, history }: ConfirmedLook): Promise<Step | undefined> {
    const apart = endedApart(look.seen, history);
    if (apart === undefined) return undefined;
    const report = await failureReport(this.#session);
    switch (report.kind) {
      case 'failed':
        return {
          kind: 'failed',
          reason: 'the disk is at rest, but the cloud reports that the restore failed',
        };
      case 'none':
        return undefined;
      case 'untold': {
        if (look.seen.volume.status !== AVAILABLE) return undefined;
        const cause = `${apart}, and the cloud’s messages cannot be read, which tell whether it failed`;
        return { kind: 'lost', cause, observations: history.looks };
      }
      default:
        return unreachable(report);
    }
  }

  /** What it shows is held against what was seen before, and kept where it matters. */
  async #confirm(first: Look): Promise<ConfirmedLook> {
    const confirmed = await confirmLook(this.#session, this.#record, first);
    await commitLook(this.#session, confirmed);
    return confirmed;
  }

  get #record(): Running {
    const { record } = this.#session;
    if (record?.status !== 'running') throw new Error('not running');
    return record;
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
  | { readonly kind: 'succeeded'; readonly observed: Observed }
  | { readonly kind: 'failed'; readonly reason: string }
  | { readonly kind: 'lost'; readonly cause: string; readonly observations: readonly Observation[] };

/** The job succeeded, but does not say that it was a restore of this: the disk has to tell, too. */
interface Unproven {
  readonly kind: 'unproven';
  /** For people; a clause without a full stop. */
  readonly because: string;
}

/**
 * An end counts only for the restore that was asked for: a job that names another disk or backup, or that makes or
 * deletes a backup, is no proof of anything here; one that names nothing, or other work than a restore, is none alone.
 */
export function judgeJob(job: Job, record: Running, at: string): Step | Unproven {
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
    case 'fail': {
      const other = otherWork(job, record);
      if (other) return { kind: 'lost', cause: `job ${job.id} failed for ${other}`, observations: [] };
      return { kind: 'failed', reason: job.reasons.join('; ') || 'the job failed without a reason' };
    }
    case 'success': {
      const other = otherWork(job, record);
      if (other) return { kind: 'lost', cause: `job ${job.id} succeeded for ${other}`, observations: [] };
      if (job.volume_id === undefined && job.backup_id === undefined)
        return { kind: 'unproven', because: `job ${job.id} succeeded, but names neither disk nor backup` };
      if (job.type !== undefined && !isRestore(job.type))
        return { kind: 'unproven', because: `job ${job.id} succeeded, but as ${job.type}` };
      return { kind: 'succeeded', observed: { at, job: { id: job.id, status: job.raw_status } } };
    }
    default:
      return unreachable(job.status);
  }
}

/** What a job did, if that is not this restore; what it does not tell is taken as right. */
export function otherWork(
  job: Job,
  { volume_id, backup_id }: { readonly volume_id: string; readonly backup_id: string },
): string | undefined {
  const volume = job.volume_id ?? volume_id;
  const backup = job.backup_id ?? backup_id;
  if (!sameId(volume, volume_id) || !sameId(backup, backup_id))
    return `another restore: disk ${volume} from backup ${backup}`;
  // Making a backup has a disk and a backup, too. Source of the names: the VBS traces of CTS.
  return job.type !== undefined && /create|delete/i.test(job.type)
    ? `other work than a restore: ${job.type}`
    : undefined;
}

/** `bksRestoreBackup` and what other releases may call it. Source of the name: the reference of VBS, jobs. */
export function isRestore(jobType: string): boolean {
  return /restore/i.test(jobType);
}

/**
 * Progress and end from disk and backup alone. A disk that was accepted or seen restoring, has moved, and is at
 * rest without an error has been restored: a failed restore leaves `error_restoring`, an aborted one `error`. Of what
 * nobody said yes to, disk and backup must have been freed together as well, and nothing seen so far may contradict.
 * `told_by` the job that it is done, it is enough that the disk moved.
 */
export function judgeStatuses(
  { look, history }: Pick<ConfirmedLook, 'look' | 'history'>,
  record: Running,
  api: CloudApi,
  goneForGood: boolean,
  told_by?: 'job',
): Step {
  const { volume, backup, seen } = look;
  const subject = subjectOf(record, api);
  const { contradiction } = history;
  const lost = (cause: string): Step => ({
    kind: 'lost',
    cause,
    observations: history.looks,
  });
  if (volume.kind === 'unreadable')
    return { kind: 'goes_on', note: `the disk cannot be read: ${volume.failure.message}`, trouble: true };
  if (volume.kind === 'gone')
    return goneForGood
      ? lost('the disk is gone')
      : { kind: 'goes_on', note: 'the disk is not found', trouble: true };
  if (isErrorStatus(volume.value.status))
    return broken(`the disk went to ${volume.value.status}`, look, history, lost);
  if (volume.value.status === VOLUME_RESTORING && contradiction)
    return {
      ...RESTORING,
      note: `restoring, but not by this restore: ${contradiction.because}`,
      trouble: true,
    };
  if (volume.value.status === VOLUME_RESTORING) return RESTORING;
  if (!isDiskAtRest(seen.volume)) return { kind: 'goes_on', note: `the disk is ${volume.value.status}` };
  if (backup.kind === 'unreadable')
    return { kind: 'goes_on', note: `the backup cannot be read: ${backup.failure.message}`, trouble: true };
  if (backup.kind === 'found') {
    if (backup.value.status === BACKUP_RESTORING) return { kind: 'goes_on', note: 'restoring' };
    if (isErrorStatus(backup.value.status))
      return broken(`the backup went to ${backup.value.status}`, look, history, lost);
  }
  const named = newlyNamed(seen.volume, subject);
  if (named === 'another')
    return lost(`the disk was restored from another backup, ${seen.volume.src_backup_id}`);
  const observed: Observed = { at: seen.at, volume: seen.volume, backup: seen.backup };
  if (contradiction)
    return lost(`${contradiction.because}: what was restored into the disk is not this restore`);
  if (named === 'ours') return { kind: 'succeeded', observed };
  // Of what does not name its backup, the backup has to tell, too: a disk is also moved by who attaches or extends it.
  if (backup.kind === 'gone')
    return goneForGood
      ? lost('the backup is gone, and the disk alone does not tell')
      : { kind: 'goes_on', note: 'the backup is not found', trouble: true };
  const unseen = record.evidence === 'accepted';
  // Neither a yes nor an earlier look is proof: this read may come from a database that has not heard of it yet.
  if (
    sameSeen(seen.volume, record.baseline.volume) ||
    (unseen && told_by === undefined && sameSeen(seen.backup, record.baseline.backup))
  )
    return {
      kind: 'unmoved',
      note: unseen
        ? 'the cloud said yes, but the disk looks as it did before'
        : 'it was seen restoring, but the disk looks as it did before',
      observations: history.looks,
    };
  // Cinder's yes is sent when disk and backup are in the database as restoring: it needs no more.
  if (told_by === 'job' || (unseen && record.job_id === undefined)) return { kind: 'succeeded', observed };
  const apart = endedApart(seen, history);
  if (apart !== undefined) return lost(apart);
  if (lacksItsName(seen.volume, subject, !sameId(backup.value.volume_id, record.volume_id)))
    return lost(
      'the disk does not name this backup as the one it was restored from, and a restore of ours does that',
    );
  return { kind: 'succeeded', observed };
}

/** An error that a second reading in order did not show may be an old copy of the data. */
function broken(
  reason: string,
  { seen }: Look,
  { contradiction }: ConfirmedLook['history'],
  lost: (cause: string) => Step,
): Step {
  if (!seen.confirmed) return { kind: 'goes_on', note: reason, trouble: true };
  return contradiction
    ? lost(`${reason}, after another restore than this: ${contradiction.because}`)
    : { kind: 'failed', reason };
}

/**
 * The job is not found any more: what is still under way is followed. What is over counts as succeeded if disk and
 * backup were both seen restoring after the yes; without that, a yes and two statuses are too little, for VBS says yes
 * before anything moves.
 */
function judgeWithoutJob(
  confirmed: ConfirmedLook,
  record: Running,
  api: CloudApi,
  goneForGood: boolean,
): Step {
  const step = judgeStatuses(confirmed, record, api, goneForGood);
  switch (step.kind) {
    case 'goes_on':
    case 'failed':
    case 'lost':
      return step;
    case 'succeeded':
      if (sawBothRestoring(confirmed.history)) return step;
      break;
    case 'unmoved':
      break;
    default:
      return unreachable(step);
  }
  return {
    kind: 'lost',
    cause: `job ${record.job_id} is not found any more, and the disk is at rest`,
    observations: confirmed.history.looks,
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
