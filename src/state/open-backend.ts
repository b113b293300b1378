import { lstat, realpath, stat } from 'node:fs/promises';
import { basename, dirname, join } from 'node:path';
import type { Clock } from '../domain/clock.ts';
import type { Diagnostic } from '../domain/diagnostic.ts';
import { Failure } from '../domain/errors.ts';
import { shellPath } from '../domain/escape/shell-word.ts';
import { sanitize } from '../domain/escape/terminal.ts';
import type { Secrets } from '../domain/secrets.ts';
import { shownLocation } from '../domain/shown-location.ts';
import { hasCode, systemReason } from '../files/system-error.ts';
import { decodePercent } from '../network/percent.ts';
import { type Env, proxySecrets } from '../network/proxy.ts';
import { stateBytesMax } from './answer-limits.ts';
import type { Backend } from './backend.ts';
import { httpBackend } from './http/http-backend.ts';
import { httpStateSettings } from './http/http-settings.ts';
import { localBackend } from './local/local-backend.ts';
import { lockFile } from './local/lock-file.ts';
import { nodeDisk } from './local/node-disk.ts';
import { postgresBackend } from './postgres/postgres-backend.ts';
import { postgresLocation } from './postgres/postgres-location.ts';
import { s3Network } from './s3/network.ts';
import { s3Objects } from './s3/objects.ts';
import { s3Backend } from './s3/s3-backend.ts';
import { placeOf as objectPlace, s3Location } from './s3/s3-location.ts';
import { sdkBucket } from './s3/sdk-bucket.ts';
import { weakenedHttp, weakenedPostgres, weakenedS3 } from './weakened-state.ts';

export interface BackendDeps {
  readonly clock: Clock;
  /** A fresh UUID. */
  readonly newId: () => string;
  /** How long after its request a restore may begin (`retry.settle`): a lease is not taken over before. */
  readonly settleMs: number;
  /** Credentials and settings of remote backends come from here, never from the location. */
  readonly env: Env;
  /** Learns what must not be shown; default: none is kept. */
  readonly secrets?: Secrets;
  /** Told of each setting that weakens the connection to a remote state. */
  readonly onNote?: (note: Diagnostic) => void;
}

/**
 * The backend that a `state:` names: a path or a URL. `Failure` kind `usage` for a location that
 * cannot be one, `state` when the place for the file is not fit. There need not be a state yet.
 */
export async function openBackend(location: string, deps: BackendDeps): Promise<Backend> {
  // Not repeated: it may hold a secret, too. A URL would lose them in silence.
  if (sanitize(location) !== location)
    throw usage(
      'state-location',
      'the location of the state holds control characters or others that cannot be shown',
      'take them out',
    );
  const scheme = /^([a-z][a-z0-9+.-]*):\/\//i.exec(location)?.[1];
  if (scheme !== undefined) return openUrl(location, scheme.toLowerCase(), deps);
  const almost = /^(https?|s3|postgres(?:ql)?):/i.exec(location)?.[0].toLowerCase();
  if (almost !== undefined)
    throw usage(
      'state-url',
      `${almost}… is neither a URL nor a file name`,
      `write a URL with ${almost}//; for a file with this name: ./${almost}…`,
    );
  if (location.trim() === '')
    throw usage(
      'state-location',
      'the name of the state is empty',
      'write a path, such as vbsctl.state.json',
    );
  const { clock, newId } = deps;
  const path = await realPath(location);
  const lock = lockFile({ path: `${path}.lock`, clock, newId });
  return localBackend({ path, location, disk: nodeDisk, clock, lock, newId });
}

function openUrl(given: string, scheme: string, deps: BackendDeps): Backend {
  const url = publicUrl(given, scheme);
  const location = shownLocation(given);
  const id = withoutLogin(url);
  const { env, ...rest } = deps;
  const tell = (notes: readonly Diagnostic[]) => {
    for (const note of notes) deps.onNote?.(note);
  };
  switch (scheme) {
    case 'http':
    case 'https': {
      const settings = httpStateSettings(url.href, env);
      deps.secrets?.add(settings.password, settings.tls.key, ...proxySecrets(env), ...secretsIn(url));
      tell(weakenedHttp(settings, env));
      return httpBackend({ location, id, settings, ...rest });
    }
    case 's3':
      mustBeOnce(url);
      mustDecode(url);
      tell(weakenedS3(s3Location(url), env));
      return openS3(location, id, url, deps);
    case 'postgres':
    case 'postgresql': {
      mustBeOnce(url);
      mustDecode(url);
      const postgres = postgresLocation(url, env);
      tell(weakenedPostgres(postgres, env));
      return postgresBackend({ location, id, postgres, ...rest });
    }
    default:
      throw usage(
        'state-url',
        `a state cannot be stored at ${scheme}://…`,
        'name a file, or an https://, s3:// or postgres:// URL',
      );
  }
}

