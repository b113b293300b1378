import { type Clock, isoTime } from '../domain/clock.ts';
import type { Backup, Found, Reading, Volume } from '../domain/cloud.ts';
import type { FullObservation, Observation, ObservedResource } from '../domain/observation.ts';
import { optional } from '../domain/optional.ts';
import type { Driver } from '../drivers/driver.ts';

/** One look at disk and backup. */
export interface Readings {
  readonly volume: Reading<Volume>;
  readonly backup: Reading<Backup>;
  /** The same, as records keep it. */
  readonly seen: Observation;
}

/** Disk and backup were both found. */
export interface FoundReadings extends Readings {
  readonly volume: Found<Volume>;
  readonly backup: Found<Backup>;
  readonly seen: FullObservation;
}

export function isFound(look: Readings): look is FoundReadings {
  return look.volume.kind === 'found' && look.backup.kind === 'found';
}

export async function look(
  driver: Driver,
  clock: Clock,
  ids: { readonly volume_id: string; readonly backup_id: string },
  signal?: AbortSignal,
): Promise<Readings> {
  const [volume, backup] = await Promise.all([
    driver.volume(ids.volume_id, signal),
    driver.backup(ids.backup_id, signal),
  ]);
  return readingsOf(volume, backup, clock);
}

export function readingsOf(volume: Reading<Volume>, backup: Reading<Backup>, clock: Clock): Readings {
  return {
    volume,
    backup,
    seen: { at: isoTime(clock.now()), volume: seenOf(volume), backup: seenOf(backup) },
  };
}

function seenOf(reading: Reading<Volume | Backup>): ObservedResource {
  if (reading.kind !== 'found') return { reading: reading.kind };
  const { value } = reading;
  return {
    status: value.status,
    ...optional('updated_at', value.updated_at),
    ...optional('src_backup_id', 'src_backup_id' in value ? value.src_backup_id : undefined),
  };
}

/** The earlier of the two readings' `Date`, epoch ms: what both are at least as new as. */
export function cloudTime(look: Readings): number | undefined {
  const times = [look.volume, look.backup].flatMap((r) =>
    r.kind === 'found' && r.cloud_time_ms !== undefined ? [r.cloud_time_ms] : [],
  );
  return times.length === 2 ? Math.min(...times) : undefined;
}
