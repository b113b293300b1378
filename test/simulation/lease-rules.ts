/**
 * Judges what happens to a lock with an end, by what is stored when on the store's own clock: it shares no code with
 * the program, and does not know what a process believes. Times are monotonic ms.
 */
export interface LeaseSettings {
  readonly ttl_ms: number;
  readonly settle_ms: number;
  readonly request_timeout_ms: number;
}

export type LeaseClause =
  | 'no-early-takeover'
  | 'lease-outlasts-request'
  | 'former-holder-fenced'
  | 'acknowledged-commit-kept'
  | 'no-write-after-failure'
  | 'only-own-lock-removed'
  | 'writable-state-used';

/** From the last look at the lease to the request's arrival, over the simulated network. */
const ON_THE_WAY_MS = 10;
/** Requests to the store that may go wrong for one run before it may give up. */
const FEW = 2;

interface Holder {
  readonly id: string;
  readonly process: string;
  renewed: number;
}

export class LeaseRules {
  readonly #settings: LeaseSettings;
  readonly #violated: (clause: LeaseClause, what: string) => void;
  /** Whose the lock is, by what is stored. */
  #holder: Holder | undefined;
  /** Who wrote the state since the lock has its present holder. */
  #writers = new Set<string>();
  /** Whether it was another's, and nobody has removed it; and whether its holder has gone to work by now. */
  #takenOver = false;
  #atWork = false;
  /** There is a state. */
  #written = false;
  /** The last write of a process that took effect, and whether the lock was its own then. */
  readonly #wrote = new Map<string, { readonly at: number; readonly held: boolean }>();
  /** Since when a process knows that a commit failed. */
  readonly #refused = new Map<string, number>();
  readonly #troubles = new Map<string, number>();
  readonly #disturbed = new Set<string>();

  constructor(givens: LeaseSettings, violated: (clause: LeaseClause, what: string) => void) {
    this.#settings = givens;
    this.#violated = violated;
  }

  isHeldBy(process: string): boolean {
    return this.#holder?.process === process;
  }

  /** A request of this process to the store went wrong; `mayPass`: so that a repetition can help. */
  trouble(process: string, mayPass: boolean): void {
    this.#troubles.set(process, (this.#troubles.get(process) ?? 0) + (mayPass ? 1 : FEW + 1));
  }

  /** The lock is as this text says. Whether it was another's, and whose. */
  lockWritten(process: string, text: string, at: number): string | undefined {
    const { id } = JSON.parse(text).info as { readonly id: string };
    const before = this.#holder;
    if (before?.id === id) {
      before.renewed = at;
      return undefined;
    }
    this.#holder = { id, process, renewed: at };
    this.#writers = new Set();
    this.#takenOver = before !== undefined;
    this.#atWork = false;
    if (!before) return undefined;
    const { ttl_ms, settle_ms } = this.#settings;
    const idle = at - before.renewed;
    if (idle < ttl_ms + settle_ms)
      this.#violated(
        'no-early-takeover',
        `${process} took the lock of ${before.process}, renewed ${idle} ms before; ${ttl_ms} and ${settle_ms} have to pass`,
      );
    return before.process;
  }

  lockRemoved(process: string): void {
    const before = this.#holder;
    this.#holder = undefined;
    if (before && before.process !== process)
      this.#violated('only-own-lock-removed', `${process} removed the lock of ${before.process}`);
  }

  /** It has the lock, has read the state, and begins. */
  begins(process: string): void {
    // Where there is no state yet, there is none that could be closed to the former holder.
    if (this.isHeldBy(process)) this.#atWork = this.#written;
  }

  stateWritten(process: string, at: number, sent: number): void {
    if (sent > (this.#refused.get(process) ?? Number.POSITIVE_INFINITY))
      this.#violated('no-write-after-failure', `${process} wrote again`);
    const holder = this.#holder;
    const held = holder?.process === process;
    if (holder && !held) {
      this.#disturbed.add(holder.process);
      // What a lock that was given back properly leaves under way stops the next holder at most.
      if (this.#writers.has(holder.process) || (this.#takenOver && this.#atWork))
        this.#violated(
          'former-holder-fenced',
          `${process} wrote what ${holder.process}, who has its lock, does not know`,
        );
    }
    this.#written = true;
    this.#writers.add(process);
    this.#wrote.set(process, { at, held });
  }

  /** A commit that was asked for `since` then resolved. */
  acknowledged(process: string, since: number): void {
    const wrote = this.#wrote.get(process);
    if (!wrote || wrote.at < since)
      this.#violated('acknowledged-commit-kept', `${process}: nothing was written`);
    else if (!wrote.held)
      this.#violated('acknowledged-commit-kept', `${process}: it was written when the lock was another’s`);
  }

  refused(process: string, at: number): void {
    if (!this.#refused.has(process)) this.#refused.set(process, at);
  }

  /** A restore's request reached the cloud. */
  posted(process: string, pair: string, at: number): void {
    const { ttl_ms, request_timeout_ms } = this.#settings;
    const holder = this.#holder;
    if (holder?.process !== process) {
      this.#violated('lease-outlasts-request', `${pair}: ${process} does not hold the lock`);
      return;
    }
    const left = holder.renewed + ttl_ms - at;
    if (left < request_timeout_ms - ON_THE_WAY_MS)
      this.#violated(
        'lease-outlasts-request',
        `${pair}: the lease lasts ${left} ms, the request may take longer`,
      );
  }

  /** A run ended because it could not write, or could not lock. */
  gaveUp(process: string, why: string): void {
    const troubles = this.#troubles.get(process) ?? 0;
    if (troubles > FEW || this.#disturbed.has(process) || !this.isHeldBy(process)) return;
    this.#violated(
      'writable-state-used',
      `${process}, whose lock it was, after ${troubles} requests that went wrong: ${why}`,
    );
  }
}
