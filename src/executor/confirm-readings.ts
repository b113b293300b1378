import type { CloudTraits } from '../domain/cloud.ts';
import { type ObservationHistory, sameResource } from '../domain/observation.ts';
import {
  mustBeStored,
  NO_OBSERVATIONS,
  needsConfirmation,
  type ObservedRestore,
  withObservation,
} from '../domain/observation-history.ts';
import type { UnderWay } from '../domain/record.ts';
import { type Readings, readingsOf } from './readings.ts';
import type { RestoreRun } from './restore-run.ts';

/** Readings with all observations of the restore so far, these included. */
export interface ConfirmedReadings {
  readonly readings: Readings;
  readonly history: ObservationHistory;
  /** Whether a later run needs the history: see `commitObservation`. */
  readonly mustBeStored: boolean;
}

/**
 * Reads volume and backup again in order if they may have been read before and after a change, and adds what they show
 * to the history of the record.
 */
export async function confirmReadings(
  restore: RestoreRun,
  record: UnderWay,
  first: Readings,
  signal: AbortSignal = restore.run.stop,
): Promise<ConfirmedReadings> {
  // Rule: unconfirmed-observation-is-read-again
  const readings = needsConfirmation(first.seen) ? await inOrder(restore, first, signal) : first;
  const observed = observedRestore(record, restore.run.driver.traits);
  const before = record.observation_history ?? NO_OBSERVATIONS;
  const history = withObservation(before, readings.seen, observed);
  return { readings, history, mustBeStored: mustBeStored(before, history, readings.seen, observed) };
}

/** Commits what a later run has to know, before this run continues. */
export async function commitObservation(restore: RestoreRun, confirmed: ConfirmedReadings): Promise<void> {
  // Rule: needed-observation-is-durable
  if (confirmed.mustBeStored)
    await restore.commit({ type: 'observe', at: restore.now(), history: confirmed.history });
}

export function observedRestore({ backup_id, baseline }: UnderWay, traits: CloudTraits): ObservedRestore {
  return { backup_id, baseline, traits };
}

/**
 * Reads the backup again, then the volume. If the volume is unchanged, both were so when the backup was read. If not, the
 * change came between the readings, and the newer ones are an observation of their own.
 */
async function inOrder({ run, ids }: RestoreRun, first: Readings, signal: AbortSignal): Promise<Readings> {
  const backup = await run.driver.backup(ids.backup_id, signal);
  const volume = await run.driver.volume(ids.volume_id, signal);
  const second = readingsOf(volume, backup, run.clock);
  const unchanged = volume.kind === 'found' && sameResource(second.seen.volume, first.seen.volume);
  return unchanged ? { ...second, seen: { ...second.seen, confirmed: true } } : second;
}
