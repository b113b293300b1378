import { expect } from 'chai';
import { DEFAULT_CONFIG } from '../../src/domain/config.ts';
import type { Driver } from '../../src/drivers/driver.ts';
import { answer, exchanges, recordedRequest, recordedRestore } from './answers.ts';
import { connectDriver } from './connect-driver.ts';
import { FakeClock } from './fake-clock.ts';
import { RecordedCloud } from './recorded-cloud.ts';

/** What real Keystone 22 and Cinder 21.3 answered, in the order in which a test asks for it. */
const STORIES = {
  aRestore: [
    'backup-available',
    'volume-available',
    'restore-accepted',
    'backup-restoring',
    'volume-restoring',
    'backup-after-restore',
    'volume-after-restore',
  ],
  intoAnotherVolume: ['restore-into-another-volume', 'other-volume-after-restore'],
  aFailure: [
    'restore-that-will-fail',
    'backup-after-failed-restore',
    'volume-after-failed-restore',
    'messages-after-failed-restore',
    'messages-after-failed-restore',
  ],
  inUse: ['volume-in-use', 'restore-volume-in-use'],
  notYet: ['restore-backup-busy', 'restore-volume-busy', 'restore-volume-error-restoring'],
  notThere: ['backup-missing', 'volume-missing', 'restore-backup-missing', 'restore-volume-missing'],
  // The second one stands for a last page: it has no link to a next one.
  backupsInPages: ['backups-detail-page', 'backups-detail-restoring'],
  disksInPages: ['volumes-detail-page'],
  refusedToken: ['token-invalid', 'keystone-token-password', 'token-invalid'],
  onAnOldCloud: ['backup-available', 'backup-restoring', 'backups-detail-restoring'],
} as const satisfies Record<string, readonly string[]>;

/** What no driver asks for. What is a refusal is classified all the same: `cinder-answers.test.ts`. */
const NOT_ASKED_FOR = {
  'keystone-token-password': 'opens every story',
  'keystone-token-wrong-password': 'ends before there is a driver: see below',
  'keystone-version': 'the catalog says all that is needed',
  'volume-attach-for-in-use': 'vbsctl attaches nothing',
  'volume-detach': 'vbsctl detaches nothing',
  'restore-body-malformed': 'the body that vbsctl sends has one form',
  'wrong-project-in-url': 'the project in the address is that of the token',
};

async function replay(story: readonly string[]): Promise<{ cloud: RecordedCloud; driver: Driver }> {
  const cloud = new RecordedCloud(['keystone-token-password', ...story]);
  return { cloud, driver: await open(cloud) };
}

