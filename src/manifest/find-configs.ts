import { lstat, readdir, stat } from 'node:fs/promises';
import { dirname, join, relative, resolve, sep } from 'node:path';
import { Failure } from '../domain/errors.ts';
import { isWithin, locate } from '../files/checkout.ts';
import { LIMITS } from './limits.ts';
import { CONFIG_FILE, checkoutsFor, type LoadIo, STDIN } from './load.ts';

/** Finds the files `vbsctl.yaml` in the working directory and around the manifests. */

/**
 * The configs without another one above them on the path from the working directory to the manifests. There may be
 * several if the manifests are in several places.
 */
export async function outermostConfigs(manifests: readonly string[], io: LoadIo): Promise<readonly string[]> {
  const found: string[] = [];
  for (const path of manifests.length === 0 ? ['.'] : ['.', ...manifests.filter((each) => each !== STDIN)]) {
    const [first] = await existing(above(await directoryOf(path, io), io), io);
    if (first !== undefined && !found.includes(first)) found.push(first);
  }
  return found;
}

/** Every config from the working directory to the manifests, and below named directories; outermost first. */
export async function configsAround(manifests: readonly string[], io: LoadIo): Promise<readonly string[]> {
  const directories: string[] = ['.'];
  for (const path of manifests) {
    if (path === STDIN) continue;
    const directory = await directoryOf(path, io);
    directories.push(...above(directory, io));
    if (directory === path) directories.push(...(await below(directory, io)));
  }
  return await existing(directories, io);
}

async function directoryOf(path: string, io: LoadIo): Promise<string> {
  return (await isDirectory(resolve(io.cwd, path))) ? path : dirname(path);
}

/** The directories from the working directory down to `directory`; only `directory` if it is elsewhere. */
function above(directory: string, { cwd }: LoadIo): readonly string[] {
  const absolute = resolve(cwd, directory);
  if (!isWithin(absolute, cwd)) return [directory];
  const names = relative(cwd, absolute).split(sep);
  return ['.', ...names.map((_, index) => join(...names.slice(0, index + 1)))];
}

/**
 * Descends like `loadTexts`: into no hidden directory and no link that leads out, into each directory once. A directory
 * that cannot be reached has none: it is refused where its manifests are read.
 */
async function below(directory: string, io: LoadIo): Promise<readonly string[]> {
  const root = resolve(io.cwd, directory);
  const checkouts = await checkoutsFor(root, io.cwd).catch(() => undefined);
  const seen = new Set<string>();
  const found: string[] = [];
  const enter = async (path: string, depth: number): Promise<void> => {
    const real = checkouts && (await locate(resolve(io.cwd, path), checkouts).catch(() => undefined))?.path;
    if (real === undefined || seen.has(real)) return;
    if (depth > LIMITS.directoryDepth || !(await isDirectory(real))) return;
    if (found.length > LIMITS.files) throw tooManyDirectories(directory);
    seen.add(real);
    found.push(path);
    for (const entry of await readdir(real, { withFileTypes: true }).catch(() => [])) {
      io.signal?.throwIfAborted();
      if (!entry.name.startsWith('.') && !entry.isFile()) await enter(join(path, entry.name), depth + 1);
    }
  };
  await enter(directory, 0);
  return found;
}

async function existing(directories: readonly string[], io: LoadIo): Promise<readonly string[]> {
  const seen = new Set<string>();
  const found: string[] = [];
  for (const directory of directories) {
    const path = join(directory, CONFIG_FILE);
    const absolute = resolve(io.cwd, path);
    if (seen.has(absolute)) continue;
    seen.add(absolute);
    if (await exists(absolute)) found.push(path);
  }
  return found;
}

/** Left out, the policy of one of them would not count. */
function tooManyDirectories(directory: string): Failure {
  return Failure.of(
    'invalid',
    'too-many-directories',
    `more than ${LIMITS.files} directories lie in this one`,
    {
      detail: `Each may hold a ${CONFIG_FILE} that tightens the policy, so all are looked at.`,
      remedy: 'remove some, or name fewer manifests at a time with -f',
      where: { file: directory },
    },
  );
}

/** True also for a dangling link: reading it then fails with a message. */
export async function exists(path: string): Promise<boolean> {
  try {
    await lstat(path);
    return true;
  } catch {
    return false;
  }
}

export async function isDirectory(path: string): Promise<boolean> {
  try {
    return (await stat(path)).isDirectory();
  } catch {
    return false;
  }
}
