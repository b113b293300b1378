import { randomUUID } from 'node:crypto';
import { constants, renameSync } from 'node:fs';
import { open, unlink } from 'node:fs/promises';
import { dirname } from 'node:path';

const OWNER_ONLY = 0o600;

/**
 * The file holds exactly `text` once this resolves, and survives a power failure; when it rejects, it is the old file,
 * whole. A link of that name is replaced, never followed. Readable and writable by its owner only. `guard` is asked
 * when nothing is left to do but to change the name; it throws when the file must be left alone.
 *
 * The temporary file has a name that nobody can foresee and is made exclusively (`wx`): a link that waits under a
 * known name would have another file written.
 *
 * Own code, not `write-file-atomic`: that writes with a single write(2) and never looks at how much of it
 * was taken, so that on a disk that runs full it renames a truncated file over the good one and reports
 * success (seen with 7.0.1). `FileHandle.writeFile` writes until all is written or an error says why not.
 */
export async function replaceFile(path: string, text: string, guard?: () => void): Promise<void> {
  const temporary = temporaryName(path);
  try {
    const file = await open(temporary, 'wx', OWNER_ONLY);
    try {
      await file.writeFile(text);
      await file.sync();
    } finally {
      await file.close();
    }
    // Both in one breath: what happens between them is for a process that was stopped exactly there.
    guard?.();
    renameSync(temporary, path);
  } catch (error) {
    await unlink(temporary).catch(() => undefined); // the first error is the one that matters
    throw error;
  }
  await syncDirectory(dirname(path));
}

/** Beside the file, so that a rename stays within its file system. */
export function temporaryName(path: string): string {
  return `${path}.${randomUUID()}.tmp`;
}

/** A new name is durable only when its directory is. */
export async function syncDirectory(path: string): Promise<void> {
  if (process.platform === 'win32') return; // a directory cannot be opened there, NTFS journals its names
  const directory = await open(path, constants.O_RDONLY);
  try {
    await directory.sync();
  } finally {
    await directory.close();
  }
}
