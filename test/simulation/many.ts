import { Worker } from 'node:worker_threads';
import { bundle } from './bundle.ts';
import type { DrawOptions } from './story.ts';
import { emptyTally, merge, type Tally } from './tally.ts';
import type { Share } from './worker.ts';

/** Plays the seeds `from` to `to` on so many threads. The tally does not depend on how many. */
export async function playMany(
  { from, to, threads, options = {} }: { from: number; to: number; threads: number; options?: DrawOptions },
  onProgress: (tally: Tally) => void = () => {},
): Promise<Tally> {
  const code = await bundle('worker.ts');
  const tally = emptyTally();
  await Promise.all(
    Array.from({ length: threads }, (_, thread) => {
      const share: Share = { from: from + thread, to, step: threads, options };
      const worker = new Worker(code, { eval: true, workerData: share });
      return new Promise<void>((resolve, reject) => {
        worker.on('message', (part: Tally) => {
          merge(tally, part);
          onProgress(tally);
        });
        worker.once('error', reject);
        worker.once('exit', () => resolve());
      });
    }),
  );
  tally.failures.sort((a, b) => a.seed - b.seed);
  return tally;
}
