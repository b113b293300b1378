/**
 * Work that takes seconds on a large state, in time that is linear in its size. It yields about once per MiB, so that its
 * caller can let anything else run in between, or end it.
 */
export type ChunkedWork<T> = Generator<undefined, T>;

/** Runs the work without a break. */
export function runSync<T>(work: ChunkedWork<T>): T {
  for (;;) {
    const { done, value } = work.next();
    if (done) return value;
  }
}

/** Lets other work and signals in after each chunk. Once `stop` is aborted, rejects with its reason. */
export async function runInterruptibly<T>(work: ChunkedWork<T>, stop?: AbortSignal): Promise<T> {
  for (;;) {
    stop?.throwIfAborted();
    const { done, value } = work.next();
    if (done) return value;
    await new Promise((resolve) => setImmediate(resolve));
  }
}
