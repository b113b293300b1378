import type { Clock } from '../domain/clock.ts';
import type { Backend } from '../state/backend.ts';
import type { Snapshot } from '../state/codec.ts';

/** What the use cases that put a state in place of another need of the world. */
export interface StatePorts {
  readonly clock: Pick<Clock, 'now'>;
  /** Aborted when a person asks to stop. */
  readonly stop: AbortSignal;
  /** Keeps a copy of what is about to be replaced. Resolves with where it is. */
  backUp(store: Backend, snapshot: Snapshot): Promise<string>;
  /** From now on this is what the place is known to hold, outside of the state itself. */
  remember(store: Backend, snapshot: Snapshot, how: 'written' | 'accepted'): Promise<void>;
}
