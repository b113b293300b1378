// Own code, not `write-file-atomic`: version 7.0.1 ignores a short write and leaves half a file on a full disk.
import { constants } from 'node:buffer';
import { unlinkSync } from 'node:fs';
import { link, open } from 'node:fs/promises';
import { dirname } from 'node:path';
import { readRegularFile } from '../../files/read-file.ts';
import { OWNER_ONLY, replaceFile, syncDirectory, temporaryName } from '../../files/replace-file.ts';
import { hasCode } from '../../files/system-error.ts';
import type { Appender, Disk, Precondition } from './disk.ts';

/** The file system of this machine. */
export const nodeDisk: Disk = { read, replace: replaceFile, create, remove };

/** A longer text does not fit into a string. The limit also keeps a file without end from filling the memory. */
const STATE_FILE_BYTES_MAX = constants.MAX_STRING_LENGTH;

/** Symbolic links were resolved when the state was opened. A link that is there now was made by somebody else and is refused. */
async function read(path: string): Promise<Uint8Array | undefined> {
  try {
    return await readRegularFile(path, STATE_FILE_BYTES_MAX);
  } catch (error) {
    if (hasCode(error, 'ENOENT')) return undefined;
    throw error;
  }
}

/** Uses link(2), as the lock does: it fails if the file exists, and creates it with its whole content. */
async function create(path: string, text: string): Promise<Appender> {
  const temporary = temporaryName(path);
  const file = await open(temporary, 'ax', OWNER_ONLY);
  try {
    await file.writeFile(text);
    await file.sync();
    await link(temporary, path);
    await syncDirectory(dirname(path));
  } catch (error) {
    await file.close().catch(() => undefined); // the first error is the one that matters
    throw error;
  } finally {
    await remove(temporary).catch(() => undefined);
  }
  return {
    write: (bytes) => file.appendFile(bytes),
    // fdatasync makes the length durable, but not the modification time, which is not used
    sync: () => file.datasync(),
    close: () => file.close(),
  };
}

async function remove(path: string, precondition?: Precondition): Promise<void> {
  precondition?.();
  try {
    unlinkSync(path);
  } catch (error) {
    if (!hasCode(error, 'ENOENT')) throw error;
  }
}
