import type { HeldLock, Lock, LockWish } from '../../src/state/lock.ts';

/** One process, no rivals. */
export class MemoryLock implements Lock {
  async acquire(wish: LockWish): Promise<HeldLock> {
    return {
      info: { ...wish, id: 'lock', host: 'lab', pid: 1, since: new Date(0).toISOString() },
      stillHeld: () => true,
      release: async () => {},
    };
  }

  async holder(): Promise<undefined> {
    return undefined;
  }

  async unlock(): Promise<never> {
    throw new Error('nothing is locked');
  }
}
