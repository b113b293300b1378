import type { Config } from '../domain/config.ts';
import type { Diagnostic } from '../domain/diagnostic.ts';
import type { Env } from '../domain/env.ts';
import { unreachable } from '../domain/errors.ts';
import { quoted } from '../domain/escape/quoted.ts';
import { shellWord } from '../domain/escape/shell-word.ts';
import { printableText } from '../network/message-text.ts';
import { isLoopback, unencrypted } from '../network/weakened-tls.ts';
import { cloudFailure } from './auth/auth-failures.ts';
import type { CloudSettings } from './auth/auth-settings.ts';
import {
  type Catalog,
  type EndpointChoice,
  type EndpointFilter,
  findCinder,
  findCompute,
  findEvs,
  findVbs,
  joinNames,
  regionsOf,
  type ServiceRoot,
} from './auth/catalog.ts';
import { OVERRIDE_SUFFIX } from './auth/source.ts';

/** The URLs of the services of one API. */
export type Endpoints = {
  /** For the names of servers. Not every cloud has it. */
  readonly compute?: ServiceRoot;
} & (
  | { readonly api: 'vbs'; readonly vbs: ServiceRoot; readonly evs: ServiceRoot }
  | { readonly api: 'cinder'; readonly cinder: ServiceRoot }
);

/**
 * Finds the endpoints of the requested API, or of the one that the catalog has. Throws a Failure that names what the
 * catalog has instead.
 */
export function findEndpoints(
  configured: Config['api'],
  catalog: Catalog,
  filter: EndpointFilter,
  settings: CloudSettings,
  onNote: (note: Diagnostic) => void,
): Endpoints {
  const root = (service: ServiceName) => rootOf(service, catalog, filter, settings);
  const compute = findCompute(catalog, filter);
  const computeRoot = compute.kind === 'found' ? { compute: compute.root } : {};
  const api = configured === 'auto' ? chooseApi(catalog, filter, onNote) : configured;
  switch (api) {
    case 'vbs':
      return { api, vbs: root('vbs'), evs: root('evs'), ...computeRoot };
    case 'cinder':
      return { api, cinder: root('cinder'), ...computeRoot };
    default:
      return unreachable(api);
  }
}

/** For people: `vbs https://…, evs https://…`. */
export function endpointsText({ api: _, compute: __, ...roots }: Endpoints): string {
  return Object.entries(roots)
    .map(([service, { url }]) => `${service} ${printableText(url)}`)
    .join(', ');
}

/** Hosts that tokens may be sent to over plain HTTP. Only the environment can set it, so only the operator can. */
const PLAIN_HTTP_HOSTS = 'VBSCTL_PLAIN_HTTP_HOSTS';

/**
 * A token (or signature) that belongs to a Keystone with TLS must not be sent without TLS. Throws a Failure for an
 * endpoint with http:// if Keystone has https://, unless VBSCTL_PLAIN_HTTP_HOSTS names its host, or both are on this machine: a
 * Keystone elsewhere does not know who listens here. Warns of every other endpoint that is not encrypted.
 */
export function refuseUnencrypted(
  { api: _, ...roots }: Endpoints,
  { auth_url, source, namesOf }: CloudSettings,
  env: Env,
  onNote: (note: Diagnostic) => void,
): void {
  const allowed = (env[PLAIN_HTTP_HOSTS] ?? '').toLowerCase().split(/[\s,]+/);
  const keystone = new URL(auth_url);
  const warned = new Set([keystone.host]);
  for (const [service, { url }] of Object.entries(roots)) {
    const { protocol, host, hostname } = new URL(url);
    if (protocol === 'https:' || (isLoopback(hostname) && isLoopback(keystone.hostname))) continue;
    if (keystone.protocol === 'https:' && !allowed.includes(host) && !allowed.includes(hostname))
      throw cloudFailure(
        'unencrypted-endpoint',
        `the ${service} endpoint ${printableText(url)} is not encrypted, but Keystone is`,
        {
          detail: `Anyone on the network path could read the token and use it. Settings: ${source}.`,
          remedy: `ask the cloud’s operator for an https endpoint, or name one: ${namesOf(overrideOf(service))}; to accept the risk for this host: export ${PLAIN_HTTP_HOSTS}=${shellWord(host)}`,
        },
      );
    if (warned.has(host)) continue;
    warned.add(host);
    const warning = unencrypted(
      `the ${service} endpoint`,
      url,
      source,
      'ask the cloud’s operator for an https endpoint',
    );
    if (warning) onNote(warning);
  }
}

/** The setting that names the endpoint of the service: `vbs_endpoint_override`. */
export function overrideOf(service: string): string {
  return `${service === 'compute' ? service : SERVICES[service as ServiceName].type}${OVERRIDE_SUFFIX}`;
}

