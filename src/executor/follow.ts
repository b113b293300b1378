import { AVAILABLE, type Job, type Reading, VOLUME_RESTORING, type Volume } from '../domain/cloud.ts';
import { unreachable } from '../domain/errors.ts';
import type { End } from '../domain/events.ts';
import { endedApart } from '../domain/observation-history.ts';
import { optional } from '../domain/optional.ts';
import type { Running } from '../domain/record.ts';
import { type ConfirmedReadings, commitObservation, confirmReadings } from './confirm-readings.ts';
import { failureReport, withCloudsReason } from './failure-report.ts';
import { HoldTimer, isGone } from './hold-timer.ts';
import { judgeJob, judgeStatuses, judgeWithoutJob, RESTORING, type Step } from './judge-running.ts';
import { type Readings, readingsOf } from './readings.ts';
import { type RestoreRun, recorded, running } from './run.ts';

/**
 * Follows a restore that the cloud is doing to its end, or until this run’s time for it is up: then the record
 * stays `running` and a later run goes on. Never starts anything.
 */
export async function follow(session: RestoreRun, record: Running): Promise<End> {
  const { run } = session;
  const following = new Following(session);
  const followed = run.restorePoller.follow(record.volume_id, () => following.seenRestoring());
  const told = teller(session);
  try {
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
            volume_changed: true,
          });
          return recorded(session);
        case 'lost':
          await session.step({
            type: 'mark_unknown',
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
          if (step.disk === 'restoring') followed.restoring = true;
          break;
        default:
          return unreachable(step);
      }
      if (session.timeIsUp || run.mode === 'no_wait') return recorded(session);
      await run.restorePoller.rest(followed, run.clock.monotonic() - began, session.timeLeftMs);
    }
  } finally {
    run.restorePoller.end(followed);
  }
}

/** Looks at one restore, each look the fewest requests that tell how it stands. */
class Following {
  readonly #session: RestoreRun;
  readonly #jobGone: HoldTimer;
  readonly #gone: HoldTimer;
  readonly #unmoved: HoldTimer;
  /** From the yes on, until the disk is seen restoring: how late this cloud shows what it has accepted. */
  #acceptedAt: number | undefined;

  constructor(session: RestoreRun) {
    const { clock } = session.run;
    this.#session = session;
    this.#acceptedAt = session.acceptedAt;
    this.#jobGone = new HoldTimer(clock, session.settleMs);
    this.#gone = new HoldTimer(clock, session.settleMs);
    this.#unmoved = new HoldTimer(clock, session.settleMs);
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
          ? judgeWithoutJob(seen, this.#record, run.driver.traits, this.#gone.seen(isGone(seen.look.seen)))
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
    const step = judgeStatuses(seen, this.#record, run.driver.traits, goneForGood, 'job');
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
    return this.#lookAtStatuses(readingsOf(volume, backup, run.clock));
  }

  async #lookAtStatuses(first: Readings): Promise<Step> {
    const { run } = this.#session;
    const seen = await this.#confirm(first);
    const step = judgeStatuses(
      seen,
      this.#record,
      run.driver.traits,
      this.#gone.seen(isGone(seen.look.seen)),
    );
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
  async #failureThatWasReset({ look, history }: ConfirmedReadings): Promise<Step | undefined> {
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
        if (look.volume.kind !== 'found' || look.volume.value.status !== AVAILABLE) return undefined;
        const cause = `${apart}, and the cloud’s messages cannot be read, which tell whether it failed`;
        return { kind: 'lost', cause, observations: history.looks };
      }
      default:
        return unreachable(report);
    }
  }

  /** What it shows is held against what was seen before, and kept where it matters. */
  async #confirm(first: Readings): Promise<ConfirmedReadings> {
    const confirmed = await confirmReadings(this.#session, this.#record, first);
    await commitObservation(this.#session, confirmed);
    return confirmed;
  }

  get #record(): Running {
    return running(this.#session);
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

function isRestoring(volume: Reading<Volume>): boolean {
  // Rule: restoring-disk-alone-goes-on
  return volume.kind === 'found' && volume.value.status === VOLUME_RESTORING;
}

interface Progress {
  readonly note: string;
  readonly job?: Job['status'];
  readonly trouble?: true;
}

/** Tells progress once, and again only when it changes; of trouble that comes and goes, once that it is there. */
function teller(session: RestoreRun): (progress: Progress) => void {
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
