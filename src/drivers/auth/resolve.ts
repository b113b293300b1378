import { type Diagnostic, error } from '../../domain/diagnostic.ts';
import { Failure } from '../../domain/errors.ts';
import { optional } from '../../domain/record.ts';
import { isObject, type JsonObject } from '../http/failures.ts';
import { type CloudFiles, parseCloudFile } from './cloud-files.ts';
import type { Auth, CloudSettings, Domain, EndpointInterface, Env, Named } from './settings.ts';

/**
 * The settings of a cloud: a named one whole from clouds.yaml and secure.yaml, else the `OS_*` variables; the
 * two are never mixed. Pure. Throws a Failure (`invalid`) that names every missing variable or field at once.
 */
export function resolveCloud(from: {
  /** From the config or the command line; wins over `OS_CLOUD`. */
  readonly cloudName?: string | undefined;
  readonly env: Env;
  readonly files: CloudFiles;
}): CloudSettings {
  const name = namedCloud(from.cloudName, from.env);
  const source = name === undefined ? variables(from.env) : entryOf(name, from.files);
  if (name === undefined && source.keys().length === 0) throw noCloud();
  return build(source);
}

/** Nobody said anything: six missing variables would be the wrong answer. */
function noCloud(): Failure {
  return new Failure(
    'invalid',
    error('no-cloud', 'no cloud is named, and no OS_* variable is set', {
      detail: 'To try it without a cloud: --cloud emulator.',
      remedy:
        'name an entry of clouds.yaml: OS_CLOUD, --cloud or "cloud:" in vbsctl.yaml; or set OS_AUTH_URL and the other OS_* variables',
    }),
  );
}

/** The cloud that is named, if any; only then clouds.yaml is asked. */
export function namedCloud(cloudName: string | undefined, env: Env): string | undefined {
  return cloudName ?? nonEmpty(env.OS_CLOUD);
}

/**
 * Where single values come from. Keys are those of clouds.yaml; what stands under `auth:` there and beside it
 * is one name space, as in the `OS_*` variables.
 */
interface Source {
  readonly description: string;
  readonly file?: string;
  get(key: string): string | undefined;
  keys(): readonly string[];
  /** `OS_USERNAME`, or `auth.username`. */
  nameOf(key: string): string;
  /** What to do about a missing key. */
  remedyFor(key: string): string;
}

function variables(env: Env): Source {
  const nameOf = (key: string) => `OS_${key.toUpperCase()}`;
  return {
    description: 'OS_* variables',
    get: (key) => nonEmpty(env[nameOf(key)]),
    keys: () =>
      Object.keys(env)
        .filter((name) => name.startsWith('OS_') && nonEmpty(env[name]) !== undefined)
        .map((name) => name.slice(3).toLowerCase()),
    nameOf,
    remedyFor: (key) =>
      `set ${nameOf(key)}, or name an entry of clouds.yaml: OS_CLOUD, --cloud or "cloud:" in vbsctl.yaml`,
  };
}

function entryOf(name: string, files: CloudFiles): Source {
  if (!files.clouds)
    throw new Failure(
      'invalid',
      error('no-clouds-yaml', `there is no clouds.yaml that could describe the cloud ${name}`, {
        detail: `Looked at: ${files.searched.join(', ')}`,
        remedy: 'write one, or name it with OS_CLIENT_CONFIG_FILE',
      }),
    );
  const { path } = files.clouds;
  const clouds = cloudsIn(parseCloudFile(files.clouds), path);
  const own = clouds[name];
  if (!Object.hasOwn(clouds, name) || !isObject(own))
    throw new Failure(
      'invalid',
      error('unknown-cloud', `there is no cloud ${name} in ${path}`, {
        detail: `It has: ${Object.keys(clouds).join(', ') || 'none'}`,
        remedy: 'use one of these names, or add the cloud',
        where: { file: path },
      }),
    );
  const secret = files.secure ? cloudsIn(parseCloudFile(files.secure), files.secure.path)[name] : undefined;
  // A secure.yaml holds what must not lie open; it wins.
  const values = new Map([...flat(own), ...flat(isObject(secret) ? secret : {})]);
  const nameOf = (key: string) => (BESIDE_AUTH.has(key) ? key : `auth.${key}`);
  return {
    description: `cloud ${name} of ${path}`,
    file: path,
    get: (key) => values.get(key),
    keys: () => [...values.keys()],
    nameOf,
    remedyFor: (key) => `add ${nameOf(key)} to the cloud ${name} in ${path}`,
  };
}

