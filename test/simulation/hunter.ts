import { parentPort, workerData } from 'node:worker_threads';
import type { Clause } from './checker.ts';
import { playSeed } from './play.ts';

/** A thread that plays seeds until one breaks a promise. */
export interface Hunt {
  readonly from: number;
  readonly to: number;
}

export type HuntMessage =
  | { readonly kind: 'playing'; readonly seed: number }
  | { readonly kind: 'caught'; readonly seed: number; readonly clause: Clause; readonly what: string };

function tell(message: HuntMessage): void {
  parentPort?.postMessage(message);
}

async function hunt({ from, to }: Hunt): Promise<void> {
  for (let seed = from; seed <= to; seed++) {
    tell({ kind: 'playing', seed });
    const [violation] = (await playSeed(seed)).violations;
    if (!violation) continue;
    tell({ kind: 'caught', seed, ...violation });
    return;
  }
}

void hunt(workerData as Hunt);
