import { readFile } from 'node:fs/promises';
import { resolve } from 'node:path';
import type { CloudFailure } from '../domain/cloud.ts';
import type { Config, HttpSettings } from '../domain/config.ts';
import { type Diagnostic, error } from '../domain/diagnostic.ts';
import { Failure, unreachable } from '../domain/errors.ts';
import { optional } from '../domain/record.ts';
import { canonicalAuthUrl } from '../domain/target.ts';
import { authorizedHttp } from './auth/authorized-http.ts';
import {
  type Catalog,
  findCinder,
  findCompute,
  findEvs,
  findVbs,
  type Pick,
  regionsOf,
  type ServiceRoot,
  type Wanted,
} from './auth/catalog.ts';
import { CloudClock } from './auth/cloud-clock.ts';
import { NO_FILES, readCloudFiles } from './auth/cloud-files.ts';
import { KeystoneSession, type Token } from './auth/keystone.ts';
import { namedCloud, resolveCloud } from './auth/resolve.ts';
import type { Auth, CloudSettings, Env } from './auth/settings.ts';
import { CinderDriver } from './cinder.ts';
import type { Driver } from './driver.ts';
import { createAxiosHttp } from './http/axios-http.ts';
import { Budget } from './http/budget.ts';
import type { Http } from './http/exchange.ts';
import { UNTRUSTED_CERTIFICATE } from './http/network-errors.ts';
import { proxyFromEnv } from './http/proxy.ts';
import type { RetryTools } from './http/retry.ts';
import { Wire } from './http/wire.ts';
import { VbsDriver } from './vbs.ts';

/** Start here: the door to a cloud. */
export interface ConnectOptions extends RetryTools {
  /** An entry of clouds.yaml; absent: `OS_CLOUD`, else the `OS_*` variables. */
  readonly cloudName?: string | undefined;
  readonly env: Env;
  /** Where clouds.yaml may lie; absent: a pull request can write there. */
  readonly cwd?: string;
  readonly home: string;
  readonly http: HttpSettings;
  readonly requestsPerSecond: number;
  /** Of vbsctl. */
  readonly version: string;
  /** Default `vbs`. `auto` takes what the catalog has, VBS first. */
  readonly api?: Config['api'];
  /** Aborted: reads that were given no signal of their own end with its reason, and so does `connect` itself. */
  readonly stop?: AbortSignal;
  /** Told what was decided that nobody wrote down, for people. */
  readonly onNote?: (note: Diagnostic) => void;
  /** What the target is called in place of its auth URL, where that is another one each time (emulator). */
  readonly boundTo?: string;
  /** In place of the network, for simulations. */
  readonly network?: Http;
}

/**
 * Authenticates, finds the endpoints and hands out the driver. Throws a Failure: `invalid` for settings that
 * are incomplete or wrong, `cloud` for everything that the cloud or the way to it does not allow.
 */
export async function connect(options: ConnectOptions): Promise<Driver> {
  const settings = await findSettings(options);
  const network = options.network ?? createAxiosHttp(await networkSettings(options, settings));
  const { retry, clock, random, stop } = options;
  const cloudClock = new CloudClock(clock);
  const wire = new Wire(authorizedHttp(network, cloudClock), new Budget(options.requestsPerSecond, clock));
  const session = new KeystoneSession(settings.auth_url, settings.auth, { wire, retry, clock, random });
  const authenticated = await session.authenticate(stop);
  if (authenticated.kind === 'failed') throw notAuthenticated(authenticated.failure, settings);
  const token = authenticated.value;
  const project = projectOf(token, settings);
  const region = regionOf(token.catalog, settings);
  const wanted: Wanted = {
    region,
    interface: settings.interface,
    projectId: project.id,
    overrides: settings.endpoint_overrides,
  };
  const compute = findCompute(token.catalog, wanted);
  const tools = {
    wire,
    session,
    retry,
    clock,
    random,
    ...optional('stop', stop),
    ...(compute.kind === 'found' ? { compute: compute.root } : {}),
    target: {
      auth_url: options.boundTo ?? canonicalAuthUrl(settings.auth_url),
      region,
      project_id: project.id,
      ...optional('project_name', project.name),
    },
  };
  const api = apiOf(options, token.catalog, wanted);
  const root = (service: Service) => rootOf(SERVICES[service], token.catalog, wanted, settings);
  switch (api) {
    case 'vbs':
      return new VbsDriver({ ...tools, vbs: root('vbs'), evs: root('evs') });
    case 'cinder':
      return new CinderDriver({ ...tools, cinder: root('cinder') });
    case 'cbr':
      throw new Failure(
        'usage',
        error('api-not-built', 'api: cbr is not there yet', {
          remedy: 'use api: vbs, cinder or auto in vbsctl.yaml',
        }),
      );
    default:
      return unreachable(api);
  }
}

