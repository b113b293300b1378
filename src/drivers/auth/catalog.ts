import { optional } from '../../domain/optional.ts';
import { isObject } from '../../domain/shape.ts';
import { printableText } from '../../network/message-text.ts';
import type { EndpointInterface } from './auth-settings.ts';

/** Keystone's list of services. The functions here are pure. */
export type Catalog = readonly CatalogService[];

interface CatalogService {
  readonly type: string;
  readonly endpoints: readonly Endpoint[];
}

interface Endpoint {
  readonly interface: string;
  readonly region: string;
  readonly url: string;
}

/** The URL of a service. */
export interface ServiceRoot {
  /** Without a trailing slash: `/v2/{project_id}/…` is appended. */
  readonly url: string;
  /** The version in the URL of the catalog, if any: `v2`. */
  readonly version?: string;
}

/** Which endpoint of a service to use. */
export interface EndpointFilter {
  readonly region: string;
  readonly interface: EndpointInterface;
  readonly projectId: string;
  /** URLs from the settings, by service type; they replace those of the catalog. */
  readonly overrides: ReadonlyMap<string, string>;
}

/** The result of the search for an endpoint. */
export type EndpointChoice =
  | { readonly kind: 'found'; readonly root: ServiceRoot }
  /** `has`: for people, what the catalog has of the requested types. */
  | {
      readonly kind: 'missing';
      readonly types: readonly string[];
      readonly has: readonly string[];
      /** The regions in which the catalog has the service. */
      readonly regions: readonly string[];
      /** The interfaces that the catalog has for the service in the requested region. */
      readonly interfaces: readonly string[];
    };

const VBS_TYPES = ['vbsv2', 'vbs'];
/**
 * If the catalog has no endpoint for backups, the clients of Open Telekom Cloud derive it from that of the volumes. Elsewhere,
 * the derived host could be anybody's, and would get the token.
 */
const VBS_DERIVED_FROM = ['volumev2', 'evs'];
const EVS_HOST_OF_OTC = /^evs\.(?=[a-z0-9.-]+\.otc\.t-systems\.com$)/;
const EVS_TYPES = ['evs', 'volumev2', 'volumev3', 'block-storage', 'block-store', 'volume'];
const COMPUTE_TYPES = ['compute'];

/** OpenStack's Cinder: volumes and backups in one service. Its version 2 no longer exists. */
const CINDER_TYPES = ['block-storage', 'block-store', 'volumev3', 'cinder'];

/** Finds the backup service. */
export function findVbs(catalog: Catalog, filter: EndpointFilter): EndpointChoice {
  const own = find(catalog, VBS_TYPES, filter);
  if (own.kind === 'found') return own;
  const endpoint = endpointOf(catalog, VBS_DERIVED_FROM, filter);
  const url = endpoint && besideEvs(endpoint.url);
  const root = url === undefined ? undefined : serviceRoot(url, filter.projectId);
  return root ? { kind: 'found', root } : missing(catalog, [...VBS_TYPES, ...VBS_DERIVED_FROM], filter);
}

/** Finds the volume service. */
export function findEvs(catalog: Catalog, filter: EndpointFilter): EndpointChoice {
  return find(catalog, EVS_TYPES, filter);
}

/** Finds Cinder. */
export function findCinder(catalog: Catalog, filter: EndpointFilter): EndpointChoice {
  return find(catalog, CINDER_TYPES, filter);
}

/** Finds the compute service. It is optional, because only names of servers come from it. */
export function findCompute(catalog: Catalog, filter: EndpointFilter): EndpointChoice {
  return find(catalog, COMPUTE_TYPES, filter);
}

/** The regions of the catalog's endpoints. */
export function regionsOf(catalog: Catalog): readonly string[] {
  return unique(catalog.flatMap((service) => service.endpoints.map((endpoint) => endpoint.region)));
}

function find(catalog: Catalog, types: readonly string[], filter: EndpointFilter): EndpointChoice {
  const override = types.map((type) => filter.overrides.get(type.replaceAll('-', '_'))).find(Boolean);
  const url = override ?? endpointOf(catalog, types, filter)?.url;
  const root = url === undefined ? undefined : serviceRoot(url, filter.projectId);
  return root ? { kind: 'found', root } : missing(catalog, types, filter);
}

/** Finds an endpoint in the order of `types`, not in that of the catalog. */
function endpointOf(
  catalog: Catalog,
  types: readonly string[],
  filter: EndpointFilter,
): Endpoint | undefined {
  for (const type of types) {
    for (const service of catalog) {
      if (service.type !== type) continue;
      const endpoint = service.endpoints.find(
        (e) => e.interface === filter.interface && e.region === filter.region,
      );
      if (endpoint) return endpoint;
    }
  }
  return undefined;
}

function missing(catalog: Catalog, types: readonly string[], filter: EndpointFilter): EndpointChoice {
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
        endpoints.filter(({ region }) => region === filter.region).map((endpoint) => endpoint.interface),
      ),
    ),
  };
}

/**
 * The URL of an endpoint without version and project: it may end in `/{project_id}` or contain the template
 * `$(tenant_id)s`. Undefined if it is not an http URL.
 */
export function serviceRoot(url: string, projectId: string): ServiceRoot | undefined {
  const filled = url.replace(/[$%]\((tenant_id|project_id)\)s/g, projectId);
  if (!URL.canParse(filled)) return undefined;
  const { protocol, origin, pathname } = new URL(filled);
  if (protocol !== 'http:' && protocol !== 'https:') return undefined;
  const segments = pathname.split('/').filter((segment) => segment !== '');
  if (segments.at(-1) === projectId) segments.pop();
  const version = /^v\d+(\.\d+)?$/.test(segments.at(-1) ?? '') ? segments.pop() : undefined;
  return { url: [origin, ...segments].join('/'), ...optional('version', version) };
}

/** The URL of VBS of Open Telekom Cloud, from that of its volumes; undefined for another host. */
function besideEvs(url: string): string | undefined {
  if (!URL.canParse(url)) return undefined;
  const parsed = new URL(url);
  if (!EVS_HOST_OF_OTC.test(parsed.hostname)) return undefined;
  parsed.hostname = parsed.hostname.replace(EVS_HOST_OF_OTC, 'vbs.');
  return parsed.href;
}

/**
 * Parses the catalog in the body of a token. Skips entries of another shape: most belong to services that are not used
 * here.
 */
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

/** Maximum number of catalog names in a message. A server wrote the catalog, and may send 32 MB of it. */
const NAMES_SHOWN_MAX = 20;
const NAME_SHOWN_LENGTH_MAX = 80;

/** For people: `a, b, c and 7 more`. */
export function joinNames(names: readonly string[], separator = ', '): string {
  const shown = names.slice(0, NAMES_SHOWN_MAX).map((name) => printableText(name, NAME_SHOWN_LENGTH_MAX));
  const rest = names.length - shown.length;
  return `${shown.join(separator)}${rest > 0 ? ` and ${rest} more` : ''}`;
}

function objects(value: unknown): readonly Readonly<Record<string, unknown>>[] {
  return Array.isArray(value) ? value.filter(isObject) : [];
}

function unique(values: readonly string[]): string[] {
  return [...new Set(values)];
}
