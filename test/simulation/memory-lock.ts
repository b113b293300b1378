import type { Actor } from '../../src/domain/state.ts';
import type { HeldLock, Lock } from '../../src/state/lock.ts';

/** One process, no rivals. */
export class MemoryLock implements Lock {
  async acquire({ who, operation, version }: Actor): Promise<HeldLock> {
    return {
      info: { who, operation, version, id: 'lock', host: 'lab', pid: 1, since: new Date(0).toISOString() },
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
