import { readFileSync } from 'node:fs';
import type { Totals } from './totals.ts';

/**
 * Cells of fault × phase × what came of it (see `Coverage`) that so many scenarios have to reach: those that come up at
 * least a dozen times in as many. A change of the program or of the draws that leaves one out has to say so here:
 * `npm run simulate -- --seeds 10000 --expect` writes them anew.
 */
const FILE = new URL('cells.json', import.meta.url);
const STORIES = [192, 5_000] as const;
const OFTEN = 12;

type Cells = Readonly<Record<string, readonly string[]>>;

/** Cells that should have been reached by so many scenarios, and were not. */
export function missingCells({ matrix, seeds }: Totals): readonly string[] {
  const cells = JSON.parse(readFileSync(FILE, 'utf8')) as Cells;
  return STORIES.filter((scenarios) => scenarios <= seeds).flatMap((scenarios) =>
    (cells[scenarios] ?? []).filter((cell) => !matrix.has(cell)),
  );
}

/** What a long run reached often enough to be expected of shorter ones. */
export function expectedCells({ matrix, seeds }: Totals): Cells {
  const often = (scenarios: number) =>
    [...matrix].filter(([, times]) => (times * scenarios) / seeds >= OFTEN).map(([cell]) => cell);
  const [few, many] = STORIES;
  const common = often(few).sort();
  return {
    [few]: common,
    [many]: often(many)
      .filter((cell) => !common.includes(cell))
      .sort(),
  };
}

export const CELLS_FILE = FILE;
