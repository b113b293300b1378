import type { SettingsReport } from '../domain/access-report.ts';
import { type CloudProject, canonicalAuthUrl } from '../domain/cloud-project.ts';
import type { Config, HttpSettings } from '../domain/config.ts';
import type { Diagnostic } from '../domain/diagnostic.ts';
import type { Env } from '../domain/env.ts';
import { Failure, unreachable } from '../domain/errors.ts';
import { optional } from '../domain/optional.ts';
import { Secrets } from '../domain/secrets.ts';
import { describeProxy, proxyFromEnv, proxySecrets, proxyVariable } from '../network/proxy.ts';
import { unusablePem } from '../network/unusable-pem.ts';
import {
  certificateUnchecked,
  proxyLoginUnencrypted,
  unencrypted,
  weakenedByNode,
} from '../network/weakened-tls.ts';
import type { ClientTools } from './api-client.ts';
import { openAccess } from './auth/access.ts';
import { SET_CLOCK } from './auth/auth-failures.ts';
import type { CloudSettings } from './auth/auth-settings.ts';
import { authorizedHttp } from './auth/authorized-http.ts';
import type { EndpointFilter } from './auth/catalog.ts';
import { type CertificateName, readCertificate, refuseUnusable } from './auth/certificates.ts';
import { CloudClock, SKEW_WARNING_MS, skewText } from './auth/cloud-clock.ts';
import { cloudFiles, readCredentials, type SettingsOptions } from './auth/credentials.ts';
import { inspectCloud, resolveCloud } from './auth/resolve-settings.ts';
import { CinderDriver } from './cinder.ts';
import type { Driver } from './driver.ts';
import {
  chooseRegion,
  type Endpoints,
  endpointsText,
  findEndpoints,
  needsCatalog,
  refuseUnencrypted,
} from './endpoints.ts';
import { createAxiosHttp } from './http/axios-http.ts';
import { uncompressedHttp } from './http/body-limits.ts';
import { Budget } from './http/budget.ts';
import type { Http } from './http/exchange.ts';
import { maskedHttp } from './http/masked-http.ts';
import { ReadLimits } from './http/read-limits.ts';
import type { RetryTools } from './http/read-retry.ts';
import { ThrottledHttp } from './http/throttled-http.ts';
import { slowdownNote } from './slowdown-note.ts';
import { IGNORE_STEPS, type StepListener } from './steps.ts';
import { VbsDriver } from './vbs.ts';

/** Start here: how to connect to a cloud (`openCloud`). */
export interface ConnectOptions extends RetryTools, SettingsOptions {
  /** The working directory. */
  readonly cwd: string;
  readonly home: string;
  readonly http: HttpSettings;
  readonly requestsPerSecond: number;
  /** The version of vbsctl. */
  readonly version: string;
  /** Default `vbs`. `auto` takes the API that the catalog has, VBS first. */
  readonly api?: Config['api'];
  /** Aborts `openCloud`, and every read that has no signal of its own, with its reason. */
  readonly stop?: AbortSignal;
  /** Called with notes: what vbsctl chose because no setting decides it, warnings, and pauses. */
  readonly onNote?: (note: Diagnostic) => void;
  /** Identifies the target in place of its auth URL, if the URL is different each time (emulator). */
  readonly targetAuthUrl?: string;
  /** Learns the time of the cloud. Default: a new clock. */
  readonly cloudClock?: CloudClock;
  /** Collects the texts that must not be shown. Default: the secrets of this connection alone. */
  readonly secrets?: Secrets;
  /** Replaces the network, for simulations. */
  readonly network?: Http;
}

/** An open connection to a cloud, and what is known about its credential and settings. */
export interface OpenCloud {
  readonly driver: Driver;
  readonly settings: CloudSettings;
  /** When the token ends without renewal, by our clock, epoch ms. Absent: it can be renewed. */
  readonly expiresAtMs?: number;
  readonly cloudClock: CloudClock;
}

/** Warns if the clock of this machine is so wrong that times in declarations may select other backups than intended. */
export function skewWarning({ aheadMs = 0 }: CloudClock): Diagnostic | undefined {
  if (Math.abs(aheadMs) < SKEW_WARNING_MS) return undefined;
  return {
    severity: 'warning',
    code: 'clock-skew',
    summary: skewText(aheadMs),
    detail:
      'Restores are judged by the clock of the cloud, but valid_until, as_of: latest and max_backup_age by this one.',
    remedy: SET_CLOCK,
  };
}

/**
 * Authenticates, finds the endpoints and opens the driver. Reports each step. Throws a Failure: `invalid` if settings are
 * incomplete or wrong, `cloud` if the cloud or the network refuses or fails.
 */
