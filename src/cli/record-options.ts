import type { State } from '../domain/state.ts';
import { generationAfter, indexRecords, type RecordIndex } from '../planner/record-index.ts';
import type { StepOptions } from '../views/record-text.ts';
import type { TextOptions } from '../views/terminal.ts';
import type { Io } from './io.ts';
import { textOptions } from './print.ts';

/** For texts that say what to do about a record: that depends on what else the state holds. */
export function recordOptions(io: Io, state: State | undefined): TextOptions & StepOptions {
  let records: RecordIndex | undefined;
  return {
    ...textOptions(io),
    nextGeneration: (record) => {
      // Only what failed asks; then the index pays for all that ask.
      records ??= indexRecords(state);
      return generationAfter(records, record);
    },
  };
}
