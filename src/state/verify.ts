import type { ChunkedWork } from '../domain/chunked-work.ts';
import { type HistoryMismatch, historyMismatches } from '../domain/history-mismatch.ts';
import { optional } from '../domain/optional.ts';
import type { HistoryEntry } from '../domain/state.ts';
import type { Snapshot } from './codec.ts';
import { findBreaks } from './history-chain.ts';

/** The result of checking a whole state against itself. */
interface Verification {
  readonly entries: number;
  readonly records: number;
  /** The break that nobody accepted. */
  readonly broken?: FoundBreak;
  /** The accepted breaks, oldest first. */
  readonly accepted: readonly AcceptedBreak[];
  readonly mismatches: readonly HistoryMismatch[];
  /** The highest serial of the history, if it is above the serial of the state. */
  readonly ahead?: number;
}

/** The first entry of the history that is not as vbsctl wrote it. */
export interface FoundBreak {
  /** Counts from 0. */
  readonly index: number;
  readonly entry: HistoryEntry;
  readonly hash: string;
  /** The entry before it, which is unchanged. */
  readonly before?: HistoryEntry;
}

export interface AcceptedBreak {
  /** Counts from 0. */
  readonly index: number;
  readonly entry: HistoryEntry;
  readonly by: HistoryEntry & { readonly type: 'state_accepted' };
}

/** About 35 µs for each restore, as long as reading it takes. */
export function* verify({ state, chain }: Snapshot): ChunkedWork<Verification> {
  const { history } = state;
  let broken: FoundBreak | undefined;
  const accepted: AcceptedBreak[] = [];
  for (const { index, accepted_by } of yield* findBreaks(state, chain)) {
    const entry = history[index] as HistoryEntry;
    const by = accepted_by === undefined ? undefined : history[accepted_by];
    if (by?.type === 'state_accepted') accepted.push({ index, entry, by });
    else broken = { index, entry, hash: chain[index] ?? '', ...optional('before', history[index - 1]) };
  }
  const highest = history.reduce((most, { serial }) => Math.max(most, serial), 0);
  return {
    entries: history.length,
    records: state.records.size,
    ...optional('broken', broken),
    accepted,
    mismatches: historyMismatches(state),
    ...optional('ahead', highest > state.serial ? highest : undefined),
  };
}
