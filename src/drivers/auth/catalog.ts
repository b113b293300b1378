import { isObject } from '../../domain/shape.ts';
import { plainText } from '../../network/plain-text.ts';

import type { EndpointInterface } from './auth-settings.ts';

/** Keystone's list of services: pure questions to it. */
export type Catalog = readonly Service[];

export interface Service {
  readonly type: string;
  readonly endpoints: readonly Endpoint[];
}

export interface Endpoint {
  readonly interface: string;
  readonly region: string;
  readonly url: string;
}

/** Where a service is called. */
export interface ServiceRoot {
  /** Without a slash at the end: `/v2/{project_id}/…` is appended. */
  readonly url: string;
  /** The version that the catalog's address carries, if any: `v2`. */
  readonly version?: string;
}

export interface Wanted {
  readonly region: string;
  readonly interface: EndpointInterface;
  readonly projectId: string;
  readonly overrides: ReadonlyMap<string, string>;
}

export type Pick =
  | { readonly kind: 'found'; readonly root: ServiceRoot }
  /** `has`: what the catalog holds of the types asked for, for people. */
  | {
      readonly kind: 'missing';
      readonly types: readonly string[];
      readonly has: readonly string[];
      /** In which regions the service would be found. */
      readonly regions: readonly string[];
      /** By which interfaces it would be found in the region asked for. */
      readonly interfaces: readonly string[];
    };

const VBS_TYPES = ['vbsv2', 'vbs'];
/** Open Telekom Cloud's clients go from the disks' endpoint to the backups' where the catalog lists none. */
const VBS_NEIGHBOURS = ['volumev2', 'evs'];
const EVS_TYPES = ['evs', 'volumev2', 'volumev3', 'block-storage', 'block-store', 'volume'];
const COMPUTE_TYPES = ['compute'];

/** OpenStack's Cinder: disks and backups in one service. Version 2 of it is gone. */
const CINDER_TYPES = ['block-storage', 'block-store', 'volumev3', 'cinder'];

/** The backup service. */
export function findVbs(catalog: Catalog, wanted: Wanted): Pick {
  const own = find(catalog, VBS_TYPES, wanted);
  if (own.kind === 'found') return own;
  const endpoint = endpointOf(catalog, VBS_NEIGHBOURS, wanted);
  const url = endpoint && withHostLabel(endpoint.url, 'evs', 'vbs');
  const root = url === undefined ? undefined : serviceRoot(url, wanted.projectId);
  return root ? { kind: 'found', root } : missing(catalog, [...VBS_TYPES, ...VBS_NEIGHBOURS], wanted);
}

/** The disk service. */
export function findEvs(catalog: Catalog, wanted: Wanted): Pick {
  return find(catalog, EVS_TYPES, wanted);
}

/** Cinder. */
export function findCinder(catalog: Catalog, wanted: Wanted): Pick {
  return find(catalog, CINDER_TYPES, wanted);
}

/** The compute service: only names of servers come from it, so a cloud without it is good, too. */
export function findCompute(catalog: Catalog, wanted: Wanted): Pick {
  return find(catalog, COMPUTE_TYPES, wanted);
}

/** The regions that the catalog's endpoints lie in. */
export function regionsOf(catalog: Catalog): readonly string[] {
  return unique(catalog.flatMap((service) => service.endpoints.map((endpoint) => endpoint.region)));
}

function find(catalog: Catalog, types: readonly string[], wanted: Wanted): Pick {
  const override = types.map((type) => wanted.overrides.get(type.replaceAll('-', '_'))).find(Boolean);
  const url = override ?? endpointOf(catalog, types, wanted)?.url;
  const root = url === undefined ? undefined : serviceRoot(url, wanted.projectId);
  return root ? { kind: 'found', root } : missing(catalog, types, wanted);
}

/** Types in the order of preference, not of the catalog. */
function endpointOf(catalog: Catalog, types: readonly string[], wanted: Wanted): Endpoint | undefined {
  for (const type of types) {
    for (const service of catalog) {
      if (service.type !== type) continue;
      const endpoint = service.endpoints.find(
        (e) => e.interface === wanted.interface && e.region === wanted.region,
      );
      if (endpoint) return endpoint;
    }
  }
  return undefined;
}

function missing(catalog: Catalog, types: readonly string[], wanted: Wanted): Pick {
  const services = catalog.filter((service) => types.includes(service.type));
  return {
    kind: 'missing',
    types,
    has: services.flatMap(({ type, endpoints }) =>
      endpoints.map((e) => `${type} (${e.interface}, region ${e.region})`),
    ),
    regions: regionsOf(services),
    interfaces: unique(
      services.flatMap(({ endpoints }) =>
        endpoints.filter(({ region }) => region === wanted.region).map((endpoint) => endpoint.interface),
      ),
    ),
  };
}

/**
 * An endpoint's address without version and project: it may end in `/{project_id}` or hold the template
 * `$(tenant_id)s`. Undefined when it is no http address.
 */
export function serviceRoot(url: string, projectId: string): ServiceRoot | undefined {
  const filled = url.replace(/[$%]\((tenant_id|project_id)\)s/g, projectId);
  if (!URL.canParse(filled)) return undefined;
  const { protocol, origin, pathname } = new URL(filled);
  if (protocol !== 'http:' && protocol !== 'https:') return undefined;
  const segments = pathname.split('/').filter((segment) => segment !== '');
  if (segments.at(-1) === projectId) segments.pop();
  const version = /^v\d+(\.\d+)?$/.test(segments.at(-1) ?? '') ? segments.pop() : undefined;
  return {
    url: [origin, ...segments].join('/'),
    ...(version === undefined ? {} : { version }),
  };
}

/** The address with one label of its host name exchanged; undefined when the host has no such label. */
function withHostLabel(url: string, label: string, replacement: string): string | undefined {
  if (!URL.canParse(url)) return undefined;
  const parsed = new URL(url);
  const labels = parsed.hostname.split('.');
  const at = labels.indexOf(label);
  if (at < 0) return undefined;
  labels[at] = replacement;
  parsed.hostname = labels.join('.');
  return parsed.href;
}

/** The catalog out of a token's body; entries of another shape are left out: most are of services not used here. */
export function parseCatalog(value: unknown): Catalog {
  return objects(value).flatMap(({ type, endpoints }) =>
    typeof type === 'string' ? [{ type, endpoints: objects(endpoints).flatMap(parseEndpoint) }] : [],
  );
}

function parseEndpoint(value: Readonly<Record<string, unknown>>): Endpoint[] {
  const region = value.region_id ?? value.region;
  return typeof value.url === 'string' && typeof value.interface === 'string' && typeof region === 'string'
    ? [{ url: value.url, interface: value.interface, region }]
    : [];
}

/** Names in a catalog are shown up to so many, each up to so long: it is another's text, and may be 32 MB of it. */
const NAMES_SHOWN = 20;
const NAME_LENGTH_SHOWN = 80;

/** For people: `a, b, c and 7 more`. */
export function namesText(names: readonly string[], separator = ', '): string {
  const shown = names.slice(0, NAMES_SHOWN).map((name) => plainText(name, NAME_LENGTH_SHOWN));
  const rest = names.length - shown.length;
  return `${shown.join(separator)}${rest > 0 ? ` and ${rest} more` : ''}`;
}

function objects(value: unknown): readonly Readonly<Record<string, unknown>>[] {
  return Array.isArray(value) ? value.filter(isObject) : [];
}

function unique(values: readonly string[]): string[] {
  return [...new Set(values)];
}
