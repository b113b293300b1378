import { isUtf8 } from 'node:buffer';
import { lstat, readlink, realpath } from 'node:fs/promises';
import { dirname, isAbsolute, join, parse, relative, resolve, sep } from 'node:path';
import { hasCode } from './system-error.ts';

/**
 * Directories that a pull request may have changed: the working directory, and where a found config or manifests lie. The
 * git repository around each of them counts, too (`locate`). Absolute paths.
 */
export type Checkouts = readonly string[];

/** As one of the checkouts, the top of the file system: it confines nothing itself, but every git repository counts. */
export const EVERY_REPOSITORY = sep;

/**
 * A link in a checkout leads out of it. Files outside are not accessed through it. The message names the first link in a
 * checkout on the way, with its own text, and not what is behind it: links outside are not for those who read the message.
 */
export class LeadsOutError extends Error {
  override readonly name = 'LeadsOutError';
  /** The end of the message: "by the symbolic link …". */
  readonly by: string;

  constructor({ path, to }: Link) {
    const by = `by the symbolic link ${path} to ${to}`;
    super(`it leads out of the checkout, ${by}`);
    this.by = by;
  }
}

interface Link {
  /** Absolute; its directory is without links. */
  readonly path: string;
  /** Its text. */
  readonly to: string;
}

/** The limit of the Linux kernel (`MAXSYMLINKS`). */
const LINKS_MAX = 40;

export interface ResolvedPath {
  /** Without symbolic links; parts that do not exist are kept as given. */
  readonly path: string;
  /** The way to it leads over a link that lies in a checkout or in the repository around one. */
  readonly byLink: boolean;
}

/**
 * Resolves all symbolic links of a path. What counts is where a link is, not who named the path: a link outside of the
 * checkouts and of the repositories around them is the user’s own and is followed. Any other link may only lead within the
 * innermost checkout or git repository that it lies in.
 *
 * @throws LeadsOutError if such a link is followed and the path ends outside, or in a `.git` directory
 * @throws the system error (`ELOOP`, `EACCES`, `ENAMETOOLONG`, `EILSEQ`): nobody can tell where the path leads, but the
 *   system may be able to follow it
 */
export async function locate(path: string, checkouts: Checkouts): Promise<ResolvedPath> {
  /** By directory, the first link in it. */
  const links = new Map<string, Link>();
  const real = await linksResolved(resolve(path), (link) => {
    const directory = dirname(link.path);
    if (!links.has(directory)) links.set(directory, link);
  });
  if (links.size === 0) return { path: real, byLink: false };
  const roots = await rootsOf(checkouts);
  // The text of a link in there (`/proc/1/root`) does not tell where it leads.
  const isUncertain = [...links.keys()].some((directory) => isWithin(directory, '/proc'));
  let first: Link | undefined;
  for (const [directory, link] of links) {
    const confines = await innermost(directory, roots);
    if (confines === undefined) continue;
    first ??= link;
    if (isUncertain || !isContent(real, confines)) throw new LeadsOutError(first);
  }
  return { path: real, byLink: first !== undefined };
}

/** Whether a path without links is in one of the checkouts or in the repository around one. */
export async function isInCheckouts(real: string, checkouts: Checkouts): Promise<boolean> {
  return (await rootsOf(checkouts)).some((root) => !isTop(root) && isWithin(real, root));
}

/** The git repository around a path, as a path without links; undefined if there is none. Submodules are repositories. */
export async function repositoryAround(path: string): Promise<string | undefined> {
  return await innermost(await linksResolved(resolve(path)));
}

/** The checkouts and the repositories around them, without links. */
async function rootsOf(checkouts: Checkouts): Promise<readonly string[]> {
  const roots = checkouts.map(async (checkout) => {
    const real = await linksResolved(resolve(checkout));
    return [real, (await innermost(real)) ?? real];
  });
  return (await Promise.all(roots)).flat();
}

/**
 * The innermost directory around `directory` that is one of the roots or a git repository; with `roots`, only if it lies
 * in one of them. Never the top of the file system, which would confine nothing.
 */
async function innermost(directory: string, roots?: readonly string[]): Promise<string | undefined> {
  if (roots && !roots.some((root) => isWithin(directory, root))) return undefined;
  for (let at = directory; !isTop(at); at = dirname(at))
    if (roots?.includes(at) || (await linkTarget(join(at, '.git'))) !== 'absent') return at;
  return undefined;
}

function isTop(path: string): boolean {
  return path === parse(path).root;
}

/** `onLink` gets each link on the way. */
async function linksResolved(path: string, onLink: (link: Link) => void = () => {}): Promise<string> {
  // Most paths have no link, which the system tells with one call.
  if ((await realpath(path).catch(() => undefined)) === path) return path;
  const { root } = parse(path);
  const rest = namesOf(path.slice(root.length));
  let real = root;
  let links = 0;
  for (let name = rest.shift(); name !== undefined; name = rest.shift()) {
    if (name === '..') {
      real = dirname(real);
      continue;
    }
    const next = join(real, name);
    const target = await linkTarget(next);
    if (target === 'absent') {
      // The names behind it are not looked up, so none of them may lead back to what is there.
      if (rest.includes('..')) throw systemError('ENOENT', 'no such file or directory', path);
      return join(next, ...rest);
    }
    if (target === 'no link') {
      real = next;
      continue;
    }
    if (++links > LINKS_MAX) throw systemError('ELOOP', 'too many symbolic links', path);
    onLink({ path: next, to: target.to });
    if (isAbsolute(target.to)) real = parse(target.to).root;
    rest.unshift(...namesOf(target.to));
  }
  return real;
}

async function linkTarget(path: string): Promise<{ readonly to: string } | 'no link' | 'absent'> {
  try {
    if (!(await lstat(path)).isSymbolicLink()) return 'no link';
    const to = await readlink(path, 'buffer');
    if (isUtf8(to)) return { to: to.toString() };
    throw systemError('EILSEQ', 'a symbolic link to a name that is not UTF-8', path);
  } catch (cause) {
    if (hasCode(cause, 'ENOENT') || hasCode(cause, 'ENOTDIR')) return 'absent';
    throw cause;
  }
}

function systemError(code: string, what: string, path: string): Error {
  return Object.assign(new Error(`${code}: ${what}`), { code, path });
}

function namesOf(path: string): string[] {
  return path.split(sep).filter((name) => name !== '' && name !== '.');
}

/**
 * Whether an absolute path is in a checkout, but not in its `.git`: the config of git may contain a token, and its
 * hooks are programs. Compares only names; some file systems treat `.GIT` and `.git` as equal.
 */
export function isContent(path: string, checkout: string): boolean {
  return isWithin(path, checkout) && !relative(checkout, path).toLowerCase().split(sep).includes('.git');
}

/** Whether an absolute path is the directory or in it. Compares only names. */
export function isWithin(path: string, directory: string): boolean {
  const way = relative(directory, path);
  return way === '' || !(way === '..' || way.startsWith(`..${sep}`) || isAbsolute(way));
}
