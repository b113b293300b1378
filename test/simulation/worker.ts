import { playSeed } from './play.ts';
import type { DrawOptions } from './story.ts';
import { count, emptyTally, type Tally } from './tally.ts';

/** One of several threads that play stories; each plays every n-th seed. */
export interface Share {
  readonly from: number;
  readonly to: number;
  readonly step: number;
  readonly options: DrawOptions;
}

/** Stories between two reports to the main thread. */
const REPORT_EVERY = 50;

export async function run({ from, to, step, options }: Share, tell: (tally: Tally) => void): Promise<void> {
  let tally = emptyTally();
  for (let seed = from; seed <= to; seed += step) {
    count(tally, await playSeed(seed, options));
    if (tally.seeds < REPORT_EVERY && seed + step <= to) continue;
    tell(tally);
    tally = emptyTally();
  }
}
