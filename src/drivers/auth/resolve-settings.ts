import type { SettingsReport, ShownSetting } from '../../domain/access-report.ts';
import { type Diagnostic, error } from '../../domain/diagnostic.ts';
import { Failure } from '../../domain/errors.ts';
import { quotedWhole } from '../../domain/escape/quoted.ts';
import { shellPath } from '../../domain/escape/shell-word.ts';
import { looksLikePath } from '../../domain/looks-like-path.ts';
import { optional } from '../../domain/optional.ts';
import { isLoopback } from '../../network/weakened-tls.ts';
import type { Auth, CloudSettings, Domain, EndpointInterface, IdOrName } from './auth-settings.ts';
import type { CloudFiles } from './cloud-files.ts';
import type { AccessKey } from './sign.ts';
import { OVERRIDE_SUFFIX, type SettingValue, type Source } from './source.ts';
import { chooseSource, type SourceOptions } from './sources.ts';

/**
 * Resolves the settings of a cloud: a named one completely from clouds.yaml and secure.yaml, else the `OS_*` variables.
 * The two are never combined. Pure. Throws a Failure (`invalid`) that names all missing variables or fields at once.
 */
export function resolveCloud(options: SourceOptions & { readonly files: CloudFiles }): CloudSettings {
  const source = chooseSource(options, options.files);
  const odd = withOddCharacters(source);
  return { ...buildSettings(source), ...(odd.length > 0 ? { with_odd_characters: odd } : {}) };
}

/** As `resolveCloud`, but returns errors as data. Throws a Failure only if there is no source at all. */
export function inspectCloud(options: SourceOptions & { readonly files: CloudFiles }): SettingsReport {
  const source = chooseSource(options, options.files);
  const used = new Map<string, SettingValue | undefined>();
  const problems = problemsOf(() => buildSettings(recording(source, used)));
  return {
    source: source.description,
    chosen_by: source.chosenBy,
    values: [
      ...inferred(used, source),
      ...[...used].flatMap(([key, found]) => (found ? [shown(key, found)] : [])),
    ],
    unused: source
      .keys()
      .filter((key) => !used.has(key))
      .map((key) => source.get(key)?.from ?? source.nameOf(key)),
    problems,
  };
}

/** The same source, which notes what is read from it. */
function recording(source: Source, used: Map<string, SettingValue | undefined>): Source {
  return {
    ...source,
    get: (key) => {
      const found = source.get(key);
      used.set(key, found);
      return found;
    },
  };
}

/** The way to authenticate, if no setting names it. */
function inferred(
  used: ReadonlyMap<string, SettingValue | undefined>,
  source: Source,
): readonly ShownSetting[] {
  if (used.get('auth_type') ?? used.get('auth_plugin')) return [];
  return [{ key: 'auth_type', value: authType(source), secret: false, from: 'what is set' }];
}

function problemsOf(run: () => unknown): readonly Diagnostic[] {
  try {
    run();
    return [];
  } catch (cause) {
    if (cause instanceof Failure) return cause.diagnostics;
    throw cause;
  }
}

/** The settings that are secrets. The id of an access key is none: it is shown, like a user name. */
export const SECRET_KEYS: ReadonlySet<string> = new Set([
  'password',
  'token',
  'auth_token',
  'application_credential_secret',
  'secret_key',
  'sk',
  'security_token',
]);

const FILE_KEYS: ReadonlySet<string> = new Set(['cacert', 'cert', 'key']);

/** Shows no secret, no URL that contains a password, and no file content in place of a path. */
function shown(key: string, { text, from }: SettingValue): ShownSetting {
  const url = URL.canParse(text) ? new URL(text) : undefined;
  const secret =
    SECRET_KEYS.has(key) ||
    (url && url.username + url.password !== '') ||
    (FILE_KEYS.has(key) && !looksLikePath(text)) ||
    ((key === 'auth_url' || key.endsWith(OVERRIDE_SUFFIX)) && !/^https?:/.test(url?.protocol ?? ''));
  return secret ? { key, secret: true, from } : { key, value: text, secret: false, from };
}

const NOT_OF_THE_LOGIN: ReadonlySet<string> = new Set(['auth_url', 'auth_type', 'auth_plugin']);

