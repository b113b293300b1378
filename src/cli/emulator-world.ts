import { hash } from 'node:crypto';
import { basename, join } from 'node:path';
import { usage } from '../domain/errors.ts';
import { userStateDirectory } from '../files/user-state-directory.ts';
import type { Io } from './io.ts';

/**
 * The file with the project of `--cloud emulator`: one for each working directory, in the user's state directory. In the
 * working directory itself, a pull request could put a file or a link there.
 */
export function emulatorWorld({ env, home, cwd }: Pick<Io, 'env' | 'home' | 'cwd'>): string {
  const name = basename(cwd)
    .replace(/[^\w.-]/g, '_')
    .slice(0, 40);
  const key = hash('sha256', cwd).slice(0, 16);
  return join(userStateDirectory(env, home), 'emulator', `${name}-${key}.json`);
}

/** The failure for an error of the world file or its directory. Other errors are bugs, and stay as they are. */
export function unusableWorld(cause: unknown, remedy: string): unknown {
  const { name, code, message } = cause as NodeJS.ErrnoException;
  if (code === undefined && name !== 'WorldFileError') return cause;
  return usage(`the emulator cannot start: ${message}`, remedy);
}
