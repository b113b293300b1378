/**
 * Compute as Nova serves it (microversion 2.1), as far as it concerns volumes: servers with their attached volumes, which
 * can be attached, detached, started and stopped. A server is ACTIVE while it has a volume and nobody stopped it, else
 * SHUTOFF. Every server boots from a volume and has the same flavor.
 */
import { type ApiRoot, linksOf } from './block-storage.ts';
import { isFields } from './check.ts';
import { lookup, type Server, type World } from './model.ts';
import { type OperatorContext, perform } from './operator.ts';
import { listReply, paginate } from './paging.ts';
import {
  blockStorageError,
  empty,
  formatTime,
  json,
  parseJson,
  type Reply,
  type WireRequest,
} from './wire.ts';

/** `GET …/servers` and `…/servers/detail`, in pages. */
export function listServers(world: World, root: ApiRoot, detail: boolean, request: WireRequest): Reply {
  const { query } = request;
  // Nova filters names by a regular expression.
  const pattern = namePattern(query.get('name'));
  if (pattern === null) return blockStorageError(400, 'Invalid input for query parameters name.');
  const volumeIds = volumeIdsByServer(world);
  const page = paginate({
    what: 'marker',
    items: Object.values(world.servers).filter((server) => isVisible(server, root)),
    filters: {
      name: (server) => pattern.test(server.name),
      status: (server, status) => statusOf(server, volumeIds.get(server.id)) === status.toUpperCase(),
      // Clients send false. Deleted servers are not kept.
      deleted: (_, deleted) => deleted.toLowerCase() === 'false',
    },
    sorts: {
      uuid: ({ id }) => id,
      display_name: ({ name }) => name,
      created_at: ({ created_ms }) => created_ms,
    },
    limit_max: world.settings.list_limit_max,
    query,
  });
  if (!page.ok) return page.reply;
  const render = (server: Server) =>
    detail ? serverBody(world, server, volumeIds.get(server.id) ?? [], root) : shortBody(server, root);
  return listReply(world, 'servers', page.items.map(render), page, request);
}

/** `GET …/servers/{id}`. */
export function getServer(world: World, root: ApiRoot, id: string): Reply {
  const server = findServer(world, root, id);
  if (!server) return notFound(id);
  return json(200, { server: serverBody(world, server, volumeIdsByServer(world).get(id) ?? [], root) });
}

function namePattern(text: string | null): RegExp | null {
  try {
    return new RegExp(text ?? '', 'i');
  } catch {
    return null;
  }
}

/** `POST …/servers/{id}/action`: `os-start`, `os-stop`. */
export function postServerAction(world: World, root: ApiRoot, id: string, body: string): Reply {
  const server = findServer(world, root, id);
  if (!server) return notFound(id);
  const parsed = parseJson(body);
  const [action, ...more] = isFields(parsed) ? Object.keys(parsed) : [];
  if (more.length > 0 || (action !== 'os-start' && action !== 'os-stop'))
    return blockStorageError(400, 'There is no such action: unknown or malformed.');
  const isActive = statusOf(server, volumeIdsByServer(world).get(id)) === 'ACTIVE';
  if (isActive === (action === 'os-start')) {
    const [verb, state] = isActive ? ['start', 'active'] : ['stop', 'stopped'];
    return blockStorageError(409, `Cannot '${verb}' instance ${id} while it is in vm_state ${state}`);
  }
  if (action === 'os-stop') server.stopped = true;
  else delete server.stopped;
  return empty(202);
}

/** `GET …/servers/{id}/os-volume_attachments`. */
export function listServerVolumes(world: World, root: ApiRoot, id: string): Reply {
  if (!findServer(world, root, id)) return notFound(id);
  return json(200, { volumeAttachments: attachmentsOf(world, id) });
}

/** `GET …/servers/{id}/os-volume_attachments/{volume}`. */
export function getServerVolume(world: World, root: ApiRoot, id: string, volume_id: string): Reply {
  if (!findServer(world, root, id)) return notFound(id);
  const found = attachmentsOf(world, id).find(({ volumeId }) => volumeId === volume_id);
  return found === undefined ? notAttached(id, volume_id) : json(200, { volumeAttachment: found });
}

/** `POST …/servers/{id}/os-volume_attachments`. */
export function postServerVolume(
  world: World,
  root: ApiRoot,
  id: string,
  body: string,
  context: OperatorContext,
): Reply {
  if (!findServer(world, root, id)) return notFound(id);
  const parsed = parseJson(body);
  const order = isFields(parsed) && isFields(parsed.volumeAttachment) ? parsed.volumeAttachment : {};
  const { volumeId: volume_id, device } = order;
  if (typeof volume_id !== 'string')
    return blockStorageError(
      400,
      "Invalid input for field/attribute volumeAttachment. 'volumeId' is a required property",
    );
  if (lookup(world.volumes, volume_id)?.project_id !== root.project_id)
    return blockStorageError(404, `Volume ${volume_id} could not be found.`);
  const place = typeof device === 'string' ? { device } : {};
  const result = perform(world, { action: 'attach', volume_id, server: id, ...place }, context);
  if (!result.done) return blockStorageError(400, result.message);
  const made = attachmentsOf(world, id).find(({ volumeId }) => volumeId === volume_id);
  return json(200, { volumeAttachment: made });
}

