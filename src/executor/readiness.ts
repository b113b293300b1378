import type { Backup, Volume } from '../domain/cloud.ts';
import type { Diagnostic } from '../domain/diagnostic.ts';
import { unreachable } from '../domain/errors.ts';
import { quoted } from '../domain/escape/quoted.ts';
import type { Observation } from '../domain/observation.ts';
import { sameObservation } from '../domain/observation.ts';
import type { BackupView, PinnedAction, VolumeView } from '../domain/plan.ts';
import { factBreaches, withWaivers } from '../domain/policy-check.ts';
import { identityProblems, type ProjectRegion, unmetPreconditions } from '../domain/preflight.ts';
import type { Names } from '../domain/record.ts';
import { serverNames, withServerNames } from '../domain/server-names.ts';
import { cloudTime, type FoundReadings, isFound, type Readings } from './readings.ts';
import type { Run } from './run.ts';

export type Readiness =
  | { readonly kind: 'ready'; readonly look: FoundReadings }
  | {
      readonly kind: 'not_yet';
      readonly reason: string /** Worth another look after this, ms. */;
      readonly recheck_ms?: number;
    }
  /** Not what the plan showed; no waiting mends it. `gone`: by one answer, which may be a gateway's. */
  | { readonly kind: 'never'; readonly reason: string; readonly gone?: true }
  /** By the policy, as disk and backup are now. */
  | { readonly kind: 'refused'; readonly reasons: readonly [Diagnostic, ...Diagnostic[]] };

/**
 * `updated_at` has whole seconds: what happens within the second of the last change would not move it. So the
 * baseline must be older than its own last second by the cloud's clock.
 */
// Rule: baseline-is-older-than-its-last-second
const BASELINE_AGE_MS = 2_000;
/** Where the cloud's `Date` is missing or behind: seen unchanged for so long by our own clock is as good. */
// Rule: baseline-is-seen-unchanged
const BASELINE_QUIET_MS = 3_000;

/** The first of the looks that saw the same as this one, and how long ago. */
export type Earlier = { readonly seen: Observation; readonly ago_ms: number } | undefined;

/** Whether the POST may leave now. `begun`: what disk and backup were when an earlier attempt was made. */
export async function checkReadiness(
  run: Run,
  action: PinnedAction,
  look: Readings,
  earlier: Earlier,
  begun?: Names,
): Promise<Readiness> {
  const { driver, pendingBackups } = run;
  const [refused, ...more] = refusedByPolicy(run, look);
  // Rule: policy-is-checked-before-each-request
  if (refused) return { kind: 'refused', reasons: [refused, ...more] };
  const judged = judgeReadiness(action, look, driver.target, earlier, begun);
  // The last question may cost a request: it is asked when all else is well.
  if (judged.kind !== 'ready') return judged;
  return judgeReadiness(action, look, driver.target, earlier, begun, await pendingBackups.now());
}

/** What was not read is judged once it is. */
function refusedByPolicy(
  { settings, waivers, clock }: Run,
  { volume, backup }: Readings,
): readonly Diagnostic[] {
  if (volume.kind !== 'found' || backup.kind !== 'found') return [];
  return withWaivers(factBreaches(volume.value, backup.value, settings.policy, clock.now()), waivers).refused;
}

export function judgeReadiness(
  action: PinnedAction,
  look: Readings,
  project: ProjectRegion,
  earlier: Earlier,
  begun?: Names,
  pendingBackups?: readonly Backup[],
): Readiness {
  if (!isFound(look)) return notFound(look);
  const volume = look.volume.value;
  const backup = look.backup.value;

  const [problem] = identityProblems(volume, backup, action.expect, project);
  if (problem) return { kind: 'never', reason: problem.summary };
  const changed =
    changedSince('planned', action.volume, action.backup, volume, backup) ??
    (begun && changedSince('begun', { name: begun.volume_name }, backupAsBegun(begun), volume, backup));
  if (changed) return { kind: 'never', reason: changed };

  const waits = unmetPreconditions(namedAsPlanned(volume, action), backup, pendingBackups);
  if (waits.length > 0) return { kind: 'not_yet', reason: waits.map((w) => w.what).join('; ') };

  const youngest = Math.max(changedAt(look.seen.volume.updated_at), changedAt(look.seen.backup.updated_at));
  const now = cloudTime(look);
  const quiet = earlier && sameObservation(earlier.seen, look.seen) ? earlier.ago_ms : 0;
  if ((now !== undefined && now >= youngest + BASELINE_AGE_MS) || quiet >= BASELINE_QUIET_MS)
    return { kind: 'ready', look };
  return {
    kind: 'not_yet',
    reason: 'disk or backup changed within the last seconds',
    recheck_ms: Math.min(
      BASELINE_QUIET_MS - quiet,
      now === undefined ? BASELINE_QUIET_MS : Math.max(youngest + BASELINE_AGE_MS - now, 100),
    ),
  };
}

function notFound({ volume, backup }: Readings): Readiness {
  const [what, reading] =
    volume.kind === 'found' ? (['backup', backup] as const) : (['disk', volume] as const);
  switch (reading.kind) {
    case 'gone':
      return { kind: 'never', reason: `the ${what} does not exist any more`, gone: true };
    case 'unreadable':
      return {
        kind: reading.retryable ? 'not_yet' : 'never',
        reason: `the ${what} cannot be read: ${reading.failure.message}`,
      };
    case 'found':
      throw new Error('both were found');
    default:
      return unreachable(reading);
  }
}

/** The plan knew the servers by name; a look at the disk alone does not. */
export function namedAsPlanned(volume: Volume, { volume: planned }: PinnedAction): Volume {
  const servers = (planned.attachments ?? []).map(({ server_id: id, server_name: name = '' }) => ({
    id,
    name,
  }));
  return withServerNames(volume, serverNames(servers));
}

/**
 * What was approved is what happens: a disk or backup that is not what people saw any more is refused. Names count, as
 * in a saved plan: who gave a disk another one while it was waited for meant something by it.
 */
function changedSince(
  when: 'planned' | 'begun',
  seenVolume: VolumeView,
  seenBackup: BackupView,
  volume: Volume,
  backup: Backup,
): string | undefined {
  const facts: readonly (readonly [what: string, seen: string | undefined, now: string | undefined])[] = [
    ['the disk’s name', inWords(seenVolume.name), inWords(volume.name)],
    ['the disk’s size', inGb(seenVolume.size), inGb(volume.size)],
    ['the backup’s name', inWords(seenBackup.name), inWords(backup.name)],
    ['the disk that the backup is of', seenBackup.of_volume_id, backup.volume_id],
    ['the backup’s size', inGb(seenBackup.size), inGb(backup.size)],
    ['the backup’s time', seenBackup.created_at, backup.created_at],
  ];
  // What the plan could not tell is absent.
  const differing = facts.find(([, seen, now]) => seen !== undefined && seen !== now);
  // Rule: restore-is-as-approved
  if (!differing) return undefined;
  const [what, seen, now] = differing;
  return `${what} was ${seen} when it was ${when}, and is ${now} now`;
}

function inWords(name: string | undefined): string | undefined {
  return name === '' ? 'nothing' : name && quoted(name);
}

function inGb(size: number | undefined): string | undefined {
  return size === undefined ? undefined : `${size} GB`;
}

function backupAsBegun({ backup_name, backup_created_at, size }: Names): BackupView {
  return { name: backup_name, created_at: backup_created_at, size };
}

function changedAt(time: string | undefined): number {
  return time === undefined ? 0 : Date.parse(time);
}
