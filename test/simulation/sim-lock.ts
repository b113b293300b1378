import { error } from '../../src/domain/diagnostic.ts';
import { Failure } from '../../src/domain/errors.ts';
import type { LockInfo } from '../../src/state/backend.ts';
import type { HeldLock, Lock } from '../../src/state/lock.ts';
import type { SimProcess } from './sim-process.ts';

/** The lock file’s rule: a dead owner’s lock is taken over on his own machine, everybody else’s only by an operator. */
export class SimLock {
  #held: { readonly id: string; readonly owner: SimProcess; readonly info: LockInfo } | undefined;
  #ids = 0;

  of(process: SimProcess): Lock {
    return {
      acquire: (wish) =>
        process.io('lock', async () => {
          const standing = this.#held;
          const free = !standing || (standing.owner.isDead && standing.owner.machine === process.machine);
          if (!free) throw new Failure('locked', error('state-locked', `locked by ${standing.owner.name}`));
          const id = `lock-${++this.#ids}`;
          const since = new Date(0).toISOString();
          const info = { ...wish, id, host: process.machine.name, pid: 1, since };
          this.#held = { id, owner: process, info };
          return this.#lease(process, id, info);
        }),
      holder: async () => this.#held?.info,
      unlock: async () => {
        throw new Error('an operator unlocks');
      },
    };
  }

  isHeldBy(process: SimProcess): boolean {
    return this.#held?.owner === process;
  }

  get owner(): SimProcess | undefined {
    return this.#held?.owner;
  }

  /** `vbsctl unlock`, by an operator who believes that the owner is gone. */
  unlock(): void {
    this.#held = undefined;
  }

  #lease(process: SimProcess, id: string, info: LockInfo): HeldLock {
    return {
      info,
      stillHeld: () => this.#held?.id === id,
      release: () =>
        process.io('lock', async () => {
          if (this.#held?.id === id) this.#held = undefined;
        }),
    };
  }
}
