import type { CloudProject } from './cloud-project.ts';
import { unreachable } from './errors.ts';
import type { Waiver } from './policy.ts';
import { isOpen, isUnderWay, type RestoreRecord, sameIdentity } from './record.ts';
import type { Address } from './spec.ts';

/**
 * The ledger of what was done, and how it changes. A state is a fold of commits over an empty ledger;
 * the backends in `src/state` keep it, nothing else interprets it.
 */
export interface State {
  /** Same for all states that descend from one `vbsctl init`. */
  readonly lineage: string;
  /** One higher with each commit. */
  readonly serial: number;
  readonly target: CloudProject;
  readonly created_at: string;
  readonly records: ReadonlyMap<Address, RestoreRecord>;
  /** What is over, in order; never edited, never shortened. */
  readonly history: readonly HistoryEntry[];
  /** Present: the state lives elsewhere by now, and what stands here must not be worked with. */
  readonly moved_to?: MovedTo;
}

/** The note that a migration leaves behind. */
export interface MovedTo {
  /** As the person wrote it; never with a password. */
  readonly location: string;
  readonly at: string;
  readonly by: string;
  /** That the state had when it was copied. */
  readonly serial: number;
}

/** Who changes the state, in which run. */
export interface Actor {
  /** `user@host` */
  readonly who: string;
  /** `apply`, `resolve`, … */
  readonly operation: string;
  /** Of vbsctl. */
  readonly version: string;
  /** The commit that the manifests were checked out from, in hexadecimal; absent when nobody can tell. */
  readonly git_commit?: string;
  /** Of the saved plan that is applied. */
  readonly plan_digest?: string;
  /** Limits of the policy that were lifted (`--allow-…`). */
  readonly waivers?: readonly Waiver[];
}

export type Change =
  /** The record that stands at its address from now on. */
  | { readonly type: 'record'; readonly record: RestoreRecord }
  /** Renames, done all at once so that two records can change places. */
  | { readonly type: 'moved'; readonly moves: readonly Move[] }
  /** The record at the address is tidied away; what was done stays in the history and stays done. */
  | { readonly type: 'removed'; readonly address: Address };

/** No state comes near it by commits. A higher one was written by something else, and leaves no room to go on. */
export const SERIAL_MAX = 2 ** 52;

/**
 * The serial of a state that takes the place of `current` and should be older for nobody who knows one of `known`. A
 * known serial that no number of commits leads to was made by something else, and is not gone on from.
 */
