import { delimiter, isAbsolute, join, resolve } from 'node:path';
import { type Document, isCollection, isScalar, LineCounter, parseDocument, visit } from 'yaml';
import { Failure } from '../../domain/errors.ts';
import { optional } from '../../domain/optional.ts';
import { isObject, type JsonObject } from '../../domain/shape.ts';
import { type Checkouts, LeadsOutError } from '../../files/checkout.ts';
import { readNamedFile, UnfitFileError } from '../../files/read-file.ts';
import { refuseContent } from '../../files/refuse-content.ts';
import type { Env } from './auth-settings.ts';

/** The clouds.yaml and its companion files that were found, not parsed yet. */
export interface CloudFiles {
  readonly clouds?: CloudFile;
  /** Holds secrets. Its values override those of clouds.yaml. */
  readonly secure?: CloudFile;
  /** `clouds-public.yaml`: defines the vendor profiles that a cloud can refer to. */
  readonly vendors?: CloudFile;
  /**
   * The working directory, if all of these were found in it and nobody named them. The user's own files are not
   * combined with them, because somebody else may have written where the secrets are sent.
   */
  readonly checkout?: string;
  /** The user's own secure.yaml, which is not used for that reason. */
  readonly withheld?: CloudFile;
  /** A clouds.yaml in the working directory that was not read, because a pull request can write it. */
  readonly skipped?: string;
  /** The user's own clouds.yaml, which that of the working directory replaces. */
  readonly shadowed?: CloudFile;
  /** The paths that were tried, for messages. */
  readonly searched: readonly string[];
}

export interface CloudFile {
  readonly path: string;
  readonly text: string;
}

export const NO_FILES: CloudFiles = { searched: [] };

const SIZE_MAX = 1024 * 1024;
/** JSON is valid YAML. */
const EXTENSIONS = ['yaml', 'yml', 'json'];

export interface CloudFileOptions {
  readonly env: Env;
  readonly cwd: string;
  /** Whether clouds.yaml is looked for in the working directory: not in a pipeline, and not if a config is named. */
  readonly readsCwd: boolean;
  readonly home: string;
  readonly signal?: AbortSignal | undefined;
}

/**
 * Finds the first clouds.yaml of `OS_CLIENT_CONFIG_FILE` and openstacksdk's search path, the first secure.yaml of
 * `OS_CLIENT_SECURE_FILE` and the same path, and the first clouds-public.yaml. All three are the user's, or all three
 * are those of the working directory. Throws a Failure: `refused` if a variable holds no path, `invalid` if a file
 * cannot be read or if a file that a variable names does not exist.
 */
export async function readCloudFiles(options: CloudFileOptions): Promise<CloudFiles> {
  const { env, cwd, readsCwd } = options;
  const { OS_CLIENT_CONFIG_FILE: namedClouds, OS_CLIENT_SECURE_FILE: namedSecure } = env;
  if (namedClouds) refuseContent('OS_CLIENT_CONFIG_FILE', namedClouds, cwd);
  if (namedSecure) refuseContent('OS_CLIENT_SECURE_FILE', namedSecure, cwd);
  const userFolders = searchPath(options);
  // The user's own files, even if the working directory is the home directory: links in it are the user's.
  const first = (stem: string) => firstOf(candidates(stem, userFolders), undefined, options, []);
  const inCwd = (stem: string) => firstOf(candidates(stem, [cwd]), undefined, options);
  const secure = () =>
    namedSecure ? firstOf([namedSecure], 'OS_CLIENT_SECURE_FILE', options) : first('secure');
  // If the working directory is one of the user's own folders, its files are the user's own.
  const cloudsInCwd =
    namedClouds || userFolders.includes(cwd)
      ? undefined
      : await inCwd('clouds').catch(ignoreUnless(readsCwd));

  if (cloudsInCwd && readsCwd) {
    const [secureInCwd, vendors, withheld, shadowed] = await Promise.all([
      inCwd('secure'),
      inCwd('clouds-public'),
      secure(),
      first('clouds'),
    ]);
    return {
      clouds: cloudsInCwd,
      ...optional('secure', secureInCwd),
      ...optional('vendors', vendors),
      checkout: cwd,
      ...optional('withheld', withheld),
      ...optional('shadowed', shadowed),
      searched: candidates('clouds', [cwd]),
    };
  }
  const [clouds, userSecure, vendors] = await Promise.all([
    namedClouds ? firstOf([namedClouds], 'OS_CLIENT_CONFIG_FILE', options) : first('clouds'),
    secure(),
    first('clouds-public'),
  ]);
  return {
    ...optional('clouds', clouds),
    ...optional('secure', userSecure),
    ...optional('vendors', vendors),
    ...optional('skipped', cloudsInCwd?.path),
    searched: namedClouds
      ? [namedClouds]
      : candidates('clouds', readsCwd ? [cwd, ...userFolders] : userFolders),
  };
}

/** Ignores that a file cannot be read, unless it is used. */
function ignoreUnless(readsCwd: boolean): (cause: unknown) => undefined {
  return (cause) => {
    if (readsCwd || !(cause instanceof Failure)) throw cause;
  };
}

function candidates(stem: string, folders: readonly string[]): string[] {
  return folders.flatMap((folder) => EXTENSIONS.map((extension) => join(folder, `${stem}.${extension}`)));
}

