import { whenToAskAgain } from '../domain/backoff.ts';
import type { Backup, Reading, Volume } from '../domain/cloud.ts';
import { type Diagnostic, error } from '../domain/diagnostic.ts';
import { unreachable } from '../domain/errors.ts';
import type { Precondition } from '../domain/plan.ts';
import { identityProblems, type ProjectRegion, unmetPreconditions } from '../domain/preflight.ts';
import type { RestoreSpec } from '../domain/spec.ts';
import { tooSmallForAnother } from './another-volume.ts';
import type { PlanContext } from './context.ts';
import type { ResolvedSpec } from './resolve-spec.ts';

/** Reasons against a restore in disk and backup as just read. */
export function cloudProblems(one: ResolvedSpec, context: PlanContext): Diagnostic[] {
  const { snapshot, records, project } = context;
  const { volume_id, backup_id, spec } = one;
  if (!snapshot || volume_id === undefined || backup_id === undefined) return [];
  const read = foundVolumeAndBackup(one, context);
  if (read)
    return identityProblems(read.volume, read.backup, spec.expect, project).map((problem) =>
      problem.code === 'volume-too-small' && isForeign(spec, read.backup, volume_id)
        ? tooSmallForAnother(one, read.volume, read.backup, context)
        : problem,
    );
  const volume = snapshot.volumes.get(volume_id) ?? absent(snapshot.volume_list);
  const backup = snapshot.backups.get(backup_id) ?? absent(snapshot.backup_list);
  const otherBackup =
    spec.backup.by === 'id'
      ? 'correct backup_id; list what is there with the OpenStack client: openstack volume backup list'
      : `raise generation to ${records.nextGeneration(volume_id, backup_id)} to let the rule pick another one`;
  return [
    ...readProblem(
      'volume',
      volume_id,
      volume,
      project,
      'correct volume_id; list what is there with the OpenStack client: openstack volume list',
    ),
    ...readProblem('backup', backup_id, backup, project, otherBackup),
  ];
}

/** Volume and backup of a restore, if both were read. */
export function foundVolumeAndBackup(
  { volume_id, backup_id }: ResolvedSpec,
  { snapshot }: PlanContext,
): { readonly volume: Volume; readonly backup: Backup } | undefined {
  const volume = snapshot?.volumes.get(volume_id ?? '');
  const backup = snapshot?.backups.get(backup_id ?? '');
  return volume?.kind === 'found' && backup?.kind === 'found'
    ? { volume: volume.value, backup: backup.value }
    : undefined;
}

/** Preconditions that are not met yet; they are checked again right before the POST. */
export function preconditionsOf(one: ResolvedSpec, context: PlanContext): Precondition[] {
  const read = foundVolumeAndBackup(one, context);
  return read ? unmetPreconditions(read.volume, read.backup, context.snapshot?.pending_backups) : [];
}

/** The backup is of another disk, and no rule names that disk. */
function isForeign({ backup }: RestoreSpec, { volume_id }: Backup, target: string): boolean {
  return volume_id !== target && (backup.by === 'id' || backup.selector.of_volume === undefined);
}

/** Something that is not in a complete list does not exist. */
function absent(list: readonly unknown[] | undefined): Reading<never> | undefined {
  return list && { kind: 'gone', failure: { cause: 'status', message: 'not in the list' } };
}

function readProblem(
  what: 'volume' | 'backup',
  id: string,
  reading: Reading<Volume | Backup> | undefined,
  { project_id, region }: ProjectRegion,
  ifGone: string,
): Diagnostic[] {
  const noun = what === 'volume' ? 'disk' : 'backup';
  switch (reading?.kind) {
    case 'found':
      return [];
    case 'gone':
      return [
        error(`${what}-gone`, `${noun} ${id} does not exist in this project and region`, {
          detail: `Searched region ${region} of project ${project_id}. A restore works only within one region and project.`,
          remedy: ifGone,
        }),
      ];
    case 'unreadable':
      return [
        error('unreadable', `${noun} ${id} could not be read: ${reading.failure.message}`, {
          ...(reading.failure.request_id ? { detail: `request id ${reading.failure.request_id}` } : {}),
          remedy: reading.retryable
            ? `plan again ${whenToAskAgain(reading.failure)}`
            : 'check that these credentials may read it',
        }),
      ];
    case undefined:
      throw new Error(`${noun} ${id} was needed for the plan and not read`);
    default:
      return unreachable(reading);
  }
}
