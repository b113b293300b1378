/**
 * Block storage as EVS and Cinder serve it: volumes, backups in their native form, and the actions that change them.
 * Shapes as recorded from Cinder 21.3. What Cinder alone has (its own restore, messages) is in `cinder.ts`.
 */
import { isFields } from './check.ts';
import { type Backup, lookup, type Volume, type World } from './model.ts';
import { type OperatorAction, type OperatorContext, type OperatorResult, perform } from './operator.ts';
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

/** The root of the URL of a request: project, version and address. */
export interface ApiRoot {
  project_id: string;
  /** `v2` or `v3`: decides the name of the owner's field. */
  version: string;
  /** `{base}/evs/v3/{project}`, for links. */
  url: string;
  /** The same without the version. */
  bookmark_url: string;
}

/** `GET …/volumes/{id}`, also under the vendor's name `cloudvolumes`. */
export function getVolume(world: World, root: ApiRoot, id: string): Reply {
  const volume = findVolume(world, root, id);
  if (!volume) return notFound('Volume', id);
  return json(200, { volume: volumeBody(world, volume, root) });
}

/** `GET …/backups/{id}`. */
export function getBackup(world: World, root: ApiRoot, id: string): Reply {
  const backup = lookup(world.backups, id);
  if (!backup || !isBackupVisible(backup, root)) return notFound('Backup', id);
  return json(200, { backup: backupBody(backup, root) });
}

/** `GET …/volumes` and `…/volumes/detail`, newest first, in pages. */
export function listVolumes(world: World, root: ApiRoot, detail: boolean, request: WireRequest): Reply {
  const { query } = request;
  const page = paginate({
    what: 'Volume',
    items: sorted(world).volumes.filter((volume) => isVolumeVisible(volume, root)),
    filters: {
      name: (volume, name) => volume.name === name,
      'name~': (volume, part) => volume.name.includes(part),
      status: (volume, status) => volume.status === status,
      bootable: (volume, bootable) => String(volume.bootable) === bootable.toLowerCase(),
      availability_zone: (volume, zone) => volume.availability_zone === zone,
      // Of EVS alone.
      id: (volume, id) => volume.id === id,
      server_id: (volume, id) => volume.attachments.some(({ server_id }) => server_id === id),
    },
    sorts: {
      ...SORTS,
      bootable: ({ bootable }) => Number(bootable),
      availability_zone: ({ availability_zone }) => availability_zone,
    },
    limit_max: world.settings.list_limit_max,
    query,
  });
  if (!page.ok) return page.reply;
  const render = (volume: Volume) =>
    detail ? volumeBody(world, volume, root) : shortBody(volume, root, 'volumes');
  return listReply(world, 'volumes', page.items.map(render), page, request);
}

/** What volumes and backups can be sorted by. */
const SORTS = {
  id: ({ id }: Volume | Backup) => id,
  name: ({ name }: Volume | Backup) => name,
  display_name: ({ name }: Volume | Backup) => name,
  status: ({ status }: Volume | Backup) => status,
  size: ({ size_gb }: Volume | Backup) => size_gb,
  created_at: ({ created_ms }: Volume | Backup) => created_ms,
  updated_at: ({ updated_ms }: Volume | Backup) => updated_ms,
};

/** `GET …/backups` and `…/backups/detail`, newest first, in pages. */
export function listBackups(world: World, root: ApiRoot, detail: boolean, request: WireRequest): Reply {
  const { query } = request;
  const page = paginate({
    what: 'Backup',
    items: sorted(world).backups.filter((backup) => isBackupVisible(backup, root)),
    filters: {
      name: (backup, name) => backup.name === name,
      'name~': (backup, part) => backup.name.includes(part),
      status: (backup, status) => backup.status === status,
      volume_id: (backup, id) => backup.volume_id === id,
      id: (backup, id) => backup.id === id,
    },
    sorts: SORTS,
    limit_max: world.settings.list_limit_max,
    query,
  });
  if (!page.ok) return page.reply;
  const render = (backup: Backup) => (detail ? backupBody(backup, root) : shortBody(backup, root, 'backups'));
  return listReply(world, 'backups', page.items.map(render), page, request);
}

