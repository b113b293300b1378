/**
 * Finds the service, and the part of it, that a request is for.
 *
 * All services share one port: Keystone at `/v3`, VBS at `/vbs`, block storage (EVS, Cinder) at `/evs`, compute at
 * `/compute`. A client that knows only the host of a service finds `/v1/{project}/…` and `/v2/{project}/…` at the root,
 * too.
 */
import type { RouteKind } from './faults.ts';
import type { ServiceType } from './wire.ts';

export type Route =
  | { to: 'admin'; name: string }
  | { to: 'versions'; service: ServiceType; version: string | null }
  | { to: 'tokens' }
  | { to: 'catalog' }
  | { to: 'projects' }
  /** By name, for tools that sign their requests and look up their project. */
  | { to: 'projects-by-name' }
  | { to: 'project'; project_id: string }
  | (InProject & ProjectRoute)
  | { to: 'unknown'; service: ServiceType };

interface InProject {
  service: 'vbs' | 'block-storage' | 'compute';
  version: string;
  project_id: string;
}

type ProjectRoute =
  | { to: 'restore'; backup_id: string }
  /** Cinder's own restore. */
  | { to: 'cinder-restore'; backup_id: string }
  /** Where Cinder says why a restore failed. */
  | { to: 'messages' }
  | { to: 'job'; job_id: string }
  | { to: 'volumes'; detail: boolean }
  | { to: 'volume'; volume_id: string }
  | { to: 'volume-action'; volume_id: string }
  | { to: 'backups'; detail: boolean }
  | { to: 'backup'; backup_id: string }
  | { to: 'backup-action'; backup_id: string }
  | { to: 'servers'; detail: boolean }
  | { to: 'server'; server_id: string }
  /** Starts or stops a server. */
  | { to: 'server-action'; server_id: string }
  /** A POST to this attaches a volume. */
  | { to: 'server-volumes'; server_id: string }
  /** A DELETE of this detaches a volume. */
  | { to: 'server-volume'; server_id: string; volume_id: string }
  | { to: 'flavors'; detail: boolean }
  | { to: 'flavor'; flavor_id: string };

/** Finds the route of a path, independent of the method. */
export function findRoute(path: string): Route {
  const parts = path.split('/').slice(1).map(decode);
  const [first = '', ...rest] = parts;
  if (first === '__emulator') return { to: 'admin', name: rest.join('/') };
  if (first === 'vbs') return serviceRoute('vbs', rest);
  if (first === 'evs') return serviceRoute('block-storage', rest);
  if (first === 'compute') return computeRoute(rest);
  if (first === 'v1' || first === 'v2') return serviceRoute('vbs', parts);
  return identityRoute(trimmed(parts));
}

/** The kind of a route in fault rules and request counts. */
export function routeKind(route: Route, method: string): RouteKind | null {
  switch (route.to) {
    case 'admin':
      return null;
    case 'versions':
    case 'catalog':
    case 'projects':
    case 'projects-by-name':
    case 'project':
    case 'flavors':
    case 'flavor':
      return 'discovery';
    case 'tokens':
      return 'token';
    case 'restore':
    case 'cinder-restore':
      return 'restore';
    case 'job':
      return 'job';
    case 'volumes':
      return 'volumes';
    case 'volume':
      return 'volume';
    case 'volume-action':
    case 'backup-action':
    case 'server-action':
      return 'action';
    case 'messages':
      return 'messages';
    case 'backups':
      return method === 'POST' ? 'action' : 'backups';
    case 'backup':
      return method === 'DELETE' ? 'action' : 'backup';
    case 'servers':
    case 'server':
      return 'servers';
    case 'server-volumes':
    case 'server-volume':
      return method === 'POST' || method === 'DELETE' ? 'action' : 'servers';
    case 'unknown':
      return 'unknown';
  }
}