function open(network: RecordedCloud, password = 'testbed'): Promise<Driver> {
  return connectDriver({
    api: 'cinder',
    env: {
      OS_AUTH_URL: 'http://127.0.0.1:5000/v3',
      OS_USERNAME: 'demo',
      OS_PASSWORD: password,
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
    network,
  });
}

async function start(driver: Driver, name: string) {
  const permit = await driver.reserve();
  if (permit.kind !== 'permit') throw new Error(permit.failure.message);
  return driver.start(permit, {
    ...recordedRestore(name),
    fresh_until: { monotonic: Number.MAX_SAFE_INTEGER, wall: Number.MAX_SAFE_INTEGER },
  });
}

async function seen(driver: Driver, name: string) {
  const { volume_id, backup_id } = recordedRestore(name);
  const backup = await driver.backup(backup_id);
  const volume = await driver.volume(volume_id);
  if (backup.kind !== 'found' || volume.kind !== 'found') throw new Error('not found');
  return { volume: volume.value, backup: backup.value };
}

describe('the Cinder driver on recorded answers', () => {
  it('is tested with each recorded answer', () => {
    const told = new Set<string>([...Object.values(STORIES).flat(), ...Object.keys(NOT_ASKED_FOR)]);
    expect([...told].sort()).to.deep.equal(exchanges.map(({ name }) => name).sort());
  });

  it('follows a restore by the statuses of disk and backup', async () => {
    const { cloud, driver } = await replay(STORIES.aRestore);
    expect(driver.api).to.equal('cinder');
    expect(driver.servers, 'there is no Nova in the catalog').to.equal(undefined);
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

  it('reads which backup a disk was restored from, if not its own', async () => {
    const { cloud, driver } = await replay(STORIES.intoAnotherVolume);
    expect((await start(driver, 'restore-into-another-volume')).kind).to.equal('accepted');
    const { volume_id, backup_id } = recordedRestore('restore-into-another-volume');
    const volume = await driver.volume(volume_id);
    expect(volume.kind === 'found' && volume.value.src_backup_id).to.equal(backup_id);
    expect(cloud.isOver).to.equal(true);
  });

  it('finds the reason of a failure by the request that started it', async () => {
    const { cloud, driver } = await replay(STORIES.aFailure);
    const outcome = await start(driver, 'restore-that-will-fail');
    if (outcome.kind !== 'accepted') throw new Error(outcome.kind);
    const { volume, backup } = await seen(driver, 'restore-that-will-fail');
    expect([volume.status, backup.status, backup.fail_reason]).to.deep.equal([
      'error_restoring',
      'available',
      undefined,
    ]);
    expect(await driver.failureReason?.([outcome.request_id ?? ''])).to.deep.equal({
      kind: 'failed',
      reason: 'restore backup:Backup driver failed to restore backup.',
    });
    expect(await driver.failureReason?.(['req-of-another']), 'of this request only').to.deep.equal({
      kind: 'none',
    });
    const asked = cloud.asked.at(-2);
    expect(asked?.version).to.equal('volume 3.64');
    expect(asked?.path).to.match(/\/messages\?request_id=req-9f1ef775/);
    expect(cloud.isOver).to.equal(true);
  });

  it('reads no messages without a request id', async () => {
    const { cloud, driver } = await replay([]);
    expect(await driver.failureReason?.([])).to.deep.equal({ kind: 'unavailable' });
    expect(cloud.isOver).to.equal(true);
  });

  it('reads the server of an attached disk', async () => {
    const { cloud, driver } = await replay(STORIES.inUse);
    const volume = await driver.volume(recordedRestore('restore-volume-in-use').volume_id);
    expect(volume.kind === 'found' && volume.value).to.deep.include({
      status: 'in-use',
      attachments: [{ server_id: '11111111-2222-4333-8444-555555555555', device: '/dev/vdb' }],
    });
    expect(await start(driver, 'restore-volume-in-use')).to.include({
      kind: 'rejected',
      again: 'when_ready',
    });
    expect(cloud.isOver).to.equal(true);
  });

  it('gets a retryable rejection while disk or backup is busy, or the disk in error', async () => {
    const { cloud, driver } = await replay(STORIES.notYet);
    for (const name of STORIES.notYet)
      expect(await start(driver, name), name).to.include({ kind: 'rejected', again: 'when_ready' });
    expect(cloud.isOver).to.equal(true);
  });

  it('reads a missing resource as gone', async () => {
    const { cloud, driver } = await replay(STORIES.notThere);
    const nobody = '00000000-0000-4000-8000-000000000000';
    expect((await driver.backup(nobody)).kind).to.equal('gone');
    expect((await driver.volume(nobody)).kind).to.equal('gone');
    for (const name of ['restore-backup-missing', 'restore-volume-missing'])
      expect(await start(driver, name), name).to.include({ kind: 'rejected', again: 'never' });
    expect(cloud.isOver).to.equal(true);
  });

  it('reads lists to their last page', async () => {
    const backups = await replay(STORIES.backupsInPages);
    const listed = await backups.driver.backups();
    expect(listed.kind === 'listed' && listed.values.map(({ id }) => id.slice(0, 8))).to.deep.equal([
      'd5708266',
      '867967e9',
    ]);
    const [, first, second] = backups.cloud.asked;
    expect(first?.path).to.match(/\/backups\/detail\?limit=1000$/);
    expect(second?.path, 'as the link says').to.match(/\/backups\/detail\?limit=2&marker=867967e9-/);
    expect(first?.version).to.equal('volume 3.18');
    expect(backups.cloud.isOver).to.equal(true);

    const disks = await replay(STORIES.disksInPages);
    disks.cloud.instead = ({ url }) =>
      url.includes('marker=6297e33c-') ? answer(200, { volumes: [] }) : undefined;
    const volumes = await disks.driver.volumes();
    expect(volumes.kind === 'listed' && volumes.values.map(({ name }) => name)).to.deep.equal([
      'rec-0004',
      'rec-0003',
    ]);
    expect(disks.cloud.asked.at(-1)?.version, 'nothing newer is needed').to.equal(undefined);
    expect(disks.cloud.isOver).to.equal(true);
  });

  it('has no jobs', async () => {
    const { driver } = await replay([]);
    expect(await driver.job('j-1'), 'nor that one is gone').to.include({
      kind: 'unreadable',
      retryable: false,
    });
  });

  it('gets a new token for one that is refused', async () => {
    const { cloud, driver } = await replay(STORIES.refusedToken);
    const [, id = ''] = /backups\/([^/]+)/.exec(recordedRequest('token-invalid').path) ?? [];
    expect((await driver.backup(id)).kind).to.equal('unreadable');
    expect(cloud.isOver).to.equal(true);
  });

  it('is not created for a wrong password', async () => {
    const cloud = new RecordedCloud(['keystone-token-wrong-password']);
    const failure = await open(cloud, 'wrong').catch((error) => error);
    expect(failure.diagnostics[0].code).to.equal('not-authenticated');
    expect(cloud.isOver).to.equal(true);
  });

  it('works with a cloud older than Ocata', async () => {
    const { cloud, driver } = await replay(STORIES.onAnOldCloud);
    cloud.instead = ({ url, headers }) => {
      const [, minor] = /^volume 3\.(\d+)$/.exec(headers['OpenStack-API-Version'] ?? '') ?? [];
      if (Number(minor) > 15)
        return answer(406, {
          computeFault: {
            code: 406,
            message: `Version 3.${minor} is not supported by the API. Minimum is 3.0 and maximum is 3.15.`,
          },
        });
      return url.includes('/messages') ? answer(404, '404 Not Found') : undefined;
    };
    const { backup_id } = recordedRestore('restore-accepted');
    for (const status of ['available', 'restoring']) {
      const backup = await driver.backup(backup_id);
      expect(backup.kind === 'found' && backup.value.status).to.equal(status);
    }
    expect((await driver.backups()).kind).to.equal('listed');
    const versions = cloud.asked.slice(1).map(({ version }) => version);
    expect(versions, 'asked once too often').to.deep.equal(['volume 3.18', ...Array(3).fill(undefined)]);
    expect(await driver.failureReason?.(['req-1'])).to.deep.equal({ kind: 'unavailable' });
    expect(cloud.isOver).to.equal(true);
  });
});
