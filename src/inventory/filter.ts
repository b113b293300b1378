import { looksLikeId } from '../domain/cloud.ts';
import { globMatches } from '../domain/glob.ts';
import type { BackupRow, Inventory, ServerRow, VolumeRow } from '../domain/inventory.ts';

/**
 * The filter options of a command. Each list has alternatives, all fields must match; an empty list matches everything.
 */
export interface InventoryFilter {
  /** Ids or exact names of disks; a name that looks like an id does not match. */
  readonly volumes: readonly string[];
  /** The same for servers. */
  readonly servers: readonly string[];
  /** Globs for the names of the listed resources. */
  readonly names: readonly string[];
  /** Statuses of the API, in upper or lower case. */
  readonly statuses: readonly string[];
  /** Backups created at or before `before`, and at or after `after`; epoch ms. */
  readonly before?: number;
  readonly after?: number;
}

export function filterBackups(rows: readonly BackupRow[], filter: InventoryFilter): BackupRow[] {
  const { before = Infinity, after = -Infinity } = filter;
  return rows.filter((row) => {
    const taken = Date.parse(row.created_at);
    return (
      among(filter.volumes, row.volume_id, row.volume_name) &&
      isAttached(filter, row) &&
      hasName(filter, row.name) &&
      hasStatus(filter, row.status) &&
      taken <= before &&
      taken >= after
    );
  });
}

export function filterVolumes(rows: readonly VolumeRow[], filter: InventoryFilter): VolumeRow[] {
  return rows.filter(
    (row) =>
      among(filter.volumes, row.id, row.name) &&
      isAttached(filter, row) &&
      hasName(filter, row.name) &&
      hasStatus(filter, row.status),
  );
}

export function filterServers(rows: readonly ServerRow[], filter: InventoryFilter): ServerRow[] {
  return rows.filter(
    (row) =>
      among(filter.servers, row.id, row.name) &&
      (filter.volumes.length === 0 || row.volumes.some(({ id, name }) => among(filter.volumes, id, name))) &&
      hasName(filter, row.name) &&
      hasStatus(filter, row.status ?? ''),
  );
}

/** The disks and servers of the filter that the project does not have. */
export function unknownOf(
  { volumes, backups, servers }: Inventory,
  filter: InventoryFilter,
): { readonly volumes: readonly string[]; readonly servers: readonly string[] } {
  return {
    // The disk of an old backup may be deleted, but its id still finds the backup.
    volumes: lacking(filter.volumes, [
      ...volumes.flatMap(idAndName),
      ...backups.map(({ volume_id }) => volume_id),
    ]),
    servers: lacking(filter.servers, servers.flatMap(idAndName)),
  };
}

function idAndName({ id, name }: { readonly id: string; readonly name: string }): string[] {
  return looksLikeId(name) ? [id] : [id, name];
}

function lacking(wanted: readonly string[], known: readonly string[]): string[] {
  if (wanted.length === 0) return [];
  const all = new Set(known);
  return wanted.filter((each) => !all.has(each));
}

function isAttached({ servers }: InventoryFilter, { attachments }: Pick<VolumeRow, 'attachments'>): boolean {
  return (
    servers.length === 0 ||
    attachments.some(({ server_id, server_name }) => among(servers, server_id, server_name))
  );
}

function among(wanted: readonly string[], id: string, name: string | undefined): boolean {
  return (
    wanted.length === 0 ||
    wanted.includes(id) ||
    (name !== undefined && !looksLikeId(name) && wanted.includes(name))
  );
}

function hasName({ names }: InventoryFilter, name: string): boolean {
  return names.length === 0 || names.some((glob) => globMatches(glob, name));
}

function hasStatus({ statuses }: InventoryFilter, status: string): boolean {
  return statuses.length === 0 || statuses.some((wanted) => wanted.toLowerCase() === status.toLowerCase());
}
