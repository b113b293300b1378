import { expect } from 'chai';
import { DATA_BACKUP, DATA_VOLUME, EmulatorHarness, type Json, LOG_VOLUME } from './client.ts';

describe('the emulated VBS API', () => {
  let harness: EmulatorHarness;
  beforeEach(async () => {
    harness = await EmulatorHarness.open({ seed: { jobDurationMs: 5000 } });
  });
  afterEach(() => harness.close());

  it('runs a restore from RUNNING to SUCCESS, and changes disk and backup with it', async () => {
    const before = await harness.volume(DATA_VOLUME);
    const accepted = await harness.restore(DATA_BACKUP, DATA_VOLUME);
    expect(accepted.status).to.equal(200);
    expect(Object.keys(accepted.body)).to.deep.equal(['job_id']);
    const { job_id } = accepted.body;

    expect((await harness.job(job_id)).body).to.include({ status: 'RUNNING', job_id, end_time: null });
    const during = await harness.volume(DATA_VOLUME);
    expect(during.status).to.equal('restoring-backup');
    expect(during.updated_at).to.equal('2026-11-23T22:00:00.000000').and.not.equal(before.updated_at);
    expect((await harness.backup(DATA_BACKUP)).status).to.equal('restoring');

    harness.advance(4999);
    expect((await harness.job(job_id)).body.status).to.equal('RUNNING');
    harness.advance(600_000);
    const job = (await harness.job(job_id)).body;
    expect(job).to.include({ status: 'SUCCESS', error_code: null, fail_reason: null });
    expect(job.entities).to.deep.equal({ backup_id: DATA_BACKUP, volume_id: DATA_VOLUME });
    // Stamped with the time it was due, not with the time somebody looked.
    expect(job.end_time).to.equal('2026-11-23T22:00:05.250Z');
    expect(await harness.volume(DATA_VOLUME)).to.include({
      status: 'available',
      updated_at: '2026-11-23T22:00:05.000000',
    });
    expect(await harness.backup(DATA_BACKUP)).to.include({
      status: 'available',
      updated_at: '2026-11-23T22:00:05.000000',
    });
    expect(harness.audited(DATA_VOLUME)).to.include({
      restores_started: 1,
      restores_succeeded: 1,
      content: DATA_BACKUP,
    });
  });

  it('sets src_backup_id at the end of a restore, and only if the backup is of another disk', async () => {
    const other = harness.idOf('crm-db-data');
    await harness.restore(DATA_BACKUP, other);
    expect((await harness.volume(other)).metadata).to.deep.equal({});
    harness.advance(5000);
    expect((await harness.volume(other)).metadata).to.deep.equal({ src_backup_id: DATA_BACKUP });
    await harness.restore(DATA_BACKUP, DATA_VOLUME);
    harness.advance(5000);
    expect((await harness.volume(DATA_VOLUME)).metadata).to.deep.equal({});
  });

  it('also answers at paths without the prefix of the service', async () => {
    const body = { restore: { volume_id: DATA_VOLUME } };
    const path = `/v2/{project}/cloudbackups/${DATA_BACKUP}/restore`;
    const { job_id } = (await harness.call(path, { method: 'POST', body })).body;
    expect((await harness.call(`/v1/{project}/jobs/${job_id}`)).body.job_id).to.equal(job_id);
  });

  it('returns some job ids with dashes and some without', async () => {
    const ids: string[] = [];
    for (let n = 0; n < 24; n += 1) {
      ids.push((await harness.restore(DATA_BACKUP, DATA_VOLUME)).body.job_id);
      harness.advance(5000);
    }
    expect(ids.some((id) => /^[0-9a-f]{32}$/.test(id))).to.equal(true);
    expect(ids.some((id) => /^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/.test(id))).to.equal(true);
  });

  describe('while a restore is queued', () => {
    beforeEach(() => harness.emulator.perform({ action: 'settings', settings: { queue_ms: 2000 } }));

    it('shows the job as INIT, and disk and backup unchanged', async () => {
      const before = await harness.volume(DATA_VOLUME);
      const { job_id } = (await harness.restore(DATA_BACKUP, DATA_VOLUME)).body;
      harness.advance(1999);
      expect((await harness.job(job_id)).body.status).to.equal('INIT');
      expect(await harness.volume(DATA_VOLUME)).to.deep.equal(before);
      expect((await harness.backup(DATA_BACKUP)).status).to.equal('available');
      expect(harness.audited(DATA_VOLUME)).to.include({ restores_accepted: 1, restores_started: 0 });
      harness.advance(1);
      expect((await harness.volume(DATA_VOLUME)).status).to.equal('restoring-backup');
    });

    it('accepts a second restore of the same backup into the same disk, and its audit shows the double start', async () => {
      const first = (await harness.restore(DATA_BACKUP, DATA_VOLUME)).body.job_id;
      harness.advance(500);
      const second = (await harness.restore(DATA_BACKUP, DATA_VOLUME)).body.job_id;
      harness.advance(3000);
      const { restores } = harness.emulator.audit();
      expect(restores.map(({ overlapped_with }) => overlapped_with)).to.deep.equal([[second], [first]]);
      harness.advance(3750);
      // The first has ended, the second still writes.
      expect((await harness.job(first)).body.status).to.equal('SUCCESS');
      expect((await harness.volume(DATA_VOLUME)).status).to.equal('restoring-backup');
      harness.advance(10_000);
      expect(harness.audited(DATA_VOLUME)).to.include({
        status: 'available',
        restores_started: 2,
        restores_succeeded: 2,
        content: DATA_BACKUP,
      });
    });

    it('leaves a mixed disk if two backups are restored into it at the same time', async () => {
      const older = harness.backupsOf('pay-db-data')[1] ?? '';
      await harness.restore(DATA_BACKUP, DATA_VOLUME);
      await harness.restore(older, DATA_VOLUME);
      harness.advance(60_000);
      expect(harness.audited(DATA_VOLUME)).to.include({ restores_started: 2, content: 'torn' });
    });

    it('fails the job and leaves the disk untouched if the disk was attached meanwhile', async () => {
      const { job_id } = (await harness.restore(DATA_BACKUP, DATA_VOLUME)).body;
      await harness.emulator.perform({ action: 'attach', volume_id: DATA_VOLUME, server: 'pay-db1' });
      harness.advance(60_000);
      expect((await harness.job(job_id)).body).to.include({
        status: 'FAIL',
        error_code: 'VolumeBackup.0205',
      });
      expect(harness.audited(DATA_VOLUME)).to.include({
        status: 'in-use',
        restores_started: 0,
        content: 'original',
      });
    });

    it('fails the job if the backup was deleted meanwhile', async () => {
      const { job_id } = (await harness.restore(DATA_BACKUP, DATA_VOLUME)).body;
      await harness.emulator.perform({ action: 'delete-backup', backup_id: DATA_BACKUP });
      harness.advance(60_000);
      expect((await harness.job(job_id)).body).to.include({
        status: 'FAIL',
        error_code: 'VolumeBackup.0111',
      });
      expect((await harness.volume(DATA_VOLUME)).status).to.equal('available');
    });
  });

  describe('a refused restore, without any effect,', () => {
    const missing = '11111111-2222-4333-8444-555555555555';
    const path = `/vbs/v2/{project}/cloudbackups/${DATA_BACKUP}/restore`;
    const post = (body: unknown) => harness.call(path, { method: 'POST', body });
    const perform = (action: Parameters<typeof harness.emulator.perform>[0]) =>
      harness.emulator.perform(action);
    const shared = () => harness.backupsOf('golden-image')[0] ?? '';

    const cases: [string, number, string, () => Promise<{ status: number; body: Json }>][] = [
      ['an empty backup id', 400, '0203', () => harness.restore('', DATA_VOLUME)],
      ['a malformed backup id', 400, '0204', () => harness.restore('backup-1', DATA_VOLUME)],
      ['a malformed volume id', 400, '0208', () => harness.restore(DATA_BACKUP, 'disk-1')],
      ['a body that is not JSON', 400, '0210', () => post('{"restore":')],
      ['a body without restore', 400, '0210', () => post({ volume_id: DATA_VOLUME })],
      ['a body that is null', 400, '0210', () => post('null')],
      ['a volume_id that is no text', 400, '0210', () => post({ restore: { volume_id: 7 } })],
      ['a missing backup', 404, '0111', () => harness.restore(missing, DATA_VOLUME)],
      ['a missing disk', 404, '0207', () => harness.restore(DATA_BACKUP, missing)],
      ['a backup that another project shares', 403, '0042', () => harness.restore(shared(), DATA_VOLUME)],
      [
        "another project's disk",
        404,
        '0207',
        () => harness.restore(DATA_BACKUP, harness.idOf('golden-image')),
      ],
      ['a smaller disk', 400, '0209', () => harness.restore(DATA_BACKUP, LOG_VOLUME)],
      ['an attached disk', 400, '0205', () => harness.restore(DATA_BACKUP, harness.idOf('crm-db-log'))],
      ['a disk being backed up', 400, '0206', () => harness.restore(DATA_BACKUP, harness.idOf('mail-spool'))],
      [
        'a backup in error',
        400,
        '0089',
        () => harness.restore(harness.backupsOf('crm-db-data')[1] ?? '', harness.idOf('crm-db-data')),
      ],
      [
        'a disk in error',
        400,
        '0202',
        async () => {
          await perform({ action: 'set-status', volume_id: DATA_VOLUME, status: 'error_restoring' });
          return harness.restore(DATA_BACKUP, DATA_VOLUME);
        },
      ],
      [
        'a disk at a disaster-recovery site',
        400,
        '0211',
        async () => {
          await perform({ action: 'set-dr-site', volume_id: DATA_VOLUME, dr_site: true });
          return harness.restore(DATA_BACKUP, DATA_VOLUME);
        },
      ],
      [
        'anything while the service is down',
        500,
        '0014',
        async () => {
          await perform({ action: 'settings', settings: { service_up: false } });
          return harness.restore(DATA_BACKUP, DATA_VOLUME);
        },
      ],
    ];
    for (const [what, status, code, act] of cases) {
      it(`returns ${status} VolumeBackup.${code} for ${what}`, async () => {
        const answer = await act();
        expect(answer.status).to.equal(status);
        expect(answer.body.error.code).to.equal(`VolumeBackup.${code}`);
        expect(answer.body.error.message).to.be.a('string').with.length.above(10);
        expect(harness.emulator.audit().restores).to.deep.equal([]);
      });
    }

    it('returns 0205 for a disk, and 0089 for a backup, that is being restored', async () => {
      await harness.restore(DATA_BACKUP, DATA_VOLUME);
      const older = harness.backupsOf('pay-db-data')[1] ?? '';
      expect((await harness.restore(older, DATA_VOLUME)).body.error.code).to.equal('VolumeBackup.0205');
      const other = harness.idOf('crm-db-data');
      expect((await harness.restore(DATA_BACKUP, other)).body.error.code).to.equal('VolumeBackup.0089');
      expect(harness.emulator.audit().restores).to.have.length(1);
    });

    it('checks token and project before anything else', async () => {
      const elsewhere = `/vbs/v2/00000000000040008000000000000000/cloudbackups/${DATA_BACKUP}/restore`;
      const strange = await harness.call(elsewhere, {
        method: 'POST',
        body: { restore: { volume_id: DATA_VOLUME } },
      });
      expect(strange.status).to.equal(400);
      expect(strange.body.error.message).to.equal('Malformed request url');
      harness.token = 'gone';
      const refused = await harness.restore(DATA_BACKUP, DATA_VOLUME);
      expect(refused.status).to.equal(401);
      expect(refused.body.error).to.include({ code: 401, title: 'Unauthorized' });
      expect(refused.headers['www-authenticate']).to.equal(`Keystone uri="${harness.emulator.authUrl}"`);
    });

    it('returns 405 for a wrong method, and 404 for an unknown job or path', async () => {
      const answer = await harness.call(path);
      expect(answer.status).to.equal(405);
      expect(answer.headers.allow).to.equal('POST');
      const job = await harness.job('__proto__');
      expect(job.status).to.equal(404);
      expect(job.body.error.code).to.equal('common.0011');
      expect(
        (await harness.call('/vbs/v1/{project}/cloudbackups/x/restore', { method: 'POST' })).status,
      ).to.equal(404);
      expect((await harness.call('/vbs/v2/{project}/jobs/x')).status).to.equal(404);
    });
  });
});
