import { expect } from 'chai';
import { DATA_BACKUP, DATA_VOLUME, EmulatorHarness, type Json, LOG_VOLUME } from './client.ts';

describe('the emulated EVS and Cinder backup APIs', () => {
  let harness: EmulatorHarness;
  afterEach(() => harness.close());

  describe('with the example project', () => {
    beforeEach(async () => {
      harness = await EmulatorHarness.open();
    });

    it('return a disk at each of its paths, with the fields of the reference', async () => {
      const volume = await harness.volume(DATA_VOLUME);
      expect(volume).to.include({
        id: DATA_VOLUME,
        name: 'pay-db-data',
        status: 'available',
        size: 500,
        bootable: 'false',
        multiattach: false,
        'os-vol-tenant-attr:tenant_id': harness.project,
      });
      expect(volume.created_at).to.match(/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.000000$/);
      for (const path of [
        '/evs/v3/{project}/volumes/',
        '/evs/v2/{project}/cloudvolumes/',
        '/v2/{project}/volumes/',
      ]) {
        expect((await harness.call(path + DATA_VOLUME)).body.volume.id).to.equal(DATA_VOLUME);
      }
      const attached = await harness.volume(harness.idOf('crm-db-log'));
      expect(attached.attachments[0]).to.include({ host_name: 'crm-db1', device: '/dev/vdc' });
    });

    it('return the owner of a backup from the microversion on that has it', async () => {
      expect(await harness.backup(DATA_BACKUP)).to.include({
        volume_id: DATA_VOLUME,
        size: 500,
        status: 'available',
        'os-bak-tenant-attr:tenant_id': harness.project,
      });
      const v3 = (await harness.call(`/vbs/v3/{project}/backups/${DATA_BACKUP}`)).body.backup;
      expect(v3['os-backup-project-attr:project_id']).to.equal(harness.project);
    });

    it('return a shared backup and its owner, but not the disk that it was made of', async () => {
      const [id = ''] = harness.backupsOf('golden-image');
      const backup = await harness.backup(id);
      expect(backup['os-bak-tenant-attr:tenant_id']).to.be.a('string').and.not.equal(harness.project);
      const volume = await harness.call(`/evs/v2/{project}/volumes/${backup.volume_id}`);
      expect(volume.status).to.equal(404);
      expect(volume.body.itemNotFound).to.include({
        code: 404,
        message: `Volume ${backup.volume_id} could not be found.`,
      });
    });

    it('filter lists', async () => {
      const names = async (path: string, key: string) =>
        (await harness.call(path)).body[key].map(({ name }: { name: string }) => name);
      expect(await names('/evs/v2/{project}/volumes/detail?status=in-use', 'volumes')).to.have.members([
        'crm-db-log',
        'web-boot',
        'erp-db-boot',
        'erp-db-data',
        'erp-db-log',
      ]);
      expect(await names('/evs/v2/{project}/volumes?name=pay-db-log', 'volumes')).to.deep.equal([
        'pay-db-log',
      ]);
      const nightly = `/vbs/v2/{project}/backups/detail?volume_id=${DATA_VOLUME}`;
      expect(await names(nightly, 'backups')).to.deep.equal([
        'pay-db-data-2026-11-23',
        'pay-db-data-2026-11-22',
        'pay-db-data-2026-11-21',
      ]);
      expect(await names('/vbs/v2/{project}/backups/detail?status=error', 'backups')).to.deep.equal([
        'crm-db-data-2026-11-22',
      ]);
    });

    it('filter, sort and count as clients ask, and refuse unknown parameters', async () => {
      const list = async (query: string, what = 'volumes') =>
        (await harness.call(`/evs/v3/{project}/${what}/detail?${query}`)).body;
      const names = async (query: string): Promise<string[]> =>
        (await list(query)).volumes.map(({ name }: Json) => name);
      expect(await names(`id=${DATA_VOLUME}`)).to.deep.equal(['pay-db-data']);
      expect(await names('name~=pay-db')).to.have.members(['pay-db-boot', 'pay-db-data', 'pay-db-log']);
      expect(await names('bootable=true&name~=pay')).to.have.members(['pay-db-boot', 'pay-app-boot']);
      const server = (await list('name=erp-db-data')).volumes[0].attachments[0].server_id;
      expect(await names(`server_id=${server}`)).to.have.members([
        'erp-db-boot',
        'erp-db-data',
        'erp-db-log',
      ]);
      expect(await names('availability_zone=eu-de-09')).to.deep.equal([]);
      for (const query of ['sort=size:desc,name:asc', 'sort_key=size&sort_dir=desc'])
        expect((await names(`${query}&limit=2`))[0], query).to.equal('crm-db-data');
      const sorted = await names('sort=name:asc');
      expect(sorted).to.deep.equal([...sorted].sort());
      expect(await list('status=available&limit=2&with_count=True')).to.include({ count: 10 });
      expect(await list('volume_id=x&with_count=true', 'backups')).to.deep.include({ backups: [], count: 0 });
      expect(await list('all_tenants=False')).not.to.have.property('count');
      for (const [query, what] of [
        ['metadata={}', 'volumes'],
        ['Status=error', 'volumes'],
        ['server_id=x', 'backups'],
        ['sort=colour', 'volumes'],
        ['sort_key=name&sort_dir=up', 'backups'],
      ])
        expect((await list(query ?? '', what)).badRequest?.code, query).to.equal(400);
    });

    it('set the status of a backup', async () => {
      const path = `/evs/v3/{project}/backups/${DATA_BACKUP}/action`;
      const body = { 'os-reset_status': { status: 'error' } };
      expect((await harness.call(path, { method: 'POST', body })).status).to.equal(202);
      expect((await harness.backup(DATA_BACKUP)).status).to.equal('error');
      expect((await harness.call(path, { method: 'POST', body: { other: {} } })).status).to.equal(400);
    });

    it('return errors in the format of Cinder', async () => {
      const expectError = async (path: string, status: number, key: string) => {
        const answer = await harness.call(path);
        expect([answer.status, Object.keys(answer.body)], path).to.deep.equal([status, [key]]);
      };
      await expectError('/evs/v2/{project}/volumes/constructor', 404, 'itemNotFound');
      await expectError('/evs/v2/{project}/backups/__proto__', 404, 'itemNotFound');
      await expectError('/evs/v2/{project}/volumes/detail?limit=-1', 400, 'badRequest');
      await expectError('/evs/v2/{project}/volumes/detail?offset=x', 400, 'badRequest');
      await expectError('/evs/v2/{project}/volumes/detail?marker=x', 404, 'itemNotFound');
      await expectError('/evs/v2/strange/volumes/detail', 400, 'badRequest');
      await expectError('/evs/v2/{project}/snapshots', 404, 'itemNotFound');
    });

    it('implement microversions', async () => {
      const at = (version: string) =>
        harness.call(`/evs/v3/{project}/volumes/${DATA_VOLUME}`, {
          headers: { 'OpenStack-API-Version': version },
        });
      expect((await at('volume 3.59')).headers['openstack-api-version']).to.equal('volume 3.59');
      expect((await at('volume 3.99')).status).to.equal(406);
    });

    it('attach, detach and extend disks by actions of Cinder', async () => {
      const act = async (body: unknown) =>
        (await harness.call(`/evs/v3/{project}/volumes/${DATA_VOLUME}/action`, { method: 'POST', body }))
          .status;
      const server = '11111111-2222-4333-8444-555555555555';
      expect(await act({ 'os-attach': { instance_uuid: server, mountpoint: '/dev/vdb' } })).to.equal(202);
      const attached = await harness.volume(DATA_VOLUME);
      expect(attached.status).to.equal('in-use');
      expect(attached.attachments[0]).to.include({ server_id: server, device: '/dev/vdb' });
      expect(await act({ 'os-attach': { instance_uuid: server } })).to.equal(400);
      expect(await act({ 'os-detach': {} })).to.equal(202);
      expect(await act({ 'os-detach': {} })).to.equal(400);
      expect(await harness.volume(DATA_VOLUME)).to.deep.include({ status: 'available', attachments: [] });
      expect(await act({ 'os-extend': { new_size: 600 } })).to.equal(202);
      expect(await act({ 'os-extend': { new_size: 600 } })).to.equal(400);
      expect((await harness.volume(DATA_VOLUME)).size).to.equal(600);
      expect(await act({ 'os-reset_status': { status: 'error' } })).to.equal(202);
      expect((await harness.volume(DATA_VOLUME)).status).to.equal('error');
      for (const bad of ['', '[]', {}, { 'os-fly': {} }, { 'os-attach': null }]) {
        expect(await act(bad), JSON.stringify(bad)).to.equal(400);
      }
    });

    it('make and delete backups', async () => {
      const body = { backup: { volume_id: LOG_VOLUME, name: 'before change' } };
      const made = await harness.call('/evs/v3/{project}/backups', { method: 'POST', body });
      expect(made.status).to.equal(202);
      const { id } = made.body.backup;
      expect((await harness.backup(id)).status).to.equal('creating');
      expect((await harness.volume(LOG_VOLUME)).status).to.equal('backing-up');
      expect(
        (await harness.restore(harness.backupsOf('pay-db-log')[1] ?? '', LOG_VOLUME)).body.error.code,
      ).to.equal('VolumeBackup.0206');
      const remove = async () =>
        (await harness.call(`/evs/v3/{project}/backups/${id}`, { method: 'DELETE' })).status;
      expect(await remove()).to.equal(400);
      harness.advance(10_000);
      expect(await harness.backup(id)).to.include({ status: 'available', name: 'before change' });
      expect((await harness.volume(LOG_VOLUME)).status).to.equal('available');
      const newest = (await harness.call(`/evs/v3/{project}/backups?volume_id=${LOG_VOLUME}`)).body
        .backups[0];
      expect(newest.id).to.equal(id);
      expect(await remove()).to.equal(202);
      expect(await remove()).to.equal(404);
      const left = (await harness.call(`/evs/v3/{project}/backups?volume_id=${LOG_VOLUME}`)).body.backups;
      expect(left).to.have.length(3);
    });

    it('do not delete a backup of another project', async () => {
      const [id = ''] = harness.backupsOf('golden-image');
      const answer = await harness.call(`/evs/v3/{project}/backups/${id}`, { method: 'DELETE' });
      expect(answer.status).to.equal(404);
      expect((await harness.backup(id)).id).to.equal(id);
    });
  });

  describe('the pages of a list', () => {
    beforeEach(async () => {
      harness = await EmulatorHarness.open({ seed: { volumes: 25, backupsPerVolume: 1 } });
    });

    const ids = (items: { id: string }[]) => items.map(({ id }) => id);
    const everything = () => Object.keys(harness.emulator.world().volumes);

    it('list each item once if the next links are followed', async () => {
      const seen: string[] = [];
      let path: string | undefined = '/evs/v2/{project}/volumes/detail?limit=10&status=available';
      const sizes: number[] = [];
      while (path !== undefined) {
        const { body }: { body: Json } = await harness.call(path);
        seen.push(...ids(body.volumes));
        sizes.push(body.volumes.length);
        path = body.volumes_links?.[0].href.replace(harness.emulator.url, '');
      }
      expect(sizes).to.deep.equal([10, 10, 5]);
      expect(seen).to.have.members(everything());
    });

    it('can be read by offset until a page is short', async () => {
      await harness.emulator.perform({ action: 'settings', settings: { list_links: false } });
      const sizes: number[] = [];
      for (const offset of [0, 10, 20, 30]) {
        const { body } = await harness.call(`/vbs/v2/{project}/backups/detail?limit=10&offset=${offset}`);
        expect(body).to.have.all.keys('backups');
        sizes.push(body.backups.length);
      }
      expect(sizes).to.deep.equal([10, 10, 5, 0]);
    });

    it('have at most as many items as the service allows', async () => {
      await harness.emulator.perform({ action: 'settings', settings: { list_limit_max: 20 } });
      for (const query of ['', '?limit=1000']) {
        const { body } = await harness.call(`/evs/v2/{project}/volumes${query}`);
        expect(body.volumes).to.have.length(20);
        const next = new URL(body.volumes_links[0].href);
        expect(next.searchParams.get('marker')).to.equal(body.volumes.at(-1).id);
      }
      expect((await harness.call('/evs/v2/{project}/volumes?limit=0')).body.volumes).to.have.length(0);
    });
  });
});
