import {
  AVAILABLE,
  isErrorStatus,
  type Job,
  type Reading,
  VOLUME_RESTORING,
  type Volume,
} from '../domain/cloud.ts';
import { unreachable } from '../domain/errors.ts';
import type { End } from '../domain/events.ts';
import { isGone, type SuccessProof, wasFound } from '../domain/observation.ts';
import { freedSeparately } from '../domain/observation-history.ts';
import { optional } from '../domain/optional.ts';
import type { Running } from '../domain/record.ts';
import { type ConfirmedReadings, commitObservation, confirmReadings } from './confirm-readings.ts';
import { failureReport, withCloudsReason } from './failure-report.ts';
import { type HeldFor, heldFor } from './held-for.ts';
import {
  judgeJob,
  judgeStatuses,
  judgeWithoutJob,
  RESTORING,
  type RunningJudgement,
} from './judge-running.ts';
import { withLastLook } from './last-look.ts';
import { type Readings, readingsOf } from './readings.ts';
import { assertRunning, endOf, type RestoreRun } from './restore-run.ts';

/**
 * Follows a running restore to its end, or until the timeout of this run: then the record stays `running` and a later run
 * continues. Never starts anything.
 */
export async function follow(restore: RestoreRun, record: Running): Promise<End> {
  const { run } = restore;
  const follower = new Follower(restore);
  const followed = run.restorePoller.add(record.volume_id, () => follower.seenRestoring());
  const reportProgress = progressReporter(restore);
  try {
    for (;;) {
      const began = run.clock.monotonic();
      const step = await follower.next();
      const at = restore.now();
      switch (step.kind) {
        case 'succeeded':
          await endAsSucceeded(restore, at, await withLastLook(restore, step.observed));
          return endOf(restore);
        case 'failed':
          await restore.commit({
            type: 'fail',
            at,
            reason: await withCloudsReason(restore, step.reason),
            volume_changed: true,
          });
          return endOf(restore);
        case 'unknown': {
          const { reason, observations } = step;
          await restore.commit({ type: 'mark_unknown', at, reason, observations });
          return endOf(restore);
        }
        case 'unchanged':
          reportProgress({ ...step, warning: true });
          break;
        case 'in_progress':
          reportProgress(step);
          if (step.disk === 'restoring') followed.restoring = true;
          break;
        default:
          return unreachable(step);
      }
      if (restore.timeIsUp || run.mode === 'no_wait') return endOf(restore);
      await run.restorePoller.sleepUntilDue(followed, run.clock.monotonic() - began, restore.timeLeftMs);
    }
  } finally {
    run.restorePoller.remove(followed);
  }
}

/** Unless the last look contradicts the job: no restore that succeeded leaves a disk in error. */
async function endAsSucceeded(restore: RestoreRun, at: string, observed: SuccessProof): Promise<void> {
  const { job, volume, backup } = observed;
  if (!job || !volume || !backup || !wasFound(volume) || !isErrorStatus(volume.status))
    return await restore.commit({ type: 'succeed', at, observed });
  const reason = `job ${job.id} is ${job.status}, but the status of the disk is ${volume.status}`;
  await restore.commit({
    type: 'mark_unknown',
    at,
    reason,
    observations: [{ at: observed.at, volume, backup }],
  });
}

/** Reads the progress of one restore with as few requests as possible. */
class Follower {
  readonly #restore: RestoreRun;
  readonly #jobGoneTimer: HeldFor;
  readonly #goneTimer: HeldFor;
  readonly #unchangedTimer: HeldFor;
  /** When the request was accepted, until the volume is first seen restoring: measures the lag of this cloud. */
  #acceptedAt: number | undefined;

  constructor(restore: RestoreRun) {
    const { clock } = restore.run;
    this.#restore = restore;
    this.#acceptedAt = restore.acceptedAt;
    this.#jobGoneTimer = heldFor(clock, restore.settleMs);
    this.#goneTimer = heldFor(clock, restore.settleMs);
    this.#unchangedTimer = heldFor(clock, restore.settleMs);
  }

  seenRestoring(): void {
    this.#measureLag();
    this.#acceptedAt = undefined;
  }

  async next(): Promise<RunningJudgement> {
    const { job_id, evidence } = this.#record;
    if (job_id === undefined)
      return evidence === 'accepted'
        ? this.#readVolumeFirst()
        : this.#judgeStatuses(await this.#restore.readBoth());
    // A job does not show the lag of its volume: until the volume was seen restoring, it is read first.
    if (this.#acceptedAt !== undefined && isRestoring(await this.#volume())) {
      this.seenRestoring();
      return RESTORING;
    }
    const step = await this.#readJob(job_id);
    // The lag is at least as long as the job has been queued.
    if (step.kind === 'in_progress' && step.job === 'init') this.#measureLag();
    return step;
  }

