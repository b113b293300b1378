import { error } from '../../../src/domain/diagnostic.ts';
import { Failure } from '../../../src/domain/errors.ts';
import type { HeldLock, Lock } from '../../../src/state/lock.ts';
import { AT, newId } from '../samples.ts';

/** A lock within one process, freed when a new one is made: that is the death of its owner. */
export function memoryLock(): Lock {
  let held: HeldLock['info'] | undefined;
  const busy = () => new Failure('locked', error('state-locked', 'held'));
  return {
    async acquire(wish) {
      if (held) throw busy();
      const info = { ...wish, id: newId(), host: 'memory', pid: 1, since: AT };
      held = info;
      return {
        info,
        stillHeld: () => held === info,
        release: async () => {
          if (held === info) held = undefined;
        },
      };
    },
    holder: async () => held,
    async unlock() {
      const info = held;
      if (!info) throw busy();
      held = undefined;
      return info;
    },
  };
}
