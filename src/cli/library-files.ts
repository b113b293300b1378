import { stat } from 'node:fs/promises';
import { isAbsolute, resolve } from 'node:path';
import { type Diagnostic, error } from '../domain/diagnostic.ts';
import { Failure } from '../domain/errors.ts';
import { shellPath } from '../domain/escape/shell-word.ts';
import { LeadsOutError, locate } from '../files/checkout.ts';
import { refuseContent } from '../files/refuse-content.ts';
import type { Io } from './io.ts';

/**
 * Files that decide who is believed to be a server, or which credentials it gets. Libraries read them, with their own
 * rules: they take a relative path from the working directory, where a pull request can put a file of that name, follow
 * its links, and wait for its pipes.
 */
const OF_NODE = ['NODE_EXTRA_CA_CERTS'];
const BY_SCHEME: readonly (readonly [RegExp, readonly string[]])[] = [
  [
    /^s3:/i,
    ['AWS_CA_BUNDLE', 'AWS_CONFIG_FILE', 'AWS_SHARED_CREDENTIALS_FILE', 'AWS_WEB_IDENTITY_TOKEN_FILE'],
  ],
  [/^postgres(?:ql)?:/i, ['PGPASSFILE', 'PGSSLROOTCERT', 'PGSSLCERT', 'PGSSLKEY']],
];
const IN_THE_URL = ['sslrootcert', 'sslcert', 'sslkey'];

/**
 * For a state at `location`, or a cloud where it is absent.
 *
 * @throws Failure `refused` that names every relative one with its whole path, or every one in the working directory that
 * is no regular file there; or one that holds no path
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
  const given = named.filter(isPath);
  const unfit = await Promise.all(given.map(([name, path]) => unfitFile(name, path, io.cwd)));
  const problems = unfit.filter((problem) => problem !== undefined);
  if (problems.length > 0) throw new Failure('refused', problems);
  const found = given.filter(([, path]) => !isAbsolute(path));
  if (found.length === 0) return;
  throw new Failure(
    'refused',
    found.map(([name, path]) =>
      error('relative-file', `${name} is a relative path`, {
        detail:
          'It would be read from the working directory, where a pull request can put a file of that name.',
        remedy: `write the whole path: ${name}=${shellPath(resolve(io.cwd, path))}`,
      }),
    ),
  );
}

/** `system` stands for the authorities of the system, as libpq has it. */
function isPath(entry: readonly [string, string | null | undefined]): entry is readonly [string, string] {
  const [, path] = entry;
  return typeof path === 'string' && path !== '' && path !== 'system';
}

/** What a pull request could have put at the path; of a file that cannot be looked at, its reader says why. */
async function unfitFile(name: string, path: string, cwd: string): Promise<Diagnostic | undefined> {
  const remedy = `name a regular file outside of the working directory: ${name}=FILE`;
  try {
    const located = await locate(resolve(cwd, path), [cwd]);
    if (!located.inCheckout || (await stat(located.path)).isFile()) return undefined;
    return error('unfit-file', `${name} names what is no regular file, in the working directory`, { remedy });
  } catch (cause) {
    return cause instanceof LeadsOutError
      ? error('unfit-file', `${name}: ${cause.message}`, { remedy })
      : undefined;
  }
}
