import { Worker } from 'node:worker_threads';
import { bundle } from './bundle.ts';
import type { Hunt, HuntMessage } from './hunter.ts';
import type { Mutation } from './mutations.ts';

/** The seed that noticed a mutant, and by which promise. */
export interface Catch {
  readonly seed: number;
  readonly clause: string;
}

/** A story that takes longer than this (real time, ms) does not end. */
const STORY_MS_MAX = 60_000;

/** Plays the seeds with the rule broken; the first that notices it, or undefined when all were fooled. */
export async function hunt({ patches }: Mutation, seeds: Hunt): Promise<Catch | undefined> {
  const worker = new Worker(await bundle('hunter.ts', patches), { eval: true, workerData: seeds });
  let caught: Catch | undefined;
  let playing = seeds.from;
  let watchdog = setTimeout(() => {}, 0);
  return new Promise((resolve, reject) => {
    const feed = () => {
      clearTimeout(watchdog);
      watchdog = setTimeout(() => {
        caught = { seed: playing, clause: 'run-ends' };
        void worker.terminate();
      }, STORY_MS_MAX);
    };
    feed();
    worker.on('message', (message: HuntMessage) => {
      feed();
      if (message.kind === 'playing') playing = message.seed;
      else caught = { seed: message.seed, clause: message.clause };
    });
    // What a broken program throws where nobody can catch it is noticed, too.
    worker.once('error', () => {
      caught ??= { seed: playing, clause: 'bug' };
    });
    worker.once('exit', () => {
      clearTimeout(watchdog);
      resolve(caught);
    });
    worker.once('messageerror', reject);
  });
}

/** So many at a time, in their order. */
export async function inParallel<T>(
  items: readonly T[],
  threads: number,
  work: (item: T) => Promise<void>,
): Promise<void> {
  const left = items.values();
  await Promise.all(
    Array.from({ length: threads }, async () => {
      for (const item of left) await work(item);
    }),
  );
}
