import type { Tally } from './tally.ts';

/** Cells that so many stories have to reach: `fault | phase | what came of it`. */
const CELLS: readonly string[] = [];

/** Stories after which every cell has to be reached. */
const ENOUGH = 2_000;

export function missingCells({ matrix, seeds }: Tally): readonly string[] {
  return seeds < ENOUGH ? [] : CELLS.filter((cell) => !matrix.has(cell));
}