const BESIDE_AUTH: ReadonlySet<string> = new Set([
  'region_name',
  'interface',
  'auth_type',
  'cacert',
  'cert',
  'key',
  'verify',
  'insecure',
]);

function cloudsIn(file: JsonObject, path: string): JsonObject {
  if (isObject(file.clouds)) return file.clouds;
  throw new Failure(
    'invalid',
    error('not-clouds-yaml', `${path} has no "clouds:" with clouds by name`, {
      remedy: 'see https://docs.openstack.org/openstacksdk/latest/user/config/configuration.html',
      where: { file: path },
    }),
  );
}

function flat(cloud: JsonObject): Map<string, string> {
  const auth = isObject(cloud.auth) ? cloud.auth : {};
  const values = new Map<string, string>();
  for (const [key, value] of [...Object.entries(cloud), ...Object.entries(auth)]) {
    // YAML reads an unquoted password or project name of digits as a number.
    const plain = typeof value === 'string' || typeof value === 'number' || typeof value === 'boolean';
    const text = plain ? nonEmpty(String(value)) : undefined;
    if (text !== undefined) values.set(key.replaceAll('-', '_'), text);
  }
  return values;
}

function build(source: Source): CloudSettings {
  const missing: Diagnostic[] = [];
  const need = (...keys: [string, ...string[]]): string => {
    for (const key of keys) {
      const value = source.get(key);
      if (value !== undefined) return value;
    }
    missing.push(
      error('missing-setting', `${keys.map(source.nameOf).join(' or ')} is not set (${source.description})`, {
        remedy: source.remedyFor(keys[0]),
        ...(source.file === undefined ? {} : { where: { file: source.file } }),
      }),
    );
    return '';
  };
  const authUrl = need('auth_url');
  const auth = buildAuth(source, need);
  if (missing.length > 0) throw new Failure('invalid', missing);
  checkUrl('auth_url', authUrl, source);
  return {
    source: source.description,
    auth_url: authUrl,
    auth,
    ...optional('region', source.get('region_name')),
    interface: endpointInterface(source),
    ...optional('cacert', source.get('cacert')),
    ...optional('cert', source.get('cert')),
    ...optional('key', source.get('key')),
    ...(flag(source, 'insecure') === true || flag(source, 'verify') === false ? { insecure: true } : {}),
    endpoint_overrides: overrides(source),
  };
}

type Need = (...keys: [string, ...string[]]) => string;

function buildAuth(source: Source, need: Need): Auth {
  switch (authType(source)) {
    case 'password':
      return {
        type: 'password',
        user: named(source, need, USER),
        password: need('password'),
        project: named(source, need, PROJECT),
      };
    case 'token':
      return { type: 'token', token: need('token', 'auth_token'), project: named(source, need, PROJECT) };
    case 'application_credential': {
      const name = source.get('application_credential_name');
      return {
        type: 'application_credential',
        // An id stands alone; a name means something only together with its user.
        credential:
          name !== undefined && source.get('application_credential_id') === undefined
            ? { name, user: named(source, need, USER) }
            : { id: need('application_credential_id', 'application_credential_name') },
        secret: need('application_credential_secret'),
      };
    }
  }
}

const AUTH_TYPES: ReadonlyMap<string, Auth['type']> = new Map([
  ['password', 'password'],
  ['v3password', 'password'],
  ['token', 'token'],
  ['v3token', 'token'],
  ['v3applicationcredential', 'application_credential'],
]);

function authType(source: Source): Auth['type'] {
  const given = source.get('auth_type');
  if (given !== undefined) {
    const type = AUTH_TYPES.get(given);
    if (type) return type;
    throw new Failure(
      'invalid',
      error('unknown-auth-type', `${source.nameOf('auth_type')} is ${given} (${source.description})`, {
        remedy: `use one of ${[...AUTH_TYPES.keys()].join(', ')}`,
        ...(source.file === undefined ? {} : { where: { file: source.file } }),
      }),
    );
  }
  if (source.get('application_credential_secret') !== undefined) return 'application_credential';
  const token = source.get('token') ?? source.get('auth_token');
  return token !== undefined && source.get('password') === undefined ? 'token' : 'password';
}

