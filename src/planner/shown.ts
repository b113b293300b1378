import type { CloudSnapshot } from '../domain/cloud-snapshot.ts';
import type { SourcePosition } from '../domain/diagnostic.ts';
import { sanitize } from '../domain/escape/terminal.ts';
import { optional } from '../domain/optional.ts';
import type { BackupView, FieldChange, NoopAction, VolumeView } from '../domain/plan.ts';
import { jobIdOf, type RestoreRecord, type Succeeded, sameIdentity } from '../domain/record.ts';
import { type BackupRef, selectorOf } from '../domain/spec.ts';
import type { PlanContext } from './context.ts';
import type { ResolvedSpec } from './resolve-spec.ts';

/** What a plan shows about disk, backup and history: as just read from the cloud, otherwise from the record. */

export function volumeView({ spec, volume_id, found }: ResolvedSpec, { snapshot }: PlanContext): VolumeView {
  const reading = snapshot?.volumes.get(volume_id ?? '');
  if (reading?.kind === 'found') {
    const { id, name, size, status, attachments } = reading.value;
    return { id, name, size, status, attachments };
  }
  const declared = spec.volume.by === 'name' ? spec.volume.name : undefined;
  return {
    ...optional('id', volume_id),
    ...optional('name', found?.record.names.volume_name ?? declared),
  };
}

export function backupView(
  { spec, volume_id, backup_id, found }: ResolvedSpec,
  { snapshot }: PlanContext,
): BackupView {
  const rule = optional('selector', selectorOf(spec));
  const reading = snapshot?.backups.get(backup_id ?? '');
  if (reading?.kind === 'found') {
    const { id, name, size, created_at, volume_id: source } = reading.value;
    const other = source === volume_id ? undefined : nameOfVolume(source, snapshot);
    return {
      id,
      name,
      size,
      created_at,
      of_volume_id: source,
      ...optional('of_volume_name', other),
      ...rule,
    };
  }
  const names = found?.record.names;
  return {
    ...optional('id', backup_id),
    ...(names ? { name: names.backup_name, created_at: names.backup_created_at, size: names.size } : {}),
    ...rule,
  };
}

/** The name of a disk that was read for any reason. */
export function nameOfVolume(volumeId: string, snapshot: CloudSnapshot | undefined): string | undefined {
  const reading = snapshot?.volumes.get(volumeId);
  const seen =
    reading?.kind === 'found' ? reading.value : snapshot?.advice?.volumes.find(({ id }) => id === volumeId);
  return seen?.name || undefined;
}

/** When the restore was done, and what was restored into the same disk later. */
export function doneView(
  record: Succeeded,
  asked: BackupRef,
  { records }: PlanContext,
): Pick<NoopAction, 'done_at' | 'next_generation' | 'job_id' | 'superseded_by'> {
  const last = records.lastSuccess(record.volume_id);
  const later = last && !sameIdentity(last, record) ? last : undefined;
  return {
    done_at: record.finished_at,
    next_generation: records.nextGeneration(record.volume_id, record.backup_id, asked),
    ...optional('job_id', jobIdOf(record)),
    ...optional(
      'superseded_by',
      later && { address: later.address, backup_id: later.backup_id, finished_at: later.finished_at },
    ),
  };
}

/** Differences from the restore that the address had before, and a protection that the restore lifts. */
export function fieldChanges(
  before: RestoreRecord | undefined,
  one: ResolvedSpec,
  context: PlanContext,
): FieldChange[] {
  const { spec, volume_id = '' } = one;
  const lifts = spec.protect === false && context.records.protects(volume_id, spec.address);
  return [
    ...(before ? changesSince(before, one, context) : []),
    ...(lifts ? [{ field: 'protect', before: 'true', after: 'false' }] : []),
  ];
}

function changesSince(before: RestoreRecord, one: ResolvedSpec, context: PlanContext): FieldChange[] {
  const backup = backupView(one, context);
  const fields: [field: string, before: string, after: string | undefined][] = [
    ['volume_id', before.volume_id, one.volume_id],
    ['backup_id', before.backup_id, one.backup_id],
    ['backup', before.names.backup_name, backup.name],
    ['backup_created_at', before.names.backup_created_at, backup.created_at],
    ['generation', String(before.generation), String(one.spec.generation)],
    ['last outcome', before.status === 'failed' ? `failed: ${before.reason}` : '', ''],
  ];
  // What an offline plan does not know is no difference.
  return fields.flatMap(([field, from, to]) =>
    to === undefined || from === to ? [] : [{ field, before: from, after: to }],
  );
}

/**
 * ` at restores.yaml:12:7`, to append to advice; empty without a file. It is one word: a line break or a command in the
 * name of a file must not look like advice.
 */
export function atPosition({ file, line, column }: SourcePosition): string {
  return file === undefined
    ? ''
    : ` at ${[sanitize(file).replace(/\s/g, '\\x20'), line, column].filter((part) => part !== undefined).join(':')}`;
}
