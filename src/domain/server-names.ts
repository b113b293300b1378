import type { Server, Volume } from './cloud.ts';

/** Disks name the servers they are attached to by id only; people know them by name. */
export type ServerNames = ReadonlyMap<string, string>;

export function serverNames(servers: Iterable<Pick<Server, 'id' | 'name'>>): ServerNames {
  return new Map([...servers].filter(({ name }) => name !== '').map(({ id, name }) => [id, name]));
}

/** The disk, its attachments named as far as the names are known. */
export function withServerNames(volume: Volume, names: ServerNames): Volume {
  if (!volume.attachments.some(({ server_id }) => names.has(server_id))) return volume;
  return {
    ...volume,
    attachments: volume.attachments.map((attachment) => {
      const server_name = attachment.server_name ?? names.get(attachment.server_id);
      return server_name === undefined ? attachment : { ...attachment, server_name };
    }),
  };
}
