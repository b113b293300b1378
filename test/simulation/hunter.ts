import type { Clause } from './checker.ts';
import { playSeed } from './play.ts';

/** Plays seeds in a thread until one breaks a promise. */
export interface Hunt {
  readonly from: number;
  readonly to: number;
}

export type HuntMessage =
  | { readonly kind: 'playing'; readonly seed: number }
  | { readonly kind: 'caught'; readonly seed: number; readonly clause: Clause; readonly what: string };

export async function run({ from, to }: Hunt, tell: (message: HuntMessage) => void): Promise<void> {
  for (let seed = from; seed <= to; seed++) {
    tell({ kind: 'playing', seed });
    const [violation] = (await playSeed(seed)).violations;
    if (!violation) continue;
    tell({ kind: 'caught', seed, ...violation });
    return;
  }
}