/** A token in place of a user name, and what signs the address. */
function secretsIn({ username, searchParams }: URL): string[] {
  const values = [...searchParams].filter(([name]) => SIGNING_PARAMETER.test(name)).map(([, value]) => value);
  return [username, decodePercent(username).toString(), ...values];
}

const SIGNING_PARAMETER = /sig|token|key|secret|cred|auth|pass|code|x-amz/i;

/** The URL that is the same for every user. */
function withoutLogin(url: URL): string {
  const plain = new URL(url);
  plain.username = '';
  plain.hash = '';
  return plain.href;
}

/** Of two values one would win in silence, and it might be the other state. */
function mustBeOnce({ protocol, searchParams }: URL): void {
  const names = [...searchParams.keys()];
  const twice = names.find((name, index) => names.indexOf(name) !== index);
  if (twice !== undefined)
    throw usage('state-url', `the ${protocol}// URL of the state has ${twice} twice`, 'keep one of them');
}

/** What is read out of it is a name: of a bucket, a key, a user, a database. */
function mustDecode({ protocol, username, hostname, pathname, search }: URL): void {
  try {
    decodeURIComponent([username, hostname, pathname, search].join(' '));
  } catch {
    throw usage(
      'state-url',
      `the ${protocol}// URL of the state holds a % that is no escape of UTF-8 text`,
      'write %25 for a percent sign',
    );
  }
}

function openS3(location: string, id: string, url: URL, { env, ...rest }: BackendDeps): Backend {
  const s3 = s3Location(url);
  rest.secrets?.add(...proxySecrets(env));
  const bucket = sdkBucket(s3, s3Network(env), rest.secrets);
  const objects = s3Objects(bucket, objectPlace(s3), rest.clock, rest.secrets);
  return s3Backend({ location, id, s3, objects, bytesMax: stateBytesMax(env), ...rest });
}

const SECRET_PARAMETER = /passw|secret|token|credential|access_?key|signature/i;

/** A URL that may be shown and committed. One with a secret in it is refused and never repeated. */
function publicUrl(location: string, scheme: string): URL {
  if (!URL.canParse(location))
    throw usage(
      'state-url',
      `the ${scheme}:// URL of the state is not a URL`,
      'see docs/state.md for its form',
    );
  const url = new URL(location);
  if (url.password !== '' || [...url.searchParams.keys()].some((key) => SECRET_PARAMETER.test(key)))
    throw usage(
      'state-url-secret',
      `the ${scheme}:// URL of the state holds a password`,
      'remove the password from the URL, and set it in the environment (docs/state.md)',
    );
  return url;
}

/** Where the file is or will be, symbolic links resolved: a link is followed, never replaced. */
async function realPath(location: string): Promise<string> {
  try {
    const path = await realpath(location);
    const found = await stat(path);
    if (found.isDirectory())
      throw unfit(
        location,
        'it is a directory',
        `name a file in it: ${shellPath(join(location, 'vbsctl.state.json'))}`,
      );
    if (!found.isFile()) throw unfit(location, 'it is not a regular file', 'name a regular file');
    return path;
  } catch (cause) {
    if (!hasCode(cause, 'ENOENT')) throw cause instanceof Failure ? cause : unfitBecause(location, cause);
  }
  if (await isLink(location))
    throw unfit(location, 'it is a symbolic link to nothing', 'fix the link, or name the file itself');
  try {
    return join(await realpath(dirname(location)), basename(location));
  } catch (cause) {
    throw hasCode(cause, 'ENOENT')
      ? unfit(location, 'its directory does not exist', `mkdir -p ${shellPath(dirname(location))}`)
      : unfitBecause(location, cause);
  }
}

async function isLink(path: string): Promise<boolean> {
  try {
    return (await lstat(path)).isSymbolicLink();
  } catch {
    return false; // why it cannot be looked at comes out when its directory is
  }
}

function usage(code: string, summary: string, remedy: string): Failure {
  return Failure.of('usage', code, summary, { remedy });
}

function unfitBecause(location: string, cause: unknown): Failure {
  return unfit(location, systemReason(cause), 'name a place that you may read and write', cause);
}

function unfit(location: string, why: string, remedy: string, cause?: unknown): Failure {
  const summary = `the state cannot be stored in ${location}: ${why}`;
  return Failure.of(
    'state',
    'state-place',
    summary,
    { where: { file: location }, remedy },
    {
      cause,
    },
  );
}
