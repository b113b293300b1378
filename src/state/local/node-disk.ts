import { randomUUID } from 'node:crypto';
import { constants, renameSync, unlinkSync } from 'node:fs';
import { type FileHandle, link, open } from 'node:fs/promises';
import { dirname } from 'node:path';
import type { Appender, Disk, Guard } from './disk.ts';
import { hasCode } from './system-error.ts';

const OWNER_ONLY = 0o600;

/** The file system of this machine. */
export const nodeDisk: Disk = { read, replace, create, remove };

async function read(path: string): Promise<Uint8Array | undefined> {
  let file: FileHandle;
  try {
    file = await open(path, constants.O_RDONLY);
  } catch (error) {
    if (hasCode(error, 'ENOENT')) return undefined;
    throw error;
  }
  try {
    return await file.readFile();
  } finally {
    await file.close();
  }
}

/**
 * Own code, not `write-file-atomic`: that writes with a single write(2) and never looks at how much of it
 * was taken, so that on a disk that runs full it renames a truncated file over the good one and reports
 * success (seen with 7.0.1). `FileHandle.writeFile` writes until all is written or an error says why not.
 */
async function replace(path: string, text: string, guard?: Guard): Promise<void> {
  const temporary = `${path}.${randomUUID()}.tmp`;
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
    await remove(temporary).catch(() => undefined); // the first error is the one that matters
    throw error;
  }
  await syncDirectory(dirname(path));
}

/** By link(2), as the lock is made: it fails when there is one, and brings the whole content. */
async function create(path: string, text: string): Promise<Appender> {
  const temporary = `${path}.${randomUUID()}.tmp`;
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

/** A new name is durable only when its directory is. */
async function syncDirectory(path: string): Promise<void> {
  if (process.platform === 'win32') return; // a directory cannot be opened there, NTFS journals its names
  const directory = await open(path, constants.O_RDONLY);
  try {
    await directory.sync();
  } finally {
    await directory.close();
  }
}
