import { resolve } from 'node:path';
import { Failure } from '../domain/errors.ts';
import { shellPath } from '../domain/escape/shell-word.ts';
import {
  type Checkouts,
  EVERY_REPOSITORY,
  isInCheckouts,
  LeadsOutError,
  locate,
  type ResolvedPath,
} from '../files/checkout.ts';
import { readNamedFile } from '../files/read-file.ts';
import { plainReason } from '../files/system-error.ts';
import type { Io } from './io.ts';

/** The paths that the command line names. Links in the checkout and in every git repository may only lead within it. */

export function absolute({ cwd }: Pick<Io, 'cwd'>, path: string): string {
  return resolve(cwd, path);
}

/**
 * The path, absolute and without links. A link inside a checkout must not lead out of it, because a pull request can
 * create one. `flag`: the option that names the path, for the remedy.
 *
 * @throws Failure `refused` if a link leads out, or if vbsctl cannot determine where the path leads
 */
export async function checkoutPath(io: Pick<Io, 'cwd'>, path: string, flag: string): Promise<string> {
  return (await located(io, path, flag, [io.cwd])).path;
}

async function located(
  io: Pick<Io, 'cwd'>,
  path: string,
  flag: string,
  checkouts: Checkouts,
): Promise<ResolvedPath> {
  try {
    return await locate(absolute(io, path), [EVERY_REPOSITORY, ...checkouts]);
  } catch (cause) {
    if (cause instanceof LeadsOutError) throw leadsOut(path, cause, flag);
    throw Failure.of(
      'refused',
      'path-unchecked',
      `${path} is refused: vbsctl cannot determine where it leads: ${plainReason(cause)}`,
      { remedy: `name the file itself, by a path without links: ${flag} FILE` },
    );
  }
}

/**
 * Refuses a local state behind a link in a checkout, even if the link leads within it. vbsctl remembers by the path which
 * state it has seen, and a pull request could put a link to another state there.
 */
export async function refuseLinkedState(
  io: Pick<Io, 'cwd'>,
  location: string,
  checkouts: Checkouts,
): Promise<void> {
  const state = await located(io, location, '--state', checkouts);
  if (!state.byLink) return;
  throw Failure.of('refused', 'state-behind-link', `the state ${location} lies behind a symbolic link`, {
    detail: 'The link is in the checkout, where a pull request can put one, with another state behind it.',
    remedy: `name the file itself: --state ${shellPath(state.path)}`,
  });
}

function leadsOut(path: string, { message }: LeadsOutError, flag: string): Failure {
  return Failure.of('refused', 'link-leads-out', `${path} is refused: ${message}`, {
    detail: 'A pull request can contain symbolic links, which could make vbsctl read or write other files.',
    remedy: `to use that file, name it directly: ${flag} FILE; otherwise remove the link`,
  });
}

/** Whether a path may lead into the working directory, where a pull request can write. */
export async function isInCheckout({ cwd }: Pick<Io, 'cwd'>, path: string): Promise<boolean> {
  return await locate(resolve(cwd, path), [cwd]).then(
    (located) => isInCheckouts(located.path, [cwd]),
    () => true,
  );
}

/** Reads a file as `readNamedFile` does. */
export async function readUserFile(
  io: Pick<Io, 'cwd' | 'stop'>,
  path: string,
  bytesMax: number,
): Promise<Buffer> {
  return await readNamedFile(absolute(io, path), {
    checkouts: [EVERY_REPOSITORY, io.cwd],
    bytesMax,
    signal: io.stop,
  });
}