function buildSettings(given: Source): CloudSettings {
  const read = new Map<string, SettingValue | undefined>();
  const source = recording(given, read);
  const missing: Diagnostic[] = [];
  const need = (...keys: [string, ...string[]]): string => {
    const found = first(source, keys);
    if (found !== undefined) return found;
    missing.push(
      error('missing-setting', `${keys.map(source.nameOf).join(' or ')} is not set (${source.description})`, {
        remedy: source.remedyFor(keys[0]),
        ...whereOf(source),
      }),
    );
    return '';
  };
  const authUrl = need('auth_url');
  const auth = buildAuth(source, need);
  const loginKeys = [...read].flatMap(([key, found]) => (found && !NOT_OF_THE_LOGIN.has(key) ? [key] : []));
  const settings: CloudSettings = {
    source: source.description,
    namesOf: source.namesOf,
    login_keys: loginKeys,
    ...optional('checkout', source.checkout),
    auth_url: authUrl,
    auth,
    ...optional('region', source.get('region_name')?.text),
    interface: endpointInterface(source),
    ...optional('cacert', source.get('cacert')?.text),
    ...optional('cert', source.get('cert')?.text),
    ...optional('key', source.get('key')?.text),
    ...(flag(source, 'insecure') === true || flag(source, 'verify') === false ? { insecure: true } : {}),
    endpoint_overrides: overrides(source),
  };
  refuseUnverified(settings, source);
  if (missing.length > 0) throw new Failure('invalid', missing);
  checkUrl('auth_url', authUrl, source);
  refuseUnencryptedKeystone(settings, source);
  return settings;
}

/** Legal, but mostly a mistake: a file with the line ends of Windows, a blank that was copied along. */
function withOddCharacters(source: Source): readonly string[] {
  return source.keys().flatMap((key) => {
    const value = source.get(key);
    return value && /^\s|\s$|\p{Cc}/u.test(value.text) ? [value.from] : [];
  });
}

/**
 * Keystone must authenticate the cloud, because the state records its answers. So a clouds.yaml from the working
 * directory cannot set other addresses or certificates.
 */
function refuseUnverified({ endpoint_overrides, cacert, insecure }: CloudSettings, source: Source): void {
  if (source.checkout === undefined || source.file === undefined) return;
  const keys = [
    ...[...endpoint_overrides.keys()].map((service) => `${service}${OVERRIDE_SUFFIX}`),
    ...(cacert === undefined ? [] : ['cacert']),
    ...(insecure ? [flag(source, 'insecure') === true ? 'insecure' : 'verify'] : []),
  ];
  const file = source.file;
  if (keys.length === 0) return;
  throw new Failure(
    'refused',
    keys.map((key) =>
      error(
        'unverified-cloud',
        `${key} may not be set by a clouds.yaml that was found, and not named with OS_CLIENT_CONFIG_FILE`,
        {
          detail:
            'It lies in the working directory, where a pull request can write. With this setting, another server could answer for the cloud.',
          remedy: `remove ${quotedWhole(key)} from it; or, if the file is yours, name it: export OS_CLIENT_CONFIG_FILE=${shellPath(file)}`,
          where: { file },
        },
      ),
    ),
  );
}

/**
 * For a clouds.yaml of the working directory: without TLS, another server on the network path could answer as the
 * cloud.
 */
function refuseUnencryptedKeystone({ auth_url }: CloudSettings, { checkout, file }: Source): void {
  if (checkout === undefined || file === undefined) return;
  const { protocol, hostname } = new URL(auth_url);
  if (protocol === 'https:' || isLoopback(hostname)) return;
  throw Failure.of(
    'refused',
    'unverified-cloud',
    'auth_url of a clouds.yaml that was found, and not named with OS_CLIENT_CONFIG_FILE, is not https',
    {
      detail:
        'It lies in the working directory, where a pull request can write. Without TLS, another server could answer for the cloud.',
      remedy: `write an https:// URL; or, if the file is yours, name it: export OS_CLIENT_CONFIG_FILE=${shellPath(file)}`,
      where: { file },
    },
  );
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
    case 'aksk': {
      const id = first(source, PROJECT.id);
      const name = first(source, PROJECT.name);
      return {
        type: 'aksk',
        key: accessKey(source, need),
        ...(id === undefined
          ? optional('project', name === undefined ? undefined : { name })
          : { project: { id } }),
      };
    }
    case 'token':
      return { type: 'token', token: need('token', 'auth_token'), project: named(source, need, PROJECT) };
    case 'application_credential': {
      const name = source.get('application_credential_name')?.text;
      return {
        type: 'application_credential',
        // An id is sufficient. A name is unique only together with its user.
        credential:
          name !== undefined && source.get('application_credential_id') === undefined
            ? { name, user: named(source, need, USER) }
            : { id: need('application_credential_id', 'application_credential_name') },
        secret: need('application_credential_secret'),
      };
    }
  }
}

/** Names as in openstacksdk and the tools of Open Telekom Cloud. */
function accessKey(source: Source, need: Need): AccessKey {
  return {
    access_key: need('access_key', 'ak'),
    secret_key: need('secret_key', 'sk'),
    ...optional('security_token', source.get('security_token')?.text),
  };
}

const AUTH_TYPES: ReadonlyMap<string, Auth['type']> = new Map([
  ['password', 'password'],
  ['v3password', 'password'],
  ['token', 'token'],
  ['v3token', 'token'],
  ['v3applicationcredential', 'application_credential'],
  ['aksk', 'aksk'],
  ['v3aksk', 'aksk'],
]);

