import { lstat, realpath, stat } from 'node:fs/promises';
import { basename, dirname, join, resolve } from 'node:path';
import type { Env } from '../domain/env.ts';
import { Failure } from '../domain/errors.ts';
import { shellPath } from '../domain/escape/shell-word.ts';
import { sanitize } from '../domain/escape/terminal.ts';
import { schemeOf } from '../domain/shown-location.ts';
import { hasCode, systemReason } from '../files/system-error.ts';
import type { Backend, BackendContext } from './backend.ts';
import { localBackend } from './local/local-backend.ts';
import { LockFile } from './local/lock-file.ts';
import { nodeDisk } from './local/node-disk.ts';
import { invalidUrl } from './server-failures.ts';

export interface BackendDeps extends Omit<BackendContext, 'location' | 'id'> {
  /** Credentials and settings of remote backends come from here, never from the location. */
  readonly env: Env;
}

/**
 * The backend for a location: a path or a URL. Throws a `Failure` of kind `usage` for an invalid location, and of kind
 * `state` if the file cannot be used. There need not be a state yet.
 */
export async function openBackend(location: string, deps: BackendDeps): Promise<Backend> {
  // Not repeated in the message, because it may contain a secret. The URL parser would remove such characters silently.
  if (sanitize(location) !== location)
    throw invalidLocation(
      'the location of the state holds control characters or others that cannot be shown',
      'remove them',
    );
  const scheme = schemeOf(location);
  if (scheme !== undefined) {
    // What speaks to servers is loaded where there is one.
    const { openUrl } = await import('./open-url.ts');
    return openUrl(location, scheme, deps);
  }
  const almost = /^(https?|s3|postgres(?:ql)?):/i.exec(location)?.[0].toLowerCase();
  if (almost !== undefined)
    throw invalidUrl(
      `${almost}… is neither a URL nor a file name`,
      `write a URL with ${almost}//; for a file with this name: ./${almost}…`,
    );
  if (location.trim() === '')
    throw invalidLocation('the name of the state is empty', 'write a path, such as vbsctl.state.json');
  const { clock, newId } = deps;
  const path = await realPath(location);
  const lock = new LockFile({ path: `${path}.lock`, clock, newId });
  return localBackend({ path, location, disk: nodeDisk, clock, lock, newId });
}

/** The path of the file, with symbolic links resolved: a link is followed, never replaced. */
async function realPath(location: string): Promise<string> {
  // By its names, as it was judged: the system would follow a link before the `..` behind it.
  const named = resolve(location);
  try {
    const path = await realpath(named);
    const found = await stat(path);
    if (found.isDirectory())
      throw unusable(
        location,
        'it is a directory',
        `name a file in it: ${shellPath(join(location, 'vbsctl.state.json'))}`,
      );
    if (!found.isFile()) throw unusable(location, 'it is not a regular file', 'name a regular file');
    return path;
  } catch (cause) {
    if (!hasCode(cause, 'ENOENT')) throw cause instanceof Failure ? cause : inaccessible(location, cause);
  }
  if (await isLink(named))
    throw unusable(location, 'it is a symbolic link to nothing', 'fix the link, or name the file itself');
  try {
    return join(await realpath(dirname(named)), basename(named));
  } catch (cause) {
    throw hasCode(cause, 'ENOENT')
      ? unusable(location, 'its directory does not exist', `mkdir -p ${shellPath(dirname(location))}`)
      : inaccessible(location, cause);
  }
}

async function isLink(path: string): Promise<boolean> {
  try {
    return (await lstat(path)).isSymbolicLink();
  } catch {
    return false; // the error shows again when the directory is read
  }
}

function invalidLocation(summary: string, remedy: string): Failure {
  return Failure.of('usage', 'state-location', summary, { remedy });
}

function inaccessible(location: string, cause: unknown): Failure {
  return unusable(location, systemReason(cause), 'name a location that you may read and write', cause);
}

function unusable(location: string, why: string, remedy: string, cause?: unknown): Failure {
  const more = { where: { file: location }, remedy };
  return Failure.of('state', 'state-location-unusable', `the state cannot be stored here: ${why}`, more, {
    cause,
  });
}
