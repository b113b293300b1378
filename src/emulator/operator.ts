/**
 * Actions of people and other programs in the cloud: attach a volume, start another restore, delete a backup. Used by
 * tests and demos, and by the Cinder actions of other clients.
 */

import { Checker } from './check.ts';
import { isUuid } from './ids.ts';
import {
  failInterrupted,
  lookup,
  restore,
  type Settings,
  schedule,
  type Volume,
  type World,
} from './model.ts';
import { unreachable } from './unreachable.ts';

export type OperatorAction =
  /** `server`: id or name; a new name creates a server. Default device: the next free `/dev/vdX`. */
  | { action: 'attach'; volume_id: string; server: string; device?: string }
  | { action: 'detach'; volume_id: string }
  /** All volumes of a server, by its id or name. */
  | { action: 'detach-server'; server: string }
  | { action: 'backup'; volume_id: string; name?: string; description?: string; duration_ms?: number }
  | { action: 'delete-backup'; backup_id: string }
  /** `size`: new size in GB. */
  | { action: 'extend'; volume_id: string; size: number }
  /** Another actor starts a restore. */
  | { action: 'restore'; volume_id: string; backup_id: string }
  | { action: 'set-status'; volume_id?: string; backup_id?: string; status: string }
  /** Puts a volume under disaster-recovery protection, or removes the protection. */
  | { action: 'set-dr-site'; volume_id: string; dr_site: boolean }
  /** How long restores of this backup take and wait in the queue, instead of the settings. */
  | { action: 'set-timing'; backup_id: string; job_duration_ms?: number; queue_ms?: number }
  | { action: 'settings'; settings: Partial<Settings> };

/** `conflict`: the state of the cloud does not allow it; `missing`: it does not exist. */
export type OperatorResult =
  /** `detached`: names of the volumes that a server no longer holds. */
  | { done: true; id: string | null; detached?: readonly string[] }
  | { done: false; reason: 'conflict' | 'missing'; message: string };

export interface OperatorContext {
  now_ms: number;
  request_id: string;
  newId: () => string;
}

const DONE: OperatorResult = { done: true, id: null };

/** Carries out an action, or returns why it cannot. */
export function perform(world: World, action: OperatorAction, context: OperatorContext): OperatorResult {
  switch (action.action) {
    case 'attach':
      return onVolume(world, action.volume_id, (volume) => attach(world, volume, action, context));
    case 'detach':
      return onVolume(world, action.volume_id, (volume) => detach(volume, context.now_ms));
    case 'detach-server':
      return detachAll(world, action.server, context.now_ms);
    case 'backup':
      return onVolume(world, action.volume_id, (volume) => startBackup(world, volume, action, context));
    case 'delete-backup':
      return deleteBackup(world, action.backup_id);
    case 'extend':
      return onVolume(world, action.volume_id, (volume) => extend(volume, action.size, context.now_ms));
    case 'restore':
      return restoreByAnother(world, action, context);
    case 'set-status':
      return setStatus(world, action, context.now_ms);
    case 'set-dr-site':
      return onVolume(world, action.volume_id, (volume) => {
        volume.dr_site = action.dr_site;
        return DONE;
      });
    case 'set-timing':
      return setTiming(world, action);
    case 'settings':
      if (action.settings.service_up && !world.settings.service_up) failInterrupted(world, context.now_ms);
      Object.assign(world.settings, action.settings);
      return DONE;
    default:
      return unreachable(action);
  }
}

function onVolume(world: World, id: string, act: (volume: Volume) => OperatorResult): OperatorResult {
  const volume = lookup(world.volumes, id);
  if (volume === undefined)
    return { done: false, reason: 'missing', message: `Volume ${id} could not be found.` };
  return act(volume);
}

function conflict(message: string): OperatorResult {
  return { done: false, reason: 'conflict', message };
}

function attach(
  world: World,
  volume: Volume,
  action: { server: string; device?: string },
  { now_ms, newId }: OperatorContext,
): OperatorResult {
  const ready = volume.status === 'available' || (volume.multiattach && volume.status === 'in-use');
  if (!ready) return conflict(`Invalid volume: volume ${volume.id} status must be available to attach.`);
  const server = Object.values(world.servers).find(
    ({ id, name }) => id === action.server || name === action.server,
  ) ?? {
    id: isUuid(action.server) ? action.server : newId(),
    name: action.server,
    project_id: volume.project_id,
    created_ms: now_ms,
  };
  world.servers[server.id] = server;
  volume.attachments.push({
    attachment_id: newId(),
    server_id: server.id,
    device: action.device ?? freeDevice(world, server.id),
    attached_ms: now_ms,
  });
  volume.status = 'in-use';
  volume.updated_ms = now_ms;
  return { done: true, id: server.id };
}

