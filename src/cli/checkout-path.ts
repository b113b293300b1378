import { resolve } from 'node:path';
import { Failure } from '../domain/errors.ts';
import { type Checkouts, LeadsOutError, locate } from '../files/checkout.ts';
import type { Io } from './io.ts';

/**
 * Where a path of the command line leads, absolute and without its links. Links that lie in a checkout do not lead out
 * of it, whoever names them: a pull request can put them there. `flag`: what names the path, for the remedy.
 *
 * @throws Failure `refused` if a link leads out. What the system refuses is told when the file is opened.
 */
export async function checkoutPath(
  io: Pick<Io, 'cwd'>,
  path: string,
  flag: string,
  checkouts: Checkouts = [io.cwd],
): Promise<string> {
  const absolute = resolve(io.cwd, path);
  try {
    return (await locate(absolute, checkouts)).path;
  } catch (cause) {
    if (cause instanceof LeadsOutError) throw leadsOut(path, cause.target, flag);
    return absolute;
  }
}

/** Whether a path of the user leads into the working directory, where a pull request can write. */
export async function isInCheckout({ cwd }: Pick<Io, 'cwd'>, path: string): Promise<boolean> {
  return await locate(resolve(cwd, path), [cwd]).then(
    (located) => located.inCheckout,
    () => false,
  );
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
