import { expect } from 'chai';
import { type Json, Lab } from './client.ts';

describe('emulator: compute', () => {
  let lab: Lab;
  beforeEach(async () => {
    lab = await Lab.open();
  });
  afterEach(() => lab.close());

  const servers = async (query = ''): Promise<Json[]> =>
    (await lab.call(`/compute/v2.1/{project}/servers/detail${query}`)).body.servers;

  it('stands in the catalog and has a version document', async () => {
    const { catalog } = (await lab.call('/v3/auth/catalog')).body;
    const compute = catalog.find(({ type }: Json) => type === 'compute');
    expect(compute.endpoints[0].url).to.equal(`${lab.emulator.url}/compute/v2.1/${lab.project}`);
    expect((await lab.call('/compute')).body.versions[0].id).to.equal('v2.1');
  });

  it('shows servers with the disks attached to them', async () => {
    const erp = (await servers()).find(({ name }) => name === 'erp-db1');
    const disks = ['erp-db-boot', 'erp-db-data', 'erp-db-log'].map((name) => ({ id: lab.idOf(name) }));
    expect(erp).to.include({ status: 'ACTIVE', tenant_id: lab.project });
    expect(erp['os-extended-volumes:volumes_attached']).to.have.deep.members(disks);
    expect((await lab.call(`/compute/v2.1/{project}/servers/${erp.id}`)).body.server).to.deep.equal(erp);
    expect((await servers('?name=pay-db1'))[0]).to.include({ name: 'pay-db1', status: 'SHUTOFF' });
  });

  it('serves pages, without details too', async () => {
    const first = (await lab.call('/compute/v2.1/{project}/servers?limit=5')).body;
    expect(first.servers).to.have.length(5);
    expect(first.servers[0]).to.have.keys('id', 'name', 'links');
    const { pathname, search } = new URL(first.servers_links[0].href);
    const second = (await lab.call(pathname + search)).body;
    expect(second.servers).to.have.length(2);
    expect(second).to.not.have.property('servers_links');
  });

  it('detaches a disk, once', async () => {
    const erp = (await servers()).find(({ name }) => name === 'erp-db1');
    const log = lab.idOf('erp-db-log');
    const path = `/compute/v2.1/{project}/servers/${erp.id}/os-volume_attachments/${log}`;
    expect((await lab.call(path, { method: 'DELETE' })).status).to.equal(202);
    expect((await lab.volume(log)).status).to.equal('available');
    expect((await lab.call(path, { method: 'DELETE' })).body.itemNotFound.code).to.equal(404);
  });

  it('keeps out who has no token, and knows no other address', async () => {
    const without = await lab.call('/compute/v2.1/{project}/servers', { headers: { 'X-Auth-Token': '' } });
    expect(without.status).to.equal(401);
    for (const path of ['/compute/v2.1/{project}/flavors', '/compute/v2/{project}/servers'])
      expect((await lab.call(path)).status, path).to.equal(404);
    expect((await lab.call('/compute/v2.1/{project}/servers/nobody')).body.itemNotFound.code).to.equal(404);
  });
});
