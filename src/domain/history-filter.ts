import type { Address } from './spec.ts';
import { addressesOf, type HistoryEntry, restoreOf } from './state.ts';

interface HistoryFilter {
  readonly address?: Address;
  /** Id or name. */
  readonly volume?: string;
  /** Epoch ms. */
  readonly since_ms?: number;
}

/** Indexes of the matching entries, in order. An address also matches entries of its record under earlier addresses. */
export function matchingEntries(
  history: readonly HistoryEntry[],
  { address, volume, since_ms }: HistoryFilter,
): number[] {
  const names = new Set(address === undefined ? [] : [address]);
  const chosen: number[] = [];
  for (let index = history.length - 1; index >= 0; index--) {
    const entry = history[index];
    if (!entry) continue;
    const fits =
      (address === undefined || addressesOf(entry).some((each) => names.has(each))) &&
      (volume === undefined || isOfVolume(entry, volume)) &&
      (since_ms === undefined || Date.parse(entry.at) >= since_ms);
    if (fits) chosen.push(index);
    if (entry.type === 'moved' && names.has(entry.to)) names.add(entry.from);
  }
  return chosen.reverse();
}

function isOfVolume(entry: HistoryEntry, volume: string): boolean {
  const restore = restoreOf(entry);
  if (!restore) return false;
  const { volume_id, names } = restore;
  return volume_id === volume || names.volume_name === volume;
}
