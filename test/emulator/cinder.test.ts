import { expect } from 'chai';
import { DATA_BACKUP, DATA_VOLUME, EmulatorHarness, type Json, LOG_VOLUME } from './client.ts';

/** Longer than Cinder takes between its look at the statuses and its change of them. */
const SHOWN_MS = 200;
const JOB_MS = 5_000;
const V3 = { 'OpenStack-API-Version': 'volume 3.5' };

describe('the restore of the emulated Cinder', () => {
  let harness: EmulatorHarness;
  beforeEach(async () => {
    harness = await EmulatorHarness.open({ seed: { jobDurationMs: JOB_MS } });
  });
  afterEach(() => harness.close());

  const restore = (backup_id: string, volume_id: unknown = DATA_VOLUME, more: object = {}) =>
    harness.call(`/evs/v3/{project}/backups/${backup_id}/restore`, {
      method: 'POST',
      body: { restore: { volume_id, ...more } },
    });
  const refusal = async (...args: Parameters<typeof restore>) => {
    const { status, body } = await restore(...args);
    const [[fault, { message }] = ['', { message: '' }]] = Object.entries<Json>(body);
    return `${status} ${fault}: ${message}`;
  };
  const statuses = async (volume = DATA_VOLUME, backup = DATA_BACKUP) => [
    (await harness.volume(volume)).status,
    (await harness.backup(backup)).status,
  ];
  const messages = async (query = '') =>
    (await harness.call(`/evs/v3/{project}/messages${query}`, { headers: V3 })).body.messages;

  it('is accepted with 202 and without a job, and shows its progress in disk and backup', async () => {
    const yes = await restore(DATA_BACKUP);
    expect(yes.status).to.equal(202);
    expect(yes.body).to.deep.equal({
      restore: { backup_id: DATA_BACKUP, volume_id: DATA_VOLUME, volume_name: 'pay-db-data' },
    });
    harness.advance(SHOWN_MS);
    expect(await statuses()).to.deep.equal(['restoring-backup', 'restoring']);
    harness.advance(JOB_MS);
    expect(await statuses()).to.deep.equal(['available', 'available']);
    expect((await harness.volume(DATA_VOLUME)).metadata).to.deep.equal({});
    expect(harness.audited(DATA_VOLUME)).to.include({ restores_succeeded: 1, content: DATA_BACKUP });
    expect(await messages()).to.deep.equal([]);
  });

  it('is refused with the messages of Cinder, in its order', async () => {
    const nobody = '00000000-0000-4000-8000-000000000000';
    const [log_backup = ''] = harness.backupsOf('pay-db-log');
    expect(await refusal(nobody)).to.equal(`404 itemNotFound: Backup ${nobody} could not be found.`);
    expect(await refusal(DATA_BACKUP, nobody)).to.equal(
      `404 itemNotFound: Volume ${nobody} could not be found.`,
    );
    expect(await refusal(DATA_BACKUP, LOG_VOLUME)).to.equal(
      '400 badRequest: Invalid volume: volume size 100 is too small to restore backup of size 500.',
    );
    expect(await refusal(DATA_BACKUP, DATA_VOLUME, { extra: 1 })).to.match(
      /^400 badRequest: Invalid input .*'extra'/,
    );
    expect(await refusal(DATA_BACKUP, null)).to.match(/^413 overLimit: VolumeLimitExceeded/);
    await restore(DATA_BACKUP);
    harness.advance(SHOWN_MS);
    expect(await refusal(DATA_BACKUP, LOG_VOLUME)).to.equal(
      '400 badRequest: Invalid backup: Backup status must be available',
    );
    expect(await refusal(log_backup)).to.equal(
      '400 badRequest: Invalid volume: Volume to be restored to must be available',
    );
    await harness.emulator.perform({ action: 'settings', settings: { service_up: false } });
    expect(await refusal(log_backup, LOG_VOLUME)).to.equal(
      '404 itemNotFound: Service cinder-backup could not be found.',
    );
  });

  it('is accepted twice for one backup at the same time, and the second one ends in error', async () => {
    const other = harness.idOf('crm-db-data');
    expect((await restore(DATA_BACKUP)).status).to.equal(202);
    harness.advance(50);
    expect((await restore(DATA_BACKUP, other)).status).to.equal(202);
    harness.advance(SHOWN_MS + JOB_MS);
    expect(await statuses()).to.deep.equal(['available', 'available']);
    expect(await statuses(other)).to.deep.equal(['error', 'available']);
    expect(harness.audited(other)).to.include({ restores_succeeded: 0, content: 'torn' });
  });

  it('is accepted twice for one disk at the same time, which ends available with mixed data', async () => {
    const [first = '', second = ''] = harness.backupsOf('pay-db-data');
    await restore(first);
    harness.advance(50);
    await restore(second);
    harness.advance(JOB_MS + 100);
    expect((await harness.volume(DATA_VOLUME)).status, 'while the second still writes').to.equal('available');
    harness.advance(SHOWN_MS);
    expect(harness.audited(DATA_VOLUME)).to.include({ restores_started: 2, content: 'torn' });
  });

  it('leaves the id of the backup on a disk if the backup is of another disk, now or before', async () => {
    const other = harness.idOf('crm-db-data');
    const [own = ''] = harness.backupsOf('crm-db-data');
    for (const backup of [DATA_BACKUP, own]) {
      await restore(backup, other);
      harness.advance(SHOWN_MS + JOB_MS);
      expect((await harness.volume(other)).metadata).to.deep.equal({ src_backup_id: backup });
    }
  });

  it('reports the reason of a failure in a message for its request', async () => {
    await harness.emulator.setFaults({
      rules: [{ match: { route: 'restore' }, effect: { kind: 'restore_fails', reason: 'tape torn' } }],
    });
    const yes = await restore(DATA_BACKUP);
    harness.advance(SHOWN_MS + JOB_MS);
    expect(await statuses()).to.deep.equal(['error_restoring', 'available']);
    const request_id = yes.headers['x-openstack-request-id'];
    const [message, ...more] = await messages(`?request_id=${request_id}`);
    expect(more).to.deep.equal([]);
    expect(message).to.include({
      request_id,
      message_level: 'ERROR',
      user_message: 'restore backup:tape torn',
      resource_uuid: DATA_BACKUP,
    });
    expect(await messages('?request_id=req-x')).to.deep.equal([]);
    expect((await harness.call('/evs/v3/{project}/messages')).status, 'before microversion 3.3').to.equal(
      404,
    );
  });

  it('keeps its statuses while the backup service is down, and fails once it is up again', async () => {
    const service = (up: boolean) =>
      harness.emulator.perform({ action: 'settings', settings: { service_up: up } });
    await restore(DATA_BACKUP);
    harness.advance(SHOWN_MS);
    await service(false);
    harness.advance(JOB_MS * 10);
    expect(await statuses()).to.deep.equal(['restoring-backup', 'restoring']);
    await service(true);
    expect(await statuses()).to.deep.equal(['error_restoring', 'available']);
    expect(await messages()).to.deep.equal([]);
    harness.advance(JOB_MS);
    expect(await statuses(), 'the end that was due is none').to.deep.equal(['error_restoring', 'available']);
  });
});
