import { expect } from 'chai';
import { DEFAULT_CONFIG } from '../../src/domain/config.ts';
import { connect } from '../../src/drivers/connect.ts';
import type { Driver } from '../../src/drivers/driver.ts';
import { recordedRequest } from './answers.ts';
import { FakeClock } from './fake-clock.ts';
import { RecordedCloud } from './recorded-cloud.ts';

/** The driver against what real Keystone 22 and Cinder 21.3 answered, in the order in which they did. */
async function replay(...story: string[]): Promise<{ cloud: RecordedCloud; driver: Driver }> {
  const cloud = new RecordedCloud(story);
  const driver = await connect({
    api: 'cinder',
    env: {
      OS_AUTH_URL: 'http://127.0.0.1:5000/v3',
      OS_USERNAME: 'demo',
      OS_PASSWORD: 'testbed',
      OS_PROJECT_NAME: 'demo',
      OS_USER_DOMAIN_NAME: 'Default',
      OS_PROJECT_DOMAIN_NAME: 'Default',
      OS_REGION_NAME: 'RegionOne',
    },
    cwd: '/nowhere',
    home: '/nowhere',
    http: DEFAULT_CONFIG.http,
    retry: DEFAULT_CONFIG.retry,
    requestsPerSecond: 1_000,
    clock: new FakeClock(),
    random: () => 1,
    version: '0.0.0',
    network: cloud,
  });
  return { cloud, driver };
}

function idsOf(name: string): { volume_id: string; backup_id: string } {
  const { path, body } = recordedRequest(name);
  const [, backup_id = ''] = /backups\/([^/]+)\/restore/.exec(path) ?? [];
  return { volume_id: body?.restore?.volume_id ?? '', backup_id };
}

async function start(driver: Driver, name: string) {
  const permit = await driver.reserve();
  if (permit.kind !== 'permit') throw new Error(permit.failure.message);
  return driver.start(permit, { ...idsOf(name), fresh_until_ms: Number.MAX_SAFE_INTEGER });
}

async function seen(driver: Driver, name: string) {
  const { volume_id, backup_id } = idsOf(name);
  const backup = await driver.backup(backup_id);
  const volume = await driver.volume(volume_id);
  if (backup.kind !== 'found' || volume.kind !== 'found') throw new Error('not found');
  return { volume: volume.value, backup: backup.value };
}

describe('the cinder driver, replayed', () => {
  it('follows a restore by the statuses of disk and backup', async () => {
    const { cloud, driver } = await replay(
      'backup-available',
      'volume-available',
      'restore-accepted',
      'backup-restoring',
      'volume-restoring',
      'backup-after-restore',
      'volume-after-restore',
    );
    expect(driver).to.include({ api: 'cinder', follows: 'status' });
    const before = await seen(driver, 'restore-accepted');
    expect([before.volume.status, before.backup.status]).to.deep.equal(['available', 'available']);
    expect(await start(driver, 'restore-accepted')).to.deep.equal({
      kind: 'accepted',
      request_id: 'req-15fb7f35-bf28-4a5d-a26c-93290edae3ea',
    });
    const during = await seen(driver, 'restore-accepted');
    expect([during.volume.status, during.backup.status]).to.deep.equal(['restoring-backup', 'restoring']);
    const after = await seen(driver, 'restore-accepted');
    expect([after.volume.status, after.backup.status]).to.deep.equal(['available', 'available']);
    const moved = [before, during, after].map(({ volume }) => volume.updated_at);
    expect(new Set(moved), 'the disk moves when it starts and when it ends').to.have.property('size', 3);
    expect(after.volume.src_backup_id, 'its own backup leaves no trace').to.equal(undefined);
    expect(cloud.isOver).to.equal(true);
  });

  it('sees which backup a disk was restored from, if it was not its own', async () => {
    const { driver } = await replay('restore-into-another-volume', 'other-volume-after-restore');
    expect((await start(driver, 'restore-into-another-volume')).kind).to.equal('accepted');
    const { volume_id, backup_id } = idsOf('restore-into-another-volume');
    const volume = await driver.volume(volume_id);
    expect(volume.kind === 'found' && volume.value.src_backup_id).to.equal(backup_id);
  });

  it('finds the reason of a failure by the request that started it', async () => {
    const { cloud, driver } = await replay(
      'restore-that-will-fail',
      'backup-after-failed-restore',
      'volume-after-failed-restore',
      'messages-after-failed-restore',
      'messages-after-failed-restore',
    );
    const outcome = await start(driver, 'restore-that-will-fail');
    if (outcome.kind !== 'accepted') throw new Error(outcome.kind);
    const { volume, backup } = await seen(driver, 'restore-that-will-fail');
    expect([volume.status, backup.status, backup.fail_reason]).to.deep.equal([
      'error_restoring',
      'available',
      undefined,
    ]);
    expect(await driver.failureReason?.([outcome.request_id ?? ''])).to.equal(
      'restore backup:Backup driver failed to restore backup.',
    );
    expect(await driver.failureReason?.(['req-of-another']), 'of this request only').to.equal(undefined);
    const asked = cloud.asked.at(-2);
    expect(asked?.version).to.equal('volume 3.5');
    expect(asked?.path).to.match(/\/messages\?request_id=req-9f1ef775/);
  });

  it('asks nothing where no request is known', async () => {
    const { cloud, driver } = await replay();
    expect(await driver.failureReason?.([])).to.equal(undefined);
    expect(cloud.isOver).to.equal(true);
  });

  it('knows who a disk is attached to', async () => {
    const { driver } = await replay('volume-in-use', 'restore-volume-in-use');
    const [, id = ''] = /volumes\/([^/]+)/.exec(recordedRequest('volume-in-use').path) ?? [];
    const volume = await driver.volume(id);
    expect(volume.kind === 'found' && volume.value).to.deep.include({
      status: 'in-use',
      attachments: [{ server_id: '11111111-2222-4333-8444-555555555555', device: '/dev/vdb' }],
    });
    expect(await start(driver, 'restore-volume-in-use')).to.include({
      kind: 'rejected',
      again: 'when_ready',
    });
  });

  it('knows what is not there', async () => {
    const { driver } = await replay('backup-missing', 'volume-missing');
    const nobody = '00000000-0000-4000-8000-000000000000';
    expect((await driver.backup(nobody)).kind).to.equal('gone');
    expect((await driver.volume(nobody)).kind).to.equal('gone');
  });

  it('knows no jobs', async () => {
    const { driver } = await replay();
    expect((await driver.job('j-1')).kind).to.equal('gone');
  });

  it('gets a new token for one that is refused', async () => {
    const { cloud, driver } = await replay('token-invalid', 'keystone-token-password', 'token-invalid');
    const [, id = ''] = /backups\/([^/]+)/.exec(recordedRequest('token-invalid').path) ?? [];
    expect((await driver.backup(id)).kind).to.equal('unreadable');
    expect(cloud.isOver).to.equal(true);
  });
});
