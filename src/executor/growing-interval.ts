/** Intervals that grow from `min` to `max`, half as long again each time. */
export function growing(min: number, max: number): () => number {
  let next = min;
  return () => {
    const interval = next;
    next = Math.min(max, next * 1.5);
    return interval;
  };
}
