import https from 'node:https';
import type { AddressInfo } from 'node:net';
import { expect } from 'chai';
import { type PrivateAuthority, privateAuthority } from '../network/private-authority.ts';
import { printed, Scene } from './attack.ts';

/** What the cloud, or whoever answers in its place, may send, against the built program. */
describe('a catalog that leads from https to http', function () {
  this.timeout(30_000);
  const PROJECT = '0e8396c4fa5d47829b8617b61c685475';
  const TOKEN = 'gAAAA-t0ken-of-the-test';
  let authority: PrivateAuthority | undefined;
  let keystone: https.Server;
  let catalog: Record<string, string> = {};
  let scene: Scene;

  before(async function () {
    authority = privateAuthority();
    if (!authority) return this.skip();
    keystone = https.createServer(authority.tls, (request, response) => {
      request.resume();
      const token = {
        issued_at: new Date().toISOString(),
        expires_at: new Date(Date.now() + 3_600_000).toISOString(),
        project: { id: PROJECT, name: 'demo' },
        catalog: Object.entries(catalog).map(([type, url]) => ({
          type,
          endpoints: [{ interface: 'public', region_id: 'eu-de', url }],
        })),
      };
      response.writeHead(request.url?.endsWith('/auth/tokens') ? 201 : 200, { 'X-Subject-Token': TOKEN });
      response.end(JSON.stringify({ token, catalog: token.catalog }));
    });
    await new Promise<void>((resolve) => keystone.listen(0, '127.0.0.1', resolve));
  });
  after(() => {
    keystone?.closeAllConnections();
    keystone?.close();
    authority?.remove();
  });
  beforeEach(() => {
    scene = new Scene();
  });
  afterEach(() => scene.close());

  const env = () => ({
    OS_AUTH_URL: `https://127.0.0.1:${(keystone.address() as AddressInfo).port}/v3`,
    OS_CACERT: authority?.caFile ?? '',
    OS_REGION_NAME: 'eu-de',
  });
  const PASSWORD = {
    OS_USERNAME: 'ann',
    OS_PASSWORD: 'pa55word',
    OS_USER_DOMAIN_NAME: 'OTC',
    OS_PROJECT_NAME: 'demo',
  };
  const KEY = { OS_ACCESS_KEY: 'AK', OS_SECRET_KEY: 's3cret-key', OS_PROJECT_ID: PROJECT };
  const GOOD = 'https://evs.attacker.example/v2/$(tenant_id)s';
  const BAD = 'http://evs.attacker.example/v2/$(tenant_id)s';

  for (const [name, way, services] of [
    ['token, disks', PASSWORD, { vbsv2: GOOD, volumev2: BAD }],
    ['token, backups', PASSWORD, { vbsv2: BAD, volumev2: GOOD }],
    ['token, servers', PASSWORD, { vbsv2: GOOD, volumev2: GOOD, compute: BAD }],
    ['token, backups beside the disks', PASSWORD, { volumev2: BAD }],
    ['access key, disks', KEY, { vbsv2: GOOD, volumev2: BAD }],
  ] as const)
    it(`is sent nothing (${name})`, async () => {
      catalog = services;
      for (const command of [
        ['get', 'volumes'],
        ['auth', 'check'],
      ]) {
        const done = await scene.run({ ...env(), ...way }, ...command);
        expect(done.code, printed(done)).to.equal(1);
        expect(printed(done)).to.match(/is not encrypted, but\s+Keystone is/);
        // Without the line breaks of a report.
        expect(printed(done).replace(/\s+/g, '')).to.match(
          /exportVBSCTL_PLAIN_HTTP_HOSTS=[ev][bv]s.attacker.example/,
        );
      }
    });

  it('is refused whatever an .env of the checkout says', async () => {
    catalog = { vbsv2: GOOD, volumev2: BAD };
    scene.write('.env', 'VBSCTL_PLAIN_HTTP_HOSTS=evs.attacker.example\n');
    const done = await scene.run({ ...env(), ...PASSWORD }, 'get', 'volumes');
    expect(done.code, printed(done)).to.equal(1);
    expect(printed(done)).to.contain('is not encrypted');
  });
});
