import { append } from './append.ts';
import type { CloudProject } from './cloud-project.ts';
import { unreachable } from './errors.ts';
import type { Waiver } from './policy.ts';
import { identityKey, isOpen, isUnderWay, type RestoreRecord, sameIdentity } from './record.ts';
import type { Address } from './spec.ts';

/**
 * What was done, and how it changes. A state is a fold of commits over an empty state. The backends in `src/state` store
 * it, and interpret it only through this file.
 */
export interface State {
  /** The same for all states that descend from one `vbsctl init`. */
  readonly lineage: string;
  /** One higher with each commit. */
  readonly serial: number;
  readonly target: CloudProject;
  readonly created_at: string;
  readonly records: ReadonlyMap<Address, RestoreRecord>;
  /** What has begun and ended, in order; never edited, never shortened. */
  readonly history: readonly HistoryEntry[];
  /** Present if the state was migrated elsewhere, so that this copy must not be used. */
  readonly moved_to?: MigratedTo;
}

/** Where a migration moved the state. */
export interface MigratedTo {
  /** As the operator wrote it, without a password. */
  readonly location: string;
  readonly at: string;
  readonly by: string;
  /** The serial of the state when it was copied. */
  readonly serial: number;
}

/** The user and the run that change the state. */
export interface Actor {
  /** `user@host` */
  readonly who: string;
  /** `apply`, `resolve`, … */
  readonly operation: string;
  /** The version of vbsctl. */
  readonly version: string;
  /** The Git commit of the manifests, in hexadecimal; absent if it is not known. */
  readonly git_commit?: string;
  /** Digest of the saved plan that is applied. */
  readonly plan_digest?: string;
  /** Limits of the policy that the operator lifted (`--allow-…`). */
  readonly waivers?: readonly Waiver[];
}

export type Change =
  /** The new record at its address. */
  | { readonly type: 'record'; readonly record: RestoreRecord }
  /** Renames, made all at once so that two records can swap addresses. */
  | { readonly type: 'moved'; readonly moves: readonly Move[] }
  /** The record at the address is removed. The history keeps it, so that its restore still counts as done. */
  | { readonly type: 'removed'; readonly address: Address };

/** Commits never come near it. A higher serial was not written by vbsctl, and leaves no room for more. */
export const SERIAL_MAX = 2 ** 52;

/**
 * The serial of a state that replaces the one with serial `current`: higher than that and than `known`, so that the state
 * looks old to nobody. A `known` serial that commits cannot reach is ignored.
 */
export function serialAbove(current: number, known = 0): number {
  return Math.max(current, known < SERIAL_MAX / 2 ? known : 0) + 1;
}

export interface Move {
  readonly from: Address;
  readonly to: Address;
}

/** Changes that become durable together. */
export interface Commit {
  readonly serial: number;
  readonly at: string;
  readonly actor: Actor;
  readonly changes: readonly Change[];
}

export type HistoryEntry = HistoryEvent & {
  readonly serial: number;
  readonly at: string;
  readonly actor: Actor;
};

type HistoryEvent =
  /** The first request of a restore is about to be sent. From here on the chain covers that there is a record of it. */
  | ({ readonly type: 'begun' } & BegunRestore)
  /** A restore reached an outcome; its record then, with every attempt, job and request id. */
  | { readonly type: 'closed'; readonly record: RestoreRecord }
  | { readonly type: 'moved'; readonly from: Address; readonly to: Address }
  /** The removed record, complete, so that it can be found whatever else is in the history. */
  | { readonly type: 'removed'; readonly record: RestoreRecord }
  /** The state came from a file, with all entries before this one; `over`: the state that it replaced, if any. */
  | {
      readonly type: 'pushed';
      readonly over?: { readonly lineage: string; readonly serial: number };
      readonly allowed?: readonly PushRisk[];
    }
  /** An operator accepted the state, although it does not verify or is not the known one. */
  | {
      readonly type: 'state_accepted';
      readonly reason: string;
      /** The state that was known on that machine: a newer one, or one of another lineage. */
      readonly over?: { readonly lineage: string; readonly serial: number };
      /** The accepted records at the addresses where records and history contradicted each other. */
      readonly records?: readonly AcceptedRecord[];
    };