/** Whether an endpoint of the API must come from the catalog, because the settings do not name it. */
export function needsCatalog(api: Config['api'], filter: EndpointFilter): boolean {
  const found = (service: ServiceName) => SERVICES[service].find([], filter).kind === 'found';
  switch (api) {
    case 'vbs':
      return !found('vbs') || !found('evs');
    case 'cinder':
      return !found('cinder');
    // The catalog decides.
    case 'auto':
      return true;
    default:
      return unreachable(api);
  }
}

/** The API to use. If both exist, VBS: its jobs report more than the statuses of Cinder. */
function chooseApi(
  catalog: Catalog,
  filter: EndpointFilter,
  onNote: (note: Diagnostic) => void,
): 'vbs' | 'cinder' {
  const chosen = (['vbs', 'cinder'] as const).find(
    (service) => SERVICES[service].find(catalog, filter).kind === 'found',
  );
  if (chosen)
    onNote({
      severity: 'note',
      code: 'api-picked',
      summary: `api: auto picked ${chosen}, the ${SERVICES[chosen].what} of the catalog`,
    });
  // If the catalog has neither, the failure for VBS names what the catalog has.
  return chosen ?? 'vbs';
}

type ServiceName = 'vbs' | 'evs' | 'cinder';

const SERVICES: Readonly<
  Record<
    ServiceName,
    {
      readonly find: (catalog: Catalog, filter: EndpointFilter) => EndpointChoice;
      readonly what: string;
      /** The service type in `vbs_endpoint_override`. */
      readonly type: string;
    }
  >
> = {
  vbs: { find: findVbs, what: 'backup service (VBS)', type: 'vbs' },
  evs: { find: findEvs, what: 'disk service (EVS)', type: 'evs' },
  cinder: { find: findCinder, what: 'block storage (Cinder)', type: 'block_storage' },
};

/** The named region, or the only one. Throws a Failure for one that the catalog does not have. */
export function chooseRegion(catalog: Catalog, { region, source, namesOf }: CloudSettings): string {
  const regions = regionsOf(catalog);
  if (region !== undefined) {
    // Without regions, the search for the endpoints explains the catalog.
    if (regions.length === 0 || regions.includes(region)) return region;
    throw cloudFailure('unknown-region', `the catalog has no region ${quoted(region)}`, {
      detail: `It has: ${joinNames(regions)}. Settings: ${source}.`,
      remedy: `set ${namesOf('region_name')} to ${joinNames(regions.map(quoted), ' or ')}`,
    });
  }
  const [only] = regions;
  if (only !== undefined && regions.length === 1) return only;
  throw cloudFailure('no-region', 'no region is configured', {
    detail: `The catalog has: ${joinNames(regions) || 'no region at all'}. Settings: ${source}.`,
    remedy: `set ${namesOf('region_name')}`,
  });
}

function rootOf(
  service: ServiceName,
  catalog: Catalog,
  filter: EndpointFilter,
  settings: CloudSettings,
): ServiceRoot {
  const { find, what } = SERVICES[service];
  const choice = find(catalog, filter);
  if (choice.kind === 'found') return choice.root;
  const has =
    catalog.length === 0 ? 'the catalog is empty' : `it has: ${joinNames(choice.has) || 'none of them'}`;
  throw cloudFailure(
    'no-endpoint',
    `the catalog has no ${filter.interface} endpoint of the ${what} in region ${filter.region}`,
    {
      detail: `Looked for ${choice.types.join(', ')}; ${has}. Settings: ${settings.source}.`,
      remedy: endpointRemedy(choice, service, catalog, filter, settings),
    },
  );
}

function endpointRemedy(
  { regions, interfaces }: Extract<EndpointChoice, { kind: 'missing' }>,
  service: ServiceName,
  catalog: Catalog,
  filter: EndpointFilter,
  { namesOf }: CloudSettings,
): string {
  if (regions.length > 0 && !regions.includes(filter.region))
    return `set ${namesOf('region_name')} to ${joinNames(regions.map(quoted), ' or ')}`;
  if (interfaces.length > 0 && !interfaces.includes(filter.interface))
    return `set ${namesOf('interface')} to ${joinNames(interfaces.map(quoted), ' or ')}`;
  // A cloud with Cinder and without VBS is not Open Telekom Cloud, but restores work there, too.
  if (service === 'vbs' && findCinder(catalog, filter).kind === 'found')
    return 'it has Cinder: set "api: cinder" (or auto) in vbsctl.yaml';
  const named = `set ${namesOf(overrideOf(service))}`;
  return catalog.length === 0
    ? `check the user’s rights in the project, which an empty catalog mostly comes from; or ${named}`
    : named;
}
