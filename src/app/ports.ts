import type { Clock } from '../domain/clock.ts';
import type { Diagnostic } from '../domain/diagnostic.ts';
import type { ApplyEvent } from '../domain/events.ts';
import type { Plan } from '../domain/plan.ts';
import type { Actor, State } from '../domain/state.ts';
import type { Driver } from '../drivers/driver.ts';
import type { ExecutionOutcome } from '../executor/execute.ts';
import type { Backend } from '../state/backend.ts';
import type { Snapshot } from '../state/codec.ts';

/** What a use case needs of the world. The command line provides it, and so do the simulation and tests. */
export interface Ports {
  /** Where the state is stored. It refuses a state that fails its checks. */
  readonly backend: Backend;
  connect(): Promise<Connection>;
  readonly clock: Clock;
  /** Aborted when the user interrupts the command. */
  readonly stop: AbortSignal;
  /** Shows warnings and notes to the user; the use case continues. */
  report(diagnostics: readonly Diagnostic[]): void;
}

/** A connection to the cloud that flags, config and environment name. */
export interface Connection {
  readonly driver: Driver;
  /** When the token ends, by our clock, epoch ms. Absent: it does not end, or it can be renewed. */
  readonly expiresAtMs?: number;
  /** Frees what was opened for it, such as the in-process emulator. */
  close(): Promise<void>;
}

/** Who takes the lock, and how long to wait for it. */
export interface LockRequest {
  readonly actor: Actor;
  /** Milliseconds; 0: do not wait. */
  readonly lockTimeoutMs: number;
}

/** As `Ports`, for a use case that executes a plan. */
export interface RunPorts extends Ports {
  /** In [0, 1). */
  readonly random: () => number;
  /** Called before anything is sent. */
  beginRun(plan: Plan): Promise<RunObserver>;
}

/** Receives the events of one run. */
export interface RunObserver {
  /** Called in the order of what happened. */
  handle(event: ApplyEvent): void;
  /** The run is over and the lock is still held: records that could not be stored must be saved elsewhere now. */
  end(run: FinishedRun): Promise<void>;
}

export interface FinishedRun {
  readonly plan: Plan;
  readonly outcome: ExecutionOutcome;
  /** The stored state. */
  readonly state: State | undefined;
  /** Why the run ended early, if the token ended. */
  readonly notes: readonly Diagnostic[];
}

/** What the use cases that change the state itself need of the world. */
export interface StatePorts {
  readonly backend: Backend;
  readonly clock: Pick<Clock, 'now'>;
  /** Aborted when the user interrupts the command. */
  readonly stop: AbortSignal;
  /** Saves a copy of a state before it is changed. Resolves with the path of the copy. */
  backUp(backend: Backend, snapshot: Snapshot): Promise<string>;
  /** Notes on this machine which state the backend holds, so that an older copy is recognised later. */
  remember(backend: Backend, snapshot: Snapshot, how: 'written' | 'accepted'): Promise<void>;
}

/** A request to change the state itself. */
export interface ChangeRequest extends LockRequest {
  /** Only check, and change nothing. */
  readonly dryRun: boolean;
}