function identityRoute(parts: string[]): Route {
  const [version, ...rest] = parts;
  if (version === undefined) return { to: 'versions', service: 'identity', version: null };
  if (version === 'v3') {
    switch (rest.join('/')) {
      case '':
        return { to: 'versions', service: 'identity', version };
      case 'auth/tokens':
        return { to: 'tokens' };
      case 'auth/catalog':
        return { to: 'catalog' };
      case 'auth/projects':
        return { to: 'projects' };
      case 'projects':
        return { to: 'projects-by-name' };
    }
    const [collection, project_id = '', ...more] = rest;
    if (collection === 'projects' && more.length === 0) return { to: 'project', project_id };
  }
  return { to: 'unknown', service: 'identity' };
}

function serviceRoute(service: 'vbs' | 'block-storage', parts: string[]): Route {
  const [version, project_id, ...rest] = trimmed(parts);
  if (version === undefined) return { to: 'versions', service, version: null };
  if (!/^v[123]$/.test(version)) return { to: 'unknown', service };
  if (project_id === undefined) return { to: 'versions', service, version };
  // An empty backup id has an error code of its own (VolumeBackup.0203), so empty inner parts are kept.
  const found = projectRoute(service, version, rest);
  return found === null ? { to: 'unknown', service } : { service, version, project_id, ...found };
}

function computeRoute(parts: string[]): Route {
  const service = 'compute';
  const [version, project_id, ...rest] = trimmed(parts);
  if (version === undefined) return { to: 'versions', service, version: null };
  if (version !== 'v2.1') return { to: 'unknown', service };
  if (project_id === undefined) return { to: 'versions', service, version };
  const [collection, server_id, verb, volume_id, ...more] = rest;
  const inProject = { service, version, project_id } as const;
  if (collection === 'flavors' && verb === undefined) {
    if (server_id === undefined || server_id === 'detail')
      return { ...inProject, to: 'flavors', detail: server_id === 'detail' };
    return { ...inProject, to: 'flavor', flavor_id: server_id };
  }
  if (collection !== 'servers' || more.length > 0) return { to: 'unknown', service };
  if (server_id === undefined) return { ...inProject, to: 'servers', detail: false };
  if (verb === undefined)
    return server_id === 'detail'
      ? { ...inProject, to: 'servers', detail: true }
      : { ...inProject, to: 'server', server_id };
  if (verb === 'action' && volume_id === undefined) return { ...inProject, to: 'server-action', server_id };
  if (verb !== 'os-volume_attachments') return { to: 'unknown', service };
  return volume_id === undefined
    ? { ...inProject, to: 'server-volumes', server_id }
    : { ...inProject, to: 'server-volume', server_id, volume_id };
}

function projectRoute(
  service: 'vbs' | 'block-storage',
  version: string,
  parts: string[],
): ProjectRoute | null {
  const [collection, id, verb, ...more] = parts;
  if (more.length > 0) return null;
  const plain = verb === undefined;
  switch (collection) {
    case 'cloudbackups':
      return version === 'v2' && id !== undefined && verb === 'restore'
        ? { to: 'restore', backup_id: id }
        : null;
    case 'jobs':
      return service === 'vbs' && version === 'v1' && id !== undefined && plain
        ? { to: 'job', job_id: id }
        : null;
    case 'backups':
      if (version === 'v1') return null;
      if (id === undefined) return { to: 'backups', detail: false };
      if (plain) return id === 'detail' ? { to: 'backups', detail: true } : { to: 'backup', backup_id: id };
      if (verb === 'restore') return { to: 'cinder-restore', backup_id: id };
      return verb === 'action' ? { to: 'backup-action', backup_id: id } : null;
    case 'messages':
      return service === 'block-storage' && version === 'v3' && id === undefined ? { to: 'messages' } : null;
    case 'volumes':
    case 'cloudvolumes':
      if (version === 'v1') return null;
      if (id === undefined) return { to: 'volumes', detail: false };
      if (plain) return id === 'detail' ? { to: 'volumes', detail: true } : { to: 'volume', volume_id: id };
      return verb === 'action' ? { to: 'volume-action', volume_id: id } : null;
    default:
      return null;
  }
}

/** A trailing slash is ignored. */
function trimmed(parts: string[]): string[] {
  return parts.at(-1) === '' ? parts.slice(0, -1) : parts;
}

/** An invalid percent escape stays as it is. */
function decode(part: string): string {
  try {
    return decodeURIComponent(part);
  } catch {
    return part;
  }
}
