import { expect } from 'chai';
import { EmulatorHarness, type Json } from './client.ts';

describe('the emulated compute API', () => {
  let harness: EmulatorHarness;
  beforeEach(async () => {
    harness = await EmulatorHarness.open();
  });
  afterEach(() => harness.close());

  const servers = async (query = ''): Promise<Json[]> =>
    (await harness.call(`/compute/v2.1/{project}/servers/detail${query}`)).body.servers;

  it('is in the catalog, and has a version document', async () => {
    const { catalog } = (await harness.call('/v3/auth/catalog')).body;
    const compute = catalog.find(({ type }: Json) => type === 'compute');
    expect(compute.endpoints[0].url).to.equal(`${harness.emulator.url}/compute/v2.1/${harness.project}`);
    expect((await harness.call('/compute')).body.versions[0].id).to.equal('v2.1');
  });

  it('returns servers with the disks attached to them', async () => {
    const erp = (await servers()).find(({ name }) => name === 'erp-db1');
    const disks = ['erp-db-boot', 'erp-db-data', 'erp-db-log'].map((name) => ({ id: harness.idOf(name) }));
    expect(erp).to.include({ status: 'ACTIVE', tenant_id: harness.project });
    expect(erp['os-extended-volumes:volumes_attached']).to.have.deep.members(disks);
    expect((await harness.call(`/compute/v2.1/{project}/servers/${erp.id}`)).body.server).to.deep.equal(erp);
    expect((await servers('?name=pay-db1'))[0]).to.include({ name: 'pay-db1', status: 'SHUTOFF' });
  });

  it('returns pages, also without details', async () => {
    const first = (await harness.call('/compute/v2.1/{project}/servers?limit=5')).body;
    expect(first.servers).to.have.length(5);
    expect(first.servers[0]).to.have.keys('id', 'name', 'links');
    const { pathname, search } = new URL(first.servers_links[0].href);
    const second = (await harness.call(pathname + search)).body;
    expect(second.servers).to.have.length(2);
    expect(second).to.not.have.property('servers_links');
  });

  it('detaches a disk once', async () => {
    const erp = (await servers()).find(({ name }) => name === 'erp-db1');
    const log = harness.idOf('erp-db-log');
    const path = `/compute/v2.1/{project}/servers/${erp.id}/os-volume_attachments/${log}`;
    expect((await harness.call(path, { method: 'DELETE' })).status).to.equal(202);
    expect((await harness.volume(log)).status).to.equal('available');
    expect((await harness.call(path, { method: 'DELETE' })).body.itemNotFound.code).to.equal(404);
  });

  it('returns for each server what clients read: image, flavor and states', async () => {
    for (const server of await servers()) {
      expect(server).to.include({ image: '', 'OS-EXT-STS:task_state': null });
      const { body } = await harness.call(`/compute/v2.1/{project}/flavors/${server.flavor.id}`);
      expect(body.flavor).to.include({ id: server.flavor.id, vcpus: 2 });
    }
    const { flavors } = (await harness.call('/compute/v2.1/{project}/flavors/detail?is_public=None')).body;
    expect(flavors).to.have.length(1);
  });

  it('stops and starts a server, and refuses to stop a stopped one', async () => {
    const [erp] = await servers('?name=^erp-');
    const path = `/compute/v2.1/{project}/servers/${erp.id}`;
    const act = async (name: string) =>
      (await harness.call(`${path}/action`, { method: 'POST', body: { [name]: null } })).status;
    const status = async () => (await harness.call(path)).body.server.status;
    expect(await act('os-start')).to.equal(409);
    expect([await act('os-stop'), await status()]).to.deep.equal([202, 'SHUTOFF']);
    expect(await act('os-stop')).to.equal(409);
    expect([await act('os-start'), await status()]).to.deep.equal([202, 'ACTIVE']);
    expect(await act('reboot')).to.equal(400);
  });

  it('attaches a disk, lists it, and detaches it again', async () => {
    const [erp] = await servers('?name=erp-db1');
    const volumeId = harness.idOf('pay-app-data');
    const path = `/compute/v2.1/{project}/servers/${erp.id}/os-volume_attachments`;
    const body = { volumeAttachment: { volumeId, device: '/dev/vdd' } };
    const attached = { id: volumeId, volumeId, serverId: erp.id, device: '/dev/vdd' };
    const made = await harness.call(path, { method: 'POST', body });
    expect([made.status, made.body.volumeAttachment]).to.deep.equal([200, attached]);
    expect((await harness.call(path, { method: 'POST', body })).status).to.equal(400);
    expect((await harness.call(path)).body.volumeAttachments)
      .to.have.length(4)
      .and.deep.include(attached);
    expect((await harness.call(`${path}/${volumeId}`)).body.volumeAttachment).to.deep.equal(attached);
    expect((await harness.volume(volumeId)).status).to.equal('in-use');
    expect((await harness.call(`${path}/${volumeId}`, { method: 'DELETE' })).status).to.equal(202);
    expect((await harness.call(`${path}/${volumeId}`)).status).to.equal(404);
  });

  it('refuses an unknown filter', async () => {
    const { status, body } = await harness.call('/compute/v2.1/{project}/servers/detail?flavor=x');
    expect([status, body.badRequest.message]).to.deep.equal([
      400,
      'Invalid filters flavor are found in query options.',
    ]);
  });

  it('refuses a request without a token, and unknown paths', async () => {
    const without = await harness.call('/compute/v2.1/{project}/servers', {
      headers: { 'X-Auth-Token': '' },
    });
    expect(without.status).to.equal(401);
    for (const path of ['/compute/v2.1/{project}/images', '/compute/v2/{project}/servers'])
      expect((await harness.call(path)).status, path).to.equal(404);
    expect((await harness.call('/compute/v2.1/{project}/servers/nobody')).body.itemNotFound.code).to.equal(
      404,
    );
  });
});
