import type { Clause } from './checker.ts';
import { runSeed } from './run-scenario.ts';

export type SearchMessage =
  | { readonly kind: 'running'; readonly seed: number }
  | { readonly kind: 'detected'; readonly seed: number; readonly clause: Clause; readonly what: string };

/** Plays seeds in a thread until one breaks a promise. */
export async function run(seeds: readonly number[], tell: (message: SearchMessage) => void): Promise<void> {
  for (const seed of seeds) {
    tell({ kind: 'running', seed });
    const [violation] = (await runSeed(seed)).violations;
    if (!violation) continue;
    tell({ kind: 'detected', seed, ...violation });
    return;
  }
}
