import { delimiter, isAbsolute, join, resolve } from 'node:path';
import { type Document, isCollection, isScalar, LineCounter, parseDocument, visit } from 'yaml';
import { Failure } from '../../domain/errors.ts';
import { optional } from '../../domain/optional.ts';
import { isObject, type JsonObject } from '../../domain/shape.ts';
import { type Checkouts, LeadsOutError } from '../../files/checkout.ts';
import { readNamedFile, UnfitFileError } from '../../files/read-file.ts';
import { refuseContent } from '../../files/refuse-content.ts';

import type { Env } from './auth-settings.ts';

/** What was found of clouds.yaml and its companions, unread. */
export interface CloudFiles {
  readonly clouds?: CloudFile;
  /** Secrets; its values win. */
  readonly secure?: CloudFile;
  /** `clouds-public.yaml`: what the `profile` of a cloud stands for. */
  readonly vendors?: CloudFile;
  /**
   * The working directory, where all of these were found in it and nobody named them. The user's own files are not
   * mixed with them: a stranger may have written where the secrets go.
   */
  readonly checkout?: string;
  /** The user's own secure.yaml, of which nothing is taken because of that. */
  readonly withheld?: CloudFile;
  /** A clouds.yaml in the working directory that was not read, since a pull request can write it. */
  readonly leftOut?: string;
  /** The user's own clouds.yaml, in whose place the one of the working directory is read. */
  readonly shadowed?: CloudFile;
  /** For messages. */
  readonly searched: readonly string[];
}

export interface CloudFile {
  readonly path: string;
  readonly text: string;
}

export const NO_FILES: CloudFiles = { searched: [] };

const SIZE_MAX = 1024 * 1024;
/** JSON is YAML. */
const EXTENSIONS = ['yaml', 'yml', 'json'];

export interface CloudFilePlaces {
  readonly env: Env;
  readonly cwd: string;
  /** Whether clouds.yaml is looked for in the working directory: not where a pipeline runs or a config is named. */
  readonly readsCwd: boolean;
  readonly home: string;
  readonly signal?: AbortSignal | undefined;
}

/**
 * The first clouds.yaml of `OS_CLIENT_CONFIG_FILE` and openstacksdk's search path, the first secure.yaml of
 * `OS_CLIENT_SECURE_FILE` and the same path, and the first clouds-public.yaml. All three are the user's, or all three
 * those of the working directory. Throws a Failure: `refused` for a variable that holds no path, `invalid` for a file that is there and cannot be read, and for one
 * that a variable names and is not there.
 */
export async function readCloudFiles(places: CloudFilePlaces): Promise<CloudFiles> {
  const { env, cwd, readsCwd } = places;
  const { OS_CLIENT_CONFIG_FILE: namedClouds, OS_CLIENT_SECURE_FILE: namedSecure } = env;
  if (namedClouds) refuseContent('OS_CLIENT_CONFIG_FILE', namedClouds, cwd);
  if (namedSecure) refuseContent('OS_CLIENT_SECURE_FILE', namedSecure, cwd);
  const own = searchPath(places);
  // The user's own, even where the working directory is the home: links in it are theirs.
  const first = (stem: string) => firstOf(candidates(stem, own), undefined, places, []);
  const inCwd = (stem: string) => firstOf(candidates(stem, [cwd]), undefined, places);
  const secure = () =>
    namedSecure ? firstOf([namedSecure], 'OS_CLIENT_SECURE_FILE', places) : first('secure');
  // A person who stands in a folder of the user's own reads the user's own.
  const here =
    namedClouds || own.includes(cwd) ? undefined : await inCwd('clouds').catch(unlessRead(readsCwd));

  if (here && readsCwd) {
    const [beside, vendors, withheld, shadowed] = await Promise.all([
      inCwd('secure'),
      inCwd('clouds-public'),
      secure(),
      first('clouds'),
    ]);
    return {
      clouds: here,
      ...optional('secure', beside),
      ...optional('vendors', vendors),
      checkout: cwd,
      ...optional('withheld', withheld),
      ...optional('shadowed', shadowed),
      searched: candidates('clouds', [cwd]),
    };
  }
  const [clouds, companion, vendors] = await Promise.all([
    namedClouds ? firstOf([namedClouds], 'OS_CLIENT_CONFIG_FILE', places) : first('clouds'),
    secure(),
    first('clouds-public'),
  ]);
  return {
    ...optional('clouds', clouds),
    ...optional('secure', companion),
    ...optional('vendors', vendors),
    ...optional('leftOut', here?.path),
    searched: namedClouds ? [namedClouds] : candidates('clouds', readsCwd ? [cwd, ...own] : own),
  };
}

