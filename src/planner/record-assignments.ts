import { isOpen, type RestoreRecord } from '../domain/record.ts';
import type { Address } from '../domain/spec.ts';
import type { RecordIndex } from './record-index.ts';
import type { ResolvedSpec } from './resolve-spec.ts';

/**
 * The declaration that each record belongs to. A record that is still declared under its own address stays there;
 * otherwise the first declaration of the same restore gets it, as after a rename.
 */
export interface RecordAssignments {
  /** Address of a record → address of its declaration. A record without a declaration is an orphan. */
  readonly assigned: ReadonlyMap<Address, Address>;
  /** Address of a declaration → address that its record moves from. */
  readonly movedFrom: ReadonlyMap<Address, Address>;
  /** Declarations of a restore that already belongs to another declaration. */
  readonly duplicates: ReadonlySet<Address>;
  /** Address of a declaration → open record of another restore at this address; a new record would hide it. */
  readonly occupied: ReadonlyMap<Address, RestoreRecord>;
}

export function assignRecords(resolved: readonly ResolvedSpec[], records: RecordIndex): RecordAssignments {
  const assigned = new Map<Address, Address>();
  const movedFrom = new Map<Address, Address>();
  const duplicates = new Set<Address>();
  for (const { spec, found } of resolved) {
    if (found?.current && found.record.address === spec.address) assigned.set(spec.address, spec.address);
  }
  for (const { spec, found } of resolved) {
    // Only a record of the state can move; the history does not change.
    if (!found?.current || found.record.address === spec.address) continue;
    const from = found.record.address;
    if (assigned.has(from)) duplicates.add(spec.address);
    else {
      assigned.set(from, spec.address);
      movedFrom.set(spec.address, from);
    }
  }
  const occupied = cancelBlockedMoves(resolved, records, movedFrom);
  // A declaration also gets a record of another restore at its address that is over, and supersedes it. An open one
  // belongs only to its own declaration.
  for (const { spec } of resolved) {
    const here = records.at(spec.address);
    if (here && !isOpen(here) && !assigned.has(spec.address)) assigned.set(spec.address, spec.address);
  }
  return { assigned, movedFrom, duplicates, occupied };
}

/**
 * Cancels each move to an address whose open record stays there. The record of a cancelled move stays, too, and may
 * block the next move. Returns the occupied addresses.
 */
function cancelBlockedMoves(
  resolved: readonly ResolvedSpec[],
  records: RecordIndex,
  movedFrom: Map<Address, Address>,
): ReadonlyMap<Address, RestoreRecord> {
  const leaving = new Set(movedFrom.values());
  const occupied = new Map<Address, RestoreRecord>();
  const stuck: RestoreRecord[] = [];
  for (const { spec, found } of resolved) {
    const here = records.at(spec.address);
    if (here && here !== found?.record && isOpen(here) && !leaving.has(spec.address)) stuck.push(here);
  }
  if (stuck.length === 0) return occupied;
  const declared = new Set(resolved.map(({ spec }) => spec.address));
  for (let here = stuck.pop(); here; here = stuck.pop()) {
    occupied.set(here.address, here);
    const from = movedFrom.get(here.address);
    if (from === undefined) continue;
    movedFrom.delete(here.address);
    const stays = records.at(from);
    if (stays && isOpen(stays) && declared.has(from)) stuck.push(stays);
  }
  return occupied;
}
