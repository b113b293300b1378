import { Failure } from '../../domain/errors.ts';
import { serverFailure } from '../server-failures.ts';
import type { Condition, Objects, PutOutcome } from './objects.ts';

/** What a store really does with conditions. Some take the header and write all the same. */
export interface Abilities {
  /** `If-Match` is heeded: a lease can end, since what its former holder writes is refused. */
  readonly guards: boolean;
}

/**
 * Tries it on an object of its own. Throws a `Failure` when a second `If-None-Match: *` is not refused: two runs
 * would both hold the lock.
 */
export async function selfTest(objects: Objects, key: string, place: string): Promise<Abilities> {
  const put = async (text: string, condition: Condition) =>
    settled(await objects.put(key, text, condition), place);
  const first = await put('1', { over: 'nothing' });
  const exclusive = (await put('2', { over: 'nothing' })).unmet === true;
  const guards = (await put('3', { over: `"${'0'.repeat(32)}"` })).unmet === true;
  const now = await objects.get(key);
  if (now) await objects.remove(key, now.etag);
  if (first.kind === 'written' && exclusive) return { guards };
  throw Failure.of(
    'state',
    'state-not-exclusive',
    `${place} cannot be locked: the store overwrites where it was asked not to`,
    {
      detail:
        'A second write with “If-None-Match: *” was not refused in a test beside the state. Two runs at once would both believe that they are alone.',
      where: { file: place },
      remedy: 'use a store with conditional writes, or another kind of state (docs/state.md)',
    },
  );
}

function settled(outcome: PutOutcome, place: string): PutOutcome {
  if (outcome.kind === 'refused') throw outcome.failure;
  if (outcome.kind === 'written' || outcome.unmet) return outcome;
  throw serverFailure(`cannot test conditional writes: ${outcome.why}`, {
    location: place,
    remedy: 'run it again once the store is well',
  });
}
