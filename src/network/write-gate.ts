import type { Duplex } from 'node:stream';

/** Asked whether the bytes of a request may still leave, and told when they did. */
export interface WriteGate {
  /** Asked in the last synchronous step before bytes are handed to the system. On false none are, and the socket ends. */
  readonly mayLeave: () => boolean;
  /** The bytes that were let through are with the system. Called within the same synchronous step, unless it took none. */
  readonly onWritten?: (() => void) | undefined;
}

/** What a request ends with that was not let through. */
export const CALLED_OFF = 'NOT_SENT_STALE';

/** How a socket writes without a gate. */
const ungated = new WeakMap<Duplex, Duplex['_write']>();

/**
 * Asks `gate` right before each write of `socket`, which is connected and has nothing left to write. Node hands what
 * a request has to say to the system in one such write, head and body together, and at once: the system is asked to
 * take it before the call returns, through TLS and a proxy's tunnel, too. So nothing but that call lies between the
 * question and the first byte; whoever is frozen earlier is asked when it wakes. Replaces the gate of an earlier request
 * on this socket.
 */
export function gateWrites(socket: Duplex, gate: WriteGate): void {
  const write = ungated.get(socket) ?? socket._write;
  ungated.set(socket, write);
  const gated = (bytes: Buffer, done: (error?: Error | null) => void): void => {
    // Else they wait in this process until what was written before them is taken.
    const isTakenAtOnce = isDrained(socket);
    const onDone = (error?: Error | null) => {
      if (!error && !isTakenAtOnce) gate.onWritten?.();
      done(error);
    };
    if (!gate.mayLeave()) {
      done(calledOff());
      return;
    }
    write.call(socket, bytes, 'buffer' as BufferEncoding, onDone);
    if (isTakenAtOnce) gate.onWritten?.();
  };
  socket._write = (chunk, encoding, done) => gated(bytesOf({ chunk, encoding }), done);
  // One buffer, made before the question: putting it together would take longer than all else between it and the write.
  socket._writev = (chunks, done) => gated(Buffer.concat(chunks.map(bytesOf)), done);
}

/** Calls `done` once nothing that was written before is left in this process: the end of a TLS handshake may be. */
export function whenDrained(socket: Duplex, done: () => void): void {
  setImmediate(() => (socket.destroyed || isDrained(socket) ? done() : whenDrained(socket, done)));
}

/**
 * Bytes that Node holds for the system: `writeQueueSize` of a handle counts them, for TLS what is encrypted and not yet
 * taken. Node documents no other way to know it; where it is missing, they are taken to be none.
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

function calledOff(): Error {
  return Object.assign(new Error('it was called off before its first byte left'), { code: CALLED_OFF });
}
