/**
 * Compute as Nova serves it, as far as it concerns disks: servers with their attached disks, and detaching a disk. A
 * server is ACTIVE while it has a disk, else SHUTOFF. Starting and stopping are not emulated.
 */
import type { Place } from './block-storage.ts';
import { lookup, type Server, type World } from './model.ts';
import { type OperatorContext, perform } from './operator.ts';
import { agrees, listReply, paginate } from './paging.ts';
import { blockStorageError, empty, formatTime, json, type Reply, type WireRequest } from './wire.ts';

/** `GET …/servers` and `…/servers/detail`, by `name` and `status`, in pages. */
export function listServers(world: World, place: Place, detail: boolean, request: WireRequest): Reply {
  const { query } = request;
  const disks = disksByServer(world);
  const page = paginate({
    what: 'marker',
    items: Object.values(world.servers).filter((server) => isVisible(server, place)),
    filter: (server) =>
      agrees(query, 'name', server.name) && agrees(query, 'status', statusOf(disks.get(server.id))),
    limit_max: world.settings.list_limit_max,
    query,
  });
  if (!page.good) return page.reply;
  const render = (server: Server) =>
    detail ? serverBody(world, server, disks.get(server.id) ?? [], place) : shortBody(server, place);
  return listReply(world, 'servers', page.items.map(render), page.next, request);
}

/** `GET …/servers/{id}`. */
export function getServer(world: World, place: Place, id: string): Reply {
  const server = lookup(world.servers, id);
  if (server === undefined || !isVisible(server, place)) return notFound(id);
  return json(200, { server: serverBody(world, server, disksByServer(world).get(id) ?? [], place) });
}

/** `DELETE …/servers/{id}/os-volume_attachments/{volume}`. */
export function deleteServerVolume(
  world: World,
  place: Place,
  id: string,
  volume_id: string,
  context: OperatorContext,
): Reply {
  const server = lookup(world.servers, id);
  if (server === undefined || !isVisible(server, place)) return notFound(id);
  const attached = lookup(world.volumes, volume_id)?.attachments.some(({ server_id }) => server_id === id);
  if (!attached) return blockStorageError(404, `Instance ${id} is not attached to volume ${volume_id}.`);
  const result = perform(world, { action: 'detach', volume_id }, context);
  return result.done ? empty(202) : blockStorageError(409, result.message);
}

function notFound(id: string): Reply {
  return blockStorageError(404, `Instance ${id} could not be found.`);
}

function isVisible(server: Server, place: Place): boolean {
  return server.project_id === undefined || server.project_id === place.project_id;
}

function disksByServer(world: World): Map<string, string[]> {
  const disks = new Map<string, string[]>();
  for (const volume of Object.values(world.volumes)) {
    for (const { server_id } of volume.attachments) {
      const known = disks.get(server_id);
      if (known === undefined) disks.set(server_id, [volume.id]);
      else known.push(volume.id);
    }
  }
  return disks;
}

function statusOf(disks: readonly string[] | undefined): string {
  return disks === undefined || disks.length === 0 ? 'SHUTOFF' : 'ACTIVE';
}

function shortBody(server: Server, place: Place): object {
  return {
    id: server.id,
    name: server.name,
    links: [
      { rel: 'self', href: `${place.url}/servers/${server.id}` },
      { rel: 'bookmark', href: `${place.bookmark_url}/servers/${server.id}` },
    ],
  };
}

function serverBody(world: World, server: Server, disks: readonly string[], place: Place): object {
  // Whole seconds and a Z, unlike block storage.
  const time = `${formatTime(server.created_ms ?? 0).slice(0, 19)}Z`;
  return {
    ...shortBody(server, place),
    status: statusOf(disks),
    tenant_id: server.project_id ?? place.project_id,
    created: time,
    updated: time,
    addresses: {},
    metadata: {},
    'OS-EXT-AZ:availability_zone': `${world.region}-01`,
    'os-extended-volumes:volumes_attached': disks.map((id) => ({ id })),
  };
}