export type BegunRestore = Pick<
  RestoreRecord,
  'address' | 'volume_id' | 'backup_id' | 'generation' | 'names'
>;

export interface AcceptedRecord {
  readonly address: Address;
  /** Absent if there is no record. */
  readonly record?: RestoreRecord;
}

/** Risks of replacing a state by another one; a flag (`--allow-…`) accepts each. */
export type PushRisk = 'other-lineage' | 'older-serial' | 'forgotten-restores';

/** The addresses that an entry of the history is about. */
export function addressesOf(entry: HistoryEntry): readonly Address[] {
  switch (entry.type) {
    case 'begun':
      return [entry.address];
    case 'closed':
    case 'removed':
      return [entry.record.address];
    case 'moved':
      return [entry.from, entry.to];
    case 'pushed':
      return [];
    case 'state_accepted':
      return (entry.records ?? []).map(({ address }) => address);
    default:
      return unreachable(entry);
  }
}

/** The restore that an entry is about; undefined if it is about none or several. */
export function restoreOf(entry: HistoryEntry): BegunRestore | undefined {
  switch (entry.type) {
    case 'begun':
      return entry;
    case 'closed':
    case 'removed':
      return entry.record;
    case 'moved':
    case 'pushed':
    case 'state_accepted':
      return undefined;
    default:
      return unreachable(entry);
  }
}

/** Every record in the state, oldest first: those of the history, then the current ones. */
export function* allRecords(state: State): Generator<RestoreRecord, void> {
  yield* recordsOfHistory(state);
  yield* state.records.values();
}

/** All records of each restore, oldest first. */
export function recordsByIdentity(state: State): ReadonlyMap<string, readonly RestoreRecord[]> {
  const records = new Map<string, RestoreRecord[]>();
  for (const record of allRecords(state)) append(records, identityKey(record), record);
  return records;
}

/** The records of the history, oldest first. */
export function* recordsOfHistory({ history }: State): Generator<RestoreRecord, void> {
  for (const entry of history) yield* recordsOfEntry(entry);
}

/** Records that an operator accepted with a state count, too, unless they are under way. */
export function recordsOfEntry(entry: HistoryEntry): readonly RestoreRecord[] {
  switch (entry.type) {
    case 'closed':
    case 'removed':
      return [entry.record];
    case 'state_accepted':
      return (entry.records ?? []).flatMap(({ record }) => (record && !isUnderWay(record) ? [record] : []));
    case 'begun': // the record has what became of it
    case 'moved':
    case 'pushed':
      return [];
    default:
      return unreachable(entry);
  }
}

/** The renames of one commit from an index on. They happen at once: two records may swap their addresses. */
export function renamesAt(history: readonly HistoryEntry[], index: number): readonly Move[] {
  const moves: Move[] = [];
  const first = history[index];
  for (
    let each = first;
    each?.type === 'moved' && each.serial === first?.serial;
    each = history[index + moves.length]
  )
    moves.push(each);
  return moves;
}

export function emptyState(lineage: string, target: CloudProject, createdAt: string): State {
  return { lineage, serial: 0, target, created_at: createdAt, records: new Map(), history: [] };
}

/**
 * The state after the commits, which must follow it without a gap. Linear in the commits plus one copy of the state. Throws
 * a plain Error on a gap or a change that does not fit, which is a bug of the caller.
 */
export function fold(state: State, commits: Iterable<Commit>): State {
  const next = new MutableState(state);
  for (const commit of commits) next.stage(commit);
  next.applyStaged();
  return next.state();
}

