import type { Diagnostic } from '../domain/diagnostic.ts';
import { Failure } from '../domain/errors.ts';
import { isLikeToken } from '../domain/secrets.ts';
import { shownLocation } from '../domain/shown-location.ts';
import { decodePercent } from '../network/percent.ts';
import { proxySecrets } from '../network/proxy.ts';
import { stateBytesMax } from './answer-limits.ts';
import type { Backend } from './backend.ts';
import { httpBackend } from './http/http-backend.ts';
import { httpStateSettings } from './http/http-settings.ts';
import type { BackendDeps } from './open-backend.ts';
import { postgresBackend } from './postgres/postgres-backend.ts';
import { postgresLocation } from './postgres/postgres-location.ts';
import { refusingSecrets } from './refusing-secrets.ts';
import { s3Objects } from './s3/objects.ts';
import { s3Backend } from './s3/s3-backend.ts';
import { objectUrl, s3Location } from './s3/s3-location.ts';
import { sdkBucket, twoCredentials } from './s3/sdk-bucket.ts';
import { invalidUrl } from './server-failures.ts';
import { weakenedHttp, weakenedPostgres, weakenedS3 } from './weakened-state.ts';

/** The backend for a URL. Throws a `Failure` of kind `usage` for an invalid one. */
export function openUrl(text: string, scheme: string, deps: BackendDeps): Backend {
  const backend = openServer(text, scheme, deps);
  return deps.secrets === undefined ? backend : refusingSecrets(backend, deps.secrets);
}

function openServer(text: string, scheme: string, { env, ...deps }: BackendDeps): Backend {
  const url = publicUrl(text, scheme);
  const location = shownLocation(text);
  const id = urlOfAllUsers(url);
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
        ...userNames(settings.username, addresses).filter(
          (name) => settings.password === undefined || isLikeToken(name),
        ),
        settings.tls.key,
        ...proxySecrets(env),
        ...addresses.flatMap(signingParameters),
      );
      warn(weakenedHttp(settings, env));
      return httpBackend({ location, id, settings, ...deps });
    }
    case 's3': {
      assertParameters(url);
      const s3 = s3Location(url);
      warn([...weakenedS3(s3, env), ...twoCredentials(env)]);
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

/** What signs an address, or opens it by itself. */
function signingParameters({ searchParams }: URL): string[] {
  return [...searchParams].filter(([name]) => SIGNING_PARAMETER.test(name)).map(([, value]) => value);
}

function userNames(username: string | undefined, addresses: readonly URL[]): string[] {
  const inUrls = addresses.flatMap((url) => [url.username, decodePercent(url.username).toString()]);
  return [username ?? '', ...inUrls];
}

const SIGNING_PARAMETER = /sig|token|key|secret|cred|auth|pass|code|x-amz/i;

/** The URL that is the same for every user. */
function urlOfAllUsers(url: URL): string {
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
