/**
 * Work that takes seconds on a large state, as a generator that yields now and then (each mebibyte or so). It decides
 * nothing about time: who runs it says whether anything else may happen in between.
 */
export type ChunkedWork<T> = Generator<undefined, T>;

/** Nothing happens in between. */
export function runSync<T>(steps: ChunkedWork<T>): T {
  for (;;) {
    const { done, value } = steps.next();
    if (done) return value;
  }
}

/** Everything that waits has its turn after each step, and signals do: once `stop` is aborted, rejects with its reason. */
export async function runInterruptibly<T>(steps: ChunkedWork<T>, stop?: AbortSignal): Promise<T> {
  for (;;) {
    stop?.throwIfAborted();
    const { done, value } = steps.next();
    if (done) return value;
    await new Promise((resolve) => setImmediate(resolve));
  }
}