/** The API to speak. Where both are there, VBS: its jobs tell more than Cinder's statuses. */
function apiOf(
  { api = 'vbs', onNote }: ConnectOptions,
  catalog: Catalog,
  wanted: Wanted,
): Exclude<Config['api'], 'auto'> {
  if (api !== 'auto') return api;
  const chosen = (['vbs', 'cinder'] as const).find(
    (service) => SERVICES[service].find(catalog, wanted).kind === 'found',
  );
  if (chosen)
    onNote?.({
      severity: 'note',
      code: 'api-picked',
      summary: `api: auto picked ${chosen}, the ${SERVICES[chosen].what} of the catalog`,
    });
  // Without either, the refusal for VBS says what the catalog has.
  return chosen ?? 'vbs';
}

type Service = 'vbs' | 'evs' | 'cinder';

const SERVICES: Readonly<
  Record<
    Service,
    {
      readonly find: (catalog: Catalog, wanted: Wanted) => Pick;
      readonly what: string;
      /** As in `vbs_endpoint_override`. */
      readonly override: string;
    }
  >
> = {
  vbs: { find: findVbs, what: 'backup service (VBS)', override: 'vbs' },
  evs: { find: findEvs, what: 'disk service (EVS)', override: 'evs' },
  cinder: { find: findCinder, what: 'block storage (Cinder)', override: 'block_storage' },
};

async function findSettings({ cloudName, env, cwd, home }: ConnectOptions): Promise<CloudSettings> {
  // Files that nobody names must not stand in the way of the variables.
  const named = namedCloud(cloudName, env) !== undefined;
  const files = named ? await readCloudFiles({ env, ...optional('cwd', cwd), home }) : NO_FILES;
  return resolveCloud({ cloudName, env, files });
}

async function networkSettings(options: ConnectOptions, settings: CloudSettings) {
  const { http, version, onNote } = options;
  const { cacert, cert, key, insecure, source } = settings;
  if (insecure)
    onNote?.({
      severity: 'warning',
      code: 'insecure',
      summary: 'the certificate of the cloud is not checked',
      detail: `Whoever sits on the way can read the password, and can answer in the cloud’s place. Settings: ${source}.`,
      remedy: 'name the PEM file of its authority instead: OS_CACERT, or cacert in clouds.yaml',
    });
  if (key !== undefined && cert === undefined)
    throw new Failure(
      'invalid',
      error('key-without-cert', 'key is given, but no cert', {
        detail: `Settings: ${source}.`,
        remedy: 'set OS_CERT, too (cert in clouds.yaml)',
      }),
    );
  const read = (name: string, path: string | undefined) => readPem(name, path, options, source);
  return {
    ...http,
    version,
    proxyFor: proxyFromEnv(options.env),
    ...optional('ca', await read('cacert', cacert)),
    ...optional('cert', await read('cert', cert)),
    // Some keep both in one file.
    ...optional('key', await read('key', cert === undefined ? undefined : (key ?? cert))),
    ...optional('insecure', insecure),
  };
}

/** `~` and relative paths as openstacksdk takes them. */
async function readPem(
  name: string,
  path: string | undefined,
  { home, cwd }: ConnectOptions,
  source: string,
): Promise<string | undefined> {
  if (path === undefined) return undefined;
  try {
    return await readFile(resolve(cwd ?? '', path.replace(/^~(?=\/)/, home)), 'utf8');
  } catch (cause) {
    const { code = 'UNKNOWN' } = cause as NodeJS.ErrnoException;
    throw new Failure(
      'invalid',
      error(`unreadable-${name}`, `${name} ${path} cannot be read (${code})`, {
        detail: `It is named by ${source}.`,
        remedy: `correct OS_${name.toUpperCase()}, or ${name} in clouds.yaml`,
      }),
    );
  }
}

function projectOf(token: Token, { source }: CloudSettings): NonNullable<Token['project']> {
  if (token.project) return token.project;
  throw cloudFailure('unscoped-token', 'the token belongs to no project', {
    detail: `Settings: ${source}.`,
    remedy:
      'name the project: OS_PROJECT_ID or OS_PROJECT_NAME, or project_name under "auth:" in clouds.yaml',
  });
}

/** The one named; or the only one there is. */
function regionOf(catalog: Catalog, { region, source }: CloudSettings): string {
  if (region !== undefined) return region;
  const regions = regionsOf(catalog);
  const [only] = regions;
  if (only !== undefined && regions.length === 1) return only;
  throw cloudFailure('no-region', 'no region is named', {
    detail: `The catalog has: ${regions.join(', ') || 'no region at all'}. Settings: ${source}.`,
    remedy: 'set OS_REGION_NAME, or region_name in clouds.yaml',
  });
}

