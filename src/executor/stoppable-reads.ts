/** Reads that end with a stop of the run, or sooner. */
export interface StoppableReads {
  /** Aborted by the stop, with its reason, or by `end`. */
  readonly signal: AbortSignal;
  /** Ends the reads, and forgets the stop. May be called twice. */
  end(reason?: unknown): void;
}

/** Not AbortSignal.any: it keeps its signals by weak references, which cost the garbage collector. */
export function stoppableReads(stop: AbortSignal): StoppableReads {
  const reading = new AbortController();
  const onStop = () => reading.abort(stop.reason);
  if (stop.aborted) onStop();
  else stop.addEventListener('abort', onStop, { once: true });
  return {
    signal: reading.signal,
    end(reason) {
      stop.removeEventListener('abort', onStop);
      reading.abort(reason);
    },
  };
}
