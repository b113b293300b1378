import { append } from './append.ts';
import type { RestoreRecord, Succeeded } from './record.ts';
import type { Address } from './spec.ts';
import { recordsOfEntry, renamesAt, type State } from './state.ts';

/** The done restores that protect disks. */
export interface Protections {
  /** Those of a disk. */
  protecting(volumeId: string): readonly Succeeded[];
  /** Whether one of them has this address. */
  protects(volumeId: string, address: Address): boolean;
  /** Each protected disk with those that protect it. */
  disks(): Iterable<readonly [volumeId: string, protections: readonly Succeeded[]]>;
}

/**
 * Follows the history: a done restore with `protect: true` protects its disk, and only `protect: false` under its address ends
 * that. A rename takes the protections of an address along; at the new address it ends none.
 */
export function protectionsOf(state: State | undefined): Protections {
  const { history = [] } = state ?? {};
  const byAddress = new Map<Address, Map<string, Succeeded>>();
  const at = (address: Address) => {
    const known = byAddress.get(address) ?? new Map<string, Succeeded>();
    byAddress.set(address, known);
    return known;
  };
  const follow = (record: RestoreRecord) => {
    if (record.status !== 'succeeded' || record.protect === undefined) return;
    const protections = at(record.address);
    protections.delete(record.volume_id);
    if (record.protect) protections.set(record.volume_id, record);
  };
  for (let index = 0; index < history.length; ) {
    const moves = renamesAt(history, index);
    const taken = moves.map(({ from, to }) => ({ to, protections: byAddress.get(from) }));
    for (const { from } of moves) byAddress.delete(from);
    for (const { to, protections = [] } of taken)
      for (const [volumeId, record] of protections) at(to).set(volumeId, { ...record, address: to });
    const entry = history[index];
    index += Math.max(moves.length, 1);
    for (const record of entry ? recordsOfEntry(entry) : []) follow(record);
  }
  const byVolume = new Map<string, Succeeded[]>();
  for (const protections of byAddress.values())
    for (const [volumeId, record] of protections) append(byVolume, volumeId, record);
  return {
    protecting: (volumeId) => byVolume.get(volumeId) ?? [],
    protects: (volumeId, address) => byAddress.get(address)?.has(volumeId) === true,
    disks: () => byVolume,
  };
}

/** The protections of each disk for which `next` has fewer than `current`. A rename lifts none. */
export function liftedBy(next: State, current: State): Succeeded[] {
  const { protecting } = protectionsOf(next);
  return [...protectionsOf(current).disks()].flatMap(([volumeId, protections]) =>
    protecting(volumeId).length < protections.length ? protections : [],
  );
}
