import type { State } from '../domain/state.ts';
import { generationAfter, indexRecords, type RecordIndex } from '../planner/record-index.ts';
import type { RemedyOptions } from '../views/record-text.ts';
import type { TextOptions } from '../views/terminal.ts';
import type { Io } from './io.ts';
import { textOptions } from './print.ts';

/** Options of texts that advise on a record. The advice depends on the other records of the state. */
export function recordOptions(io: Io, state: State | undefined): TextOptions & RemedyOptions {
  let records: RecordIndex | undefined;
  return {
    ...textOptions(io),
    nextGeneration: (record) => {
      // Made once, and only if a failed record needs it.
      records ??= indexRecords(state);
      return generationAfter(records, record);
    },
  };
}
