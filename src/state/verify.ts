import { type Contradiction, contradictions } from '../domain/cross-check.ts';
import type { HistoryEntry } from '../domain/state.ts';
import type { Snapshot } from './codec.ts';
import { firstBreak } from './history-chain.ts';

/** What a look at the whole of a stored state found. */
export interface Verification {
  readonly entries: number;
  readonly records: number;
  readonly broken?: ChainBreak;
  readonly contradictions: readonly Contradiction[];
}

/** From here on the history is not what was written. */
export interface ChainBreak {
  /** From 0. */
  readonly index: number;
  readonly entry: HistoryEntry;
  readonly hash: string;
  /** The last entry that still is as it was written; absent when the first is broken already. */
  readonly before?: HistoryEntry;
}

export function verify({ state, chain }: Snapshot): Verification {
  const index = firstBreak(state, chain);
  const entry = index === undefined ? undefined : state.history[index];
  return {
    entries: state.history.length,
    records: state.records.size,
    contradictions: contradictions(state),
    ...(index === undefined || !entry
      ? {}
      : { broken: { index, entry, hash: chain[index] ?? '', ...before(state.history[index - 1]) } }),
  };
}

function before(entry: HistoryEntry | undefined): { readonly before?: HistoryEntry } {
  return entry ? { before: entry } : {};
}
