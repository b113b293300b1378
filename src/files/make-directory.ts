import { mkdir } from 'node:fs/promises';
import { dirname } from 'node:path';

/**
 * A directory and those above it, for its owner only where they are made; fine when it is there. Own code: Node's
 * `recursive: true` never ends where the system says ENOENT of a directory whose parent exists (`/proc`, seen with
 * 20.20), in a thread that keeps the process from ending, too.
 */
export async function makeDirectory(path: string): Promise<void> {
  try {
    await mkdir(path, { mode: 0o700 });
  } catch (cause) {
    const { code } = cause as NodeJS.ErrnoException;
    if (code === 'EEXIST') return;
    if (code !== 'ENOENT' || dirname(path) === path) throw cause;
    await makeDirectory(dirname(path));
    await mkdir(path, { mode: 0o700 }).catch((again: NodeJS.ErrnoException) => {
      if (again.code !== 'EEXIST') throw again;
    });
  }
}