/** The changes of staged commits. */
export interface Staged {
  readonly serial: number;
  /** The new record of each changed address; undefined if it was renamed or removed. */
  readonly records: ReadonlyMap<Address, RestoreRecord | undefined>;
  /** New entries of the history. */
  readonly history: readonly HistoryEntry[];
}

/**
 * A state that grows by commits, at a cost that does not depend on its size. A commit has two steps, because it must be known
 * to fit before it is written, and must not be visible before it is durable: `stage`, write, `applyStaged`.
 */
export class MutableState {
  readonly #origin: State;
  readonly #records: Map<Address, RestoreRecord>;
  readonly #history: HistoryEntry[];
  #serial: number;
  readonly #staged = new Map<Address, RestoreRecord | undefined>();
  readonly #stagedHistory: HistoryEntry[] = [];
  #next: number;

  constructor(state: State) {
    this.#origin = state;
    this.#records = new Map(state.records);
    this.#history = [...state.history];
    this.#serial = state.serial;
    this.#next = state.serial + 1;
  }

  /** The serial that the next commit must have. */
  get next(): number {
    return this.#next;
  }

  /** The state without staged commits. Its records and history are not copied, so later commits add to them. */
  state(): State {
    return { ...this.#origin, serial: this.#serial, records: this.#records, history: this.#history };
  }

  /** Throws a plain Error if the commit does not follow or a change does not fit; then this object must not be used again. */
  stage(commit: Commit): void {
    const { serial, at, actor, changes } = commit;
    if (serial !== this.#next) throw new Error(`commit ${serial} does not follow ${this.#next - 1}`);
    for (const change of changes)
      for (const fact of this.#apply(change)) this.#stagedHistory.push({ ...fact, serial, at, actor });
    this.#next += 1;
  }

  /** Not copied: valid until `applyStaged`. */
  staged(): Staged {
    return { serial: this.#next - 1, records: this.#staged, history: this.#stagedHistory };
  }

  /** Makes the staged commits part of the state. */
  applyStaged(): void {
    for (const [address, record] of this.#staged) {
      if (record) this.#records.set(address, record);
      else this.#records.delete(address);
    }
    for (const fact of this.#stagedHistory) this.#history.push(fact);
    this.#staged.clear();
    this.#stagedHistory.length = 0;
    this.#serial = this.#next - 1;
  }

  #apply(change: Change): HistoryEvent[] {
    switch (change.type) {
      case 'record': {
        const { record } = change;
        const current = this.#at(record.address);
        this.#put(record);
        if (!isUnderWay(record)) return [{ type: 'closed', record }];
        if (current && isUnderWay(current)) return [];
        const { address, volume_id, backup_id, generation, names } = record;
        return [{ type: 'begun', address, volume_id, backup_id, generation, names }];
      }
      case 'moved': {
        const moved = change.moves.map(({ from, to }) => {
          const record = this.#at(from);
          if (!record) throw new Error(`nothing to move at ${from}`);
          return { ...record, address: to };
        });
        for (const { from } of change.moves) this.#staged.set(from, undefined);
        for (const record of moved) this.#put(record);
        return change.moves.map(({ from, to }) => ({ type: 'moved', from, to }));
      }
      case 'removed': {
        const record = this.#at(change.address);
        if (!record) throw new Error(`nothing to remove at ${change.address}`);
        if (isOpen(record))
          throw new Error(`the ${record.status} restore at ${change.address} would be forgotten`);
        this.#staged.set(change.address, undefined);
        return [{ type: 'removed', record }];
      }
      default:
        return unreachable(change);
    }
  }

  /** An open record must not be replaced by another restore; one that has ended stays in the history. */
  #put(record: RestoreRecord): void {
    const current = this.#at(record.address);
    if (current && isOpen(current) && !sameIdentity(current, record))
      throw new Error(`the ${current.status} restore at ${record.address} would be forgotten`);
    this.#staged.set(record.address, record);
  }

  #at(address: Address): RestoreRecord | undefined {
    return this.#staged.has(address) ? this.#staged.get(address) : this.#records.get(address);
  }
}
