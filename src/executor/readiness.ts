import type { Backup, Volume } from '../domain/cloud.ts';
import type { Diagnostic } from '../domain/diagnostic.ts';
import { unreachable } from '../domain/errors.ts';
import { quoted } from '../domain/escape/quoted.ts';
import type { Observation } from '../domain/observation.ts';
import { sameObservation } from '../domain/observation.ts';
import type { BackupView, RunnableAction, VolumeView } from '../domain/plan.ts';
import { breachesOf, withWaivers } from '../domain/policy-check.ts';
import { identityProblems, type ProjectRegion, unmetPreconditions } from '../domain/preflight.ts';
import type { Names } from '../domain/record.ts';
import { serverNames, withServerNames } from '../domain/server-names.ts';
import { bothFound, cloudTime, type FoundReadings, type Readings } from './readings.ts';
import type { Run } from './run.ts';

type Readiness =
  | { readonly kind: 'ready'; readonly readings: FoundReadings }
  | {
      readonly kind: 'not_yet';
      readonly reason: string;
      /** When another read is worth it, ms from now. */
      readonly recheck_ms?: number;
    }
  /** Not what the plan showed, and waiting does not help. `gone`: by one 404, which may come from a gateway. */
  | { readonly kind: 'never'; readonly reason: string; readonly gone?: true }
  /** The policy forbids it, as volume and backup are now. */
  | { readonly kind: 'forbidden'; readonly violations: readonly [Diagnostic, ...Diagnostic[]] };

/**
 * `updated_at` has whole seconds: a change within the second of the last one does not alter it. So a baseline is usable
 * only 2 s after the last change, by the cloud's clock.
 */
// Rule: baseline-must-be-older-than-its-last-change
const BASELINE_AGE_MS = 2_000;
/** If the cloud's `Date` is missing or behind, it is enough that nothing changed for so long by our own clock. */
// Rule: baseline-must-be-read-unchanged
const BASELINE_QUIET_MS = 3_000;

/** The first observation that equals the newest one, and how long ago it was made. */
type EarlierObservation = { readonly seen: Observation; readonly ago_ms: number } | undefined;

/** Whether the POST may be sent now. `intendedNames`: names of volume and backup at an earlier attempt. */
export async function checkReadiness(
  run: Run,
  action: RunnableAction,
  readings: Readings,
  earlier: EarlierObservation,
  intendedNames?: Names,
): Promise<Readiness> {
  const { driver, pendingBackups } = run;
  const [violation, ...more] = policyViolations(run, readings);
  // Rule: policy-is-checked-before-each-request
  if (violation) return { kind: 'forbidden', violations: [violation, ...more] };
  const judged = judgeReadiness(action, readings, driver.target, earlier, intendedNames);
  // This check may cost a request, so it comes last.
  if (judged.kind !== 'ready') return judged;
  return judgeReadiness(action, readings, driver.target, earlier, intendedNames, await pendingBackups.read());
}

function policyViolations(
  { settings, waivers, clock }: Run,
  { volume, backup }: Readings,
): readonly Diagnostic[] {
  if (volume.kind !== 'found' || backup.kind !== 'found') return [];
  return withWaivers(breachesOf(volume.value, backup.value, settings.policy, clock.now()), waivers).refused;
}

export function judgeReadiness(
  action: RunnableAction,
  readings: Readings,
  project: ProjectRegion,
  earlier: EarlierObservation,
  intendedNames?: Names,
  pendingBackups?: readonly Backup[],
): Readiness {
  if (!bothFound(readings)) return judgeMissing(readings);
  const { seen } = readings;
  const volume = readings.volume.value;
  const backup = readings.backup.value;

  const [problem] = identityProblems(volume, backup, action.expect, project);
  if (problem) return { kind: 'never', reason: problem.summary };
  const changed =
    differenceFromPlan('planned', action.volume, action.backup, volume, backup) ??
    (intendedNames && differenceFromPlan('begun', ...viewsOf(intendedNames), volume, backup));
  if (changed) return { kind: 'never', reason: changed };

  const waits = unmetPreconditions(namedAsPlanned(volume, action), backup, pendingBackups);
  if (waits.length > 0) return { kind: 'not_yet', reason: waits.map((w) => w.what).join('; ') };

  const youngest = Math.max(changedAt(seen.volume.updated_at), changedAt(seen.backup.updated_at));
  const now = cloudTime(readings);
  const quiet = earlier && sameObservation(earlier.seen, seen) ? earlier.ago_ms : 0;
  if ((now !== undefined && now >= youngest + BASELINE_AGE_MS) || quiet >= BASELINE_QUIET_MS)
    return { kind: 'ready', readings };
  return {
    kind: 'not_yet',
    reason: 'disk or backup changed within the last seconds',
    recheck_ms: Math.min(
      BASELINE_QUIET_MS - quiet,
      now === undefined ? BASELINE_QUIET_MS : Math.max(youngest + BASELINE_AGE_MS - now, 100),
    ),
  };
}

function judgeMissing({ volume, backup }: Readings): Readiness {
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

/** The plan has the names of the servers; a read of the volume alone does not. */
export function namedAsPlanned(volume: Volume, { volume: planned }: RunnableAction): Volume {
  const servers = (planned.attachments ?? []).map(({ server_id: id, server_name: name = '' }) => ({
    id,
    name,
  }));
  return withServerNames(volume, serverNames(servers));
}

/**
 * Refuses a volume or backup that is no longer what the plan showed for approval. Names count, as in a saved plan: whoever
 * renames a volume while its restore waits may mean something by it.
 */
function differenceFromPlan(
  when: 'planned' | 'begun',
  seenVolume: VolumeView,
  seenBackup: BackupView,
  volume: Volume,
  backup: Backup,
): string | undefined {
  const compared: readonly (readonly [what: string, seen: string | undefined, now: string | undefined])[] = [
    ['the disk’s name', inWords(seenVolume.name), inWords(volume.name)],
    ['the disk’s size', inGb(seenVolume.size), inGb(volume.size)],
    ['the backup’s name', inWords(seenBackup.name), inWords(backup.name)],
    ['the disk that the backup is of', seenBackup.of_volume_id, backup.volume_id],
    ['the backup’s size', inGb(seenBackup.size), inGb(backup.size)],
    ['the backup’s time', seenBackup.created_at, backup.created_at],
  ];
  // Facts that the plan did not know are absent.
  const differing = compared.find(([, seen, now]) => seen !== undefined && seen !== now);
  // Rule: restore-must-match-its-plan
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

function viewsOf(names: Names): [VolumeView, BackupView] {
  const { volume_name, backup_name, backup_created_at, size } = names;
  return [{ name: volume_name }, { name: backup_name, created_at: backup_created_at, size }];
}

function changedAt(time: string | undefined): number {
  return time === undefined ? 0 : Date.parse(time);
}
