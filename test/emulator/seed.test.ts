import { expect } from 'chai';
import { isUuid } from '../../src/emulator/ids.ts';
import { seedWorld } from '../../src/emulator/index.ts';
import { DATA_BACKUP, DATA_VOLUME, LOG_VOLUME, START } from './client.ts';

describe('the example project of the emulator', () => {
  const HOUR = 3_600_000;

  it('is the same for the same options, and has UUIDs as ids', () => {
    const world = seedWorld({ now: START });
    expect(seedWorld({ now: START })).to.deep.equal(world);
    expect(JSON.parse(JSON.stringify(world))).to.deep.equal(world);
    for (const id of [...Object.keys(world.volumes), ...Object.keys(world.backups)]) {
      expect(isUuid(id), id).to.equal(true);
    }
    expect(seedWorld({ now: START, seed: 2 }).id).to.not.equal(world.id);
  });

  it('has the disks and backups of the documentation', () => {
    const world = seedWorld({ now: START });
    expect(world.volumes[DATA_VOLUME]).to.include({ name: 'pay-db-data', size_gb: 500, status: 'available' });
    expect(world.volumes[LOG_VOLUME]).to.include({ name: 'pay-db-log', size_gb: 100, status: 'available' });
    expect(world.backups[DATA_BACKUP]).to.include({
      volume_id: DATA_VOLUME,
      status: 'available',
      size_gb: 500,
    });
    const statuses = Object.values(world.volumes).map(({ status }) => status);
    expect(statuses.filter((status) => status === 'in-use')).to.have.length(5);
    expect(statuses.filter((status) => status === 'available')).to.have.length.above(8);
  });

  it('has backups of last night at any time of day', () => {
    for (let hour = 0; hour < 48; hour += 1) {
      const now = START + hour * HOUR;
      const world = seedWorld({ now });
      const newest = world.backups[DATA_BACKUP]?.created_ms ?? 0;
      expect(now - newest, `hour ${hour}`).to.be.within(1.5 * HOUR, 25.5 * HOUR);
      for (const item of [...Object.values(world.backups), ...Object.values(world.volumes)]) {
        expect(item.updated_ms).to.be.within(item.created_ms, now);
      }
    }
  });

  it('can have many disks, made quickly and all restorable', () => {
    const world = seedWorld({ now: START, volumes: 1000, backupsPerVolume: 2, jobDurationMs: 7, queueMs: 3 });
    expect(Object.keys(world.volumes)).to.have.length(1000);
    expect(Object.keys(world.backups)).to.have.length(2000);
    expect(world.settings).to.include({ job_duration_ms: 7, queue_ms: 3 });
    for (const backup of Object.values(world.backups)) {
      expect(world.volumes[backup.volume_id]).to.include({ status: 'available', size_gb: backup.size_gb });
      expect(backup.status).to.equal('available');
    }
  });
});