/** `POST …/volumes/{id}/action`: `os-attach`, `os-detach`, `os-extend`, `os-reset_status`. */
export function postVolumeAction(
  world: World,
  root: ApiRoot,
  volume_id: string,
  body: string,
  context: OperatorContext,
): Reply {
  if (!findVolume(world, root, volume_id)) return notFound('Volume', volume_id);
  const action = volumeAction(volume_id, parseJson(body));
  if (action === null) return blockStorageError(400, 'There is no such action: unknown or malformed.');
  return actionReply(perform(world, action, context));
}

/** `POST …/backups`. */
export function postBackup(world: World, root: ApiRoot, body: string, context: OperatorContext): Reply {
  const parsed = parseJson(body);
  const fields = isFields(parsed) && isFields(parsed.backup) ? parsed.backup : {};
  const volume_id = fields.volume_id;
  if (typeof volume_id !== 'string') {
    return blockStorageError(
      400,
      "Invalid input for field/attribute backup. 'volume_id' is a required property",
    );
  }
  if (!findVolume(world, root, volume_id)) return notFound('Volume', volume_id);
  const { name, description } = fields;
  const result = perform(
    world,
    {
      action: 'backup',
      volume_id,
      ...(typeof name === 'string' ? { name } : {}),
      ...(typeof description === 'string' ? { description } : {}),
    },
    context,
  );
  const made = result.done ? lookup(world.backups, result.id ?? '') : undefined;
  return made === undefined ? actionReply(result) : json(202, { backup: shortBody(made, root, 'backups') });
}

/** `POST …/backups/{id}/action`: `os-reset_status`. */
export function postBackupAction(
  world: World,
  root: ApiRoot,
  backup_id: string,
  body: string,
  context: OperatorContext,
): Reply {
  if (lookup(world.backups, backup_id)?.project_id !== root.project_id) return notFound('Backup', backup_id);
  const parsed = parseJson(body);
  const reset = isFields(parsed) ? parsed['os-reset_status'] : undefined;
  const status = isFields(reset) ? reset.status : undefined;
  if (typeof status !== 'string')
    return blockStorageError(400, 'There is no such action: unknown or malformed.');
  return actionReply(perform(world, { action: 'set-status', backup_id, status }, context));
}

/** `DELETE …/backups/{id}`. */
export function deleteBackup(
  world: World,
  root: ApiRoot,
  backup_id: string,
  context: OperatorContext,
): Reply {
  if (lookup(world.backups, backup_id)?.project_id !== root.project_id) return notFound('Backup', backup_id);
  return actionReply(perform(world, { action: 'delete-backup', backup_id }, context));
}

function volumeAction(volume_id: string, body: unknown): OperatorAction | null {
  const [[name, given] = [], ...more] = isFields(body) ? Object.entries(body) : [];
  const fields = isFields(given) ? given : {};
  if (more.length > 0) return null;
  switch (name) {
    case 'os-attach': {
      const { instance_uuid, mountpoint } = fields;
      if (typeof instance_uuid !== 'string') return null;
      const device = typeof mountpoint === 'string' ? { device: mountpoint } : {};
      return { action: 'attach', volume_id, server: instance_uuid, ...device };
    }
    case 'os-detach':
      return { action: 'detach', volume_id };
    case 'os-extend': {
      const size = fields.new_size;
      return Number.isInteger(size) ? { action: 'extend', volume_id, size: Number(size) } : null;
    }
    case 'os-reset_status': {
      const { status } = fields;
      return typeof status === 'string' ? { action: 'set-status', volume_id, status } : null;
    }
    default:
      return null;
  }
}

function actionReply(result: OperatorResult): Reply {
  if (result.done) return empty(202);
  return blockStorageError(result.reason === 'missing' ? 404 : 400, result.message);
}

function notFound(what: string, id: string): Reply {
  return blockStorageError(404, `${what} ${id} could not be found.`);
}

function isVolumeVisible(volume: Volume, root: ApiRoot): boolean {
  return volume.project_id === root.project_id;
}

