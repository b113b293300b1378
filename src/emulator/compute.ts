/**
 * Compute as Nova serves it, as far as it concerns volumes: servers with their attached volumes, and detaching a volume. A
 * server is ACTIVE while it has a volume, else SHUTOFF. Starting and stopping are not emulated.
 */
import type { ApiRoot } from './block-storage.ts';
import { lookup, type Server, type World } from './model.ts';
import { type OperatorContext, perform } from './operator.ts';
import { listReply, matchesFilter, paginate } from './paging.ts';
import { blockStorageError, empty, formatTime, json, type Reply, type WireRequest } from './wire.ts';

/** `GET …/servers` and `…/servers/detail`, by `name` and `status`, in pages. */
export function listServers(world: World, root: ApiRoot, detail: boolean, request: WireRequest): Reply {
  const { query } = request;
  const volumeIds = volumeIdsByServer(world);
  const page = paginate({
    what: 'marker',
    items: Object.values(world.servers).filter((server) => isVisible(server, root)),
    filter: (server) =>
      matchesFilter(query, 'name', server.name) &&
      matchesFilter(query, 'status', statusOf(volumeIds.get(server.id))),
    limit_max: world.settings.list_limit_max,
    query,
  });
  if (!page.ok) return page.reply;
  const render = (server: Server) =>
    detail ? serverBody(world, server, volumeIds.get(server.id) ?? [], root) : shortBody(server, root);
  return listReply(world, 'servers', page.items.map(render), page.next, request);
}

/** `GET …/servers/{id}`. */
export function getServer(world: World, root: ApiRoot, id: string): Reply {
  const server = lookup(world.servers, id);
  if (server === undefined || !isVisible(server, root)) return notFound(id);
  return json(200, { server: serverBody(world, server, volumeIdsByServer(world).get(id) ?? [], root) });
}

/** `DELETE …/servers/{id}/os-volume_attachments/{volume}`. */
export function deleteServerVolume(
  world: World,
  root: ApiRoot,
  id: string,
  volume_id: string,
  context: OperatorContext,
): Reply {
  const server = lookup(world.servers, id);
  if (server === undefined || !isVisible(server, root)) return notFound(id);
  const attached = lookup(world.volumes, volume_id)?.attachments.some(({ server_id }) => server_id === id);
  if (!attached) return blockStorageError(404, `Instance ${id} is not attached to volume ${volume_id}.`);
  const result = perform(world, { action: 'detach', volume_id }, context);
  return result.done ? empty(202) : blockStorageError(409, result.message);
}

function notFound(id: string): Reply {
  return blockStorageError(404, `Instance ${id} could not be found.`);
}

function isVisible(server: Server, root: ApiRoot): boolean {
  return server.project_id === undefined || server.project_id === root.project_id;
}

function volumeIdsByServer(world: World): Map<string, string[]> {
  const volumeIds = new Map<string, string[]>();
  for (const volume of Object.values(world.volumes)) {
    for (const { server_id } of volume.attachments) {
      const known = volumeIds.get(server_id);
      if (known === undefined) volumeIds.set(server_id, [volume.id]);
      else known.push(volume.id);
    }
  }
  return volumeIds;
}

function statusOf(volumeIds: readonly string[] | undefined): string {
  return volumeIds === undefined || volumeIds.length === 0 ? 'SHUTOFF' : 'ACTIVE';
}

function shortBody(server: Server, root: ApiRoot): object {
  return {
    id: server.id,
    name: server.name,
    links: [
      { rel: 'self', href: `${root.url}/servers/${server.id}` },
      { rel: 'bookmark', href: `${root.bookmark_url}/servers/${server.id}` },
    ],
  };
}

function serverBody(world: World, server: Server, volumeIds: readonly string[], root: ApiRoot): object {
  // Whole seconds and a Z, unlike block storage.
  const time = `${formatTime(server.created_ms ?? 0).slice(0, 19)}Z`;
  return {
    ...shortBody(server, root),
    status: statusOf(volumeIds),
    tenant_id: server.project_id ?? root.project_id,
    created: time,
    updated: time,
    addresses: {},
    metadata: {},
    'OS-EXT-AZ:availability_zone': `${world.region}-01`,
    'os-extended-volumes:volumes_attached': volumeIds.map((id) => ({ id })),
  };
}
