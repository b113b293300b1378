import { expect } from 'chai';
import type { Reading } from '../../src/domain/cloud.ts';
import type { Driver, Permit } from '../../src/drivers/driver.ts';

/** A cloud that answers over real HTTP, and a driver that is connected to it. */
export interface ServedCloud {
  readonly driver: Driver;
  /** What `driver.requests()` must be: requests that reached the cloud. */
  requests(): number;
  /** Whether its catalog has a compute service. */
  readonly hasServers: boolean;
  /** An available volume, and an available backup of it. */
  readonly volumeId: string;
  readonly backupId: string;
  /** Completes every running restore successfully. */
  finish(): void | Promise<void>;
  /** Present if faults can be injected: decides what happens to the next restore request. */
  readonly faults?: {
    next(fault: Fault): Promise<void>;
    /** Number of restore requests that reached the cloud. */
    restores(): number;
  };
  close(): Promise<void>;
}

/** The faults of a restore request. `before` and `after`: its effect. */
export const FAULTS = [
  'reset before',
  'reset after',
  'gateway timeout before',
  'gateway timeout after',
  'a cut answer',
  'a yes that is no JSON',
  'a yes with an error body',
  'a redirect',
  'a bad gateway after',
  'busy',
  'token refused',
] as const;
export type Fault = (typeof FAULTS)[number];

const MISSING_ID = '00000000-0000-4000-8000-000000000000';
const FAR_FUTURE = { monotonic: Number.MAX_SAFE_INTEGER, wall: Number.MAX_SAFE_INTEGER };

/** The tests that every driver must pass. */
export function driverContract(
  name: string,
  serve: () => Promise<ServedCloud>,
  { withFaults = false } = {},
): void {
  describe(`driver contract: ${name}`, () => {
    let cloud: ServedCloud;
    let driver: Driver;
    beforeEach(async () => {
      cloud = await serve();
      driver = cloud.driver;
    });
    afterEach(() => cloud.close());

    const start = async (volumeId = cloud.volumeId, freshUntil = FAR_FUTURE) =>
      driver.start(permit(await driver.reserve()), {
        volume_id: volumeId,
        backup_id: cloud.backupId,
        fresh_until: freshUntil,
      });

    it('reads disk and backup', async () => {
      const volume = found(await driver.volume(cloud.volumeId));
      expect(volume).to.include({ id: cloud.volumeId, status: 'available' });
      const backup = found(await driver.backup(cloud.backupId));
      expect(backup).to.include({ id: cloud.backupId, status: 'available', volume_id: cloud.volumeId });
      expect(backup.created_at).to.match(/Z$/);
    });

    it('reads a missing resource as gone', async () => {
      expect((await driver.volume(MISSING_ID)).kind).to.equal('gone');
      expect((await driver.backup(MISSING_ID)).kind).to.equal('gone');
    });

    it('lists disks and backups', async () => {
      const [volumes, backups] = [await driver.volumes(), await driver.backups()];
      expect(volumes.kind === 'listed' && volumes.values.map(({ id }) => id)).to.include(cloud.volumeId);
      expect(backups.kind === 'listed' && backups.values.map(({ id }) => id)).to.include(cloud.backupId);
    });

    it('lists servers by name where the catalog has a compute service, and else says that it cannot', async () => {
      const listing = await driver.servers?.();
      expect(listing !== undefined).to.equal(cloud.hasServers);
      if (!listing) return;
      if (listing.kind !== 'listed') throw new Error(listing.failure.message);
      expect(listing.values).to.not.be.empty;
      for (const server of listing.values) expect(server).to.include.keys('id', 'name', 'status');
    });

    it('starts a restore that can be followed to its end', async () => {
      const outcome = await start();
      if (outcome.kind !== 'accepted') throw new Error(JSON.stringify(outcome));
      await cloud.finish();
      if (driver.api === 'vbs') {
        const job = found(await driver.job(outcome.job_id ?? ''));
        expect(job.status).to.equal('success');
        expect(job.volume_id ?? cloud.volumeId).to.equal(cloud.volumeId);
        expect(job.backup_id ?? cloud.backupId).to.equal(cloud.backupId);
      }
      expect(found(await driver.volume(cloud.volumeId)).status).to.equal('available');
      expect(found(await driver.backup(cloud.backupId)).status).to.equal('available');
    });

    it('gets a retryable rejection while disk and backup are busy', async () => {
      expect((await start()).kind).to.equal('accepted');
      expect(await start()).to.include({ kind: 'rejected', again: 'when_ready' });
    });

    it('gets a final rejection for a missing disk', async () => {
      expect(await start(MISSING_ID)).to.include({ kind: 'rejected', again: 'never' });
    });

    it('sends nothing for a stale intent', async () => {
      expect((await start(cloud.volumeId, { monotonic: 0, wall: 0 })).kind).to.equal('not_sent');
      expect(found(await driver.volume(cloud.volumeId)).status).to.equal('available');
    });

    it('needs a permit for each POST', async () => {
      const once = permit(await driver.reserve());
      const request = { volume_id: MISSING_ID, backup_id: cloud.backupId, fresh_until: FAR_FUTURE };
      await driver.start(once, request);
      const again = await driver.start(once, request).catch((error) => error);
      expect(again).to.be.instanceOf(Error);
    });

    it('sends nothing that may no longer leave once it is connected', async () => {
      const request = { volume_id: cloud.volumeId, backup_id: cloud.backupId, fresh_until: FAR_FUTURE };
      const outcome = await driver.start(permit(await driver.reserve()), {
        ...request,
        maySend: () => false,
      });
      expect(outcome.kind).to.equal('not_sent');
      expect(found(await driver.volume(cloud.volumeId)).status).to.equal('available');
    });

    for (const fault of withFaults ? FAULTS : [])
      it(`sends once and claims only what it knows: ${fault}`, async () => {
        const faults = cloud.faults ?? expect.fail('this cloud injects no faults');
        await faults.next(fault);
        const outcome = await start();
        expect(faults.restores(), 'requests').to.equal(1);
        switch (fault) {
          case 'busy':
            expect(outcome).to.include({ kind: 'rejected', again: 'later' });
            break;
          case 'token refused':
            expect(outcome).to.include({ kind: 'rejected', again: 'reauthenticate' });
            expect((await start()).kind, 'with a new token').to.equal('accepted');
            break;
          default:
            expect(outcome.kind, JSON.stringify(outcome)).to.equal('ambiguous');
        }
      });

    it('rejects a read with the reason of its abort', async () => {
      const reason = new Error('enough');
      const error = await driver.volume(cloud.volumeId, AbortSignal.abort(reason)).catch((e) => e);
      expect(error).to.equal(reason);
    });

    it('counts its requests', async () => {
      await driver.volume(cloud.volumeId);
      await start();
      expect(driver.requests()).to.equal(cloud.requests());
    });
  });
}

function permit(reservation: Awaited<ReturnType<Driver['reserve']>>): Permit {
  if (reservation.kind !== 'permit') throw new Error(reservation.failure.message);
  return reservation;
}

function found<T>(reading: Reading<T>): T {
  if (reading.kind !== 'found') throw new Error(`${reading.kind}: ${reading.failure.message}`);
  return reading.value;
}