/** What is left out anyway need not be readable. */
function unlessRead(readsCwd: boolean): (cause: unknown) => undefined {
  return (cause) => {
    if (readsCwd || !(cause instanceof Failure)) throw cause;
  };
}

function candidates(stem: string, folders: readonly string[]): string[] {
  return folders.flatMap((folder) => EXTENSIONS.map((extension) => join(folder, `${stem}.${extension}`)));
}

/**
 * As openstacksdk's `config/loader.py` has it on Unix, the working directory aside: user, snap's user, site, system. A
 * relative one would lie in the working directory, too, and does not count (XDG Base Directory Specification 0.8).
 */
function searchPath({ env, home }: CloudFilePlaces): readonly string[] {
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
  { cwd, signal }: CloudFilePlaces,
  checkouts: Checkouts = [cwd],
): Promise<CloudFile | undefined> {
  for (const path of paths) {
    try {
      const bytes = await readNamedFile(resolve(cwd, path), { checkouts, bytesMax: SIZE_MAX, signal });
      return { path, text: bytes.toString() };
    } catch (cause) {
      if (cause === signal?.reason) throw cause;
      if (cause instanceof LeadsOutError) throw linkOut(path, cause);
      const { code = 'UNKNOWN', message } = cause as NodeJS.ErrnoException;
      const absent = code === 'ENOENT' || code === 'ENOTDIR';
      const why = cause instanceof UnfitFileError ? message : code;
      if (!absent || namedBy !== undefined) throw unusable(path, `cannot be read (${why})`, namedBy);
    }
  }
  return undefined;
}

function unusable(path: string, why: string, namedBy = 'OS_CLIENT_CONFIG_FILE'): Failure {
  return Failure.of('invalid', 'unreadable-clouds-yaml', `${path} ${why}`, {
    remedy: `correct the file, or name another with ${namedBy}`,
    where: { file: path },
  });
}

function linkOut(path: string, { target }: LeadsOutError): Failure {
  return Failure.of(
    'refused',
    'link-leads-out',
    `${path} is refused: a symbolic link leads out of the working directory, to ${target}`,
    {
      detail: 'A pull request can contain symbolic links.',
      remedy:
        'to use that file, name it directly: export OS_CLIENT_CONFIG_FILE=FILE; otherwise remove the link',
      where: { file: path },
    },
  );
}

/** The file's top level. Throws a Failure (`invalid`) with the place of the first error. */
export function parseCloudFile({ path, text }: CloudFile): JsonObject {
  const lines = new LineCounter();
  const unreadable = (why: string, at?: { readonly line: number; readonly col: number }) =>
    Failure.of('invalid', 'bad-yaml', `${path} is not valid YAML (${why})`, {
      remedy: at === undefined ? 'correct the file' : `correct line ${at.line}`,
      where: { file: path, ...(at === undefined ? {} : { line: at.line, column: at.col }) },
    });
  try {
    // Of a long file the parser would compare each key with every other, and look for each alias in all of it: for minutes.
    const document = parseDocument(text, {
      lineCounter: lines,
      prettyErrors: false,
      uniqueKeys: false,
      // A warning would quote the file.
      logLevel: 'silent',
    });
    const [problem] = document.errors;
    // Only the parser's code: its message may quote the line, and the line may be a password.
    if (problem) throw unreadable(problem.code, lines.linePos(problem.pos[0]));
    const found = problemIn(document);
    if (found) throw unreadable(found.why, lines.linePos(found.at));
    const value: unknown = document.toJS({ maxAliasCount: 100 });
    return isObject(value) ? value : {};
  } catch (cause) {
    if (cause instanceof Failure) throw cause;
    // The parser throws where aliases multiply, and where nesting outgrows the stack.
    throw unreadable('too deep, or too many aliases');
  }
}

/** Of all anchors together; of one of them, the parser itself takes 100. */
const ALIASES_MAX = 1_000;

/** A key that a map has already, a value that holds itself, or one alias too many. Linear, but for the depth at an alias. */
function problemIn(document: Document.Parsed): { readonly why: string; readonly at: number } | undefined {
  let problem: { why: string; at: number } | undefined;
  let aliases = 0;
  visit(document, {
    Alias(_, { range, source }, path) {
      const holdsItself = path.some((node) => isCollection(node) && node.anchor === source);
      if (++aliases <= ALIASES_MAX && !holdsItself) return undefined;
      const why = holdsItself
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
