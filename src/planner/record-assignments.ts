import { isOpen, type RestoreRecord } from '../domain/record.ts';
import type { Address } from '../domain/spec.ts';
import type { RecordIndex } from './record-index.ts';
import type { Resolved } from './resolve-spec.ts';

/**
 * Which declaration a record belongs to. A record that is still declared under its own address stays there; else
 * the first declaration of the same restore takes it over, which is what a rename looks like.
 */
export interface RecordAssignments {
  /** Address of a record → address of the declaration it belongs to. A record without one is an orphan. */
  readonly assigned: ReadonlyMap<Address, Address>;
  /** Address of a declaration → address its record has to move from. */
  readonly movedFrom: ReadonlyMap<Address, Address>;
  /** Declarations of a restore that already belongs to another declaration. */
  readonly duplicates: ReadonlySet<Address>;
  /** Address of a declaration → an open record of something else that stands there; a new one would hide it. */
  readonly occupied: ReadonlyMap<Address, RestoreRecord>;
}

export function assignRecords(resolved: readonly Resolved[], records: RecordIndex): RecordAssignments {
  const assigned = new Map<Address, Address>();
  const movedFrom = new Map<Address, Address>();
  const duplicates = new Set<Address>();
  for (const { spec, found } of resolved) {
    if (found?.current && found.record.address === spec.address) assigned.set(spec.address, spec.address);
  }
  for (const { spec, found } of resolved) {
    // Only what stands in the state can move; what is history stays history.
    if (!found?.current || found.record.address === spec.address) continue;
    const from = found.record.address;
    if (assigned.has(from)) duplicates.add(spec.address);
    else {
      assigned.set(from, spec.address);
      movedFrom.set(spec.address, from);
    }
  }
  const occupied = cancelBlockedMoves(resolved, records, movedFrom);
  // A declaration owns what is over at its address, too: it supersedes that. What is open is nobody's but its own.
  for (const { spec } of resolved) {
    const here = records.at(spec.address);
    if (here && !isOpen(here) && !assigned.has(spec.address)) assigned.set(spec.address, spec.address);
  }
  return { assigned, movedFrom, duplicates, occupied };
}

/**
 * Takes back every move onto an open record that stays where it is. The record of a move taken back stays as
 * well, and may hold up the next one. Returns who is in the way of whom.
 */
function cancelBlockedMoves(
  resolved: readonly Resolved[],
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
