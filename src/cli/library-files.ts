import { stat } from 'node:fs/promises';
import { delimiter, isAbsolute, resolve, sep } from 'node:path';
import { type Diagnostic, error } from '../domain/diagnostic.ts';
import { Failure } from '../domain/errors.ts';
import { shellPath } from '../domain/escape/shell-word.ts';
import { isInCheckouts, LeadsOutError, locate } from '../files/checkout.ts';
import { refuseContent } from '../files/refuse-content.ts';
import { plainReason } from '../files/system-error.ts';
import type { Io } from './io.ts';

/**
 * Variables that name a file of certificates or credentials, and that libraries read by their own rules: a relative path
 * starts in the working directory, where a pull request can put a file, a link or a named pipe of that name.
 *
 * OpenSSL reads its configuration before the first line of this program. To refuse it still tells the operator.
 */
const OF_NODE = [
  'NODE_EXTRA_CA_CERTS',
  'SSL_CERT_FILE',
  'SSL_CERT_DIR',
  'OPENSSL_CONF',
  'OPENSSL_MODULES',
  'OPENSSL_ENGINES',
];
/** Holds several paths, like `PATH`. */
const LIST = 'SSL_CERT_DIR';
const BY_SCHEME: readonly (readonly [RegExp, readonly string[]])[] = [
  [
    /^s3:/i,
    [
      'AWS_CA_BUNDLE',
      'AWS_CONFIG_FILE',
      'AWS_SHARED_CREDENTIALS_FILE',
      'AWS_WEB_IDENTITY_TOKEN_FILE',
      'AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE',
      'AWS_LOGIN_CACHE_DIRECTORY',
    ],
  ],
  [/^postgres(?:ql)?:/i, ['PGPASSFILE', 'PGSSLROOTCERT', 'PGSSLCERT', 'PGSSLKEY']],
];
const IN_THE_URL = ['sslrootcert', 'sslcert', 'sslkey'];

/**
 * `location`: of the state; absent for a cloud.
 *
 * @throws Failure `refused` that names each relative path, each path in the working directory that is not a regular file, or
 * a value that is not a path
 */
export async function refuseUnsafeFiles(io: Pick<Io, 'env' | 'cwd'>, location?: string): Promise<void> {
  const names = [
    ...OF_NODE,
    ...BY_SCHEME.flatMap(([scheme, files]) => (location !== undefined && scheme.test(location) ? files : [])),
  ];
  const inUrl =
    location !== undefined && URL.canParse(location)
      ? IN_THE_URL.map((name) => [name, new URL(location).searchParams.get(name)] as const)
      : [];
  const named = [...names.map((name) => [name, io.env[name]] as const), ...inUrl];
  for (const [name, path] of named) if (path) refuseContent(name, path, io.cwd);
  const paths = named.filter(isSet).flatMap(([name, value]) => {
    const each = name === LIST ? value.split(delimiter).filter((path) => path !== '') : [value];
    return each.map((path) => [name, path] as const);
  });
  const checked = await Promise.all(paths.map(([name, path]) => unsafeFile(name, path, io.cwd)));
  const problems = checked.filter((problem) => problem !== undefined);
  if (problems.length > 0) throw new Failure('refused', problems);
}

function isSet(entry: readonly [string, string | null | undefined]): entry is readonly [string, string] {
  return Boolean(entry[1]);
}

/** The problem of a path that a pull request may control. If it cannot be checked, the library reports the error. */
async function unsafeFile(name: string, path: string, cwd: string): Promise<Diagnostic | undefined> {
  if (!isAbsolute(path))
    return error('relative-file', `${name} is a relative path`, {
      detail:
        'It would be read from the working directory, where a pull request can put a file of that name.',
      remedy: `write the whole path: ${name}=${shellPath(resolve(cwd, path))}`,
    });
  // The system follows a link before `..`, so that the library would open another file than the one that is checked.
  if (path.split(sep).includes('..'))
    return error('relative-file', `${name} is a path with ..`, {
      detail: 'A directory before .. could be a symbolic link, which a pull request can change.',
      remedy: `write the path without it: ${name}=${shellPath(resolve(path))}`,
    });
  const unfit = (summary: string) =>
    error('unsafe-file', summary, {
      remedy: `name a regular file outside of the working directory: ${name}=FILE`,
    });
  try {
    const { path: real } = await locate(path, [cwd]);
    const found = (await isInCheckouts(real, [cwd])) ? await stat(real).catch(() => undefined) : undefined;
    return found === undefined || found.isFile()
      ? undefined
      : unfit(`${name} names a path in the working directory that is not a regular file`);
  } catch (cause) {
    return unfit(
      `${name}: ${cause instanceof LeadsOutError ? cause.message : `vbsctl cannot determine where it leads: ${plainReason(cause)}`}`,
    );
  }
}
