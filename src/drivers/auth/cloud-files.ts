import { access, constants } from 'node:fs/promises';
import { delimiter, dirname, isAbsolute, join, resolve } from 'node:path';
import type { Env } from '../../domain/env.ts';
import { Failure } from '../../domain/errors.ts';
import { optional } from '../../domain/optional.ts';
import { type Checkouts, LeadsOutError } from '../../files/checkout.ts';
import { readNamedFile, UnfitFileError } from '../../files/read-file.ts';
import { refuseContent } from '../../files/refuse-content.ts';

/** The files that a variable names or that a folder of the user holds, not parsed yet. */
export interface UserFiles {
  readonly clouds?: CloudFile;
  /** Holds secrets. Its values override those of clouds.yaml. */
  readonly secure?: CloudFile;
  /** `clouds-public.yaml`: defines the vendor profiles that a cloud can refer to. */
  readonly vendors?: CloudFile;
}

/** The clouds.yaml that is used, and its companion files, not parsed yet. */
export interface CloudFiles extends UserFiles {
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

const CLOUD_FILE_BYTES_MAX = 1024 * 1024;
/** JSON is valid YAML. */
const EXTENSIONS = ['yaml', 'yml', 'json'];

interface CloudFileOptions {
  readonly env: Env;
  readonly cwd: string;
  /** Whether clouds.yaml is looked for in the working directory: not in a pipeline, and not if a config is named. */
  readonly readsCwd: boolean;
  readonly home: string;
  readonly signal?: AbortSignal | undefined;
}

/**
 * Finds the first clouds.yaml of `OS_CLIENT_CONFIG_FILE` and openstacksdk's search path, the first secure.yaml of
 * `OS_CLIENT_SECURE_FILE` and the same path, and the first clouds-public.yaml; never a file of the working directory.
 * Throws a Failure: `refused` if a variable holds no path, `invalid` if a file cannot be read or if a file that a variable
 * names does not exist.
 */
export async function readUserFiles(options: CloudFileOptions): Promise<UserFiles> {
  const { OS_CLIENT_CONFIG_FILE: namedClouds, OS_CLIENT_SECURE_FILE: namedSecure } = options.env;
  if (namedClouds) refuseContent('OS_CLIENT_CONFIG_FILE', namedClouds, options.cwd);
  if (namedSecure) refuseContent('OS_CLIENT_SECURE_FILE', namedSecure, options.cwd);
  const folders = searchPath(options);
  // The user's own files, even if the working directory is the home directory: links in it are the user's.
  const first = (stem: Stem, named?: string) =>
    named
      ? firstOf(stem, [named], options, { named: true })
      : firstOf(stem, candidates(stem, folders), options, { checkouts: [] });
  const [clouds, secure, vendors] = await Promise.all([
    first('clouds', namedClouds),
    first('secure', namedSecure),
    first('clouds-public'),
  ]);
  return {
    ...optional('clouds', clouds),
    ...optional('secure', secure),
    ...optional('vendors', vendors),
  };
}

/**
 * All three files are the user's, or, if no variable names a clouds.yaml and the working directory has one, all three are
 * those of the working directory. Throws a Failure (`refused`, `invalid`) if one of these cannot be read.
 */
export async function readCloudFiles(options: CloudFileOptions, own: UserFiles): Promise<CloudFiles> {
  const { cwd, readsCwd } = options;
  const { OS_CLIENT_CONFIG_FILE: namedClouds } = options.env;
  const userFolders = searchPath(options);
  const inCwd = (stem: Stem) => firstOf(stem, candidates(stem, [cwd]), options);
  // If the working directory is one of the user's own folders, its files are the user's own.
  const cloudsInCwd =
    namedClouds || userFolders.includes(cwd)
      ? undefined
      : await inCwd('clouds').catch(ignoreUnless(readsCwd));

  if (cloudsInCwd && readsCwd) {
    const [secureInCwd, vendors] = await Promise.all([inCwd('secure'), inCwd('clouds-public')]);
    return {
      clouds: cloudsInCwd,
      ...optional('secure', secureInCwd),
      ...optional('vendors', vendors),
      checkout: cwd,
      ...optional('withheld', own.secure),
      ...optional('shadowed', own.clouds),
      searched: candidates('clouds', [cwd]),
    };
  }
  return {
    ...own,
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

type Stem = 'clouds' | 'secure' | 'clouds-public';

/** The variables that name the files. None names clouds-public.yaml. */
const NAMED_BY: Readonly<Record<Stem, string | undefined>> = {
  clouds: 'OS_CLIENT_CONFIG_FILE',
  secure: 'OS_CLIENT_SECURE_FILE',
  'clouds-public': undefined,
};

function candidates(stem: Stem, folders: readonly string[]): string[] {
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
  stem: Stem,
  paths: readonly string[],
  { cwd, signal }: CloudFileOptions,
  { checkouts = [cwd], named = false }: { readonly checkouts?: Checkouts; readonly named?: boolean } = {},
): Promise<CloudFile | undefined> {
  for (const path of paths) {
    try {
      const bytes = await readNamedFile(resolve(cwd, path), {
        checkouts,
        bytesMax: CLOUD_FILE_BYTES_MAX,
        signal,
      });
      return { path, text: bytes.toString() };
    } catch (cause) {
      if (cause === signal?.reason) throw cause;
      if (cause instanceof LeadsOutError) throw linkLeadsOutFailure(path, cause);
      const { code = 'UNKNOWN', message } = cause as NodeJS.ErrnoException;
      const why = cause instanceof UnfitFileError ? message : code;
      if (named || !(await isAbsent(stem, path, code))) throw unusableFileFailure(stem, path, why);
    }
  }
  return undefined;
}

/**
 * A file in a folder that this user may not search, such as the home of another user, counts as absent, as in
 * openstacksdk. So does a clouds-public.yaml that cannot be read, because no variable names another one.
 */
async function isAbsent(stem: Stem, path: string, code: string): Promise<boolean> {
  if (code !== 'EACCES') return code === 'ENOENT' || code === 'ENOTDIR';
  if (NAMED_BY[stem] === undefined) return true;
  return access(dirname(path), constants.X_OK).then(
    () => false,
    () => true,
  );
}

function unusableFileFailure(stem: Stem, path: string, why: string): Failure {
  const variable = NAMED_BY[stem];
  return Failure.of('invalid', 'unreadable-clouds-yaml', `${path} cannot be read (${why})`, {
    remedy: `correct the file${variable === undefined ? '' : `, or name another with ${variable}`}`,
    where: { file: path },
  });
}

function linkLeadsOutFailure(path: string, { message }: LeadsOutError): Failure {
  return Failure.of('refused', 'link-leads-out', `${path} is refused: ${message}`, {
    detail: 'A pull request can contain symbolic links.',
    remedy:
      'to use that file, name it directly: export OS_CLIENT_CONFIG_FILE=FILE; otherwise remove the link',
    where: { file: path },
  });
}