function freeDevice(world: World, server_id: string): string {
  const taken = Object.values(world.volumes)
    .flatMap((volume) => volume.attachments)
    .filter((attachment) => attachment.server_id === server_id)
    .map((attachment) => attachment.device);
  const letters = [...'abcdefghijklmnopqrstuvwxyz'];
  return letters.map((letter) => `/dev/vd${letter}`).find((device) => !taken.includes(device)) ?? '/dev/vdaa';
}

function detach(volume: Volume, now_ms: number): OperatorResult {
  if (volume.attachments.length === 0)
    return conflict(`Invalid volume: volume ${volume.id} is not attached.`);
  volume.attachments = [];
  if (volume.status === 'in-use') volume.status = 'available';
  volume.updated_ms = now_ms;
  return DONE;
}

function detachAll(world: World, idOrName: string, now_ms: number): OperatorResult {
  const server = Object.values(world.servers).find(({ id, name }) => id === idOrName || name === idOrName);
  if (server === undefined)
    return { done: false, reason: 'missing', message: `There is no server ${idOrName}.` };
  const isOfServer = ({ server_id }: Volume['attachments'][number]) => server_id === server.id;
  const detached = Object.values(world.volumes).filter(({ attachments }) => attachments.some(isOfServer));
  for (const volume of detached) {
    volume.attachments = volume.attachments.filter((attachment) => !isOfServer(attachment));
    if (volume.attachments.length === 0 && volume.status === 'in-use') volume.status = 'available';
    volume.updated_ms = now_ms;
  }
  return { done: true, id: server.id, detached: detached.map(nameOf) };
}

/** A world file may contain anything. */
function nameOf({ name }: Volume): string {
  return typeof name === 'string' ? name : '(no name)';
}

function startBackup(
  world: World,
  volume: Volume,
  action: { name?: string; description?: string; duration_ms?: number },
  { now_ms, newId }: OperatorContext,
): OperatorResult {
  const before = volume.status;
  if (before !== 'available' && before !== 'in-use')
    return conflict(`Invalid volume: Volume to be backed up must be available or in-use, it is ${before}.`);
  const id = newId();
  world.backups[id] = {
    id,
    project_id: volume.project_id,
    name: action.name ?? `${volume.name}-${id.slice(0, 8)}`,
    description: action.description ?? null,
    volume_id: volume.id,
    status: 'creating',
    size_gb: volume.size_gb,
    is_incremental: false,
    fail_reason: null,
    created_ms: now_ms,
    updated_ms: now_ms,
    shared_with: [],
  };
  world.lists_version += 1;
  volume.status = 'backing-up';
  volume.updated_ms = now_ms;
  const at_ms = now_ms + (action.duration_ms ?? world.settings.backup_duration_ms);
  schedule(world, { at_ms, event: 'backup_made', backup_id: id, volume_status: before });
  return { done: true, id };
}

function deleteBackup(world: World, id: string): OperatorResult {
  const backup = lookup(world.backups, id);
  if (backup === undefined) return noBackup(id);
  if (backup.status !== 'available' && !backup.status.startsWith('error'))
    return conflict(`Invalid backup: Backup status must be available or error, it is ${backup.status}.`);
  delete world.backups[id];
  world.lists_version += 1;
  return DONE;
}

function extend(volume: Volume, size_gb: number, now_ms: number): OperatorResult {
  if (volume.status !== 'available' && volume.status !== 'in-use')
    return conflict(`Invalid volume: volume ${volume.id} must be available to be extended.`);
  if (size_gb <= volume.size_gb)
    return conflict(`Invalid input received: New size for extend must be greater than current size.`);
  volume.size_gb = size_gb;
  volume.updated_ms = now_ms;
  return DONE;
}

