import { globMatches } from '../domain/glob.ts';
import type { BackupRow, Inventory, ServerRow, VolumeRow } from '../domain/inventory.ts';

/** What a person asks for. Each list holds alternatives, the fields all have to agree; an empty list asks nothing. */
export interface InventoryFilter {
  /** Ids or exact names of disks. */
  readonly volumes: readonly string[];
  /** Ids or exact names of servers. */
  readonly servers: readonly string[];
  /** Globs for the name of what is listed. */
  readonly names: readonly string[];
  /** As the API spells it, upper and lower case being the same. */
  readonly statuses: readonly string[];
  /** Backups whose data was taken at or before, at or after; epoch ms. */
  readonly before?: number;
  readonly after?: number;
}

export function filterBackups(rows: readonly BackupRow[], filter: InventoryFilter): BackupRow[] {
  const { before = Infinity, after = -Infinity } = filter;
  return rows.filter((row) => {
    const taken = Date.parse(row.created_at);
    return (
      among(filter.volumes, row.volume_id, row.volume_name) &&
      among(filter.servers, ...serversOf(row)) &&
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
      among(filter.servers, ...serversOf(row)) &&
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

/** Of the disks and servers that were asked for, those that the project does not have. */
export function unknownOf(
  { volumes, backups, servers }: Inventory,
  filter: InventoryFilter,
): { readonly volumes: readonly string[]; readonly servers: readonly string[] } {
  return {
    // The disk of an old backup may be gone; its id is still good to ask with.
    volumes: lacking(filter.volumes, [
      ...volumes.flatMap(({ id, name }) => [id, name]),
      ...backups.map(({ volume_id }) => volume_id),
    ]),
    servers: lacking(
      filter.servers,
      servers.flatMap(({ id, name }) => [id, name]),
    ),
  };
}

function lacking(wanted: readonly string[], known: readonly string[]): string[] {
  if (wanted.length === 0) return [];
  const all = new Set(known);
  return wanted.filter((each) => !all.has(each));
}

function serversOf({ attachments }: Pick<VolumeRow, 'attachments'>): string[] {
  return attachments.flatMap(({ server_id, server_name }) =>
    server_name === undefined ? [server_id] : [server_id, server_name],
  );
}

function among(wanted: readonly string[], ...values: readonly (string | undefined)[]): boolean {
  return wanted.length === 0 || values.some((value) => value !== undefined && wanted.includes(value));
}

function hasName({ names }: InventoryFilter, name: string): boolean {
  return names.length === 0 || names.some((glob) => globMatches(glob, name));
}

function hasStatus({ statuses }: InventoryFilter, status: string): boolean {
  return statuses.length === 0 || statuses.some((wanted) => wanted.toLowerCase() === status.toLowerCase());
}
