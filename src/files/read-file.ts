import { closeSync, constants, createReadStream, fstatSync, openSync, readSync, type Stats } from 'node:fs';
import { type FileHandle, open } from 'node:fs/promises';
import { Socket } from 'node:net';
import type { Readable } from 'node:stream';
import { isatty, ReadStream } from 'node:tty';
import { type Checkouts, locate } from './checkout.ts';

/**
 * Files that a stranger may have prepared: what is opened never blocks, is looked at before it is read, and is read
 * up to a limit.
 */

/** What is there is not what may be read; the message completes “it cannot be read: …”. */
export class UnfitFileError extends Error {
  override readonly name = 'UnfitFileError';
  readonly code: 'NOT_REGULAR' | 'TOO_LARGE';

  constructor(code: UnfitFileError['code'], message: string) {
    super(message);
    this.code = code;
  }
}

/**
 * `O_NONBLOCK`: a named pipe that nobody writes to would block a thread for ever, and with it the end of the process.
 * `O_NOFOLLOW`: links were resolved before (`locate`), or have no business there.
 */
const NEVER_WAITS = constants.O_RDONLY | (constants.O_NONBLOCK ?? 0) | (constants.O_NOCTTY ?? 0);
const OPEN_PLAIN = NEVER_WAITS | (constants.O_NOFOLLOW ?? 0);

/**
 * A regular file, not a link to one.
 *
 * @throws UnfitFileError for anything else and for more than `bytesMax`; the error of the system (`ENOENT`, `EACCES`)
 */
export async function readRegularFile(path: string, bytesMax: number): Promise<Buffer> {
  const file = await openPlain(path);
  try {
    const stat = await file.stat();
    mustBeRegular(stat, bytesMax);
    return await readWhole(file, stat.size, bytesMax);
  } finally {
    await file.close();
  }
}

/** As `readRegularFile`, for where nothing may happen in between. */
export function readRegularFileNow(path: string, bytesMax: number): Buffer {
  const fd = opened(() => openSync(path, OPEN_PLAIN));
  try {
    const stat = fstatSync(fd);
    mustBeRegular(stat, bytesMax);
    const buffer = Buffer.alloc(stat.size);
    let length = 0;
    for (let read = -1; read !== 0 && length < buffer.length; length += read)
      read = readSync(fd, buffer, length, buffer.length - length, null);
    return buffer.subarray(0, length);
  } finally {
    closeSync(fd);
  }
}

/** How a path that a person named is read. */
export interface NamedRead {
  readonly checkouts: Checkouts;
  readonly bytesMax: number;
  /** Aborted: the read ends with its reason, whatever the file does. */
  readonly signal?: AbortSignal | undefined;
}

/**
 * What a flag, a variable or a named config names: in a checkout a regular file that no link leads away from, elsewhere
 * also a pipe as of `<(command)`, or a terminal.
 *
 * @throws LeadsOutError, UnfitFileError, the error of the system, or the reason of the signal
 */
export async function readNamedFile(
  path: string,
  { checkouts, bytesMax, signal }: NamedRead,
): Promise<Buffer> {
  const located = await locate(path, checkouts);
  if (located.inCheckout) return await readRegularFile(located.path, bytesMax);
  const fd = opened(() => openSync(path, NEVER_WAITS));
  const stream = streamOf(fd, fstatSync(fd), bytesMax);
  try {
    return await readAll(stream, bytesMax, signal);
  } finally {
    stream.destroy();
  }
}

/** All of it, up to a limit. Ends with the reason of the signal once it is aborted, whatever the input does. */
export async function readAll(
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

/** Closes `fd` at its end. A pipe and a terminal are waited for without a thread that a signal could not reach. */
function streamOf(fd: number, stat: Stats, bytesMax: number): Readable {
  if (stat.isFIFO()) return new Socket({ fd, readable: true, writable: false });
  if (stat.isCharacterDevice()) return isatty(fd) ? new ReadStream(fd) : createReadStream('', { fd });
  try {
    mustBeRegular(stat, bytesMax);
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
    throw told(cause);
  }
}

function opened(work: () => number): number {
  try {
    return work();
  } catch (cause) {
    throw told(cause);
  }
}

function told(cause: unknown): unknown {
  switch ((cause as NodeJS.ErrnoException).code) {
    case 'ELOOP':
      return new UnfitFileError('NOT_REGULAR', 'it is a symbolic link, not a regular file');
    case 'ENXIO':
      return new UnfitFileError('NOT_REGULAR', 'it is a socket, not a regular file');
    default:
      return cause;
  }
}

function mustBeRegular(stat: Stats, bytesMax: number): void {
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
      ? `it has more than ${bytesMax} bytes, the most that is read`
      : `it has ${size} bytes, and ${bytesMax} is the most that is read`,
  );
}

const CHUNK_BYTES = 1024 * 1024;
/** A read that gave less than was asked for is nearly always the last but one, which finds nothing. */
const LAST_BYTES = 1024;

/** Also of what grows while it is read, or has no size of its own (`/proc`). */
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
