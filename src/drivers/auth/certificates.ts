import { isAbsolute, resolve } from 'node:path';
import { Failure } from '../../domain/errors.ts';
import { shellPath } from '../../domain/escape/shell-word.ts';
import { isContent, LeadsOutError } from '../../files/checkout.ts';
import { readNamedFile, UnfitFileError } from '../../files/read-file.ts';
import { refuseContent } from '../../files/refuse-content.ts';
import type { UnusablePem } from '../../network/unusable-pem.ts';
import type { CloudSettings } from './auth-settings.ts';

export type CertificateName = 'cacert' | 'cert' | 'key';

interface CertificateOptions {
  readonly cwd: string;
  readonly home: string;
  readonly signal?: AbortSignal | undefined;
}

const CERTIFICATE_BYTES_MAX = 4 * 1024 * 1024;

/**
 * Reads the PEM text of a file that the settings name; undefined if they name none. `~` is the home directory.
 *
 * A certificate decides which server is trusted as the cloud. So a relative path in the user's settings is refused: it
 * would refer to the working directory, where a pull request can put a file. Conversely, a clouds.yaml in the working
 * directory may not name a file outside of it.
 *
 * @throws Failure `refused` for these two and for an invalid path, `invalid` for a file that cannot be read
 */
export async function readCertificate(
  name: CertificateName,
  settings: CloudSettings,
  { cwd, home, signal }: CertificateOptions,
): Promise<string | undefined> {
  const { checkout, source, namesOf } = settings;
  const given = settings[name];
  if (given === undefined) return undefined;
  refuseContent(`${name} (${source})`, given, cwd);
  const path = given.replace(/^~(?=\/)/, home);
  const absolute = resolve(cwd, path);
  if (checkout === undefined && !isAbsolute(path)) throw relativePathFailure(name, given, absolute, settings);
  if (checkout !== undefined && !isContent(absolute, checkout)) throw outsidePathFailure(name, given, source);
  try {
    return (
      await readNamedFile(absolute, { checkouts: [cwd], bytesMax: CERTIFICATE_BYTES_MAX, signal })
    ).toString();
  } catch (cause) {
    if (cause === signal?.reason) throw cause;
    const { code = 'UNKNOWN', message } = cause as NodeJS.ErrnoException;
    const why = cause instanceof UnfitFileError || cause instanceof LeadsOutError ? message : code;
    throw Failure.of('invalid', `unreadable-${name}`, `${name} ${given} cannot be read (${why})`, {
      detail: `It is named by ${source}.`,
      remedy: `correct ${namesOf(name)}`,
    });
  }
}

/** Throws a Failure (`invalid`) if TLS cannot use one of the texts. A missing `key` is expected in the file of `cert`. */
export function refuseUnusable(unusable: UnusablePem | undefined, settings: CloudSettings): void {
  if (!unusable) return;
  const { part, why } = unusable;
  const name = part === 'ca' ? 'cacert' : part;
  const path = settings[name] ?? settings.cert;
  throw Failure.of('invalid', `unusable-${name}`, `${name} ${path} ${why}`, {
    detail: `It is named by ${settings.source}.`,
    remedy: `correct ${settings.namesOf(name)}`,
  });
}

function relativePathFailure(
  name: CertificateName,
  given: string,
  absolute: string,
  { source, namesOf }: CloudSettings,
): Failure {
  return Failure.of('refused', `relative-${name}`, `${name} ${given} is a relative path (${source})`, {
    detail:
      'It would be read from the working directory. A pull request could put a certificate there and impersonate the cloud.',
    remedy: `set ${namesOf(name)} to the whole path: ${shellPath(absolute)}`,
  });
}

function outsidePathFailure(name: CertificateName, given: string, source: string): Failure {
  return Failure.of(
    'refused',
    `outside-${name}`,
    `${name} ${given} lies outside of the working directory (${source})`,
    {
      detail: 'That clouds.yaml was found in the working directory, where a pull request can write.',
      remedy: 'if the file is yours, name it: export OS_CLIENT_CONFIG_FILE="$PWD/clouds.yaml"',
    },
  );
}
