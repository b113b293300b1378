import type { DrawOptions } from './story.ts';
import { emptyTally, merge, type Tally } from './tally.ts';
import { onThreads, PlayThread } from './threads.ts';
import type { Share } from './worker.ts';

const WORKER = 'test/simulation/worker.ts';

/** Plays the seeds `from` to `to` on so many threads. The tally does not depend on how many. */
export async function playMany(
  { from, to, threads, options = {} }: { from: number; to: number; threads: number; options?: DrawOptions },
  onProgress: (tally: Tally) => void = () => {},
): Promise<Tally> {
  const tally = emptyTally();
  const shares = Array.from(
    { length: threads },
    (_, thread): Share => ({ from: from + thread, to, step: threads, options }),
  );
  await onThreads(await PlayThread.open(threads, WORKER), shares, async (share, thread) => {
    const work = { entry: WORKER, replaced: new Map(), input: share };
    const end = await thread.play(work, (part: Tally) => {
      merge(tally, part);
      onProgress(tally);
    });
    if (end.kind === 'died') throw end.error;
  });
  tally.failures.sort((a, b) => a.seed - b.seed);
  return tally;
}
