import { closeSync, constants, createReadStream, fstatSync, openSync, readSync, type Stats } from 'node:fs';
import { type FileHandle, open } from 'node:fs/promises';
import { Socket } from 'node:net';
import type { Readable } from 'node:stream';
import { isatty, ReadStream } from 'node:tty';
import { type Checkouts, isInCheckouts, locate } from './checkout.ts';

/**
 * Reads files that anybody may have prepared: opening never blocks, the kind of file is checked first, and reading
 * stops at a limit.
 */

/** The file is of the wrong kind or too large. The message completes “it cannot be read: …”. */
export class UnfitFileError extends Error {
  override readonly name = 'UnfitFileError';
  readonly code: 'NOT_REGULAR' | 'TOO_LARGE';

  constructor(code: UnfitFileError['code'], message: string) {
    super(message);
    this.code = code;
  }
}

/**
 * `O_NONBLOCK`: a named pipe without a writer would block a thread and the end of the process. `O_NOFOLLOW`: links were
 * resolved before (`locate`), or are not allowed.
 */
const NEVER_WAITS = constants.O_RDONLY | (constants.O_NONBLOCK ?? 0) | (constants.O_NOCTTY ?? 0);
const OPEN_PLAIN = NEVER_WAITS | (constants.O_NOFOLLOW ?? 0);

/**
 * Reads a regular file, not a link to one.
 *
 * @throws UnfitFileError for anything else and for more than `bytesMax`; the system error (`ENOENT`, `EACCES`)
 */
export async function readRegularFile(path: string, bytesMax: number): Promise<Buffer> {
  const file = await openPlain(path);
  try {
    const stat = await file.stat();
    assertRegular(stat, bytesMax);
    return await readWhole(file, stat.size, bytesMax);
  } finally {
    await file.close();
  }
}

/** Like `readRegularFile`, but synchronous. */
export function readRegularFileNow(path: string, bytesMax: number): Buffer {
  const fd = opened(() => openSync(path, OPEN_PLAIN));
  try {
    const stat = fstatSync(fd);
    assertRegular(stat, bytesMax);
    const buffer = Buffer.alloc(stat.size);
    let length = 0;
    for (let read = -1; read !== 0 && length < buffer.length; length += read)
      read = readSync(fd, buffer, length, buffer.length - length, null);
    return buffer.subarray(0, length);
  } finally {
    closeSync(fd);
  }
}

/** Options for a path that the operator named. */
interface NamedRead {
  readonly checkouts: Checkouts;
  readonly bytesMax: number;
  /** When aborted, the read rejects with its reason at once. */
  readonly signal?: AbortSignal | undefined;
}

/**
 * Reads a file that a flag, a variable or a named config names: in a checkout, a regular file that no link leads out
 * of; elsewhere also a pipe, as of `<(command)`, or a terminal.
 *
 * @throws LeadsOutError, UnfitFileError, the system error, or the reason of the signal
 */
export async function readNamedFile(
  path: string,
  { checkouts, bytesMax, signal }: NamedRead,
): Promise<Buffer> {
  const { path: real } = await locate(path, checkouts);
  if (await isInCheckouts(real, checkouts)) return await readRegularFile(real, bytesMax);
  const fd = opened(() => openSync(path, NEVER_WAITS));
  const stream = streamOf(fd, fstatSync(fd), bytesMax);
  try {
    return await readStream(stream, bytesMax, signal);
  } finally {
    stream.destroy();
  }
}

/**
 * Reads the whole input, up to a limit. Rejects with the reason of the signal once it is aborted, even if the input
 * does nothing.
 */
export async function readStream(
  input: AsyncIterable<Uint8Array>,
  bytesMax: number,
  signal?: AbortSignal,
): Promise<Buffer> {
  signal?.throwIfAborted();
  const parts: Uint8Array[] = [];
  let left = bytesMax;
  const iterator = input[Symbol.asyncIterator]();
  let stop = () => {};
  const stopped = new Promise<never>((_, reject) => {
    stop = () => reject(signal?.reason);
    signal?.addEventListener('abort', stop, { once: true });
  });
  stopped.catch(() => {});
  try {
    for (;;) {
      const { done, value } = await Promise.race([iterator.next(), stopped]);
      if (done) return Buffer.concat(parts);
      left -= value.length;
      if (left < 0) throw tooLarge(bytesMax);
      parts.push(value);
    }
  } finally {
    signal?.removeEventListener('abort', stop);
  }
}

/**
 * The stream closes `fd` at its end. Reading a pipe or a terminal takes no thread that a signal could not interrupt.
 */
function streamOf(fd: number, stat: Stats, bytesMax: number): Readable {
  if (stat.isFIFO()) return new Socket({ fd, readable: true, writable: false });
  if (stat.isCharacterDevice()) return isatty(fd) ? new ReadStream(fd) : createReadStream('', { fd });
  try {
    assertRegular(stat, bytesMax);
  } catch (cause) {
    closeSync(fd);
    throw cause;
  }
  return createReadStream('', { fd });
}

async function openPlain(path: string): Promise<FileHandle> {
  try {
    return await open(path, OPEN_PLAIN);
  } catch (cause) {
    throw plainError(cause);
  }
}

function opened(work: () => number): number {
  try {
    return work();
  } catch (cause) {
    throw plainError(cause);
  }
}

function plainError(cause: unknown): unknown {
  switch ((cause as NodeJS.ErrnoException).code) {
    case 'ELOOP':
      return new UnfitFileError('NOT_REGULAR', 'it is a symbolic link, not a regular file');
    case 'ENXIO':
      return new UnfitFileError('NOT_REGULAR', 'it is a socket, not a regular file');
    default:
      return cause;
  }
}

function assertRegular(stat: Stats, bytesMax: number): void {
  if (!stat.isFile())
    throw new UnfitFileError('NOT_REGULAR', `it is ${describeKind(stat)}, not a regular file`);
  if (stat.size > bytesMax) throw tooLarge(bytesMax, stat.size);
}

function describeKind(stat: Stats): string {
  if (stat.isDirectory()) return 'a directory';
  if (stat.isFIFO()) return 'a named pipe';
  if (stat.isSocket()) return 'a socket';
  return 'a device';
}

function tooLarge(bytesMax: number, size?: number): UnfitFileError {
  return new UnfitFileError(
    'TOO_LARGE',
    size === undefined
      ? `it has more than ${bytesMax} bytes, which is the limit`
      : `it has ${size} bytes, and the limit is ${bytesMax}`,
  );
}

const CHUNK_BYTES = 1024 * 1024;
/** After a short read, the next one almost always finds the end. */
const LAST_BYTES = 1024;

/** Reads to the end of the file, also if it grows meanwhile or reports no size (`/proc`). */
async function readWhole(file: FileHandle, size: number, bytesMax: number): Promise<Buffer> {
  const parts: Uint8Array[] = [];
  let length = 0;
  for (let next = Math.min(size, bytesMax) + 1; ; ) {
    const { bytesRead, buffer } = await file.read(Buffer.allocUnsafe(next), 0, next, null);
    if (bytesRead === 0) return parts.length === 1 ? Buffer.from(parts[0] ?? []) : Buffer.concat(parts);
    length += bytesRead;
    if (length > bytesMax) throw tooLarge(bytesMax);
    parts.push(buffer.subarray(0, bytesRead));
    next = bytesRead < next ? LAST_BYTES : CHUNK_BYTES;
  }
}
