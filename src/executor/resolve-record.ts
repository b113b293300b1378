import { type Clock, isoTime } from '../domain/clock.ts';
import { VOLUME_RESTORING } from '../domain/cloud.ts';
import type { Diagnostic } from '../domain/diagnostic.ts';
import { doubtOf } from '../domain/doubt.ts';
import { formatDuration } from '../domain/duration.ts';
import { Failure } from '../domain/errors.ts';
import { shellOperand } from '../domain/escape/shell-word.ts';
import { type Observation, observedStatus, sameResource, wasFound } from '../domain/observation.ts';
import { isRestoringBackup, isRestoringDisk } from '../domain/observation-history.ts';
import { isMaybeTouched, isOpen, type Resolution, type RestoreRecord, settleMsOf } from '../domain/record.ts';
import { advance } from '../domain/record-transitions.ts';
import type { Driver } from '../drivers/driver.ts';
import type { Lease } from '../state/backend.ts';
import { look } from './readings.ts';
import { refuseAgainstJob } from './refuse-against-job.ts';
import { PollSchedule } from './rhythm.ts';
import type { RunSettings } from './run.ts';

export interface Looking {
  readonly settings: Pick<RunSettings, 'poll' | 'retry'>;
  /** Why it waits, for who asked. */
  readonly tell: (note: Diagnostic) => void;
  readonly stop: AbortSignal;
}

/**
 * Writes down what a person found out about a restore whose outcome the program cannot tell. Looks at the cloud
 * first: nothing is taken against what the job of the restore says, `not-started` is refused while anything is restoring,
 * for it would clear the way for a second start, and `succeeded` while the disk is being written. Rejects with the reason of `stop`, the record as it was.
 */
export async function resolveRecord(
  lease: Lease,
  driver: Driver,
  clock: Clock,
  record: RestoreRecord,
  decision: Pick<Resolution, 'as' | 'reason' | 'by'>,
  looking: Looking,
): Promise<RestoreRecord> {
  if (!isOpen(record) && !isMaybeTouched(record))
    throw Failure.of(
      'refused',
      'nothing-to-resolve',
      `${record.address} is ${record.status}: there is nothing to resolve`,
      {
        remedy: 'to restore it again, raise generation in the manifest',
      },
    );
  // Rule: person-is-not-believed-against-the-job
  const job = await refuseAgainstJob(driver, record, decision.as, looking.stop);
  // Rule: not-started-is-taken-only-at-rest
  if (decision.as === 'not-started') await refuseUnlessAtRest(driver, clock, record, job, looking);
  if (decision.as === 'succeeded') await refuseWhileDiskIsWritten(driver, clock, record, looking);
  const at = isoTime(clock.now());
  const next = advance(record, { type: 'resolve', at, resolution: { ...decision, at } });
  await lease.commit([{ type: 'record', record: next }]);
  return next;
}

/** A disk that cannot be looked at is no objection: then a person’s word is all there is. */
async function refuseWhileDiskIsWritten(
  driver: Driver,
  clock: Clock,
  record: RestoreRecord,
  { stop }: Looking,
): Promise<void> {
  const { volume } = (await look(driver, clock, record, stop)).seen;
  if (isRestoringDisk(volume))
    throw Failure.of(
      'refused',
      'still-restoring',
      `disk ${record.volume_id} is ${VOLUME_RESTORING}: the outcome is not known yet`,
      {
        remedy:
          record.status === 'unknown'
            ? 'wait for it to end, then decide'
            : `wait for its end: vbsctl wait ${shellOperand(record.address)}`,
      },
    );
}

/**
 * One look may meet a copy of the cloud’s data that is behind, so there are two at least. While the last request
 * may still take effect it is looked at in between and at the end of that: only what began so late can be missing
 * from a copy that is no further behind.
 */
