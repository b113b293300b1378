import type { Clock } from '../domain/clock.ts';
import type { Diagnostic } from '../domain/diagnostic.ts';
import type { ApplyEvent } from '../domain/events.ts';
import type { Plan } from '../domain/plan.ts';
import type { Actor, State } from '../domain/state.ts';
import type { Outcome } from '../executor/execute.ts';
import type { Backend } from '../state/backend.ts';
import type { Connection } from './connection.ts';

/** What a use case needs of the world. The command line provides it, and so do the simulation and tests. */
export interface Ports {
  /** Where the state is kept. What must not be relied on it refuses by itself. */
  readonly store: Backend;
  connect(): Promise<Connection>;
  readonly clock: Clock;
  /** Aborted when a person asks to stop. */
  readonly stop: AbortSignal;
  /** Tells a person something that ends nothing; nothing of an empty list. */
  tell(diagnostics: readonly Diagnostic[]): void;
}

/** Who takes the lock, and how long is waited for it. */
export interface LockRequest {
  readonly actor: Actor;
  /** Milliseconds; 0: not at all. */
  readonly lockTimeoutMs: number;
}

/** As `Ports`, for a use case that executes a plan. */
export interface RunPorts extends Ports {
  /** In [0, 1). */
  readonly random: () => number;
  /** Called before anything is sent. */
  beginRun(plan: Plan): Promise<RunObserver>;
}

/** Sees one run. */
export interface RunObserver {
  /** In the order of what happened. */
  handle(event: ApplyEvent): void;
  /** The run is over, the lock is still held: what could not be saved has to be kept now. */
  end(run: FinishedRun): Promise<void>;
}

export interface FinishedRun {
  readonly plan: Plan;
  readonly outcome: Outcome;
  /** As it is durable. */
  readonly state: State | undefined;
  /** What else there is to say of its end. */
  readonly notes: readonly Diagnostic[];
}
