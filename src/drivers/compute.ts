import type { Server } from '../domain/cloud.ts';
import { anyObject } from '../domain/shape.ts';
import { encodePercent } from '../network/percent.ts';
import type { ListRequest } from './api-client.ts';
import type { ServiceRoot } from './auth/catalog.ts';
import { checked, field, id, nonEmptyText, optionalField, text } from './fields.ts';

/** Lists every server of a project, in Nova and ECS. */
export function serverList(compute: ServiceRoot, projectId: string): ListRequest<Server> {
  // Newer Novas do not need the project in the URL, but all of them accept it.
  const url = `${compute.url}/${compute.version ?? 'v2.1'}/${encodePercent(projectId)}/servers/detail`;
  return { url, key: 'servers', continueBy: 'marker', parse: parseServer };
}

/** Parses a server of Nova or ECS. Throws UnexpectedShape. */
function parseServer(value: unknown): Server {
  const server = checked(value, anyObject, 'server');
  return {
    id: field(server, 'id', id),
    name: optionalField(server, 'name', text) ?? '',
    status: field(server, 'status', nonEmptyText),
  };
}
