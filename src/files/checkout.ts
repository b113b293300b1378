import { lstat, readlink } from 'node:fs/promises';
import { dirname, isAbsolute, join, parse, relative, resolve, sep } from 'node:path';

/**
 * Directories in which a stranger may have written: the working directory, and that of a config which was found
 * elsewhere. Absolute paths.
 */
export type Checkouts = readonly string[];

/** A link in a checkout leads out of it. Files outside are neither read nor written through it. */
export class LeadsOutError extends Error {
  override readonly name = 'LeadsOutError';
  /** As it was named. */
  readonly path: string;
  /** Where it leads. */
  readonly target: string;

  constructor(path: string, target: string) {
    super(`a symbolic link on the way to it leads out of the working directory, to ${target}`);
    this.path = path;
    this.target = target;
  }
}

/** As the kernel has it (`MAXSYMLINKS`). */
const LINKS_MAX = 40;

export interface Located {
  /** Without symbolic links; what does not exist of it is kept as it is named. */
  readonly path: string;
  /** It ends in one of the checkouts. */
  readonly inCheckout: boolean;
}

/**
 * Where a path leads. The rule is about where a link lies, not about who names the path: a link outside of the
 * checkouts is the user's own and is followed, a link in one of them may lead anywhere within them. A working
 * directory that is the root of the file system is no checkout.
 *
 * @throws LeadsOutError if a link in a checkout is crossed and the path ends outside, or in a `.git` directory
 * @throws the error of the system for what cannot be looked at (`ELOOP`, `EACCES`, `ENOTDIR`)
 */
export async function locate(path: string, checkouts: Checkouts): Promise<Located> {
  const roots = (await Promise.all(checkouts.map((checkout) => linksResolved(resolve(checkout))))).filter(
    (root) => root !== parse(root).root,
  );
  let crossed = false;
  const real = await linksResolved(resolve(path), (directory) => {
    crossed ||= roots.some((root) => isWithin(directory, root));
  });
  if (crossed && !roots.some((root) => isContent(real, root))) throw new LeadsOutError(path, real);
  return { path: real, inCheckout: roots.some((root) => isWithin(real, root)) };
}

/** `onLink` gets the directory, itself free of links, in which each link lies. */
async function linksResolved(path: string, onLink: (directory: string) => void = () => {}): Promise<string> {
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
    if (target === 'absent') return join(next, ...rest);
    if (target === 'no link') {
      real = next;
      continue;
    }
    if (++links > LINKS_MAX)
      throw Object.assign(new Error('ELOOP: too many symbolic links'), { code: 'ELOOP', path });
    onLink(real);
    if (isAbsolute(target.to)) real = parse(target.to).root;
    rest.unshift(...namesOf(target.to));
  }
  return real;
}

async function linkTarget(path: string): Promise<{ readonly to: string } | 'no link' | 'absent'> {
  try {
    return (await lstat(path)).isSymbolicLink() ? { to: await readlink(path) } : 'no link';
  } catch (cause) {
    if ((cause as NodeJS.ErrnoException).code === 'ENOENT') return 'absent';
    throw cause;
  }
}

function namesOf(path: string): string[] {
  return path.split(sep).filter((name) => name !== '' && name !== '.');
}

/**
 * Whether an absolute path lies in a checkout, and not in what git keeps there: its config may hold the token that
 * cloned it, its hooks are programs. As far as the names tell; some file systems do not tell `.GIT` from `.git`.
 */
export function isContent(path: string, checkout: string): boolean {
  return isWithin(path, checkout) && !relative(checkout, path).toLowerCase().split(sep).includes('.git');
}

/** Whether an absolute path is the directory or lies in it, as far as the names tell. */
export function isWithin(path: string, directory: string): boolean {
  const way = relative(directory, path);
  return way === '' || !(way === '..' || way.startsWith(`..${sep}`) || isAbsolute(way));
}
