import { AVAILABLE, isErrorStatus } from '../domain/cloud.ts';
import type { RetrySettings } from '../domain/config.ts';
import { wasEverInDoubt, worstDoubt } from '../domain/doubt.ts';
import { formatDuration } from '../domain/duration.ts';
import {
  isBackupRestoring,
  isVolumeAtRest,
  isVolumeRestoring,
  type Observation,
  type ObservationHistory,
  sameResource,
  wasFound,
} from '../domain/observation.ts';
import { newSourceBackup, type ObservedRestore } from '../domain/observation-history.ts';
import type { Attempt } from '../domain/record.ts';

export interface VerdictInput extends ObservedRestore {
  readonly attempts: readonly Attempt[];
  /** The newest observation. */
  readonly seen: Observation;
  /** All observations since the first attempt in doubt, the newest included. */
  readonly history: ObservationHistory;
  /** Time since this probe began, on the monotonic clock of this process. */
  readonly sinceMs: number;
  /** Whether every read since settle began has answered "not found". */
  readonly absentForSettle: boolean;
  /** How long a POST may still take effect; see `effectiveSettle`. */
  readonly settleMs: number;
  readonly afterAmbiguous: RetrySettings['after_ambiguous'];
}

export interface Verdict {
  readonly kind: 'adopt' | 'not_started' | 'wait' | 'failed' | 'unknown';
  /** For display. */
  readonly reason: string;
}

/**
 * Decides what became of the attempts made so far: compares what volume and backup have shown since with the first baseline.
 * A pure function with one verdict for every input. The order of its clauses matters: the first that applies decides.
 *
 * The volume counts more than the backup. A restore cannot begin without changing the status and `updated_at` of its volume,
 * while the backup also changes when another client restores it elsewhere. Therefore:
 *
 * - `not_started` requires that the volume is unchanged and that no request can still take effect.
 * - `adopt` requires that no observation so far contradicts it. If the volume was once restoring while the backup was not,
 *   another client is restoring, whatever the two show later.
 */
export function judgeAttempts(input: VerdictInput): Verdict {
  const { attempts, baseline, seen } = input;
  const { volume, backup } = seen;
  const { contradiction } = input.history;
  const doubt = worstDoubt(attempts);

  if (!wasEverInDoubt(attempts)) return notStarted('nothing that was sent can have started it');
  // Rule: unreadable-answer-proves-nothing
  if (volume.reading === 'unreadable' || backup.reading === 'unreadable')
    return wait('disk or backup cannot be read');
  if (!wasFound(volume)) return gone('disk', input);
  if (isErrorStatus(volume.status))
    return judgeErrorStatus(`the status of the disk is ${volume.status}`, input);

  const volumeRestoring = isVolumeRestoring(volume);
  const backupRestoring = isBackupRestoring(backup);
  // Rule: contradicted-restore-is-not-adopted
  if (volumeRestoring && contradiction)
    return wait(`the disk is restoring, but not by this restore: ${contradiction.reason}`);
  if (
    // Rule: adoption-requires-the-volume
    volumeRestoring &&
    // Rule: adoption-requires-the-backup
    backupRestoring
  ) {
    // Rule: adoption-requires-a-baseline-at-rest
    if (baseline.volume.status !== AVAILABLE || baseline.backup.status !== AVAILABLE)
      return wait('disk and backup were being restored before');
    // Rule: restore-from-another-backup-is-waited-out
    // Not final before the end: Cinder restores the metadata that the backup keeps, with a name of its own.
    if (newSourceBackup(volume, input) === 'another')
      return wait(`the disk is being restored from ${volume.src_backup_id}`);
    // Rule: restore-seen-under-way-is-adopted
    return adopt('disk and backup are restoring, and were not before');
  }
  if (volumeRestoring) return wait('only the disk is restoring');
  // Rule: volume-that-names-our-backup-is-adopted
  if (isVolumeAtRest(volume) && newSourceBackup(volume, input) === 'ours' && !contradiction)
    return adopt('the disk names this backup as the one it was restored from, and did not before');
  if (backupRestoring) return wait('only the backup is restoring');
  if (!wasFound(backup)) return gone('backup', input);
  if (isErrorStatus(backup.status))
    return judgeErrorStatus(`the status of the backup is ${backup.status}`, input);
  if (!isVolumeAtRest(volume)) return wait(`the disk is ${volume.status}`);
  if (backup.status !== AVAILABLE) return wait(`the backup is ${backup.status}`);

  if (contradiction)
    return unknown(`${contradiction.reason}: what was restored into the disk is not this restore`);
  // Rule: changed-volume-is-unknown
  if (!sameResource(volume, baseline.volume))
    return unknown(
      `the disk changed since the attempt and is ${volume.status} again: it may have been restored`,
    );
  // Rule: repeat-waits-for-settle
  if (input.sinceMs < input.settleMs)
    return wait(
      `the disk has not changed so far; the restore may still start within ${formatDuration(input.settleMs)}`,
    );
  // Every change sets `updated_at`, while a status may come and go between two reads.
  if (doubt !== 'none' && (volume.updated_at === undefined || baseline.volume.updated_at === undefined))
    return unknown(
      'the cloud does not say when the disk last changed, so whether the restore started is not known',
    );
  // Rule: after-ambiguous-stop-ends-as-unknown
  if (doubt === 'full' && input.afterAmbiguous === 'stop')
    return unknown('the disk did not change, and after_ambiguous is stop: resolve it manually');
  if (input.settleMs === 0) return notStarted('the disk did not change: it did not start');
  return notStarted(`the disk did not change for ${formatDuration(input.settleMs)}: it did not start`);
}

const wait = (reason: string): Verdict => ({ kind: 'wait', reason });
const unknown = (reason: string): Verdict => ({ kind: 'unknown', reason });
const adopt = (reason: string): Verdict => ({ kind: 'adopt', reason });
const notStarted = (reason: string): Verdict => ({ kind: 'not_started', reason });

/** A single 404 may come from a gateway. */
function gone(what: 'disk' | 'backup', { absentForSettle }: VerdictInput): Verdict {
  return absentForSettle ? unknown(`the ${what} is gone`) : wait(`the ${what} is not found`);
}

/** An error that a second reading in order did not confirm may be outdated. */
export function judgeErrorStatus(
  reason: string,
  { seen, history: { contradiction } }: Pick<VerdictInput, 'seen' | 'history'>,
): Verdict {
  if (!seen.confirmed) return wait(reason);
  return contradiction
    ? unknown(`${reason}, after another restore than this: ${contradiction.reason}`)
    : { kind: 'failed', reason };
}

/** Three times the longest lag between an accepted POST and the volume showing it, but at least as configured. */
export function effectiveSettle(configuredMs: number, longestLagMs: number): number {
  return Math.max(
    // Rule: settle-is-never-shorter-than-configured
    configuredMs,
    // Rule: settle-grows-with-the-lag
    3 * longestLagMs,
  );
}
