// Own code, not `write-file-atomic`: version 7.0.1 ignores a short write, and left half a file on a full disk.
import { constants } from 'node:buffer';
import { unlinkSync } from 'node:fs';
import { link, open } from 'node:fs/promises';
import { dirname } from 'node:path';
import { readRegularFile } from '../../files/read-file.ts';
import { replaceFile, syncDirectory, temporaryName } from '../../files/replace-file.ts';
import { hasCode } from '../../files/system-error.ts';
import type { Appender, Disk, Guard } from './disk.ts';

const OWNER_ONLY = 0o600;

/** The file system of this machine. */
export const nodeDisk: Disk = { read, replace: replaceFile, create, remove };

/** No longer text fits into a string: it could not be decoded. A file without an end must not fill the memory. */
const BYTES_MAX = constants.MAX_STRING_LENGTH;

/** Symbolic links were resolved when the state was opened: one that is there now is somebody else's work. */
async function read(path: string): Promise<Uint8Array | undefined> {
  try {
    return await readRegularFile(path, BYTES_MAX);
  } catch (error) {
    if (hasCode(error, 'ENOENT')) return undefined;
    throw error;
  }
}

/** By link(2), as the lock is made: it fails when there is one, and brings the whole content. */
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
    // the length is part of what fdatasync makes durable, the time of change is not, and nobody needs it
    sync: () => file.datasync(),
    close: () => file.close(),
  };
}

async function remove(path: string, guard?: Guard): Promise<void> {
  guard?.();
  try {
    unlinkSync(path);
  } catch (error) {
    if (!hasCode(error, 'ENOENT')) throw error;
  }
}