export function serialAbove(current: number, known: readonly number[]): number {
  return Math.max(current, ...known.filter((serial) => serial < SERIAL_MAX / 2)) + 1;
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

export type HistoryEntry = HistoryFact & {
  readonly serial: number;
  readonly at: string;
  readonly actor: Actor;
};

type HistoryFact =
  /** A restore reached an outcome; the record as it was then, with every attempt, job and request id. */
  | { readonly type: 'closed'; readonly record: RestoreRecord }
  | { readonly type: 'moved'; readonly from: Address; readonly to: Address }
  /** The record as it was, so that it is found again whatever else became of the history. */
  | { readonly type: 'removed'; readonly record: RestoreRecord }
  /** All that stands before it came from a file; `over`: what stood here until then, if anything. */
  | {
      readonly type: 'pushed';
      readonly over?: { readonly lineage: string; readonly serial: number };
      readonly allowed?: readonly PushRisk[];
    }
  /** A person took the state as it stands, although it does not verify or is not the one that was known. */
  | {
      readonly type: 'state_accepted';
      readonly reason: string;
      /** The state that was known where it was accepted: a newer one, or one of another lineage. */
      readonly over?: { readonly lineage: string; readonly serial: number };
      /** What stands at each address where records and history contradicted each other. */
      readonly records?: readonly AcceptedRecord[];
    };

export interface AcceptedRecord {
  readonly address: Address;
  /** Absent: nothing stands there. */
  readonly record?: RestoreRecord;
}

/** What putting a whole state in place of another can do wrong; each has a flag (`--allow-…`) that takes the risk. */
export type PushRisk = 'other-lineage' | 'older-serial' | 'forgotten-restores';

/** The addresses that an entry of the history is about. */
export function addressesOf(entry: HistoryEntry): readonly Address[] {
  switch (entry.type) {
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

/** Every record that the state tells of, oldest first: those of the history, then those that stand. */
export function* recordsTold(state: State): Generator<RestoreRecord, void> {
  for (const entry of state.history)
    if (entry.type === 'closed' || entry.type === 'removed') yield entry.record;
  yield* state.records.values();
}

export function emptyState(lineage: string, target: CloudProject, createdAt: string): State {
  return { lineage, serial: 0, target, created_at: createdAt, records: new Map(), history: [] };
}

/**
 * The state after the commits, which must follow it without a gap. Linear in the commits plus one copy of
 * the state. Throws a plain Error on a gap or a change that does not fit: the caller read the wrong things.
 */
export function fold(state: State, commits: Iterable<Commit>): State {
  const ledger = new Ledger(state);
  for (const commit of commits) ledger.stage(commit);
  ledger.applyStaged();
  return ledger.state();
}

/** What staged commits change. */
export interface Staged {
  readonly serial: number;
  /** What stands at an address then; undefined: its record moved away. */
  readonly records: ReadonlyMap<Address, RestoreRecord | undefined>;
  /** What comes behind the history. */
  readonly history: readonly HistoryEntry[];
}

/**
 * A state that grows by commits at a cost that does not depend on its size. In two steps, because a commit
 * must be known to fit before it is written, and must not show before it is durable: `stage`, write, `applyStaged`.
 */
export class Ledger {
  readonly #origin: State;
  readonly #records: Map<Address, RestoreRecord>;
  readonly #history: HistoryEntry[];
  #serial: number;
  /** What the staged commits put at an address; undefined: its record moved away or was removed. */
  readonly #staged = new Map<Address, RestoreRecord | undefined>();
  readonly #facts: HistoryEntry[] = [];
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

  /** Without what is staged. Its records and history are the ledger's own and grow with it. */
  state(): State {
    return { ...this.#origin, serial: this.#serial, records: this.#records, history: this.#history };
  }

  /** Throws a plain Error when the commit does not follow or a change does not fit; use the ledger no more then. */
  stage(commit: Commit): void {
    const { serial, at, actor, changes } = commit;
    if (serial !== this.#next) throw new Error(`commit ${serial} does not follow ${this.#next - 1}`);
    for (const change of changes)
      for (const fact of this.#apply(change)) this.#facts.push({ ...fact, serial, at, actor });
    this.#next += 1;
  }

  /** The ledger's own: until it settles. */
  staged(): Staged {
    return { serial: this.#next - 1, records: this.#staged, history: this.#facts };
  }

  /** What was staged is part of the state from now on. */
  applyStaged(): void {
    for (const [address, record] of this.#staged) {
      if (record) this.#records.set(address, record);
      else this.#records.delete(address);
    }
    for (const fact of this.#facts) this.#history.push(fact);
    this.#staged.clear();
    this.#facts.length = 0;
    this.#serial = this.#next - 1;
  }

  #apply(change: Change): HistoryFact[] {
    switch (change.type) {
      case 'record': {
        const { record } = change;
        this.#put(record);
        return isUnderWay(record) ? [] : [{ type: 'closed', record }];
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

  /** An open matter must not vanish under another one; a closed one stays in the history. */
  #put(record: RestoreRecord): void {
    const standing = this.#at(record.address);
    if (standing && isOpen(standing) && !sameIdentity(standing, record))
      throw new Error(`the ${standing.status} restore at ${record.address} would be forgotten`);
    this.#staged.set(record.address, record);
  }

  #at(address: Address): RestoreRecord | undefined {
    return this.#staged.has(address) ? this.#staged.get(address) : this.#records.get(address);
  }
}
