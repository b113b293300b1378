import { CLOCK_SKEW_MAX_MS, type Clock, isoTime } from '../domain/clock.ts';
import { VOLUME_RESTORING } from '../domain/cloud.ts';
import { type Diagnostic, note, warning } from '../domain/diagnostic.ts';
import { doubtOf } from '../domain/doubt.ts';
import { formatDuration } from '../domain/duration.ts';
import { Failure, refused } from '../domain/errors.ts';
import { shellOperand } from '../domain/escape/shell-word.ts';
import {
  isBackupRestoring,
  isVolumeRestoring,
  type Observation,
  observedStatus,
  sameResource,
  wasFound,
} from '../domain/observation.ts';
import { isMaybeTouched, isOpen, type Resolution, type RestoreRecord, settleMsOf } from '../domain/record.ts';
import { advance } from '../domain/record-transitions.ts';
import type { Driver } from '../drivers/driver.ts';
import type { Lease } from '../state/backend.ts';
import { PollSchedule } from './poll-intervals.ts';
import { readBoth } from './readings.ts';
import { refuseAgainstJob } from './refuse-against-job.ts';
import type { RunSettings } from './run.ts';

interface ResolveOptions {
  readonly settings: Pick<RunSettings, 'poll' | 'retry'>;
  /** Reports why it waits. */
  readonly report: (note: Diagnostic) => void;
  readonly stop: AbortSignal;
}

/**
 * Records the outcome that an operator found out, of a restore whose outcome vbsctl cannot determine. Reads the cloud
 * first. It refuses an outcome that contradicts the job of the restore; `not-started`, after which a second request may be
 * sent, while anything is restoring; and `succeeded` while the volume is written. On a `stop` it rejects with its reason and
 * leaves the record as it was.
 */
export async function resolveRecord(
  lease: Lease,
  driver: Driver,
  clock: Clock,
  record: RestoreRecord,
  decision: Pick<Resolution, 'as' | 'reason' | 'by'>,
  options: ResolveOptions,
): Promise<RestoreRecord> {
  if (!isOpen(record) && !isMaybeTouched(record))
    throw refused(
      'nothing-to-resolve',
      `${record.address} is ${record.status}: there is nothing to resolve`,
      'to restore it again, raise generation in the manifest',
    );
  // Rule: resolution-must-not-contradict-the-job
  const job = await refuseAgainstJob(driver, record, decision.as, options.stop);
  // Rule: not-started-requires-volume-and-backup-at-rest
  if (decision.as === 'not-started') await refuseUnlessAtRest(driver, clock, record, job, options);
  if (decision.as === 'succeeded')
    refuseIfRestoring(record, (await readBoth(driver, clock, record, options.stop)).seen);
  const at = isoTime(clock.now());
  const next = advance(record, { type: 'resolve', at, resolution: { ...decision, at } });
  await lease.commit([{ type: 'record', record: next }]);
  return next;
}

/** A volume that cannot be read is no reason to refuse: then only the operator can know. */
function refuseIfRestoring(record: RestoreRecord, { volume }: Observation): void {
  if (isVolumeRestoring(volume))
    throw refused(
      'still-restoring',
      `disk ${record.volume_id} is ${VOLUME_RESTORING}: the outcome is not known yet`,
      record.status === 'unknown'
        ? 'wait for it to end, then decide'
        : `wait for its end: vbsctl wait ${shellOperand(record.address)}`,
    );
}

/**
 * Reads at least twice, because one read may come from an outdated replica. While the last request may still take
 * effect, reads are repeated until that time is over.
 */
