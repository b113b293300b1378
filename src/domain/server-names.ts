import type { Server, Volume } from './cloud.ts';

/** Names of servers by id: an attachment has only the id. */
type ServerNames = ReadonlyMap<string, string>;

export function serverNames(servers: Iterable<Pick<Server, 'id' | 'name'>>): ServerNames {
  return new Map([...servers].filter(({ name }) => name !== '').map(({ id, name }) => [id, name]));
}

/** The volume with the names of its servers, as far as they are known. */
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