interface Keys {
  readonly id: [string, ...string[]];
  readonly name: [string, ...string[]];
  /** From the most to the least specific. */
  readonly domains: readonly string[];
}

const USER: Keys = { id: ['user_id'], name: ['username'], domains: ['user_domain', 'domain'] };
const PROJECT: Keys = {
  id: ['project_id', 'tenant_id'],
  name: ['project_name', 'tenant_name'],
  // Projects lie in the domain of their users on the clouds that this is for.
  domains: ['project_domain', 'domain', 'user_domain'],
};

function named(source: Source, need: Need, keys: Keys): Named {
  const id = first(source, keys.id);
  if (id !== undefined) return { id };
  const name = need(...keys.name, ...keys.id);
  return { name, domain: domain(source, need, keys.domains) };
}

function domain(source: Source, need: Need, prefixes: readonly string[]): Domain {
  for (const prefix of prefixes) {
    const id = source.get(`${prefix}_id`);
    if (id !== undefined) return { id };
    const name = source.get(`${prefix}_name`);
    if (name !== undefined) return { name };
  }
  return { name: need(`${prefixes[0]}_name`, `${prefixes[0]}_id`) };
}

const INTERFACES: ReadonlyMap<string, EndpointInterface> = new Map([
  ['public', 'public'],
  ['publicURL', 'public'],
  ['internal', 'internal'],
  ['internalURL', 'internal'],
  ['admin', 'admin'],
  ['adminURL', 'admin'],
]);

function endpointInterface(source: Source): EndpointInterface {
  const key = source.get('interface') === undefined ? 'endpoint_type' : 'interface';
  const given = source.get(key);
  if (given === undefined) return 'public';
  const known = INTERFACES.get(given);
  if (known) return known;
  throw new Failure(
    'invalid',
    error('unknown-interface', `${source.nameOf(key)} is ${given} (${source.description})`, {
      remedy: 'use public, internal or admin',
      ...(source.file === undefined ? {} : { where: { file: source.file } }),
    }),
  );
}

/** As openstacksdk and the shell write yes and no. */
const FLAGS: ReadonlyMap<string, boolean> = new Map([
  ...['true', '1', 'yes', 'on'].map((word): [string, boolean] => [word, true]),
  ...['false', '0', 'no', 'off'].map((word): [string, boolean] => [word, false]),
]);

/** A word that is none of these is refused: nobody should believe that certificates are checked, or are not. */
function flag(source: Source, key: string): boolean | undefined {
  const given = source.get(key);
  if (given === undefined) return undefined;
  const known = FLAGS.get(given.toLowerCase());
  if (known !== undefined) return known;
  throw new Failure(
    'invalid',
    error('not-yes-or-no', `${source.nameOf(key)} is ${given} (${source.description})`, {
      remedy: 'use true or false',
      ...(source.file === undefined ? {} : { where: { file: source.file } }),
    }),
  );
}

const OVERRIDE_SUFFIX = '_endpoint_override';

function overrides(source: Source): ReadonlyMap<string, string> {
  const found = new Map<string, string>();
  for (const key of source.keys()) {
    const url = key.endsWith(OVERRIDE_SUFFIX) ? source.get(key) : undefined;
    if (url === undefined) continue;
    checkUrl(key, url, source);
    found.set(key.slice(0, -OVERRIDE_SUFFIX.length), url);
  }
  return found;
}

/** The URL itself is not repeated: people put passwords into URLs. */
function checkUrl(key: string, url: string, source: Source): void {
  const parsed = URL.canParse(url) ? new URL(url) : undefined;
  const problem =
    !parsed || !['http:', 'https:'].includes(parsed.protocol)
      ? 'is no http or https address'
      : parsed.username !== '' || parsed.password !== ''
        ? 'holds a user name or password'
        : undefined;
  if (problem === undefined) return;
  throw new Failure(
    'invalid',
    error('bad-url', `${source.nameOf(key)} ${problem} (${source.description})`, {
      remedy: 'write it as https://host/path',
      ...(source.file === undefined ? {} : { where: { file: source.file } }),
    }),
  );
}

function first(source: Source, keys: readonly string[]): string | undefined {
  for (const key of keys) {
    const value = source.get(key);
    if (value !== undefined) return value;
  }
  return undefined;
}

function nonEmpty(text: string | undefined): string | undefined {
  return text === undefined || text === '' ? undefined : text;
}