async function refuseUnlessAtRest(
  driver: Driver,
  clock: Clock,
  record: RestoreRecord,
  job: 'gone' | undefined,
  { settings, report, stop }: ResolveOptions,
): Promise<void> {
  const { poll, retry } = settings;
  const observe = async () => assertAtRest(record, (await readBoth(driver, clock, record, stop)).seen);
  const first = await observe();
  const schedule = new PollSchedule(clock, poll);
  if (!sameResource(first.volume, record.baseline.volume)) report(volumeChangedWarning(record, first));
  // As when a restore is followed: a job counts as gone if every read until settle has passed says so.
  const settleMs = settleMsOf(record, retry.settle_ms);
  const possibleMs = job === 'gone' ? settleMs : stillPossibleMs(record, clock.now(), settleMs);
  const untilMs = Math.max(poll.min_interval_ms, possibleMs);
  report(readingAgainNote(untilMs, possibleMs > poll.min_interval_ms ? settleMs : undefined));
  do {
    await schedule.pause(untilMs - schedule.sinceMs, stop);
    await refuseAgainstJob(driver, record, 'not-started', stop);
    const seen = await observe();
    if (!sameResource(seen.volume, first.volume))
      throw Failure.of(
        'refused',
        'disk-changed',
        `disk ${record.volume_id} changed between two reads, or one of them was outdated`,
        {
          detail: `It was ${volumeText(first)}, and then ${volumeText(seen)}.`,
          remedy: 'find out what changed it, then decide',
        },
      );
  } while (schedule.sinceMs < untilMs);
}

/** `settleMs`: present if the wait is for settle. */
function readingAgainNote(forMs: number, settleMs: number | undefined): Diagnostic {
  const time = formatDuration(forMs);
  const when = settleMs === undefined ? `once more in ${time}` : `for ${time} more`;
  return note('looking-again', `no restore is running; reading disk and backup ${when}`, {
    detail:
      settleMs === undefined
        ? 'A single read may return outdated data (interval: poll.min_interval).'
        : `Its last request may still take effect: for up to ${formatDuration(settleMs)} (retry.settle).`,
  });
}

/** A warning only, because the operator may know what changed the volume. */
function volumeChangedWarning(record: RestoreRecord, now: Observation): Diagnostic {
  const summary = `disk ${record.volume_id} has changed since the request was sent: it may have been restored`;
  return warning('disk-changed-since', summary, {
    detail: `It was ${volumeText(record.baseline)} before, and is ${volumeText(now)}.`,
    remedy: `to see what was observed: vbsctl state show ${shellOperand(record.address)}`,
  });
}

function volumeText({ volume }: Observation): string {
  return wasFound(volume) ? `${volume.status} (updated ${volume.updated_at ?? 'never'})` : volume.reading;
}

/**
 * How long the last request in doubt may still take effect, ms. By the wall clocks of two machines, because another one may
 * have sent it: `age` counts only as far as their clocks cannot explain it.
 */
function stillPossibleMs({ attempts }: RestoreRecord, now: number, settleMs: number): number {
  const last = attempts.findLast((attempt) => doubtOf(attempt) !== 'none');
  if (!last) return 0;
  const age = now - Date.parse(last.answered_at ?? last.intended_at) - CLOCK_SKEW_MAX_MS;
  return Math.min(Math.max(settleMs - age, 0), settleMs);
}

/** The observation, if it can be judged and shows no restore. */
function assertAtRest(record: RestoreRecord, seen: Observation): Observation {
  const { volume, backup } = seen;
  if (volume.reading === 'unreadable' || backup.reading === 'unreadable')
    throw refused(
      'cannot-read',
      `disk or backup of ${record.address} cannot be read, so --as not-started cannot be checked`,
      'try again when the cloud answers',
    );
  if (isVolumeRestoring(volume) || isBackupRestoring(backup))
    throw Failure.of(
      'refused',
      'still-restoring',
      `disk ${record.volume_id} is ${observedStatus(volume)}, backup ${record.backup_id} is ${observedStatus(backup)}`,
      {
        detail: 'A restore is running; it may be this one.',
        remedy: 'wait for it to end, then decide',
      },
    );
  return seen;
}
