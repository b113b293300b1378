import { resolve } from 'node:path';
import { Failure } from '../domain/errors.ts';
import { type Checkouts, LeadsOutError, locate } from '../files/checkout.ts';
import { readNamedFile } from '../files/read-file.ts';
import type { Io } from './io.ts';

/** The paths that the command line names. */

export function absolute({ cwd }: Pick<Io, 'cwd'>, path: string): string {
  return resolve(cwd, path);
}

/**
 * The path, absolute and without links. A link inside a checkout must not lead out of it, because a pull request can
 * create one. `flag`: the option that names the path, for the remedy.
 *
 * @throws Failure `refused` if a link leads out. Errors of the system appear when the file is opened.
 */
export async function checkoutPath(
  io: Pick<Io, 'cwd'>,
  path: string,
  flag: string,
  checkouts: Checkouts = [io.cwd],
): Promise<string> {
  try {
    return (await locate(absolute(io, path), checkouts)).path;
  } catch (cause) {
    if (cause instanceof LeadsOutError) throw leadsOut(path, cause.target, flag);
    return absolute(io, path);
  }
}

function leadsOut(path: string, target: string, flag: string): Failure {
  return Failure.of(
    'refused',
    'link-leads-out',
    `${path} is refused: a symbolic link leads out of the working directory, to ${target}`,
    {
      detail: 'A pull request can contain symbolic links, which could make vbsctl read or write other files.',
      remedy: `to use that file, name it directly: ${flag} FILE; otherwise remove the link`,
    },
  );
}

/** Whether a path leads into the working directory, where a pull request can write. */
export async function isInCheckout({ cwd }: Pick<Io, 'cwd'>, path: string): Promise<boolean> {
  return await locate(resolve(cwd, path), [cwd]).then(
    (located) => located.inCheckout,
    () => false,
  );
}

/** Reads a file as `readNamedFile` does. */
export async function readUserFile(
  io: Pick<Io, 'cwd' | 'stop'>,
  path: string,
  bytesMax: number,
): Promise<Buffer> {
  return await readNamedFile(absolute(io, path), { checkouts: [io.cwd], bytesMax, signal: io.stop });
}
