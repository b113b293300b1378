import { abbreviate } from '../domain/abbreviate.ts';
import { type Diagnostic, error } from '../domain/diagnostic.ts';
import { isOpen } from '../domain/record.ts';
import type { Address } from '../domain/spec.ts';
import type { DecisionContext } from './context.ts';
import type { RecordAssignments } from './record-assignments.ts';
import { hasExpired, type ResolvedSpec } from './resolve-spec.ts';

/** Disk → declarations that still have to restore into it, if there are several. */
export type SharedVolumes = ReadonlyMap<string, readonly Address[]>;

export function findSharedVolumes(
  resolved: readonly ResolvedSpec[],
  assignments: RecordAssignments,
  now: number,
): SharedVolumes {
  const pending = new Map<string, Address>();
  const shared = new Map<string, Address[]>();
  for (const one of resolved) {
    const { spec, volume_id } = one;
    if (volume_id === undefined || !isPending(one, assignments, now)) continue;
    const first = pending.get(volume_id);
    if (first === undefined) pending.set(volume_id, spec.address);
    else {
      const addresses = shared.get(volume_id) ?? [first];
      shared.set(volume_id, addresses);
      addresses.push(spec.address);
    }
  }
  return shared;
}

/** Several restores into one disk: only the operator can say which one comes last. */
export function sharedVolumeProblem(
  { spec, volume_id }: ResolvedSpec,
  { sharedVolumes }: DecisionContext,
): Diagnostic[] {
  const all = sharedVolumes.get(volume_id ?? '');
  // Rule: volume-is-declared-once
  if (!all) return [];
  // Not all others: thousands of restores may share a disk, and each gets this message.
  const others = all.slice(0, OTHERS_NAMED_MAX + 1).filter((address) => address !== spec.address);
  const named = abbreviate(others, OTHERS_NAMED_MAX, String, all.length - 1);
  return [
    error('volume-shared', `${named} would restore into the same disk`, {
      remedy: 'remove one of the two, or declare the second after the first has finished',
    }),
  ];
}

const OTHERS_NAMED_MAX = 3;

function isPending({ spec, found }: ResolvedSpec, assignments: RecordAssignments, now: number): boolean {
  if (assignments.duplicates.has(spec.address)) return false;
  const record = found?.record;
  if (record && isOpen(record)) return true;
  const startable = !record || (record.status === 'failed' && record.touched === 'no');
  return startable && !hasExpired(spec, now);
}
