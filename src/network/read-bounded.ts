/** An answer exceeded its limit. The part that was received is discarded. */
export class AnswerTooLarge extends Error {
  readonly bytesMax: number;

  constructor(bytesMax: number) {
    super(`the answer is larger than ${bytesMax} bytes`);
    this.bytesMax = bytesMax;
  }
}

/**
 * Reads a whole stream, at most `bytesMax`: beyond that, ends the stream and throws `AnswerTooLarge`. Counts the bytes
 * where they are used, that is, after they were decompressed. Needs at most twice the memory of the content, even if it
 * arrives byte by byte.
 */
export async function readBounded(stream: AsyncIterable<Uint8Array>, bytesMax: number): Promise<Buffer> {
  let whole = Buffer.allocUnsafe(Math.min(bytesMax, 64 * 1024));
  let length = 0;
  for await (const chunk of stream) {
    const next = length + chunk.length;
    if (next > bytesMax) throw new AnswerTooLarge(bytesMax);
    if (next > whole.length) {
      const larger = Buffer.allocUnsafe(Math.min(bytesMax, Math.max(next, 2 * whole.length)));
      whole.copy(larger, 0, 0, length);
      whole = larger;
    }
    whole.set(chunk, length);
    length = next;
  }
  return whole.subarray(0, length);
}
