import type { DrawOptions } from './scenario.ts';
import { onThreads, ScenarioThread } from './threads.ts';
import { emptyTotals, merge, type Totals } from './totals.ts';
import type { Share } from './worker.ts';

const WORKER = 'test/simulation/worker.ts';

/** Plays the seeds `from` to `to` on so many threads. The totals does not depend on how many. */
export async function runSeeds(
  { from, to, threads, options = {} }: { from: number; to: number; threads: number; options?: DrawOptions },
  onProgress: (totals: Totals) => void = () => {},
): Promise<Totals> {
  const totals = emptyTotals();
  const shares = Array.from(
    { length: threads },
    (_, thread): Share => ({ from: from + thread, to, step: threads, options }),
  );
  await onThreads(await ScenarioThread.open(threads, WORKER), shares, async (share, thread) => {
    const work = { entry: WORKER, replaced: new Map(), input: share };
    const end = await thread.run(work, (part: Totals) => {
      merge(totals, part);
      onProgress(totals);
    });
    if (end.kind === 'died') throw end.error;
  });
  totals.failures.sort((a, b) => a.seed - b.seed);
  return totals;
}