function authType(source: Source): Auth['type'] {
  // openstacksdk also accepts the older name.
  const key = source.get('auth_type') === undefined ? 'auth_plugin' : 'auth_type';
  const given = source.get(key)?.text;
  if (given !== undefined) {
    const type = AUTH_TYPES.get(given);
    if (type) return type;
    throw invalidValue(
      source,
      key,
      given,
      'unknown-auth-type',
      `use one of ${[...AUTH_TYPES.keys()].join(', ')}`,
    );
  }
  if (source.get('application_credential_secret') !== undefined) return 'application_credential';
  if (source.get('password') !== undefined) return 'password';
  if (first(source, ['token', 'auth_token']) !== undefined) return 'token';
  // Last, because many users keep an access key next to the password, only for object storage.
  return first(source, ['access_key', 'ak']) === undefined ? 'password' : 'aksk';
}

interface IdentityKeys {
  readonly id: [string, ...string[]];
  readonly name: [string, ...string[]];
  /** From the most specific to the least specific. */
  readonly domains: readonly string[];
}

const USER: IdentityKeys = {
  id: ['user_id'],
  name: ['username'],
  domains: ['user_domain', 'domain', 'default_domain'],
};
const PROJECT: IdentityKeys = {
  id: ['project_id', 'tenant_id'],
  name: ['project_name', 'tenant_name'],
  // On the supported clouds, projects belong to the domain of their users.
  domains: ['project_domain', 'domain', 'user_domain', 'default_domain'],
};

function named(source: Source, need: Need, keys: IdentityKeys): IdOrName {
  const id = first(source, keys.id);
  if (id !== undefined) return { id };
  const name = need(...keys.name, ...keys.id);
  return { name, domain: domain(source, need, keys.domains) };
}

function domain(source: Source, need: Need, prefixes: readonly string[]): Domain {
  for (const prefix of prefixes) {
    const id = source.get(`${prefix}_id`)?.text;
    if (id !== undefined) return { id };
    const name = source.get(`${prefix}_name`)?.text;
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
  const given = source.get(key)?.text;
  if (given === undefined) return 'public';
  const known = INTERFACES.get(given);
  if (known) return known;
  throw invalidValue(source, key, given, 'unknown-interface', 'use public, internal or admin');
}

/** The words for true and false in openstacksdk and the shell. */
const FLAGS: ReadonlyMap<string, boolean> = new Map([
  ...['true', '1', 'yes', 'on'].map((word): [string, boolean] => [word, true]),
  ...['false', '0', 'no', 'off'].map((word): [string, boolean] => [word, false]),
]);

/** Refuses any other word, so that nobody is mistaken about whether certificates are checked. */
function flag(source: Source, key: string): boolean | undefined {
  const given = source.get(key)?.text;
  if (given === undefined) return undefined;
  const known = FLAGS.get(given.toLowerCase());
  if (known !== undefined) return known;
  throw invalidValue(source, key, given, 'not-a-boolean', 'use true or false');
}

function invalidValue(source: Source, key: string, given: string, code: string, remedy: string): Failure {
  const summary = `invalid value "${given}" for ${source.nameOf(key)} (${source.description})`;
  return Failure.of('invalid', code, summary, { remedy, ...whereOf(source) });
}

function whereOf({ file }: Source): Pick<Diagnostic, 'where'> {
  return optional('where', file === undefined ? undefined : { file });
}

function overrides(source: Source): ReadonlyMap<string, string> {
  const found = new Map<string, string>();
  for (const key of source.keys()) {
    const url = key.endsWith(OVERRIDE_SUFFIX) ? source.get(key)?.text : undefined;
    if (url === undefined) continue;
    checkUrl(key, url, source);
    found.set(key.slice(0, -OVERRIDE_SUFFIX.length), url);
  }
  return found;
}

/** The message does not contain the URL, because users put passwords into URLs. */
function checkUrl(key: string, url: string, source: Source): void {
  const parsed = URL.canParse(url) ? new URL(url) : undefined;
  const problem =
    !parsed || !['http:', 'https:'].includes(parsed.protocol)
      ? 'is not an http:// or https:// URL'
      : parsed.username !== '' || parsed.password !== ''
        ? 'holds a user name or password'
        : undefined;
  if (problem === undefined) return;
  throw Failure.of('invalid', 'bad-url', `${source.nameOf(key)} ${problem} (${source.description})`, {
    remedy: 'write it as https://host/path',
    ...whereOf(source),
  });
}

function first(source: Source, keys: readonly string[]): string | undefined {
  const set = keys.find((key) => source.get(key) !== undefined);
  return set === undefined ? undefined : source.get(set)?.text;
}
