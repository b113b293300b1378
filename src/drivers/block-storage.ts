import type { Attachment, Backup, Volume } from '../domain/cloud.ts';
import { optional } from '../domain/record.ts';
import { idText, list, object, optionalText, optionalTime, size, text, UnexpectedShape } from './fields.ts';
import type { JsonObject } from './http/failures.ts';

/**
 * Disks and backups as EVS, VBS and Cinder describe them; the three are one family. Throws UnexpectedShape.
 */
export function parseVolume(value: unknown): Volume {
  const volume = object(value, 'volume');
  const metadata = volume.metadata == null ? {} : object(volume.metadata, 'metadata');
  return {
    id: idOf(volume, 'id'),
    name: optionalText(volume, 'name') ?? '',
    status: text(volume, 'status'),
    size: size(volume, 'size'),
    attachments: list(volume.attachments ?? [], 'attachments').flatMap(parseAttachment),
    ...optional('created_at', optionalTime(volume, 'created_at')),
    ...optional('updated_at', optionalTime(volume, 'updated_at')),
    ...optional('project_id', optionalText(volume, 'os-vol-tenant-attr:tenant_id')),
    ...optional('availability_zone', optionalText(volume, 'availability_zone')),
    ...optional('replication_status', optionalText(volume, 'replication_status') || undefined),
    ...optional('src_backup_id', optionalText(metadata, 'src_backup_id')),
  };
}

function parseAttachment(value: unknown): Attachment[] {
  const attachment = object(value, 'attachment');
  // An attachment that is only reserved names no server yet; the disk's status tells that it is busy.
  if (!optionalText(attachment, 'server_id')) return [];
  const server_id = idText(attachment, 'server_id');
  return [{ server_id, ...optional('device', optionalText(attachment, 'device')) }];
}

export function parseBackup(value: unknown): Backup {
  const backup = object(value, 'backup');
  const takenAt = optionalTime(backup, 'data_timestamp') ?? optionalTime(backup, 'created_at');
  if (takenAt === undefined) throw new UnexpectedShape('neither data_timestamp nor created_at is there');
  // VBS names the owner in its v2 form, Cinder in its v3 form.
  const owner =
    optionalText(backup, 'os-bak-tenant-attr:tenant_id') ??
    optionalText(backup, 'os-backup-project-attr:project_id');
  return {
    id: idOf(backup, 'id'),
    name: optionalText(backup, 'name') ?? '',
    status: text(backup, 'status'),
    size: size(backup, 'size'),
    volume_id: idOf(backup, 'volume_id'),
    created_at: takenAt,
    ...optional('updated_at', optionalTime(backup, 'updated_at')),
    ...optional('project_id', owner),
    ...optional('availability_zone', optionalText(backup, 'availability_zone') || undefined),
    ...optional('fail_reason', optionalText(backup, 'fail_reason') || undefined),
  };
}

/** As manifests have it: what was done is looked up by ids, and an id in capitals would be one that nobody knows. */
function idOf(from: JsonObject, key: string): string {
  return idText(from, key).toLowerCase();
}

/** An answer about another disk or backup must not credential for the one asked about. */
export function sameId<T extends { readonly id: string }>(value: T, id: string): T {
  if (value.id.toLowerCase() !== id.toLowerCase())
    throw new UnexpectedShape('it is about another one than was asked for');
  return value;
}
