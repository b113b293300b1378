import { isOpen, type Record } from '../domain/record.ts';
import type { Address } from '../domain/spec.ts';
import type { Ledger } from './ledger.ts';
import type { Resolved } from './plan.ts';

/**
 * Which declaration a record belongs to. A record that is still declared under its own address stays there; else
 * the first declaration of the same restore takes it over, which is what a rename looks like.
 */
export interface Claims {
  /** Address of a record → address of the declaration it belongs to. */
  readonly claimed: ReadonlyMap<Address, Address>;
  /** Address of a declaration → address its record has to move from. */
  readonly movedFrom: ReadonlyMap<Address, Address>;
  /** Declarations of a restore that already belongs to another declaration. */
  readonly duplicates: ReadonlySet<Address>;
  /** Address of a declaration → an open record of something else that stands there; a new one would hide it. */
  readonly occupied: ReadonlyMap<Address, Record>;
}

export function claim(resolved: readonly Resolved[], ledger: Ledger): Claims {
  const claimed = new Map<Address, Address>();
  const movedFrom = new Map<Address, Address>();
  const duplicates = new Set<Address>();
  for (const { spec, record } of resolved) {
    if (record && ledger.at(spec.address) === record) claimed.set(record.address, spec.address);
  }
  for (const { spec, record } of resolved) {
    // Only what stands in the state can move; what is history stays history.
    if (!record || ledger.at(record.address) !== record || record.address === spec.address) continue;
    if (claimed.has(record.address)) duplicates.add(spec.address);
    else {
      claimed.set(record.address, spec.address);
      movedFrom.set(spec.address, record.address);
    }
  }
  const occupied = holdBack(resolved, ledger, movedFrom);
  // A declaration whose record is superseded or not begun still owns what stands at its address.
  for (const { spec } of resolved) {
    if (ledger.at(spec.address) && !claimed.has(spec.address)) claimed.set(spec.address, spec.address);
  }
  return { claimed, movedFrom, duplicates, occupied };
}

/**
 * Takes back every move onto an open record that stays where it is; a move taken back may hold up another one,
 * so until nothing changes. Returns who is in the way of whom.
 */
function holdBack(
  resolved: readonly Resolved[],
  ledger: Ledger,
  movedFrom: Map<Address, Address>,
): ReadonlyMap<Address, Record> {
  for (;;) {
    const leaving = new Set(movedFrom.values());
    const occupied = new Map<Address, Record>();
    for (const { spec, record } of resolved) {
      const here = ledger.at(spec.address);
      if (here && here !== record && isOpen(here) && !leaving.has(here.address))
        occupied.set(spec.address, here);
    }
    const stuck = [...movedFrom.keys()].filter((address) => occupied.has(address));
    if (stuck.length === 0) return occupied;
    for (const address of stuck) movedFrom.delete(address);
  }
}
