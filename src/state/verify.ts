import { type Contradiction, contradictions } from '../domain/cross-check.ts';
import type { LongWork } from '../domain/long-work.ts';
import type { HistoryEntry } from '../domain/state.ts';
import type { Snapshot } from './codec.ts';
import { findBreaks } from './history-chain.ts';

/** What a look at the whole of a stored state found. */
export interface Verification {
  readonly entries: number;
  readonly records: number;
  /** The break that nobody accepted. */
  readonly broken?: FoundBreak;
  /** Breaks that a person accepted, oldest first. */
  readonly accepted: readonly AcceptedBreak[];
  readonly contradictions: readonly Contradiction[];
  /** The highest serial of the history, where it is above that of the state: the state was set back. */
  readonly ahead?: number;
}

/** From here on the history is not what was written. */
export interface FoundBreak {
  /** From 0. */
  readonly index: number;
  readonly entry: HistoryEntry;
  readonly hash: string;
  /** The last entry that still is as it was written; absent when the first is broken already. */
  readonly before?: HistoryEntry;
}

export interface AcceptedBreak {
  /** From 0. */
  readonly index: number;
  readonly entry: HistoryEntry;
  readonly by: HistoryEntry & { readonly type: 'state_accepted' };
}

/** In steps. Linear in history and records; about 35 µs for each restore, as much as reading it. */
export function* verify({ state, chain }: Snapshot): LongWork<Verification> {
  const { history } = state;
  let broken: FoundBreak | undefined;
  const accepted: AcceptedBreak[] = [];
  for (const { index, accepted_by } of yield* findBreaks(state, chain)) {
    const entry = history[index] as HistoryEntry;
    const by = accepted_by === undefined ? undefined : history[accepted_by];
    if (by?.type === 'state_accepted') accepted.push({ index, entry, by });
    else broken = { index, entry, hash: chain[index] ?? '', ...beforeIt(history[index - 1]) };
  }
  const highest = history.reduce((most, { serial }) => Math.max(most, serial), 0);
  return {
    entries: history.length,
    records: state.records.size,
    ...(broken ? { broken } : {}),
    accepted,
    contradictions: contradictions(state),
    ...(highest > state.serial ? { ahead: highest } : {}),
  };
}

function beforeIt(entry: HistoryEntry | undefined): { readonly before?: HistoryEntry } {
  return entry ? { before: entry } : {};
}
