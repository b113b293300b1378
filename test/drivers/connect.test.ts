import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect } from 'chai';
import { DEFAULT_CONFIG } from '../../src/domain/config.ts';
import type { Diagnostic } from '../../src/domain/diagnostic.ts';
import type { Env } from '../../src/domain/env.ts';
import { Failure } from '../../src/domain/errors.ts';
import type { CloudSettings } from '../../src/drivers/auth/auth-settings.ts';
import { checkAccess } from '../../src/drivers/check-access.ts';
import type { ConnectOptions } from '../../src/drivers/connect.ts';
import { refuseUnencrypted } from '../../src/drivers/endpoints.ts';
import { privateAuthority } from '../network/private-authority.ts';
import { connectDriver } from './connect-driver.ts';
import { FakeClock } from './fake-clock.ts';
import { PROJECT, type Reply, TinyCloud } from './tiny-cloud.ts';

describe('the connection to a cloud', () => {
  let cloud: TinyCloud;
  beforeEach(async () => {
    cloud = await new TinyCloud().start();
  });
  afterEach(() => cloud.close());

  const optionsFor = (env: Env, more: Partial<ConnectOptions>): ConnectOptions => ({
    env,
    cwd: '/nowhere',
    home: '/nowhere',
    http: DEFAULT_CONFIG.http,
    retry: DEFAULT_CONFIG.retry,
    requestsPerSecond: 1_000,
    clock: new FakeClock(),
    random: () => 0,
    version: '0.0.0',
    ...more,
  });
  const open = (env: Env = cloud.env, more: Partial<ConnectOptions> = {}) =>
    connectDriver(optionsFor(env, more));
  async function refused(env?: Env): Promise<Failure> {
    const failure = await open(env).catch((error) => error);
    expect(failure).to.be.instanceOf(Failure);
    return failure;
  }

  it('reports its project', async () => {
    const driver = await open();
    expect(driver.api).to.equal('vbs');
    expect(driver.target).to.deep.equal({
      auth_url: cloud.url,
      region: 'eu-de',
      project_id: PROJECT,
      project_name: 'demo',
    });
    expect(driver.requests()).to.equal(1);
  });

  for (const suffix of ['', '/', '/v3', '/v3/'])
    it(`accepts an auth URL that ends in "${suffix}"`, async () => {
      await open({ ...cloud.env, OS_AUTH_URL: `${cloud.url}${suffix}` });
      expect(cloud.received[0]?.path).to.equal('/v3/auth/tokens');
    });

  describe('endpoints without TLS', () => {
    const root = (url: string) => ({ url, version: 'v2' });
    const refuse = (
      auth_url: string,
      env: Env,
      evs = 'http://evs.example:8776',
      onNote: (note: Diagnostic) => void = () => {},
    ) => {
      const endpoints = { api: 'vbs', vbs: root('https://vbs.example'), evs: root(evs) } as const;
      const namesOf = (...keys: readonly string[]) => keys.join();
      const settings = { auth_url, source: 'OS_* variables', namesOf } as CloudSettings;
      return () => refuseUnencrypted(endpoints, settings, env, onNote);
    };

    it('get no token if Keystone has TLS', () => {
      expect(refuse('https://iam.example/v3', {})).to.throw(Failure, /evs endpoint.*not encrypted/);
      expect(refuse('HTTPS://iam.example/v3', {})).to.throw(Failure);
      for (const other of ['vbs.example', 'evs.example:443', 'example', '*', 'true'])
        expect(refuse('https://iam.example', { VBSCTL_PLAIN_HTTP_HOSTS: other }), other).to.throw(Failure);
    });

    it('get a token with a warning if the environment names their host', () => {
      for (const named of ['evs.example', 'EVS.example:8776', 'a, evs.example']) {
        const notes: Diagnostic[] = [];
        const env = { VBSCTL_PLAIN_HTTP_HOSTS: named };
        refuse('https://iam.example', env, undefined, (note) => notes.push(note))();
        expect(notes.map(({ code }) => code)).to.deep.equal(['weakened-tls']);
      }
    });

    it('are quoted in the command to paste', () => {
      let failure: unknown;
      try {
        refuse('https://iam.example', {}, "http://a;curl$IFS'x';.example")();
      } catch (cause) {
        failure = cause;
      }
      const [{ remedy } = { remedy: '' }] = (failure as Failure).diagnostics;
      expect(remedy).to.contain(`VBSCTL_PLAIN_HTTP_HOSTS='a;curl$ifs'\\''x'\\'';.example'`);
    });

    it('on this machine get no token of a Keystone elsewhere, unless the environment names them', () => {
      const [here, named] = ['http://127.0.0.1:8776', { VBSCTL_PLAIN_HTTP_HOSTS: '127.0.0.1' }];
      expect(refuse('https://iam.example', {}, here)).to.throw(Failure, /evs endpoint.*not encrypted/);
      refuse('https://iam.example', named, here)();
    });

    it('are accepted if Keystone is on this machine, too, or has no TLS either', () => {
      refuse('https://localhost:5000', {}, 'http://127.0.0.1:8776')();
      const notes: Diagnostic[] = [];
      refuse('http://iam.example', {}, undefined, (note) => notes.push(note))();
      expect(notes).to.have.length(1);
    });
  });

  it('binds to another name if the address changes each time', async () => {
    expect((await open(cloud.env, { targetAuthUrl: 'emulator:w1' })).target.auth_url).to.equal('emulator:w1');
  });

  it('uses the only region', async () => {
    expect((await open({ ...cloud.env, OS_REGION_NAME: '' })).target.region).to.equal('eu-de');
  });

  it('sends the login body that Keystone requires, by names and by ids', async () => {
    await open();
    const { OS_AUTH_URL } = cloud.env;
    const byId = { OS_AUTH_URL, OS_USER_ID: 'u', OS_PASSWORD: 'p', OS_PROJECT_ID: 'pr' };
    await open(byId);
    await open({ OS_AUTH_URL, OS_TOKEN: 't', OS_PROJECT_ID: 'pr' });
    await open({
      OS_AUTH_URL,
      OS_APPLICATION_CREDENTIAL_ID: 'a',
      OS_APPLICATION_CREDENTIAL_SECRET: 's',
    });
    const domain = { name: 'OTC' };
    expect(cloud.received.map(({ body }) => JSON.parse(body).auth)).to.deep.equal([
      {
        identity: {
          methods: ['password'],
          password: { user: { name: 'ann', domain, password: 's3cret-password' } },
        },
        scope: { project: { name: 'demo', domain } },
      },
      {
        identity: { methods: ['password'], password: { user: { id: 'u', password: 'p' } } },
        scope: { project: { id: 'pr' } },
      },
      { identity: { methods: ['token'], token: { id: 't' } }, scope: { project: { id: 'pr' } } },
      {
        identity: {
          methods: ['application_credential'],
          application_credential: { id: 'a', secret: 's' },
        },
      },
    ]);
  });

  const keystone: [string, Reply, string, number][] = [
    [
      'a wrong password',
      {
        status: 401,
        body: { error: { code: 401, message: 'Wrong for s3cret-password', title: 'Unauthorized' } },
      },
      'not-authenticated',
      1,
    ],
    ['no right to the project', { status: 403 }, 'not-authenticated', 1],
    ['an address that is no Keystone', { status: 404, body: '<html></html>' }, 'not-keystone', 1],
    ['an address that answers something else', { status: 200, body: '<html></html>' }, 'not-keystone', 1],
    ['a yes without a token', { status: 201, body: { token: {} } }, 'not-keystone', 1],
    [
      'a yes that is no JSON',
      { status: 201, body: 'x', headers: { 'X-Subject-Token': 't' } },
      'not-keystone',
      1,
    ],
    ['a Keystone that is down', { status: 503 }, 'cloud-unavailable', 4],
    ['a redirect', { status: 302, headers: { location: 'http://127.0.0.1:1/' } }, 'not-keystone', 1],
  ];
  for (const [name, reply, code, requests] of keystone)
    it(`explains ${name}`, async () => {
      cloud.replace = () => reply;
      const failure = await refused();
      const [first] = failure.diagnostics;
      expect(failure.kind).to.equal('cloud');
      expect(first?.code).to.equal(code);
      expect(first?.remedy).to.be.a('string');
      expect(first?.detail).to.contain('request id req-').and.contain('settings: OS_* variables');
      expect(JSON.stringify(failure.diagnostics)).not.to.contain('s3cret');
      expect(cloud.received).to.have.length(requests);
    });

  it('explains a cloud that cannot be reached', async () => {
    const env = cloud.env;
    await cloud.close();
    const failure = await refused(env);
    expect(failure.diagnostics[0]).to.have.property('code', 'cloud-unreachable');
    expect(failure.diagnostics[0]?.detail).to.contain('connection refused');
    await cloud.start();
  });

  const bodies: [string, Record<string, unknown>, Env, string, string][] = [
    ['a token of no project', { project: undefined }, {}, 'unscoped-token', 'OS_PROJECT_ID'],
    ['an empty catalog', { catalog: [] }, {}, 'no-endpoint', 'OS_VBS_ENDPOINT_OVERRIDE'],
    ['no region', { catalog: [] }, { OS_REGION_NAME: '' }, 'no-region', 'OS_REGION_NAME'],
    ['a region that is not there', {}, { OS_REGION_NAME: 'eu-nl' }, 'unknown-region', 'eu-de'],
    [
      'an interface that is not there',
      {},
      { OS_INTERFACE: 'admin' },
      'no-endpoint',
      'set OS_INTERFACE to public',
    ],
  ];
  for (const [name, body, env, code, remedy] of bodies)
    it(`explains ${name}`, async () => {
      cloud.tokenBody = body;
      const failure = await refused({ ...cloud.env, ...env });
      expect(failure.kind).to.equal('cloud');
      expect(failure.diagnostics[0]).to.have.property('code', code);
      expect(failure.diagnostics[0]?.remedy).to.contain(remedy);
    });

  it('names the keys of clouds.yaml where a cloud of it fails, and no variable', async () => {
    const auth = {
      auth_url: `${cloud.url}/v3`,
      username: 'ann',
      password: 'p',
      user_domain_name: 'Default',
      project_name: 'demo',
    };
    const filesWith = (more: object) => async () => {
      const text = JSON.stringify({ clouds: { a: { region_name: 'eu-de', auth, ...more } } });
      return { clouds: { path: '/c/clouds.yaml', text }, searched: [] };
    };
    const remedyFor = async (more: object, env: Env = {}) => {
      const options = optionsFor({ OS_CLOUD: 'a', ...env }, { files: filesWith(more) });
      const failure = await connectDriver(options).catch((error) => error);
      return failure.diagnostics[0]?.remedy;
    };
    const access = (more: object) => checkAccess(optionsFor({ OS_CLOUD: 'a' }, { files: filesWith(more) }));
    const of = 'of cloud a of /c/clouds.yaml';
    expect(await remedyFor({ interface: 'admin' })).to.equal(`set interface ${of} to public`);
    // A name that could pass for advice of vbsctl is quoted.
    const odd = 'a → vbsctl unlock';
    const text = JSON.stringify({ clouds: { [odd]: { region_name: 'eu-de', auth, interface: 'admin' } } });
    const files = async () => ({ clouds: { path: '/c/clouds.yaml', text }, searched: [] });
    const failure = await open({ OS_CLOUD: odd }, { files }).catch((error) => error);
    expect(failure.diagnostics[0].remedy).to.contain('of cloud “a → vbsctl unlock” of /c/clouds.yaml');
    expect(await remedyFor({ region_name: 'r9' })).to.equal(`set region_name ${of} to eu-de`);
    expect(await remedyFor({ regions: ['r8', 'r9'] })).to.equal(`set regions ${of} to eu-de`);
    expect(await remedyFor({ regions: ['r8', 'r9'] }, { OS_REGION_NAME: 'r9' })).to.equal(
      'set OS_REGION_NAME to eu-de',
    );
    expect(await remedyFor({ cacert: '/nowhere/ca.pem' })).to.equal(`correct cacert ${of}`);
    expect(await remedyFor({ key: '/nowhere/key.pem' })).to.equal(`set cert ${of}, too`);
    const checked = await access({ vbs_endpoint_override: 'http://127.0.0.1:1/v2' });
    expect(checked.steps.find(({ step }) => step === 'backups')?.diagnostics[0]?.remedy).to.equal(
      `check the way to its endpoint (see above); another one: vbs_endpoint_override ${of}`,
    );
    cloud.tokenBody = { catalog: [] };
    expect(await remedyFor({})).to.contain(`set vbs_endpoint_override ${of}`);
    expect(await remedyFor({ region_name: null })).to.equal(`set OS_REGION_NAME, or region_name ${of}`);
  });

  describe('the API of a connection', () => {
    const endpoint = (type: string, path: string) => ({
      type,
      endpoints: [{ interface: 'public', region_id: 'eu-de', url: `${cloud.url}${path}` }],
    });
    const vbs = () => endpoint('vbsv2', '/v2/$(tenant_id)s');
    const evs = () => endpoint('volumev2', `/v2/${PROJECT}`);
    const cinder = () => endpoint('block-storage', `/volume/v3/${PROJECT}`);
    const auto = async () => {
      const notes: string[] = [];
      const onNote = ({ summary }: Diagnostic) => notes.push(summary);
      const driver = await open(cloud.env, { api: 'auto', onNote });
      return { driver, notes };
    };

    it('is vbs by default', async () => {
      cloud.tokenBody = { catalog: [cinder(), evs(), vbs()] };
      expect((await open()).api).to.equal('vbs');
    });

    it('is cinder if set, at the root in the catalog', async () => {
      cloud.tokenBody = { catalog: [vbs(), evs(), cinder()] };
      const driver = await open(cloud.env, { api: 'cinder' });
      expect(driver.api).to.equal('cinder');
      await driver.volume('v');
      expect(cloud.received.at(-1)?.path).to.equal(`/volume/v3/${PROJECT}/volumes/v`);
    });

    it('is vbs with auto if the catalog has it', async () => {
      cloud.tokenBody = { catalog: [cinder(), evs(), vbs()] };
      const { driver, notes } = await auto();
      expect(driver.api).to.equal('vbs');
      expect(notes).to.deep.equal(['api: auto picked vbs, the backup service (VBS) of the catalog']);
    });

    it('is cinder with auto if the catalog has no VBS', async () => {
      cloud.tokenBody = { catalog: [cinder()] };
      const { driver, notes } = await auto();
      expect(driver.api).to.equal('cinder');
      expect(notes).to.deep.equal(['api: auto picked cinder, the block storage (Cinder) of the catalog']);
    });

    it('is explained as missing if auto finds none in the catalog', async () => {
      cloud.tokenBody = { catalog: [] };
      const failure = await open(cloud.env, { api: 'auto' }).catch((error) => error);
      expect(failure.diagnostics[0]).to.have.property('code', 'no-endpoint');
    });

    it('is refused with a hint to cinder if only that exists', async () => {
      cloud.tokenBody = { catalog: [cinder()] };
      expect((await refused()).diagnostics[0]?.remedy).to.contain('api: cinder');
    });

    it('needs block storage in the catalog, and says so', async () => {
      cloud.tokenBody = { catalog: [] };
      const failure = await open(cloud.env, { api: 'cinder' }).catch((error) => error);
      expect(failure.diagnostics[0]?.remedy).to.contain('OS_BLOCK_STORAGE_ENDPOINT_OVERRIDE');
    });
  });

  it('comes from overrides without a catalog', async () => {
    cloud.tokenBody = { catalog: [] };
    const driver = await open({
      ...cloud.env,
      OS_VBS_ENDPOINT_OVERRIDE: `${cloud.url}/v2`,
      OS_EVS_ENDPOINT_OVERRIDE: `${cloud.url}/v3/${PROJECT}`,
    });
    await driver.volume('v');
    await driver.backup('b');
    expect(cloud.received.slice(1).map(({ path }) => path)).to.deep.equal([
      `/v3/${PROJECT}/volumes/v`,
      `/v2/${PROJECT}/backups/b`,
    ]);
  });

  it('warns that certificates are not checked', async () => {
    const notes: Diagnostic[] = [];
    await open({ ...cloud.env, OS_INSECURE: 'true' }, { onNote: (note) => notes.push(note) });
    expect(notes.map(({ severity, code }) => `${severity} ${code}`)).to.deep.equal(['warning weakened-tls']);
    expect(notes[0]?.remedy).to.contain('OS_CACERT');
  });

  it('explains a client certificate that is incomplete or unreadable', async () => {
    const unreadable = await refused({ ...cloud.env, OS_CERT: '/nowhere/me.pem' });
    expect(unreadable.message).to.contain('cert /nowhere/me.pem cannot be read (ENOENT)');
    const incomplete = await refused({ ...cloud.env, OS_KEY: '/me.key' });
    expect(incomplete.diagnostics[0]).to.have.property('code', 'key-without-cert');
    expect(cloud.received).to.deep.equal([]);
  });

  it('names the settings with characters that a wrong file leaves behind, if the cloud refuses them', async () => {
    cloud.replace = ({ path }) => (path.endsWith('/auth/tokens') ? { status: 401, body: {} } : undefined);
    const remedyOf = async (env: Env) => (await refused({ ...cloud.env, ...env })).diagnostics[0]?.remedy;
    expect(await remedyOf({})).not.to.contain('White space');
    for (const value of ['s3cret\r', 's3cret ', ' s3cret', 's3\tcret']) {
      const remedy = await remedyOf({ OS_PASSWORD: value });
      expect(remedy, JSON.stringify(value)).to.match(/White space .* is in OS_PASSWORD$/);
      expect(remedy).not.to.contain('cret');
    }
    expect(await remedyOf({ OS_PASSWORD: 'with blanks in it' })).not.to.contain('White space');
  });

  it('refuses certificates and keys that TLS cannot use, by name', async function () {
    const [mine, other] = [privateAuthority(), privateAuthority()];
    if (!mine || !other) return this.skip();
    const folder = mkdtempSync(join(tmpdir(), 'vbsctl-pem-'));
    const file = (name: string, text: string) => {
      writeFileSync(join(folder, name), text);
      return join(folder, name);
    };
    const OS_CERT = file('me.pem', mine.tls.cert);
    const refusals: [Env, string][] = [
      [{ OS_CERT, OS_KEY: file('other.key', other.tls.key) }, 'other.key is not the key of the certificate'],
      [{ OS_CERT }, 'me.pem has no PEM private key'],
      [{ OS_CACERT: file('empty.pem', '') }, 'empty.pem has no PEM certificate'],
    ];
    for (const [env, why] of refusals)
      expect((await refused({ ...cloud.env, ...env })).message).to.contain(why);
    expect(cloud.received).to.deep.equal([]);
    for (const authority of [mine, other]) authority.remove();
    rmSync(folder, { recursive: true });
  });

  it('reads no certificate from the working directory', async () => {
    for (const name of ['OS_CACERT', 'OS_CERT']) {
      const failure = await refused({ ...cloud.env, [name]: 'ca.pem' });
      expect(failure.kind).to.equal('refused');
      expect(failure.diagnostics[0]?.remedy).to.equal(`set ${name} to the whole path: /nowhere/ca.pem`);
    }
    expect(cloud.received).to.deep.equal([]);
  });

  it('explains a CA file that cannot be read', async () => {
    const failure = await refused({ ...cloud.env, OS_CACERT: '/nowhere/ca.pem' });
    expect(failure.kind).to.equal('invalid');
    expect(failure.message).to.contain('/nowhere/ca.pem cannot be read (ENOENT)');
    expect(cloud.received).to.deep.equal([]);
  });
});