function findVolume(world: World, root: ApiRoot, id: string): Volume | undefined {
  const volume = lookup(world.volumes, id);
  return volume && isVolumeVisible(volume, root) ? volume : undefined;
}

/** A shared backup shows in the lists of those it is shared with, although they may not restore it. */
function isBackupVisible(backup: Backup, root: ApiRoot): boolean {
  return backup.project_id === root.project_id || backup.shared_with.includes(root.project_id);
}

interface Sorted {
  lists_version: number;
  volumes: Volume[];
  backups: Backup[];
}

/** Sorting a hundred thousand volumes again for each of a hundred pages would take too long. */
const sortedWorlds = new WeakMap<World, Sorted>();

function sorted(world: World): Sorted {
  const known = sortedWorlds.get(world);
  if (known !== undefined && known.lists_version === world.lists_version) return known;
  const fresh: Sorted = {
    lists_version: world.lists_version,
    volumes: Object.values(world.volumes).sort(newestFirst),
    backups: Object.values(world.backups).sort(newestFirst),
  };
  sortedWorlds.set(world, fresh);
  return fresh;
}

interface Dated {
  id: string;
  created_ms: number;
}

function newestFirst(one: Dated, other: Dated): number {
  return other.created_ms - one.created_ms || (one.id < other.id ? 1 : -1);
}

/** The links to a resource, with and without the version in the URL. */
export function linksOf(id: string, root: ApiRoot, collection: string): object[] {
  return [
    { rel: 'self', href: `${root.url}/${collection}/${id}` },
    { rel: 'bookmark', href: `${root.bookmark_url}/${collection}/${id}` },
  ];
}

function shortBody(item: { id: string; name: string }, root: ApiRoot, collection: string): object {
  return { id: item.id, name: item.name, links: linksOf(item.id, root, collection) };
}

function volumeBody(world: World, volume: Volume, root: ApiRoot): object {
  return {
    id: volume.id,
    status: volume.status,
    size: volume.size_gb,
    availability_zone: volume.availability_zone,
    created_at: formatTime(volume.created_ms),
    updated_at: formatTime(volume.updated_ms),
    name: volume.name,
    description: null,
    volume_type: volume.volume_type,
    snapshot_id: null,
    source_volid: null,
    metadata: volume.metadata,
    tags: {},
    links: linksOf(volume.id, root, 'volumes'),
    // The emulator has one user, so every resource is that user's.
    user_id: Object.keys(world.users)[0] ?? null,
    // EVS writes it as text.
    bootable: String(volume.bootable),
    encrypted: volume.encrypted,
    replication_status: volume.dr_site ? 'active' : null,
    consistencygroup_id: null,
    multiattach: volume.multiattach,
    attachments: volume.attachments.map((attachment) => ({
      id: volume.id,
      attachment_id: attachment.attachment_id,
      volume_id: volume.id,
      server_id: attachment.server_id,
      host_name: lookup(world.servers, attachment.server_id)?.name ?? null,
      device: attachment.device,
      attached_at: formatTime(attachment.attached_ms),
    })),
    'os-vol-tenant-attr:tenant_id': volume.project_id,
  };
}

function backupBody(backup: Backup, root: ApiRoot): object {
  const owner = root.version === 'v3' ? 'os-backup-project-attr:project_id' : 'os-bak-tenant-attr:tenant_id';
  return {
    id: backup.id,
    status: backup.status,
    size: backup.size_gb,
    object_count: backup.status === 'creating' ? 0 : 1,
    availability_zone: null,
    container: `${backup.id.slice(0, 2)}/${backup.id.slice(2, 4)}/${backup.id}`,
    created_at: formatTime(backup.created_ms),
    updated_at: formatTime(backup.updated_ms),
    name: backup.name,
    description: backup.description,
    fail_reason: backup.fail_reason,
    volume_id: backup.volume_id,
    links: linksOf(backup.id, root, 'backups'),
    is_incremental: backup.is_incremental,
    has_dependent_backups: false,
    snapshot_id: null,
    data_timestamp: formatTime(backup.created_ms),
    [owner]: backup.project_id,
  };
}
