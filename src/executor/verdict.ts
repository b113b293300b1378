import { AVAILABLE, BACKUP_RESTORING, isErrorStatus, VOLUME_RESTORING } from '../domain/cloud.ts';
import type { RetrySettings } from '../domain/config.ts';
import { wasEverInDoubt, worstDoubt } from '../domain/doubt.ts';
import { formatDuration } from '../domain/duration.ts';
import { type Observation, type ObservationHistory, sameResource, wasFound } from '../domain/observation.ts';
import { isDiskAtRest, newlyNamed, type ObservedRestore } from '../domain/observation-history.ts';
import type { Attempt } from '../domain/record.ts';

export interface VerdictInput extends ObservedRestore {
  readonly attempts: readonly Attempt[];
  /** The newest look, and all since the first attempt in doubt, this one included. */
  readonly seen: Observation;
  readonly history: ObservationHistory;
  /** Since this probing began, on this process's own monotonic clock. */
  readonly since_ms: number;
  /** Whether "not found" was the answer at every look for as long as settle takes. */
  readonly gone_for_good: boolean;
  /** How long a POST may still take effect; see `effectiveSettle`. */
  readonly settle_ms: number;
  readonly after_ambiguous: RetrySettings['after_ambiguous'];
}

export interface Verdict {
  readonly kind: 'adopt' | 'retry' | 'wait' | 'failed' | 'unknown';
  /** For people. */
  readonly because: string;
}

/**
 * What became of the attempts made so far, judged by what disk and backup have shown since, against the first
 * baseline. Pure, and total: every look has exactly one verdict. The clauses stand in order of strength.
 *
 * The disk is the witness: a restore into it cannot begin without moving its status and `updated_at`, while
 * the backup also moves when somebody restores it elsewhere. Therefore `retry` asks that the disk has not
 * moved, and that nothing can be under way still. And `adopt` asks that no look so far contradicts it: once the disk
 * was restoring and the backup was not, what is restoring is somebody else's, whatever the two show later.
 */
export function judge(evidence: VerdictInput): Verdict {
  const { attempts, baseline, seen } = evidence;
  const { volume, backup } = seen;
  const { contradiction } = evidence.history;
  const doubt = worstDoubt(attempts);

  if (!wasEverInDoubt(attempts))
    return { kind: 'retry', because: 'nothing that was sent can have started it' };
  // Rule: unreadable-cloud-proves-nothing
  if (volume.reading === 'unreadable' || backup.reading === 'unreadable')
    return { kind: 'wait', because: 'disk or backup cannot be read' };
  if (!wasFound(volume)) return gone('disk', evidence);
  // An error that a second reading in order did not show may be an old copy of the data.
  if (isErrorStatus(volume.status)) return broken(`the disk went to ${volume.status}`, evidence);

  const volumeRestoring = volume.status === VOLUME_RESTORING;
  const backupRestoring = wasFound(backup) && backup.status === BACKUP_RESTORING;
  // Rule: contradicted-restore-is-not-adopted
  if (volumeRestoring && contradiction)
    return {
      kind: 'wait',
      because: `the disk is restoring, but not by this restore: ${contradiction.because}`,
    };
  if (
    // Rule: adoption-asks-for-the-disk
    volumeRestoring &&
    // Rule: adoption-asks-for-the-backup
    backupRestoring
  ) {
    // Rule: adoption-asks-for-a-baseline-at-rest
    if (baseline.volume.status !== AVAILABLE || baseline.backup.status !== AVAILABLE)
      return { kind: 'wait', because: 'disk and backup were being restored before' };
    // Rule: restore-from-another-backup-is-waited-out
    // Not final before the end: Cinder restores the metadata that the backup keeps, with a name of its own.
    if (newlyNamed(volume, evidence) === 'another')
      return { kind: 'wait', because: `the disk is being restored from ${volume.src_backup_id}` };
    // Rule: restore-seen-under-way-is-adopted
    return { kind: 'adopt', because: 'disk and backup are restoring, and were not before' };
  }
  if (volumeRestoring) return { kind: 'wait', because: 'only the disk is restoring' };
  // Rule: disk-that-names-our-backup-is-adopted
  if (isDiskAtRest(volume) && newlyNamed(volume, evidence) === 'ours' && !contradiction)
    return {
      kind: 'adopt',
      because: 'the disk names this backup as the one it was restored from, and did not before',
    };
  if (backupRestoring) return { kind: 'wait', because: 'only the backup is restoring' };
  if (!wasFound(backup)) return gone('backup', evidence);
  if (isErrorStatus(backup.status)) return broken(`the backup went to ${backup.status}`, evidence);
  if (!isDiskAtRest(volume)) return { kind: 'wait', because: `the disk is ${volume.status}` };
  if (backup.status !== AVAILABLE) return { kind: 'wait', because: `the backup is ${backup.status}` };

  if (contradiction)
    return {
      kind: 'unknown',
      because: `${contradiction.because}: what was restored into the disk is not this restore`,
    };
  // Rule: moved-disk-is-unknown
  if (!sameResource(volume, baseline.volume))
    return {
      kind: 'unknown',
      because: `the disk changed since the attempt and is ${volume.status} again: it may have been restored`,
    };
  // Rule: repeat-waits-for-settle
  if (evidence.since_ms < evidence.settle_ms)
    return {
      kind: 'wait',
      because: `nothing moved so far; it may still start within ${formatDuration(evidence.settle_ms)}`,
    };
  // Every change moves the time of the disk, and the status may have come and gone between two looks.
  if (doubt !== 'none' && (volume.updated_at === undefined || baseline.volume.updated_at === undefined))
    return {
      kind: 'unknown',
      because:
        'the cloud does not say when the disk last changed, so that it cannot be told whether it started',
    };
  // Rule: stop-after-ambiguous-asks-a-person
  if (doubt === 'full' && evidence.after_ambiguous === 'stop')
    return { kind: 'unknown', because: 'nothing moved, and after_ambiguous is stop: a person must decide' };
  if (evidence.settle_ms === 0) return { kind: 'retry', because: 'the disk did not move: it did not start' };
  return {
    kind: 'retry',
    because: `nothing moved for ${formatDuration(evidence.settle_ms)}: it did not start`,
  };
}

/** One 404 may be a gateway's. */
function gone(what: 'disk' | 'backup', { gone_for_good }: VerdictInput): Verdict {
  return gone_for_good
    ? { kind: 'unknown', because: `the ${what} is gone` }
    : { kind: 'wait', because: `the ${what} is not found` };
}

function broken(because: string, { seen, history }: VerdictInput): Verdict {
  if (!seen.confirmed) return { kind: 'wait', because };
  const { contradiction } = history;
  return contradiction
    ? { kind: 'unknown', because: `${because}, after another restore than this: ${contradiction.because}` }
    : { kind: 'failed', because };
}

/** Three times the longest lag seen between a yes and the disk showing it, and never less than configured. */
export function effectiveSettle(configuredMs: number, longestLagMs: number): number {
  return Math.max(
    // Rule: settle-is-as-configured-at-least
    configuredMs,
    // Rule: settle-grows-with-the-lag
    3 * longestLagMs,
  );
}