export async function openCloud(
  options: ConnectOptions,
  steps: StepListener = IGNORE_STEPS,
): Promise<OpenCloud> {
  steps.begin('settings');
  const { secrets = new Secrets() } = options;
  secrets.add(...(await readCredentials(options)), ...proxySecrets(options.env));
  const settings = await findSettings(options);
  const network = options.network ?? createAxiosHttp(await networkSettings(options, settings));
  steps.authenticatingWith(settings.auth.type);
  steps.done(settings.source);

  const { retry, clock, random, stop, api = 'vbs', onNote = () => {} } = options;
  const { cloudClock = new CloudClock(clock) } = options;
  const http = new ThrottledHttp({
    http: authorizedHttp(maskedHttp(uncompressedHttp(network), secrets), cloudClock),
    budget: new Budget(options.requestsPerSecond, clock),
    clock,
    retry,
  });
  http.onSlowdown((slowdown) => {
    const note = slowdownNote(slowdown, clock.now());
    if (note) onNote(note);
  });
  const tools = { http, retry, clock, random, limits: new ReadLimits(options.http) };
  const filterFor = (region: string, projectId: string): EndpointFilter => ({
    region,
    interface: settings.interface,
    projectId,
    overrides: settings.endpoint_overrides,
  });
  const access = await openAccess({
    settings,
    needsCatalog: (projectId) => needsCatalog(api, filterFor(settings.region ?? '', projectId)),
    tools: { ...tools, cloudClock },
    steps,
    signal: stop,
  });
  const { session, project, catalog } = access;

  steps.begin('region');
  // With an endpoint override for each service, the catalog does not matter.
  const givenRegion = settings.region;
  const overridden = givenRegion !== undefined && !needsCatalog(api, filterFor(givenRegion, project.id));
  const region = overridden ? givenRegion : chooseRegion(catalog, settings);
  steps.done(overridden ? `${region}, as the settings say` : region);
  steps.begin('endpoints');
  const endpoints = findEndpoints(api, catalog, filterFor(region, project.id), settings, onNote);
  refuseUnencrypted(endpoints, settings, options.env, onNote);
  steps.done(endpointsText(endpoints));
  const target = {
    auth_url: options.targetAuthUrl ?? canonicalAuthUrl(settings.auth_url),
    region,
    project_id: project.id,
    ...optional('project_name', project.name),
  };
  return {
    settings,
    driver: driverOf(endpoints, { ...tools, session, target, ...optional('stop', stop) }),
    ...optional('expiresAtMs', access.expiresAtMs),
    cloudClock,
  };
}

function driverOf(endpoints: Endpoints, tools: ClientTools & { readonly target: CloudProject }): Driver {
  switch (endpoints.api) {
    case 'vbs':
      return new VbsDriver({ ...tools, ...endpoints });
    case 'cinder':
      return new CinderDriver({ ...tools, ...endpoints });
    default:
      return unreachable(endpoints);
  }
}

async function findSettings(options: ConnectOptions): Promise<CloudSettings> {
  const files = await cloudFiles(options);
  const settings = resolveCloud({ ...options, files });
  const { clouds, shadowed } = files;
  if (clouds && shadowed !== undefined && settings.checkout !== undefined)
    options.onNote?.({
      severity: 'note',
      code: 'clouds-yaml-shadowed',
      summary: `the cloud is that of ${clouds.path} in the working directory, not of ${shadowed.path}`,
    });
  return settings;
}

/** The settings that `openCloud` would use, and the source of each. Throws a Failure if nothing names a cloud. */
export async function inspectSettings(options: SettingsOptions): Promise<SettingsReport> {
  const report = inspectCloud({ ...options, files: await cloudFiles(options) });
  const authUrl = report.values.find(({ key }) => key === 'auth_url')?.value;
  const proxy = authUrl === undefined ? undefined : describeProxy(options.env, authUrl);
  return proxy
    ? { ...report, values: [...report.values, { key: 'proxy', secret: false, ...proxy }] }
    : report;
}

async function networkSettings(options: ConnectOptions, settings: CloudSettings) {
  const { http, version, onNote } = options;
  const { cert, key, insecure, source, namesOf } = settings;
  for (const warning of weakenedTls(options.env, settings)) onNote?.(warning);
  if (key !== undefined && cert === undefined)
    throw Failure.of('invalid', 'key-without-cert', 'key is given, but no cert', {
      detail: `Settings: ${source}.`,
      remedy: `set ${namesOf('cert')}, too`,
    });
  const read = (name: CertificateName) =>
    readCertificate(name, settings, { ...options, signal: options.stop });
  const tls = {
    ...optional('ca', await read('cacert')),
    ...optional('cert', await read('cert')),
    // Some users keep certificate and key in one file.
    ...optional('key', await read(key === undefined ? 'cert' : 'key')),
  };
  refuseUnusable(unusablePem(tls), settings);
  return { ...http, version, proxyFor: proxyFromEnv(options.env), ...tls, ...optional('insecure', insecure) };
}

/** Warns of each setting that weakens the protection of credentials on the way to Keystone. */
function weakenedTls(env: Env, { auth_url, insecure, source, namesOf }: CloudSettings): Diagnostic[] {
  const { protocol, hostname, port } = new URL(auth_url);
  const variable = protocol === 'https:' ? proxyVariable(env) : undefined;
  return [
    ...weakenedByNode(env),
    insecure &&
      certificateUnchecked(
        'the cloud',
        source,
        `name the PEM file of its authority instead: ${namesOf('cacert')}`,
      ),
    unencrypted('Keystone', auth_url, source, `use an https:// address: ${namesOf('auth_url')}`),
    variable && proxyLoginUnencrypted(proxyFromEnv(env)(hostname, Number(port || 443)), variable),
  ].filter((warning) => typeof warning === 'object');
}
