import { runSeed } from './run-scenario.ts';
import type { DrawOptions } from './scenario.ts';
import { count, emptyTotals, type Totals } from './totals.ts';

/** One of several threads that run scenarios; each runs every n-th seed. */
export interface Share {
  readonly from: number;
  readonly to: number;
  readonly step: number;
  readonly options: DrawOptions;
}

/** Scenarios between two reports to the main thread. */
const REPORT_EVERY = 50;

export async function run({ from, to, step, options }: Share, tell: (totals: Totals) => void): Promise<void> {
  let totals = emptyTotals();
  for (let seed = from; seed <= to; seed += step) {
    count(totals, await runSeed(seed, options));
    if (totals.seeds < REPORT_EVERY && seed + step <= to) continue;
    tell(totals);
    totals = emptyTotals();
  }
}