function restoreByAnother(
  world: World,
  action: { volume_id: string; backup_id: string },
  { now_ms, request_id, newId }: OperatorContext,
): OperatorResult {
  const project_id = lookup(world.volumes, action.volume_id)?.project_id ?? '';
  const result = restore(
    world,
    {
      project_id,
      volume_id: action.volume_id,
      backup_id: action.backup_id,
      request_id,
      job_id: newId(),
      cause: 'operator',
      faults: [],
    },
    now_ms,
  );
  if (!result.accepted) return conflict(`${result.refusal.code}: ${result.refusal.message}`);
  return { done: true, id: result.job.id };
}

function setStatus(
  world: World,
  action: { volume_id?: string; backup_id?: string; status: string },
  now_ms: number,
): OperatorResult {
  const targets = [
    lookup(world.volumes, action.volume_id ?? ''),
    lookup(world.backups, action.backup_id ?? ''),
  ];
  const found = targets.filter((target) => target !== undefined);
  if (found.length === 0) return { done: false, reason: 'missing', message: 'No such volume or backup.' };
  for (const target of found) {
    target.status = action.status;
    target.updated_ms = now_ms;
  }
  return DONE;
}

function setTiming(
  world: World,
  {
    backup_id,
    job_duration_ms,
    queue_ms,
  }: { backup_id: string; job_duration_ms?: number; queue_ms?: number },
): OperatorResult {
  const backup = lookup(world.backups, backup_id);
  if (backup === undefined) return noBackup(backup_id);
  if (job_duration_ms !== undefined) backup.job_duration_ms = job_duration_ms;
  if (queue_ms !== undefined) backup.queue_ms = queue_ms;
  return DONE;
}

function noBackup(id: string): OperatorResult {
  return { done: false, reason: 'missing', message: `Backup ${id} could not be found.` };
}

/** The fields of each action. */
const ACTION_FIELDS: Readonly<
  Record<OperatorAction['action'], { readonly required: string[]; readonly optional?: string[] }>
> = {
  attach: { required: ['volume_id', 'server'], optional: ['device'] },
  detach: { required: ['volume_id'] },
  'detach-server': { required: ['server'] },
  backup: { required: ['volume_id'], optional: ['name', 'description', 'duration_ms'] },
  'delete-backup': { required: ['backup_id'] },
  extend: { required: ['volume_id', 'size'] },
  restore: { required: ['volume_id', 'backup_id'] },
  'set-status': { required: ['status'], optional: ['volume_id', 'backup_id'] },
  'set-dr-site': { required: ['volume_id', 'dr_site'] },
  'set-timing': { required: ['backup_id'], optional: ['job_duration_ms', 'queue_ms'] },
  settings: { required: ['settings'] },
};

export const ACTIONS = Object.keys(ACTION_FIELDS) as OperatorAction['action'][];

const ACTION_MS_MAX = 365 * 86_400_000;

/**
 * Checks the body of an admin request and returns it as an action.
 *
 * @throws InvalidData naming every problem
 */
export function parseAction(name: OperatorAction['action'], body: unknown): OperatorAction {
  const check = new Checker();
  const { required, optional = [] } = ACTION_FIELDS[name];
  const given = check.fields(body, 'body', [...required, ...optional]);
  for (const key of required) if (given[key] === undefined) check.fail(key, 'is required');
  for (const [key, value] of Object.entries(given)) {
    if (key === 'size') check.integer(value, key, 1, 1_000_000);
    else if (key.endsWith('_ms')) check.number(value, key, 0, ACTION_MS_MAX);
    else if (key === 'dr_site') check.flag(value, key);
    else if (key === 'settings') checkSettings(check, value);
    else check.text(value, key);
  }
  check.finish(name);
  return { action: name, ...(body as object) } as OperatorAction;
}

const SETTINGS: readonly (keyof Settings)[] = [
  'job_duration_ms',
  'queue_ms',
  'backup_duration_ms',
  'token_ttl_ms',
  'list_links',
  'list_limit_max',
  'service_up',
];

function checkSettings(check: Checker, value: unknown): void {
  const settings = check.fields(value, 'settings', SETTINGS);
  for (const [key, setting] of Object.entries(settings)) {
    const path = `settings.${key}`;
    if (key === 'list_links' || key === 'service_up') check.flag(setting, path);
    else if (key === 'list_limit_max') check.integer(setting, path, 1, 1_000_000);
    else check.number(setting, path, 0, ACTION_MS_MAX);
  }
}