/**
 * The search path of openstacksdk's `config/loader.py` on Unix, without the working directory: user, snap user, site,
 * system. Relative folders are ignored (XDG Base Directory Specification 0.8), because they would be in the working
 * directory.
 */
function searchPath({ env, home }: CloudFileOptions): readonly string[] {
  const userConfig = env.XDG_CONFIG_HOME || join(home, '.config');
  const [siteConfig = ''] = (env.XDG_CONFIG_DIRS || '/etc/xdg').split(delimiter);
  const folders = [
    join(userConfig, 'openstack'),
    join(env.SNAP_REAL_HOME || home, '.config', 'openstack'),
    join(siteConfig, 'openstack'),
    '/etc/openstack',
  ];
  return [...new Set(folders.filter(isAbsolute))];
}

async function firstOf(
  paths: readonly string[],
  namedBy: string | undefined,
  { cwd, signal }: CloudFileOptions,
  checkouts: Checkouts = [cwd],
): Promise<CloudFile | undefined> {
  for (const path of paths) {
    try {
      const bytes = await readNamedFile(resolve(cwd, path), { checkouts, bytesMax: SIZE_MAX, signal });
      return { path, text: bytes.toString() };
    } catch (cause) {
      if (cause === signal?.reason) throw cause;
      if (cause instanceof LeadsOutError) throw linkLeadsOutFailure(path, cause);
      const { code = 'UNKNOWN', message } = cause as NodeJS.ErrnoException;
      const absent = code === 'ENOENT' || code === 'ENOTDIR';
      const why = cause instanceof UnfitFileError ? message : code;
      if (!absent || namedBy !== undefined)
        throw unusableFileFailure(path, `cannot be read (${why})`, namedBy);
    }
  }
  return undefined;
}

function unusableFileFailure(path: string, why: string, namedBy = 'OS_CLIENT_CONFIG_FILE'): Failure {
  return Failure.of('invalid', 'unreadable-clouds-yaml', `${path} ${why}`, {
    remedy: `correct the file, or name another with ${namedBy}`,
    where: { file: path },
  });
}

function linkLeadsOutFailure(path: string, { target }: LeadsOutError): Failure {
  return Failure.of(
    'refused',
    'link-leads-out',
    `${path} is refused: a symbolic link leads out of the checkout, to ${target}`,
    {
      detail: 'A pull request can contain symbolic links.',
      remedy:
        'to use that file, name it directly: export OS_CLIENT_CONFIG_FILE=FILE; otherwise remove the link',
      where: { file: path },
    },
  );
}

/** Parses the top level of the file. Throws a Failure (`invalid`) with the position of the first error. */
export function parseCloudFile({ path, text }: CloudFile): JsonObject {
  const lines = new LineCounter();
  const unreadable = (why: string, at?: { readonly line: number; readonly col: number }) =>
    Failure.of('invalid', 'bad-yaml', `${path} is not valid YAML (${why})`, {
      remedy: at === undefined ? 'correct the file' : `correct line ${at.line}`,
      where: { file: path, ...(at === undefined ? {} : { line: at.line, column: at.col }) },
    });
  try {
    // In a long file, these checks of the parser would take minutes: it compares each key with every other one, and
    // searches the whole file for each alias.
    const document = parseDocument(text, {
      lineCounter: lines,
      prettyErrors: false,
      uniqueKeys: false,
      // A warning would quote the file.
      logLevel: 'silent',
    });
    const [problem] = document.errors;
    // Only the code of the parser: its message may quote the line, which may contain a password.
    if (problem) throw unreadable(problem.code, lines.linePos(problem.pos[0]));
    const found = problemIn(document);
    if (found) throw unreadable(found.why, lines.linePos(found.at));
    const value: unknown = document.toJS({ maxAliasCount: 100 });
    return isObject(value) ? value : {};
  } catch (cause) {
    if (cause instanceof Failure) throw cause;
    // The parser throws if aliases multiply, and if nesting exceeds the stack.
    throw unreadable('too deep, or too many aliases');
  }
}

/** Limit for all anchors together. The parser itself allows 100 aliases for one anchor. */
const ALIASES_MAX = 1_000;

/** A duplicate key, a value that contains itself, or too many aliases. Linear, except for the depth at an alias. */
function problemIn(document: Document.Parsed): { readonly why: string; readonly at: number } | undefined {
  let problem: { why: string; at: number } | undefined;
  let aliases = 0;
  visit(document, {
    Alias(_, { range, source }, path) {
      const containsItself = path.some((node) => isCollection(node) && node.anchor === source);
      if (++aliases <= ALIASES_MAX && !containsItself) return undefined;
      const why = containsItself
        ? 'an alias inside the value that it names'
        : `more than ${ALIASES_MAX} aliases`;
      problem = { why, at: range?.[0] ?? 0 };
      return visit.BREAK;
    },
    Map(_, { items }) {
      const seen = new Set<unknown>();
      for (const { key } of items) {
        if (!isScalar(key)) continue;
        if (seen.has(key.value)) {
          problem = { why: 'DUPLICATE_KEY', at: key.range?.[0] ?? 0 };
          return visit.BREAK;
        }
        seen.add(key.value);
      }
      return undefined;
    },
  });
  return problem;
}
