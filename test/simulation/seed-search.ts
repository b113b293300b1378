import type { Clause } from './checker.ts';
import { runSeed } from './run-scenario.ts';

/** Plays seeds in a thread until one breaks a promise. */
export interface SeedRange {
  readonly from: number;
  readonly to: number;
}

export type SearchMessage =
  | { readonly kind: 'running'; readonly seed: number }
  | { readonly kind: 'detected'; readonly seed: number; readonly clause: Clause; readonly what: string };

export async function run({ from, to }: SeedRange, tell: (message: SearchMessage) => void): Promise<void> {
  for (let seed = from; seed <= to; seed++) {
    tell({ kind: 'running', seed });
    const [violation] = (await runSeed(seed)).violations;
    if (!violation) continue;
    tell({ kind: 'detected', seed, ...violation });
    return;
  }
}
