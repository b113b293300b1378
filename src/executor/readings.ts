import { type Clock, isoTime } from '../domain/clock.ts';
import type { Backup, Found, Reading, Volume } from '../domain/cloud.ts';
import type { FullObservation, Observation, ObservedResource } from '../domain/observation.ts';
import { optional } from '../domain/optional.ts';
import type { Names } from '../domain/record.ts';
import type { Driver } from '../drivers/driver.ts';

/** Volume and backup of a restore, read at about the same time. */
export interface Readings {
  readonly volume: Reading<Volume>;
  readonly backup: Reading<Backup>;
  /** What records keep of both. */
  readonly seen: Observation;
}

export interface FoundReadings extends Readings {
  readonly volume: Found<Volume>;
  readonly backup: Found<Backup>;
  readonly seen: FullObservation;
}

export function bothFound(readings: Readings): readings is FoundReadings {
  return readings.volume.kind === 'found' && readings.backup.kind === 'found';
}

export async function readBoth(
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
  const seen = { at: isoTime(clock.now()), volume: observed(volume), backup: observed(backup) };
  return { volume, backup, seen };
}

function observed(reading: Reading<Volume | Backup>): ObservedResource {
  if (reading.kind === 'gone') return { reading: 'gone' };
  if (reading.kind === 'unreadable') return { reading: 'unreadable', reason: reading.failure.message };
  const { value } = reading;
  return {
    status: value.status,
    ...optional('updated_at', value.updated_at),
    ...optional('src_backup_id', 'src_backup_id' in value ? value.src_backup_id : undefined),
  };
}

/** What a record keeps of both to display them. */
export function namesOf({ volume, backup }: FoundReadings): Names {
  return {
    volume_name: volume.value.name,
    backup_name: backup.value.name,
    backup_created_at: backup.value.created_at,
    size: backup.value.size,
  };
}

/** The earlier of the two `Date` headers, epoch ms: both readings are at least as new. Undefined if one is missing. */
export function cloudTime({ volume, backup }: Readings): number | undefined {
  const times = [volume, backup].flatMap((reading) =>
    reading.kind === 'found' && reading.cloud_time_ms !== undefined ? [reading.cloud_time_ms] : [],
  );
  return times.length === 2 ? Math.min(...times) : undefined;
}
