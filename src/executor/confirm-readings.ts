import type { CloudTraits } from '../domain/cloud.ts';
import { type ObservationHistory, sameResource } from '../domain/observation.ts';
import {
  mustBeStored,
  NO_OBSERVATIONS,
  needsConfirmation,
  type ObservedRestore,
  withObservation,
} from '../domain/observation-history.ts';
import type { Intended, Running } from '../domain/record.ts';
import { type Readings, readingsOf } from './readings.ts';
import type { RestoreRun } from './run.ts';

/** A look together with all that came before it. */
export interface ConfirmedReadings {
  readonly look: Readings;
  readonly history: ObservationHistory;
  /** A later run has to know of it: see `commitObservation`. */
  readonly news: boolean;
}

/**
 * Makes evidence of a look: reads again in order where its two readings may lie on both sides of a change, and puts it
 * to those that the record holds.
 */
export async function confirmReadings(
  session: RestoreRun,
  record: Intended | Running,
  first: Readings,
  signal: AbortSignal = session.run.stop,
): Promise<ConfirmedReadings> {
  // Rule: torn-look-is-read-again-in-order
  const look = needsConfirmation(first.seen) ? await inOrder(session, first, signal) : first;
  const subject = observedRestore(record, session.run.driver.traits);
  const before = record.history ?? NO_OBSERVATIONS;
  const history = withObservation(before, look.seen, subject);
  return { look, history, news: mustBeStored(before, history, look.seen, subject) };
}

/** Makes durable what a later run has to know, before this one goes on. */
export async function commitObservation(
  session: RestoreRun,
  { history, news }: ConfirmedReadings,
): Promise<void> {
  // Rule: look-that-matters-is-durable
  if (news) await session.step({ type: 'observe', at: session.now(), history });
}

export function observedRestore(
  { backup_id, baseline }: Intended | Running,
  traits: CloudTraits,
): ObservedRestore {
  return { backup_id, baseline, traits };
}

/**
 * The backup is read again, then the disk. If the disk is as it was before, both were so at the instant of the reading
 * in between. If not, a change lay between the readings, and the newer ones are a look of their own.
 */
async function inOrder({ run, ids }: RestoreRun, first: Readings, signal: AbortSignal): Promise<Readings> {
  const backup = await run.driver.backup(ids.backup_id, signal);
  const volume = await run.driver.volume(ids.volume_id, signal);
  const second = readingsOf(volume, backup, run.clock);
  const still = volume.kind === 'found' && sameResource(second.seen.volume, first.seen.volume);
  return still ? { ...second, seen: { ...second.seen, confirmed: true } } : second;
}
