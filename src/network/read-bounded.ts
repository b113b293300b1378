/** An answer went beyond its limit; what had come of it was thrown away. */
export class AnswerTooLarge extends Error {
  readonly bytesMax: number;

  constructor(bytesMax: number) {
    super(`the answer is larger than ${bytesMax} bytes`);
    this.bytesMax = bytesMax;
  }
}

/**
 * All that a stream brings, at most `bytesMax`: beyond that it is ended, and `AnswerTooLarge` thrown. Counted where the
 * bytes are used, which is after they were decompressed. Takes at most twice the memory of what came, also when it comes
 * in pieces of one byte.
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