async function refuseUnlessAtRest(
  driver: Driver,
  clock: Clock,
  record: RestoreRecord,
  job: 'gone' | undefined,
  { settings, tell, stop }: Looking,
): Promise<void> {
  const { poll, retry } = settings;
  const first = await lookWhileAtRest(driver, clock, record, stop);
  const rhythm = new PollSchedule(clock, poll);
  if (!sameResource(first.volume, record.baseline.volume)) tell(movedSince(record, first));
  // As when a restore is followed: a job counts as gone once it was at every look until settle had passed.
  const settleMs = settleMsOf(record, retry.settle_ms);
  const possibleMs = job === 'gone' ? settleMs : stillPossibleMs(record, clock.now(), settleMs);
  const untilMs = Math.max(poll.min_interval_ms, possibleMs);
  tell(lookingAgain(untilMs, possibleMs > poll.min_interval_ms ? settleMs : undefined));
  do {
    await rhythm.pause(untilMs - rhythm.sinceMs, stop);
    await refuseAgainstJob(driver, record, 'not-started', stop);
    const seen = await lookWhileAtRest(driver, clock, record, stop);
    if (!sameResource(seen.volume, first.volume))
      throw Failure.of(
        'refused',
        'disk-moved',
        `disk ${record.volume_id} changed between two reads, or one of them was outdated`,
        {
          detail: `It was ${seenText(first)}, and then ${seenText(seen)}.`,
          remedy: 'find out what changed it, then decide',
        },
      );
  } while (rhythm.sinceMs < untilMs);
}

/** `settleMs`: present when it is what is waited for. */
function lookingAgain(forMs: number, settleMs: number | undefined): Diagnostic {
  const note = { severity: 'note', code: 'looking-again' } as const;
  const time = formatDuration(forMs);
  if (settleMs === undefined)
    return {
      ...note,
      summary: `nothing is restoring so far; checking again in ${time}`,
      detail: 'A single read may return outdated data (interval: poll.min_interval).',
    };
  return {
    ...note,
    summary: `nothing is restoring so far; checking for ${time} more`,
    detail: `Its last request may still take effect: for up to ${formatDuration(settleMs)} (retry.settle).`,
  };
}

/** No refusal: a person may know who moved it. */
function movedSince(record: RestoreRecord, now: Observation): Diagnostic {
  return {
    severity: 'warning',
    code: 'disk-moved-since',
    summary: `disk ${record.volume_id} has changed since the request was sent: it may have been restored`,
    detail: `It was ${seenText(record.baseline)} before, and is ${seenText(now)}.`,
    remedy: `to see what was observed: vbsctl state show ${shellOperand(record.address)}`,
  };
}

function seenText({ volume }: Observation): string {
  return wasFound(volume) ? `${volume.status} (updated ${volume.updated_at ?? 'never'})` : volume.reading;
}

/** How long the last request that can have started something may still do so, ms; by the wall clock, for another machine may have sent it. */
function stillPossibleMs({ attempts }: RestoreRecord, now: number, settleMs: number): number {
  const last = attempts.findLast((attempt) => doubtOf(attempt) !== 'none');
  if (!last) return 0;
  const age = now - Date.parse(last.answered_at ?? last.intended_at);
  return Math.min(Math.max(settleMs - age, 0), settleMs);
}

async function lookWhileAtRest(
  driver: Driver,
  clock: Clock,
  record: RestoreRecord,
  stop: AbortSignal,
): Promise<Observation> {
  const { volume, backup, seen } = await look(driver, clock, record, stop);
  if (volume.kind === 'unreadable' || backup.kind === 'unreadable')
    throw Failure.of(
      'refused',
      'cannot-look',
      `disk or backup of ${record.address} cannot be read, so --as not-started cannot be checked`,
      {
        remedy: 'try again when the cloud answers',
      },
    );
  if (isRestoringDisk(seen.volume) || isRestoringBackup(seen.backup))
    throw Failure.of(
      'refused',
      'still-restoring',
      `disk ${record.volume_id} is ${observedStatus(seen.volume)}, backup ${record.backup_id} is ${observedStatus(seen.backup)}`,
      {
        detail: 'A restore is running right now; it may be this one.',
        remedy: 'wait for it to end, then decide',
      },
    );
  return seen;
}