  async #readJob(id: string): Promise<RunningJudgement> {
    const { run } = this.#restore;
    const reading = await run.driver.job(id, run.stop);
    const goneForSettle = this.#jobGoneTimer(reading.kind === 'gone');
    switch (reading.kind) {
      case 'found': {
        const step = judgeJob(reading.value, this.#record, this.#restore.now());
        return step.kind === 'inconclusive' ? this.#confirmByVolume(reading.value, step.reason) : step;
      }
      case 'unreadable':
        return {
          kind: 'in_progress',
          note: `job ${id} cannot be read: ${reading.failure.message}`,
          warning: true,
        };
      case 'gone': {
        // A new job may not be listed yet. If it stays away, volume and backup decide from now on.
        const confirmed = await this.#confirm(await this.#restore.readBoth());
        return goneForSettle
          ? judgeWithoutJob(confirmed, this.#record, run.driver.traits, this.#isAbsentForSettle(confirmed))
          : { kind: 'in_progress', note: `job ${id} is not found`, warning: true };
      }
      default:
        return unreachable(reading);
    }
  }

  /** The job alone proves nothing, and the volume may be outdated: so it is read until settle has passed. */
  async #confirmByVolume(job: Job, reason: string): Promise<RunningJudgement> {
    const confirmed = await this.#confirm(await this.#restore.readBoth());
    const { traits } = this.#restore.run.driver;
    const step = judgeStatuses(confirmed, this.#record, traits, this.#isAbsentForSettle(confirmed), true);
    const unchangedForGood = this.#unchangedTimer(step.kind === 'unchanged');
    switch (step.kind) {
      case 'succeeded':
        return {
          kind: 'succeeded',
          observed: { ...step.observed, job: { id: job.id, status: job.raw_status } },
        };
      case 'unchanged': {
        const note = `${reason}, and the disk looks as it did before`;
        return unchangedForGood
          ? { kind: 'unknown', reason: note, observations: step.observations }
          : { ...step, note };
      }
      case 'in_progress':
      case 'failed':
      case 'unknown':
        return step;
      default:
        return unreachable(step);
    }
  }

  /** While an accepted restore runs, its volume alone shows it. The backup is only read once the volume is at rest. */
  async #readVolumeFirst(): Promise<RunningJudgement> {
    const { run } = this.#restore;
    const volume = await this.#volume();
    if (isRestoring(volume)) {
      this.seenRestoring();
      this.#goneTimer(false);
      this.#unchangedTimer(false);
      return RESTORING;
    }
    const backup = await run.driver.backup(this.#record.backup_id, run.stop);
    return this.#judgeStatuses(readingsOf(volume, backup, run.clock));
  }

  async #judgeStatuses(first: Readings): Promise<RunningJudgement> {
    const confirmed = await this.#confirm(first);
    const { traits } = this.#restore.run.driver;
    const step = judgeStatuses(confirmed, this.#record, traits, this.#isAbsentForSettle(confirmed));
    if (step.kind === 'in_progress' && step.disk === 'restoring') this.seenRestoring();
    const unchangedForGood = this.#unchangedTimer(step.kind === 'unchanged');
    if (step.kind === 'succeeded' && this.#record.evidence === 'accepted')
      return (await this.#resetFailure(confirmed)) ?? step;
    if (step.kind !== 'unchanged') return step;
    this.#measureLag();
    return unchangedForGood ? { kind: 'unknown', reason: step.note, observations: step.observations } : step;
  }

  /**
   * A failed restore leaves an error status that an operator can reset (`openstack volume set --state`). That changes the
   * volume once more after the backup, as attaching it does; Cinder's messages tell the two apart. If they cannot be
   * read, an attached volume counts as restored, because operators attach a volume after a restore that succeeded.
   */
  async #resetFailure({ readings, history }: ConfirmedReadings): Promise<RunningJudgement | undefined> {
    const separately = freedSeparately(readings.seen, history);
    if (separately === undefined) return undefined;
    const report = await failureReport(this.#restore);
    switch (report.kind) {
      case 'failed':
        return {
          kind: 'failed',
          reason: 'the disk is at rest, but the cloud reports that the restore failed',
        };
      case 'none':
        return undefined;
      case 'unavailable': {
        const { volume } = readings;
        if (volume.kind !== 'found' || volume.value.status !== AVAILABLE) return undefined;
        const reason = `${separately}, and the cloud’s messages, which tell whether it failed, cannot be read`;
        return { kind: 'unknown', reason, observations: history.observations };
      }
      default:
        return unreachable(report);
    }
  }

  async #confirm(first: Readings): Promise<ConfirmedReadings> {
    const confirmed = await confirmReadings(this.#restore, this.#record, first);
    await commitObservation(this.#restore, confirmed);
    return confirmed;
  }

  #isAbsentForSettle({ readings }: ConfirmedReadings): boolean {
    return this.#goneTimer(isGone(readings.seen));
  }

  get #record(): Running {
    return assertRunning(this.#restore);
  }

  #volume(): Promise<Reading<Volume>> {
    const { run } = this.#restore;
    return run.driver.volume(this.#record.volume_id, run.stop);
  }

  #measureLag(): void {
    const { lag, clock } = this.#restore.run;
    if (this.#acceptedAt === undefined) return;
    lag.longestMs = Math.max(lag.longestMs, clock.monotonic() - this.#acceptedAt);
  }
}

function isRestoring(volume: Reading<Volume>): boolean {
  // Rule: volume-restoring-alone-is-still-running
  return volume.kind === 'found' && volume.value.status === VOLUME_RESTORING;
}

interface ReportedProgress {
  readonly note: string;
  readonly job?: Job['status'];
  readonly warning?: true;
}

/** Emits progress when it changes. A warning that comes and goes is marked as one only once. */
function progressReporter(restore: RestoreRun): (progress: ReportedProgress) => void {
  const warned = new Set<string>();
  let last: string | undefined;
  return ({ note, job, warning }) => {
    if (note === last) return;
    last = note;
    const isNew = warning === true && !warned.has(note);
    warned.add(note);
    restore.run.emit({
      type: 'progress',
      address: restore.ids.address,
      note,
      ...optional('job', job),
      ...optional('warning', isNew || undefined),
    });
  };
}
