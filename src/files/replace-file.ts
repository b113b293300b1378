// Own code, not `write-file-atomic`: version 7.0.1 ignores a short write and leaves half a file on a full disk.
import { randomUUID } from 'node:crypto';
import { constants, renameSync } from 'node:fs';
import { open, unlink } from 'node:fs/promises';
import { dirname } from 'node:path';

/** The mode of a file that only its owner may read and write. */
export const OWNER_ONLY = 0o600;

/**
 * Replaces a file with `text`, readable and writable by its owner only. Once this resolves, the new file survives a
 * power failure; if it rejects, the old file is unchanged. A link of that name is replaced, not followed. `precondition` is
 * called right before the rename, and throws if the old file must stay.
 *
 * The temporary file has an unpredictable name and is created exclusively (`wx`), so that nobody can prepare a link to
 * another file under its name.
 *
 * Own code, not `write-file-atomic`: that calls write(2) once and ignores a short write, so on a full disk it replaces
 * the good file by a truncated one and reports success (seen with 7.0.1). `FileHandle.writeFile` writes until all is
 * written or an error occurs.
 */
export async function replaceFile(path: string, text: string, precondition?: () => void): Promise<void> {
  const temporary = temporaryName(path);
  try {
    const file = await open(temporary, 'wx', OWNER_ONLY);
    try {
      await file.writeFile(text);
      await file.sync();
    } finally {
      await file.close();
    }
    // Synchronously, so that nothing of this process happens in between.
    precondition?.();
    renameSync(temporary, path);
  } catch (error) {
    await unlink(temporary).catch(() => undefined); // the first error is the cause
    throw error;
  }
  await syncDirectory(dirname(path));
}

/** In the directory of the file, so that a rename stays in its file system. */
export function temporaryName(path: string): string {
  return `${path}.${randomUUID()}.tmp`;
}

/** A new name is durable only once its directory is synced. */
export async function syncDirectory(path: string): Promise<void> {
  if (process.platform === 'win32') return; // a directory cannot be opened there, NTFS journals its names
  const directory = await open(path, constants.O_RDONLY);
  try {
    await directory.sync();
  } finally {
    await directory.close();
  }
}
