import { type Attachment, type Backup, sameId, type Volume } from '../domain/cloud.ts';
import { optional } from '../domain/optional.ts';
import { anyArray, anyObject, type JsonObject, nonNegative } from '../domain/shape.ts';
import {
  checked,
  field,
  id,
  nonEmptyText,
  optionalField,
  optionalTime,
  text,
  UnexpectedShape,
} from './fields.ts';

/** Parses volumes and backups of EVS, VBS and Cinder, which describe them alike. Throws UnexpectedShape. */
export function parseVolume(value: unknown): Volume {
  const volume = checked(value, anyObject, 'volume');
  const metadata = volume.metadata == null ? {} : checked(volume.metadata, anyObject, 'metadata');
  return {
    id: idOf(volume, 'id'),
    name: optionalField(volume, 'name', text) ?? '',
    status: field(volume, 'status', nonEmptyText),
    size: field(volume, 'size', nonNegative),
    attachments: checked(volume.attachments ?? [], anyArray, 'attachments').flatMap(parseAttachment),
    ...optional('updated_at', optionalTime(volume, 'updated_at')),
    ...optional('project_id', optionalField(volume, 'os-vol-tenant-attr:tenant_id', text)),
    ...optional('availability_zone', optionalField(volume, 'availability_zone', text)),
    ...optional('replication_status', optionalField(volume, 'replication_status', text) || undefined),
    ...optional('src_backup_id', optionalField(metadata, 'src_backup_id', text)),
  };
}

function parseAttachment(value: unknown): Attachment[] {
  const attachment = checked(value, anyObject, 'attachment');
  // A reserved attachment names no server yet. The status of the volume shows that it is in use.
  if (!optionalField(attachment, 'server_id', text)) return [];
  const server_id = field(attachment, 'server_id', id);
  return [{ server_id, ...optional('device', optionalField(attachment, 'device', text)) }];
}

export function parseBackup(value: unknown): Backup {
  const backup = checked(value, anyObject, 'backup');
  const takenAt = optionalTime(backup, 'data_timestamp') ?? optionalTime(backup, 'created_at');
  if (takenAt === undefined) throw new UnexpectedShape('neither data_timestamp nor created_at is there');
  // VBS names the owner as in v2, Cinder as in v3.
  const owner =
    optionalField(backup, 'os-bak-tenant-attr:tenant_id', text) ??
    optionalField(backup, 'os-backup-project-attr:project_id', text);
  return {
    id: idOf(backup, 'id'),
    name: optionalField(backup, 'name', text) ?? '',
    status: field(backup, 'status', nonEmptyText),
    size: field(backup, 'size', nonNegative),
    volume_id: idOf(backup, 'volume_id'),
    created_at: takenAt,
    ...optional('updated_at', optionalTime(backup, 'updated_at')),
    ...optional('project_id', owner),
    ...optional('availability_zone', optionalField(backup, 'availability_zone', text) || undefined),
    ...optional('fail_reason', optionalField(backup, 'fail_reason', text) || undefined),
  };
}

/** In lower case, as in manifests: restores are looked up by id, and an id in upper case would not be found. */
function idOf(from: JsonObject, key: string): string {
  return field(from, key, id).toLowerCase();
}

/** Returns `value`. Throws UnexpectedShape if the answer is about another volume, backup or job than the requested one. */
export function assertSameId<T extends { readonly id: string }>(value: T, id: string): T {
  // Rule: answer-must-be-about-the-requested-id
  if (!sameId(value.id, id))
    throw new UnexpectedShape('the answer describes another volume or backup than requested');
  return value;
}
