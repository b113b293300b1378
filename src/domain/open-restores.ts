import { append } from './append.ts';
import { isOpen, type RestoreRecord, type UnderWay, type Unknown } from './record.ts';
import type { Address, RestoreSpec } from './spec.ts';
import type { State } from './state.ts';

/** A restore without a known outcome, and the restores that cannot start before it is known. */
export interface OpenRestore {
  readonly record: UnderWay | Unknown;
  /** Declared restores that cannot start before. */
  readonly blocks: readonly BlockedRestore[];
  /** Whether the manifests still declare it. */
  readonly declared: boolean;
}

export interface BlockedRestore {
  readonly address: Address;
  readonly reason: 'depends_on' | 'same_volume' | 'same_backup';
}

/** Every open restore of the state, oldest first, with the declared restores that it blocks. */
export function openRestores(state: State, specs: readonly RestoreSpec[]): OpenRestore[] {
  const removed = doneAndRemoved(state);
  const pending = specs.filter((spec) => !isDone(spec, state) && !removed.has(keyOf(spec)));
  const dependants = new Map<Address, Address[]>();
  for (const { address, depends_on } of pending) for (const on of depends_on) append(dependants, on, address);
  const declared = new Set(specs.map(({ address }) => address));
  return [...state.records.values()]
    .filter(isOpen)
    .map((record) => ({
      record,
      blocks: blockedBy(record, pending, dependants),
      declared: declared.has(record.address),
    }))
    .sort((a, b) => beganAt(a.record) - beganAt(b.record));
}

/** When the first request of a restore was about to be sent, epoch ms. */
export function beganAt({ attempts, updated_at }: RestoreRecord): number {
  return Date.parse(attempts[0]?.intended_at ?? updated_at);
}

function blockedBy(
  record: RestoreRecord,
  pending: readonly RestoreSpec[],
  dependants: ReadonlyMap<Address, readonly Address[]>,
): BlockedRestore[] {
  const found = new Map<Address, BlockedRestore['reason']>();
  for (const { address, volume, backup } of pending) {
    if (address === record.address) continue;
    const sameVolume =
      volume.by === 'id' ? volume.id === record.volume_id : volume.name === record.names.volume_name;
    if (sameVolume) found.set(address, 'same_volume');
    else if (backup.by === 'id' && backup.id === record.backup_id) found.set(address, 'same_backup');
  }
  const queue = [record.address, ...found.keys()];
  for (let address = queue.pop(); address !== undefined; address = queue.pop()) {
    for (const dependant of dependants.get(address) ?? []) {
      if (dependant === record.address || found.has(dependant)) continue;
      found.set(dependant, 'depends_on');
      queue.push(dependant);
    }
  }
  return [...found].map(([address, reason]) => ({ address, reason }));
}

/** Restores that are done although their records were removed. */
function doneAndRemoved({ history }: State): ReadonlySet<string> {
  const done = new Set<string>();
  for (const entry of history)
    if (entry.type === 'removed' && entry.record.status === 'succeeded') done.add(keyOf(entry.record));
  return done;
}

function keyOf({ address, generation }: RestoreRecord | RestoreSpec): string {
  return `${address} #${generation}`;
}

/** Compares addresses only; a plan decides exactly, and reads the cloud. */
function isDone(spec: RestoreSpec, { records }: State): boolean {
  const record = records.get(spec.address);
  return record?.status === 'succeeded' && record.generation === spec.generation;
}
