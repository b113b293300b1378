import type { Duplex } from 'node:stream';
import { errorWithCode } from './network-errors.ts';

/** Decides whether the bytes of a request may still be sent, and is told when they were. */
export interface WriteGate {
  /**
   * Called in the last synchronous step before bytes are passed to the system. If false, none are passed, and the
   * socket ends.
   */
  readonly maySend: () => boolean;
  /** Called in the same synchronous step, after the system took the bytes. Not called if it took none. */
  readonly onWritten?: (() => void) | undefined;
}

/** The code of the error of a request that the gate stopped. */
export const NOT_SENT = 'NOT_SENT';

/** The write functions of a socket without a gate. */
const ungated = new WeakMap<Duplex, Duplex['_write']>();

/**
 * Asks `gate` right before each write of `socket`, which is connected and has nothing left to write. Node passes a
 * request to the system in one synchronous write (head and body, also through TLS and a tunnel). The gate is asked
 * directly before that write, so a process that was frozen earlier is asked when it wakes. Replaces the gate of an
 * earlier request on this socket.
 */
export function gateWrites(socket: Duplex, gate: WriteGate): void {
  const write = ungated.get(socket) ?? socket._write;
  ungated.set(socket, write);
  const gated = (bytes: Buffer, done: (error?: Error | null) => void): void => {
    // Otherwise the bytes would wait in this process until the system took the earlier ones.
    const isTakenAtOnce = isDrained(socket);
    const onDone = (error?: Error | null) => {
      if (!error && !isTakenAtOnce) gate.onWritten?.();
      done(error);
    };
    if (!gate.maySend()) {
      done(errorWithCode(NOT_SENT, 'the request was cancelled before its first byte was sent'));
      return;
    }
    write.call(socket, bytes, 'buffer' as BufferEncoding, onDone);
    if (isTakenAtOnce) gate.onWritten?.();
  };
  socket._write = (chunk, encoding, done) => gated(bytesOf({ chunk, encoding }), done);
  // The buffer is built before the gate is asked, because building it would take longer than everything else before the
  // write.
  socket._writev = (chunks, done) => gated(Buffer.concat(chunks.map(bytesOf)), done);
}

/** Calls `done` once this process has passed all earlier bytes to the system, such as the end of a TLS handshake. */
export function whenDrained(socket: Duplex, done: () => void): void {
  setImmediate(() => (socket.destroyed || isDrained(socket) ? done() : whenDrained(socket, done)));
}

/**
 * Whether Node has passed all bytes of the socket to the system: the `writeQueueSize` of its handle is 0 (for TLS, that of the
 * encrypted bytes). Node documents no other way to find out. True if there is no such number.
 */
function isDrained(socket: Duplex): boolean {
  const { _handle: handle } = socket as Duplex & { readonly _handle?: { readonly writeQueueSize?: number } };
  return (handle?.writeQueueSize ?? 0) === 0;
}

function bytesOf({
  chunk,
  encoding,
}: {
  readonly chunk: unknown;
  readonly encoding: BufferEncoding;
}): Buffer {
  return typeof chunk === 'string' ? Buffer.from(chunk, encoding) : (chunk as Buffer);
}
