import type { HistoryMismatch } from './history-mismatch.ts';
import { type AcceptedRecord, type Commit, type HistoryEntry, type State, serialAbove } from './state.ts';

interface Acceptance {
  readonly reason: string;
  /** The state that was known until now. */
  readonly over?: { readonly lineage: string; readonly serial: number };
  readonly mismatches: readonly HistoryMismatch[];
}

/**
 * The state after an operator accepted it. Its serial is higher than the known one, so that it does not look old to anybody.
 * The history says who accepted it, when and why, and no longer contradicts the records.
 */
export function acceptedState(
  state: State,
  { reason, over, mismatches }: Acceptance,
  { at, actor }: Pick<Commit, 'at' | 'actor'>,
): State {
  const highest = state.history.reduce((most, entry) => Math.max(most, entry.serial), state.serial);
  const serial = serialAbove(highest, over?.serial);
  const addresses = [...new Set(mismatches.map(({ address }) => address))];
  const records = addresses.map((address): AcceptedRecord => {
    const record = state.records.get(address);
    return record ? { address, record } : { address };
  });
  const entry: HistoryEntry = {
    type: 'state_accepted',
    serial,
    at,
    actor,
    reason,
    ...(over ? { over: { lineage: over.lineage, serial: over.serial } } : {}),
    ...(records.length > 0 ? { records } : {}),
  };
  return { ...state, serial, history: [...state.history, entry] };
}
