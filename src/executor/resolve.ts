import { type Clock, isoTime } from '../domain/clock.ts';
import { BACKUP_RESTORING, VOLUME_RESTORING } from '../domain/cloud.ts';
import { error } from '../domain/diagnostic.ts';
import { Failure } from '../domain/errors.ts';
import { advance, isOpen, type Record, type Resolution } from '../domain/record.ts';
import type { Address } from '../domain/spec.ts';
import type { Driver } from '../drivers/driver.ts';
import type { Lease } from '../state/backend.ts';
import { look } from './look.ts';

/**
 * Writes down what a person found out about a restore whose outcome the program cannot tell. Looks at the cloud
 * first: `not-started` is refused while anything is restoring, for it would clear the way for a second start, and
 * `succeeded` while the disk is being written.
 */
export async function resolve(
  lease: Lease,
  driver: Driver,
  clock: Clock,
  address: Address,
  decision: Pick<Resolution, 'as' | 'reason' | 'by'>,
): Promise<Record> {
  const record = lease.state()?.records.get(address);
  if (!record)
    throw new Failure(
      'usage',
      error('no-record', `the state has no record of ${address}`, {
        remedy: 'see what it has: vbsctl state list',
      }),
    );
  if (!isOpen(record) && !(record.status === 'failed' && record.touched === 'maybe'))
    throw new Failure(
      'refused',
      error('nothing-to-resolve', `${address} is ${record.status}: nothing about it is open`, {
        remedy: 'to restore it again, raise its generation',
      }),
    );
  if (decision.as === 'not-started') await refuseWhileRestoring(driver, clock, record);
  if (decision.as === 'succeeded') await refuseWhileDiskIsWritten(driver, clock, record);
  const at = isoTime(clock.now());
  const next = advance(record, { type: 'resolve', at, resolution: { ...decision, at } });
  await lease.commit([{ type: 'record', record: next }]);
  return next;
}

/** A disk that cannot be looked at is no objection: then a person’s word is all there is. */
async function refuseWhileDiskIsWritten(driver: Driver, clock: Clock, record: Record): Promise<void> {
  const { seen } = await look(driver, clock, record);
  if (seen.volume.status === VOLUME_RESTORING)
    throw new Failure(
      'refused',
      error(
        'still-restoring',
        `disk ${record.volume_id} is ${seen.volume.status}: nobody can say yet how that ends`,
        {
          remedy:
            record.status === 'unknown'
              ? 'wait for it to end, then decide'
              : `follow it to its end: vbsctl wait ${record.address}`,
        },
      ),
    );
}

async function refuseWhileRestoring(driver: Driver, clock: Clock, record: Record): Promise<void> {
  const { volume, backup, seen } = await look(driver, clock, record);
  if (volume.kind === 'unreadable' || backup.kind === 'unreadable')
    throw new Failure(
      'refused',
      error(
        'cannot-look',
        `disk or backup of ${record.address} cannot be read, so not-started cannot be checked`,
        {
          remedy: 'try again when the cloud answers',
        },
      ),
    );
  if (seen.volume.status === VOLUME_RESTORING || seen.backup.status === BACKUP_RESTORING)
    throw new Failure(
      'refused',
      error(
        'still-restoring',
        `disk ${record.volume_id} is ${seen.volume.status}, backup ${record.backup_id} is ${seen.backup.status}`,
        {
          detail: 'Something is restoring right now; it may be this very restore.',
          remedy: 'wait for it to end, then decide',
        },
      ),
    );
}