/** The id of an attachment is that of its volume. */
function attachmentsOf(world: World, server_id: string) {
  return Object.values(world.volumes).flatMap(({ id, attachments }) =>
    attachments
      .filter((attachment) => attachment.server_id === server_id)
      .map(({ device }) => ({ id, volumeId: id, serverId: server_id, device })),
  );
}

function notAttached(id: string, volume_id: string): Reply {
  return blockStorageError(404, `Instance ${id} is not attached to volume ${volume_id}.`);
}

const FLAVOR = {
  id: 's3.large.2',
  name: 's3.large.2',
  ram: 4096,
  vcpus: 2,
  disk: 0,
  swap: '',
  rxtx_factor: 1,
  'OS-FLV-EXT-DATA:ephemeral': 0,
  'OS-FLV-DISABLED:disabled': false,
  'os-flavor-access:is_public': true,
};

/** `GET …/flavors` and `…/flavors/detail`. */
export function listFlavors(world: World, root: ApiRoot, detail: boolean, request: WireRequest): Reply {
  const page = paginate({
    what: 'marker',
    items: [FLAVOR],
    filters: { is_public: () => true },
    sorts: { flavorid: ({ id }) => id },
    limit_max: world.settings.list_limit_max,
    query: request.query,
  });
  if (!page.ok) return page.reply;
  const flavors = page.items.map((flavor) =>
    detail ? flavorBody(root) : { id: flavor.id, name: flavor.name, links: flavorLinks(root) },
  );
  return listReply(world, 'flavors', flavors, page, request);
}

/** `GET …/flavors/{id}`. */
export function getFlavor(root: ApiRoot, id: string): Reply {
  return id === FLAVOR.id
    ? json(200, { flavor: flavorBody(root) })
    : blockStorageError(404, `Flavor ${id} could not be found.`);
}

function flavorBody(root: ApiRoot): object {
  return { ...FLAVOR, links: flavorLinks(root) };
}

function flavorLinks(root: ApiRoot): object[] {
  return linksOf(FLAVOR.id, root, 'flavors');
}

/** `DELETE …/servers/{id}/os-volume_attachments/{volume}`. */
export function deleteServerVolume(
  world: World,
  root: ApiRoot,
  id: string,
  volume_id: string,
  context: OperatorContext,
): Reply {
  if (!findServer(world, root, id)) return notFound(id);
  const attached = lookup(world.volumes, volume_id)?.attachments.some(({ server_id }) => server_id === id);
  if (!attached) return notAttached(id, volume_id);
  const result = perform(world, { action: 'detach', volume_id }, context);
  return result.done ? empty(202) : blockStorageError(409, result.message);
}

function notFound(id: string): Reply {
  return blockStorageError(404, `Instance ${id} could not be found.`);
}

function isVisible(server: Server, root: ApiRoot): boolean {
  return server.project_id === root.project_id;
}

function findServer(world: World, root: ApiRoot, id: string): Server | undefined {
  const server = lookup(world.servers, id);
  return server && isVisible(server, root) ? server : undefined;
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

function statusOf({ stopped }: Server, volumeIds: readonly string[] = []): 'ACTIVE' | 'SHUTOFF' {
  return volumeIds.length === 0 || stopped ? 'SHUTOFF' : 'ACTIVE';
}

function shortBody(server: Server, root: ApiRoot): object {
  return {
    id: server.id,
    name: server.name,
    links: linksOf(server.id, root, 'servers'),
  };
}

function serverBody(world: World, server: Server, volumeIds: readonly string[], root: ApiRoot): object {
  // Whole seconds and a Z, unlike block storage.
  const time = `${formatTime(server.created_ms).slice(0, 19)}Z`;
  const status = statusOf(server, volumeIds);
  return {
    ...shortBody(server, root),
    status,
    tenant_id: server.project_id,
    user_id: Object.keys(world.users)[0] ?? null,
    created: time,
    updated: time,
    addresses: {},
    metadata: {},
    // A server that boots from a volume has no image; Nova writes it as an empty text.
    image: '',
    flavor: { id: FLAVOR.id, links: flavorLinks(root).slice(1) },
    key_name: null,
    hostId: '',
    accessIPv4: '',
    accessIPv6: '',
    config_drive: '',
    progress: 0,
    security_groups: [{ name: 'default' }],
    'OS-DCF:diskConfig': 'MANUAL',
    'OS-EXT-STS:task_state': null,
    'OS-EXT-STS:vm_state': status === 'ACTIVE' ? 'active' : 'stopped',
    'OS-EXT-STS:power_state': status === 'ACTIVE' ? 1 : 4,
    'OS-SRV-USG:launched_at': formatTime(server.created_ms),
    'OS-SRV-USG:terminated_at': null,
    'OS-EXT-AZ:availability_zone': `${world.region}-01`,
    'os-extended-volumes:volumes_attached': volumeIds.map((id) => ({ id })),
  };
}
