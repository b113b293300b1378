import { lstat, realpath, stat } from 'node:fs/promises';
import { basename, dirname, join, resolve } from 'node:path';
import type { Diagnostic } from '../domain/diagnostic.ts';
import { Failure } from '../domain/errors.ts';
import { shellPath } from '../domain/escape/shell-word.ts';
import { sanitize } from '../domain/escape/terminal.ts';
import { shownLocation } from '../domain/shown-location.ts';
import { hasCode, systemReason } from '../files/system-error.ts';
import { decodePercent } from '../network/percent.ts';
import { type Env, proxySecrets } from '../network/proxy.ts';
import { stateBytesMax } from './answer-limits.ts';
import type { Backend, BackendContext } from './backend.ts';
import { httpBackend } from './http/http-backend.ts';
import { httpStateSettings } from './http/http-settings.ts';
import { localBackend } from './local/local-backend.ts';
import { lockFile } from './local/lock-file.ts';
import { nodeDisk } from './local/node-disk.ts';
import { postgresBackend } from './postgres/postgres-backend.ts';
import { postgresLocation } from './postgres/postgres-location.ts';
import { s3Objects } from './s3/objects.ts';
import { s3Backend } from './s3/s3-backend.ts';
import { objectUrl, s3Location } from './s3/s3-location.ts';
import { sdkBucket } from './s3/sdk-bucket.ts';
import { invalidUrl } from './server-failures.ts';
import { weakenedHttp, weakenedPostgres, weakenedS3 } from './weakened-state.ts';

interface BackendDeps extends Omit<BackendContext, 'location' | 'id'> {
  /** Credentials and settings of remote backends come from here, never from the location. */
  readonly env: Env;
}

/**
 * The backend for a location: a path or a URL. Throws a `Failure` of kind `usage` for an invalid location, and of kind
 * `state` if the file cannot be used. There need not be a state yet.
 */
export async function openBackend(location: string, deps: BackendDeps): Promise<Backend> {
  // Not repeated in the message, because it may contain a secret. The URL parser would remove such characters silently.
  if (sanitize(location) !== location)
    throw invalidLocation(
      'the location of the state holds control characters or others that cannot be shown',
      'remove them',
    );
  const scheme = /^([a-z][a-z0-9+.-]*):\/\//i.exec(location)?.[1];
  if (scheme !== undefined) return openUrl(location, scheme.toLowerCase(), deps);
  const almost = /^(https?|s3|postgres(?:ql)?):/i.exec(location)?.[0].toLowerCase();
  if (almost !== undefined)
    throw invalidUrl(
      `${almost}… is neither a URL nor a file name`,
      `write a URL with ${almost}//; for a file with this name: ./${almost}…`,
    );
  if (location.trim() === '')
    throw invalidLocation('the name of the state is empty', 'write a path, such as vbsctl.state.json');
  const { clock, newId } = deps;
  const path = await realPath(location);
  const lock = lockFile({ path: `${path}.lock`, clock, newId });
  return localBackend({ path, location, disk: nodeDisk, clock, lock, newId });
}

function openUrl(text: string, scheme: string, { env, ...deps }: BackendDeps): Backend {
  const url = publicUrl(text, scheme);
  const location = shownLocation(text);
  const id = withoutLogin(url);
  const warn = (notes: readonly Diagnostic[]) => {
    for (const note of notes) deps.onNote?.(note);
  };
  switch (scheme) {
    case 'http':
    case 'https': {
      const settings = httpStateSettings(url.href, env);
      const addresses = [url, new URL(settings.lock_address), new URL(settings.unlock_address)];
      deps.secrets?.add(
        settings.password,
        settings.tls.key,
        ...proxySecrets(env),
        ...addresses.flatMap(secretsIn),
      );
      warn(weakenedHttp(settings, env));
      return httpBackend({ location, id, settings, ...deps });
    }
    case 's3': {
      assertParameters(url);
      const s3 = s3Location(url);
      warn(weakenedS3(s3, env));
      deps.secrets?.add(...proxySecrets(env));
      const objects = s3Objects(sdkBucket(s3, env, deps.secrets), objectUrl(s3), deps.clock, deps.secrets);
      return s3Backend({ location, id, s3, objects, bytesMax: stateBytesMax(env), ...deps });
    }
    case 'postgres':
    case 'postgresql': {
      assertParameters(url);
      const postgres = postgresLocation(url, env);
      warn(weakenedPostgres(postgres, env));
      return postgresBackend({ location, id, postgres, ...deps });
    }
    default:
      throw invalidUrl(
        `a state cannot be stored at ${scheme}://…`,
        'name a file, or an https://, s3:// or postgres:// URL',
      );
  }
}