function rootOf(
  { find, what, override }: (typeof SERVICES)[Service],
  catalog: Catalog,
  wanted: Wanted,
  settings: CloudSettings,
): ServiceRoot {
  const pick = find(catalog, wanted);
  if (pick.kind === 'found') return pick.root;
  const elsewhere = pick.regions.length > 0 && !pick.regions.includes(wanted.region);
  // A cloud that has Cinder and no VBS is no Open Telekom Cloud, but can be restored in all the same.
  const cinder = find === findVbs && findCinder(catalog, wanted).kind === 'found';
  throw cloudFailure(
    'no-endpoint',
    `the catalog has no ${wanted.interface} endpoint of the ${what} in region ${wanted.region}`,
    {
      detail: `Looked for ${pick.types.join(', ')}; it has: ${pick.has.join(', ') || 'none of them'}. Settings: ${settings.source}.`,
      remedy: elsewhere
        ? `set OS_REGION_NAME (region_name in clouds.yaml) to ${pick.regions.join(' or ')}`
        : cinder
          ? 'it has Cinder: set "api: cinder" (or auto) in vbsctl.yaml'
          : `set OS_${override.toUpperCase()}_ENDPOINT_OVERRIDE (${override}_endpoint_override in clouds.yaml)`,
    },
  );
}

function notAuthenticated(failure: CloudFailure, settings: CloudSettings): Failure {
  const at = canonicalAuthUrl(settings.auth_url);
  const detail = [
    failure.message,
    ...(failure.request_id === undefined ? [] : [`request id ${failure.request_id}`]),
    `settings: ${settings.source}`,
  ].join('; ');
  switch (failure.cause) {
    case 'no_connection':
      return UNTRUSTED_CERTIFICATE.has(failure.code ?? '')
        ? cloudFailure('certificate-not-trusted', `the certificate of ${at} is not trusted`, {
            detail,
            remedy: 'name the PEM file of its authority: OS_CACERT, or cacert in clouds.yaml',
          })
        : cloudFailure('cloud-unreachable', `no connection to ${at}`, {
            detail,
            remedy: failure.code?.startsWith('PROXY_')
              ? 'check HTTPS_PROXY (http://user:password@host:port), or leave the cloud out of it: NO_PROXY'
              : 'check OS_AUTH_URL (auth_url in clouds.yaml) and the network',
          });
    case 'connection_lost':
    case 'timeout':
    case 'crashed':
      return cloudFailure('cloud-unreachable', `${at} did not answer`, { detail, remedy: 'try again later' });
    case 'unreadable':
      return cloudFailure('not-keystone', `${at} does not answer like Keystone v3`, {
        detail,
        remedy: 'check OS_AUTH_URL (auth_url in clouds.yaml): it mostly ends in /v3',
      });
    case 'status':
      return refusedBy(at, failure, detail, settings.auth);
    default:
      return unreachable(failure.cause);
  }
}

function refusedBy(at: string, failure: CloudFailure, detail: string, auth: Auth): Failure {
  const { status = 0 } = failure;
  if (status === 401 || status === 403)
    return cloudFailure('not-authenticated', `${at} refused the ${CREDENTIALS[auth.type].what}`, {
      detail,
      remedy: `check ${CREDENTIALS[auth.type].where}`,
    });
  if (status >= 500 || status === 429 || status === 408)
    return cloudFailure('cloud-unavailable', `${at} cannot give a token now (HTTP ${status})`, {
      detail,
      remedy: 'try again later',
    });
  return cloudFailure('not-keystone', `${at} gave no token (HTTP ${status})`, {
    detail,
    remedy: 'check OS_AUTH_URL (auth_url in clouds.yaml): it mostly ends in /v3',
  });
}

const CREDENTIALS: Readonly<Record<Auth['type'], { readonly what: string; readonly where: string }>> = {
  password: {
    what: 'user name, password or project',
    where: 'OS_USERNAME, OS_PASSWORD, OS_USER_DOMAIN_NAME and OS_PROJECT_NAME, or "auth:" in clouds.yaml',
  },
  token: {
    what: 'token; it may have expired',
    where: 'OS_TOKEN, or token under "auth:" in clouds.yaml',
  },
  application_credential: {
    what: 'application credential',
    where: 'OS_APPLICATION_CREDENTIAL_ID and OS_APPLICATION_CREDENTIAL_SECRET, or "auth:" in clouds.yaml',
  },
};

function cloudFailure(code: string, summary: string, more: { detail: string; remedy: string }): Failure {
  return new Failure('cloud', error(code, summary, more));
}
