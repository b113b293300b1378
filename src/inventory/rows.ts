import { append } from '../domain/append.ts';
import { AVAILABLE, BACKUP_RESTORING, type Backup, type Server, type Volume } from '../domain/cloud.ts';
import type { BackupRow, Inventory, ServerRow, VolumeRow } from '../domain/inventory.ts';
import { optional } from '../domain/optional.ts';
import { serverNames, withServerNames } from '../domain/server-names.ts';

/** Start here: joins the disks, backups and servers of a project, sorted for display. Pure and linear. */
export function inventoryOf(lists: {
  readonly volumes: readonly Volume[];
  readonly backups: readonly Backup[];
  /** Absent: the cloud has no compute service; servers are known only from attachments. */
  readonly servers?: readonly Server[];
  readonly projectId: string;
}): Inventory {
  const servers = lists.servers ?? [];
  const names = serverNames(servers);
  const volumes = lists.volumes.map((volume) => withServerNames(volume, names));
  const byId = new Map(volumes.map((volume) => [volume.id, volume]));
  const backups = lists.backups.map((backup) =>
    backupRow(backup, byId.get(backup.volume_id), lists.projectId),
  );
  const volumeRows = withBackups(volumes, backups);
  return {
    // The newest backup first.
    backups: backups.sort((a, b) => compare(b.created_at, a.created_at) || compare(a.id, b.id)),
    volumes: volumeRows.sort((a, b) => compare(a.name, b.name) || compare(a.id, b.id)),
    servers: serverRows(servers, volumeRows).sort((a, b) => compare(a.name, b.name) || compare(a.id, b.id)),
  };
}

/** Whether a restore could use it now, or once another restore that uses it has ended. */
function isRestorable({ status, shared }: BackupRow): boolean {
  return !shared && (status === AVAILABLE || status === BACKUP_RESTORING);
}

function backupRow(backup: Backup, volume: Volume | undefined, projectId: string): BackupRow {
  const { id, name, status, size, created_at, volume_id, fail_reason, project_id } = backup;
  return {
    id,
    name,
    status,
    size,
    created_at,
    volume_id,
    ...optional('volume_name', volume?.name),
    attachments: volume?.attachments ?? [],
    shared: project_id !== undefined && project_id !== projectId,
    ...optional('fail_reason', fail_reason),
  };
}

function withBackups(volumes: readonly Volume[], backups: readonly BackupRow[]): VolumeRow[] {
  const known = new Map<string, { count: number; last: string }>();
  for (const backup of backups) {
    if (!isRestorable(backup)) continue;
    const { volume_id, created_at } = backup;
    const so_far = known.get(volume_id);
    if (!so_far) known.set(volume_id, { count: 1, last: created_at });
    else {
      so_far.count++;
      if (created_at > so_far.last) so_far.last = created_at;
    }
  }
  return volumes.map(({ id, name, status, size, attachments }) => ({
    id,
    name,
    status,
    size,
    attachments,
    backups: known.get(id)?.count ?? 0,
    ...optional('last_backup_at', known.get(id)?.last),
  }));
}

function serverRows(servers: readonly Server[], volumes: readonly VolumeRow[]): ServerRow[] {
  const found = new Map<string, Omit<ServerRow, 'volumes' | 'last_backup_at'>>(
    servers.map(({ id, name, status }) => [id, { id, name, status }]),
  );
  const disks = new Map<string, ServerRow['volumes'][number][]>();
  for (const { id, name, size, attachments, last_backup_at } of volumes) {
    for (const { server_id, server_name = '', device } of attachments) {
      if (!found.has(server_id)) found.set(server_id, { id: server_id, name: server_name });
      append(disks, server_id, {
        id,
        name,
        size,
        ...optional('device', device),
        ...optional('last_backup_at', last_backup_at),
      });
    }
  }
  return [...found.values()].map((server) => {
    const attached = (disks.get(server.id) ?? []).sort((a, b) =>
      compare(a.device ?? a.name, b.device ?? b.name),
    );
    return { ...server, volumes: attached, ...optional('last_backup_at', oldestNewest(attached)) };
  });
}

function oldestNewest(disks: ServerRow['volumes']): string | undefined {
  const newest = disks.map(({ last_backup_at }) => last_backup_at);
  return newest.some((at) => at === undefined) ? undefined : newest.sort()[0];
}

/** By code units, independent of the locale. ISO times in UTC compare as texts. */
function compare(a: string, b: string): number {
  return a < b ? -1 : a > b ? 1 : 0;
}
