import type { Attachment, Backup, Volume } from '../domain/cloud.ts';
import { optional } from '../domain/optional.ts';
import { amount, type JsonObject, list, object } from '../domain/shape.ts';
import { checked, field, id, optionalField, optionalTime, text, UnexpectedShape, word } from './fields.ts';

/**
 * Disks and backups as EVS, VBS and Cinder describe them; the three are one family. Throws UnexpectedShape.
 */
export function parseVolume(value: unknown): Volume {
  const volume = checked(value, object, 'volume');
  const metadata = volume.metadata == null ? {} : checked(volume.metadata, object, 'metadata');
  return {
    id: idOf(volume, 'id'),
    name: optionalField(volume, 'name', text) ?? '',
    status: field(volume, 'status', word),
    size: field(volume, 'size', amount),
    attachments: checked(volume.attachments ?? [], list, 'attachments').flatMap(parseAttachment),
    ...optional('created_at', optionalTime(volume, 'created_at')),
    ...optional('updated_at', optionalTime(volume, 'updated_at')),
    ...optional('project_id', optionalField(volume, 'os-vol-tenant-attr:tenant_id', text)),
    ...optional('availability_zone', optionalField(volume, 'availability_zone', text)),
    ...optional('replication_status', optionalField(volume, 'replication_status', text) || undefined),
    ...optional('src_backup_id', optionalField(metadata, 'src_backup_id', text)),
  };
}

function parseAttachment(value: unknown): Attachment[] {
  const attachment = checked(value, object, 'attachment');
  // An attachment that is only reserved names no server yet; the disk's status tells that it is busy.
  if (!optionalField(attachment, 'server_id', text)) return [];
  const server_id = field(attachment, 'server_id', id);
  return [{ server_id, ...optional('device', optionalField(attachment, 'device', text)) }];
}

export function parseBackup(value: unknown): Backup {
  const backup = checked(value, object, 'backup');
  const takenAt = optionalTime(backup, 'data_timestamp') ?? optionalTime(backup, 'created_at');
  if (takenAt === undefined) throw new UnexpectedShape('neither data_timestamp nor created_at is there');
  // VBS names the owner in its v2 form, Cinder in its v3 form.
  const owner =
    optionalField(backup, 'os-bak-tenant-attr:tenant_id', text) ??
    optionalField(backup, 'os-backup-project-attr:project_id', text);
  return {
    id: idOf(backup, 'id'),
    name: optionalField(backup, 'name', text) ?? '',
    status: field(backup, 'status', word),
    size: field(backup, 'size', amount),
    volume_id: idOf(backup, 'volume_id'),
    created_at: takenAt,
    ...optional('updated_at', optionalTime(backup, 'updated_at')),
    ...optional('project_id', owner),
    ...optional('availability_zone', optionalField(backup, 'availability_zone', text) || undefined),
    ...optional('fail_reason', optionalField(backup, 'fail_reason', text) || undefined),
  };
}

/** As manifests have it: what was done is looked up by ids, and an id in capitals would be one that nobody knows. */
function idOf(from: JsonObject, key: string): string {
  return field(from, key, id).toLowerCase();
}

/** An answer about another disk or backup must not be taken for the one that was asked for. */
export function sameId<T extends { readonly id: string }>(value: T, id: string): T {
  // Rule: answer-is-about-what-was-asked
  if (value.id.toLowerCase() !== id.toLowerCase())
    throw new UnexpectedShape('it is about another one than was asked for');
  return value;
}
