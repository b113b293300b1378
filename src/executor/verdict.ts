import { AVAILABLE, BACKUP_RESTORING, isErrorStatus, VOLUME_RESTORING } from '../domain/cloud.ts';
import type { RetrySettings } from '../domain/config.ts';
import { formatDuration } from '../domain/duration.ts';
import type { VerdictKind } from '../domain/events.ts';
import {
  type Attempt,
  type Baseline,
  type Observation,
  type Seen,
  sameSeen,
  worstDoubt,
} from '../domain/record.ts';

export interface Evidence {
  readonly backup_id: string;
  readonly attempts: readonly Attempt[];
  /** From before the first attempt in doubt. */
  readonly baseline: Baseline;
  readonly seen: Observation;
  /** Since this probing began, on this process's own monotonic clock. */
  readonly since_ms: number;
  /** How long a POST may still take effect; see `effectiveSettle`. */
  readonly settle_ms: number;
  readonly after_ambiguous: RetrySettings['after_ambiguous'];
}

export interface Verdict {
  readonly kind: VerdictKind;
  /** For people. */
  readonly because: string;
}

/**
 * What became of the attempts made so far, judged by what disk and backup show against the first baseline.
 * Pure, and total: every look has exactly one verdict. The clauses stand in order of strength.
 *
 * The disk is the witness: a restore into it cannot begin without moving its status and `updated_at`, while
 * the backup also moves when somebody restores it elsewhere. Therefore `retry` asks that the disk has not
 * moved, and that nothing can be under way still.
 */
export function judge(evidence: Evidence): Verdict {
  const { attempts, baseline, seen, backup_id } = evidence;
  const { volume, backup } = seen;
  const doubt = worstDoubt(attempts);

  if (doubt === 'none') return { kind: 'retry', because: 'nothing that was sent can have started it' };
  if (volume.status === 'unreadable' || backup.status === 'unreadable')
    return { kind: 'wait', because: 'the cloud does not tell' };
  if (volume.status === 'gone') return { kind: 'unknown', because: 'the disk is gone' };
  if (isErrorStatus(volume.status)) return { kind: 'failed', because: `the disk went to ${volume.status}` };

  const volumeRestoring = volume.status === VOLUME_RESTORING;
  const backupRestoring = backup.status === BACKUP_RESTORING;
  if (volumeRestoring && backupRestoring) {
    if (baseline.volume.status !== AVAILABLE || baseline.backup.status !== AVAILABLE)
      return { kind: 'wait', because: 'disk and backup were being restored before' };
    if (namesAnother(volume, baseline.volume, backup_id))
      return { kind: 'wait', because: `the disk is being restored from ${volume.src_backup_id}` };
    return { kind: 'adopt', because: 'disk and backup are restoring, and were not before' };
  }
  if (volumeRestoring) return { kind: 'wait', because: 'only the disk is restoring' };
  if (backupRestoring) return { kind: 'wait', because: 'only the backup is restoring' };
  if (backup.status === 'gone') return { kind: 'unknown', because: 'the backup is gone' };
  if (isErrorStatus(backup.status)) return { kind: 'failed', because: `the backup went to ${backup.status}` };

  if (newlyNames(volume, baseline.volume, backup_id))
    return {
      kind: 'adopt',
      because: 'the disk names this backup as the one it was restored from, and did not before',
    };
  if (volume.status !== AVAILABLE && volume.status !== 'in-use')
    return { kind: 'wait', because: `the disk is ${volume.status}` };
  if (backup.status !== AVAILABLE) return { kind: 'wait', because: `the backup is ${backup.status}` };

  if (!sameSeen(volume, baseline.volume))
    return {
      kind: 'unknown',
      because: `the disk changed since the attempt and is ${volume.status} again: it may have been restored`,
    };
  if (evidence.since_ms < evidence.settle_ms)
    return {
      kind: 'wait',
      because: `nothing moved so far; a late start counts as possible for ${formatDuration(evidence.settle_ms)}`,
    };
  if (doubt === 'full' && evidence.after_ambiguous === 'stop')
    return { kind: 'unknown', because: 'nothing moved, and after_ambiguous is stop: a person decides' };
  return {
    kind: 'retry',
    because: `nothing moved for ${formatDuration(evidence.settle_ms)}: it did not start`,
  };
}

/** Three times the longest lag seen between a yes and the disk showing it, and never less than configured. */
export function effectiveSettle(configuredMs: number, longestLagMs: number): number {
  return Math.max(configuredMs, 3 * longestLagMs);
}

/** `src_backup_id` is written only for a restore into another disk than the backup's own. */
function newlyNames(now: Seen, before: Seen, backupId: string): boolean {
  return now.src_backup_id === backupId && before.src_backup_id !== backupId;
}

function namesAnother(now: Seen, before: Seen, backupId: string): boolean {
  return (
    now.src_backup_id !== undefined &&
    now.src_backup_id !== before.src_backup_id &&
    now.src_backup_id !== backupId
  );
}
