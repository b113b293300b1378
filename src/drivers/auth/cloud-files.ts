import { readFile, stat } from 'node:fs/promises';
import { delimiter, join } from 'node:path';
import { LineCounter, parseDocument } from 'yaml';
import { error } from '../../domain/diagnostic.ts';
import { Failure } from '../../domain/errors.ts';
import { optional } from '../../domain/record.ts';
import { isObject, type JsonObject } from '../http/failures.ts';
import type { Env } from './settings.ts';

/** What was found of clouds.yaml and its companions, unread. */
export interface CloudFiles {
  readonly clouds?: CloudFile;
  /** Secrets; its values win. */
  readonly secure?: CloudFile;
  /** `clouds-public.yaml`: what the `profile` of a cloud stands for. */
  readonly vendors?: CloudFile;
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

/**
 * The first clouds.yaml of `OS_CLIENT_CONFIG_FILE` and openstacksdk's search path (the working directory only
 * where it is trusted), the first secure.yaml of `OS_CLIENT_SECURE_FILE` and the same path, and the first
 * clouds-public.yaml. Throws a Failure (`invalid`) for a file that is there and cannot be read, and for one that
 * a variable names and is not there.
 */
export async function readCloudFiles(places: {
  readonly env: Env;
  /** Absent: the working directory is not to be trusted, its files could send credentials anywhere. */
  readonly cwd?: string;
  readonly home: string;
}): Promise<CloudFiles> {
  const folders = searchPath(places);
  const candidates = (stem: string) =>
    folders.flatMap((folder) => EXTENSIONS.map((extension) => join(folder, `${stem}.${extension}`)));
  // A file that somebody named has to be there.
  const find = (stem: string, variable: string) => {
    const named = places.env[variable];
    return named ? firstOf([named], variable) : firstOf(candidates(stem), undefined);
  };
  const [clouds, secure, vendors] = await Promise.all([
    find('clouds', 'OS_CLIENT_CONFIG_FILE'),
    find('secure', 'OS_CLIENT_SECURE_FILE'),
    firstOf(candidates('clouds-public'), undefined),
  ]);
  const { OS_CLIENT_CONFIG_FILE: named } = places.env;
  return {
    ...optional('clouds', clouds),
    ...optional('secure', secure),
    ...optional('vendors', vendors),
    searched: named ? [named] : candidates('clouds'),
  };
}

/** As openstacksdk's `config/loader.py` has it on Unix: working directory, user, snap's user, site, system. */
function searchPath({ env, cwd, home }: { env: Env; cwd?: string; home: string }): readonly string[] {
  const userConfig = env.XDG_CONFIG_HOME || join(home, '.config');
  const [siteConfig = ''] = (env.XDG_CONFIG_DIRS || '/etc/xdg').split(delimiter);
  const folders = [
    ...(cwd === undefined ? [] : [cwd]),
    join(userConfig, 'openstack'),
    join(env.SNAP_REAL_HOME || home, '.config', 'openstack'),
    join(siteConfig, 'openstack'),
    '/etc/openstack',
  ];
  return [...new Set(folders)];
}

async function firstOf(
  paths: readonly string[],
  namedBy: string | undefined,
): Promise<CloudFile | undefined> {
  for (const path of paths) {
    try {
      const { size } = await stat(path);
      if (size > SIZE_MAX) throw unusable(path, `is larger than ${SIZE_MAX} bytes`, namedBy);
      return { path, text: await readFile(path, 'utf8') };
    } catch (cause) {
      if (cause instanceof Failure) throw cause;
      const { code = 'UNKNOWN' } = cause as NodeJS.ErrnoException;
      const absent = code === 'ENOENT' || code === 'ENOTDIR';
      if (!absent || namedBy !== undefined) throw unusable(path, `cannot be read (${code})`, namedBy);
    }
  }
  return undefined;
}

function unusable(path: string, why: string, namedBy = 'OS_CLIENT_CONFIG_FILE'): Failure {
  return new Failure(
    'invalid',
    error('unreadable-clouds-yaml', `${path} ${why}`, {
      remedy: `mend the file, or name another with ${namedBy}`,
      where: { file: path },
    }),
  );
}

/** The file's top level. Throws a Failure (`invalid`) with the place of the first error. */
export function parseCloudFile({ path, text }: CloudFile): JsonObject {
  const lines = new LineCounter();
  const document = parseDocument(text, { lineCounter: lines, prettyErrors: false });
  const [problem] = document.errors;
  if (problem) {
    const { line, col } = lines.linePos(problem.pos[0]);
    // Only the parser's code: its message may quote the line, and the line may be a password.
    throw new Failure(
      'invalid',
      error('bad-yaml', `${path} is not valid YAML (${problem.code})`, {
        remedy: `mend line ${line}`,
        where: { file: path, line, column: col },
      }),
    );
  }
  const value: unknown = document.toJS({ maxAliasCount: 100 });
  return isObject(value) ? value : {};
}