/** A token in place of a user name, and the parameters that sign the address. */
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

/** Refuses a parameter that occurs twice (the wrong one could win), and a % that cannot be decoded (names are read from it). */
function assertParameters({ protocol, username, hostname, pathname, search, searchParams }: URL): void {
  const names = [...searchParams.keys()];
  const twice = names.find((name, index) => names.indexOf(name) !== index);
  if (twice !== undefined)
    throw invalidUrl(`the ${protocol}// URL of the state has ${twice} twice`, 'keep one of them');
  try {
    decodeURIComponent([username, hostname, pathname, search].join(' '));
  } catch {
    throw invalidUrl(
      `the ${protocol}// URL of the state holds a % that is no escape of UTF-8 text`,
      'write %25 for a percent sign',
    );
  }
}

const SECRET_PARAMETER = /passw|secret|token|credential|access_?key|signature/i;

/** The URL, which may be shown and committed. A URL that contains a secret is refused and not repeated. */
function publicUrl(location: string, scheme: string): URL {
  if (!URL.canParse(location))
    throw invalidUrl(`the ${scheme}:// URL of the state is not a URL`, 'see docs/state.md for its form');
  const url = new URL(location);
  if (url.password !== '' || [...url.searchParams.keys()].some((key) => SECRET_PARAMETER.test(key)))
    throw Failure.of('usage', 'state-url-secret', `the ${scheme}:// URL of the state holds a password`, {
      remedy: 'remove the password from the URL, and set it in the environment (docs/state.md)',
    });
  return url;
}

/** The path of the file, with symbolic links resolved: a link is followed, never replaced. */
async function realPath(location: string): Promise<string> {
  // By its names, as it was judged: the system would follow a link before the `..` behind it.
  const named = resolve(location);
  try {
    const path = await realpath(named);
    const found = await stat(path);
    if (found.isDirectory())
      throw unusable(
        location,
        'it is a directory',
        `name a file in it: ${shellPath(join(location, 'vbsctl.state.json'))}`,
      );
    if (!found.isFile()) throw unusable(location, 'it is not a regular file', 'name a regular file');
    return path;
  } catch (cause) {
    if (!hasCode(cause, 'ENOENT')) throw cause instanceof Failure ? cause : inaccessible(location, cause);
  }
  if (await isLink(named))
    throw unusable(location, 'it is a symbolic link to nothing', 'fix the link, or name the file itself');
  try {
    return join(await realpath(dirname(named)), basename(named));
  } catch (cause) {
    throw hasCode(cause, 'ENOENT')
      ? unusable(location, 'its directory does not exist', `mkdir -p ${shellPath(dirname(location))}`)
      : inaccessible(location, cause);
  }
}

async function isLink(path: string): Promise<boolean> {
  try {
    return (await lstat(path)).isSymbolicLink();
  } catch {
    return false; // the error shows again when the directory is read
  }
}

function invalidLocation(summary: string, remedy: string): Failure {
  return Failure.of('usage', 'state-location', summary, { remedy });
}

function inaccessible(location: string, cause: unknown): Failure {
  return unusable(location, systemReason(cause), 'name a location that you may read and write', cause);
}

function unusable(location: string, why: string, remedy: string, cause?: unknown): Failure {
  const more = { where: { file: location }, remedy };
  return Failure.of('state', 'state-place', `the state cannot be stored here: ${why}`, more, { cause });
}
