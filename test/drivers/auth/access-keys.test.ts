import { expect } from 'chai';
import { momentOf } from '../../../src/domain/clock.ts';
import { DEFAULT_CONFIG } from '../../../src/domain/config.ts';
import type { Env } from '../../../src/domain/env.ts';
import { Failure } from '../../../src/domain/errors.ts';
import { checkAccess } from '../../../src/drivers/check-access.ts';
import type { ConnectOptions } from '../../../src/drivers/connect.ts';
import { type Emulator, type RequestLog, startEmulator } from '../../../src/emulator/index.ts';
import { connectDriver } from '../connect-driver.ts';
import { FakeClock } from '../fake-clock.ts';

/** Over real HTTP, to an emulator that reads the signatures by itself. */
describe('access keys', () => {
  let cloud: Emulator;
  let asked: RequestLog[] = [];
  let clock: FakeClock;
  beforeEach(async () => {
    asked = [];
    clock = new FakeClock();
    cloud = await startEmulator({
      seed: { project: 'eu-de', now: clock.now() },
      clock: () => clock.now(),
      onRequest: (request) => asked.push(request),
    });
  });
  afterEach(() => cloud.close());

  const keys = (more: Env = {}): Env => ({
    OS_AUTH_URL: cloud.authUrl,
    OS_ACCESS_KEY: cloud.credentials.access_key,
    OS_SECRET_KEY: cloud.credentials.secret_key,
    OS_REGION_NAME: 'eu-de',
    ...more,
  });
  const options = (env: Env, ourClock = clock): ConnectOptions => ({
    env,
    cwd: '/nowhere',
    home: '/nowhere',
    http: DEFAULT_CONFIG.http,
    retry: DEFAULT_CONFIG.retry,
    requestsPerSecond: 1_000,
    clock: ourClock,
    random: () => 0,
    version: '0.0.0',
  });
  const open = (env: Env, ourClock = clock) => connectDriver(options(env, ourClock));
  const paths = () => asked.map(({ method, path, status }) => `${method} ${path} ${status}`);
  const P = () => cloud.credentials.project_id;
  const refusal = async (env: Env, ourClock = clock) => {
    const failure = await open(env, ourClock).catch((error) => error);
    expect(failure).to.be.instanceOf(Failure);
    return failure.diagnostics[0];
  };

  it('find the project named like the region, and the endpoints in the catalog', async () => {
    const driver = await open(keys());
    expect(driver.target).to.deep.equal({
      auth_url: cloud.url,
      region: 'eu-de',
      project_id: P(),
      project_name: 'eu-de',
    });
    const volumes = await driver.volumes();
    expect(volumes.kind).to.equal('listed');
    const backups = await driver.backups();
    expect(backups.kind).to.equal('listed');
    expect(paths()).to.deep.equal([
      'GET /v3/projects?name=eu-de 200',
      'GET /v3/auth/catalog 200',
      `GET /evs/v2/${P()}/volumes/detail?limit=1000 200`,
      `GET /vbs/v2/${P()}/backups/detail?limit=1000 200`,
    ]);
  });

  it('sign the POST of a restore over the body that is sent', async () => {
    const driver = await open(keys());
    const [volume] = Object.values(cloud.world().volumes).filter(({ name }) => name === 'pay-db-data');
    const [backup] = Object.values(cloud.world().backups).filter((b) => b.volume_id === volume?.id);
    if (!volume || !backup) throw new Error('not seeded');
    const permit = await driver.reserve();
    if (permit.kind !== 'permit') throw new Error(permit.failure.message);
    const outcome = await driver.start(permit, {
      volume_id: volume.id,
      backup_id: backup.id,
      fresh_until: momentOf(clock, 1_000),
    });
    expect(outcome.kind).to.equal('accepted');
    expect(Object.values(cloud.world().jobs).map(({ volume_id }) => volume_id)).to.deep.equal([volume.id]);
  });

  it('need no look-up if project and endpoints are set', async () => {
    const driver = await open(
      keys({
        OS_PROJECT_ID: P(),
        OS_VBS_ENDPOINT_OVERRIDE: `${cloud.url}/vbs/v2`,
        OS_EVS_ENDPOINT_OVERRIDE: `${cloud.url}/evs/v2/$(tenant_id)s`,
      }),
    );
    expect(asked).to.deep.equal([]);
    expect((await driver.volumes()).kind).to.equal('listed');
  });

  it('are checked by one request to the service if nothing else was read', async () => {
    const { steps } = await checkAccess(
      options(
        keys({
          OS_SECRET_KEY: 'wrong',
          OS_PROJECT_ID: P(),
          OS_VBS_ENDPOINT_OVERRIDE: `${cloud.url}/vbs/v2`,
          OS_EVS_ENDPOINT_OVERRIDE: `${cloud.url}/evs/v2`,
        }),
      ),
    );
    const failed = steps.filter(({ outcome }) => outcome === 'failed');
    expect(failed.map(({ step, result: said }) => `${step}: ${said}`)).to.deep.equal([
      'backups: the service of the backups refused the signature',
      'disks: the service of the disks refused the signature',
    ]);
    expect(failed[0]?.diagnostics[0]?.remedy).to.contain('OS_SECRET_KEY');
    expect(asked).to.have.length(1);
  });

  it('sign each attempt anew', async () => {
    const driver = await open(keys());
    clock.advance(3_600_000);
    expect((await driver.volumes()).kind).to.equal('listed');
  });

  it('come from the variables of Huawei Cloud, too, and are never mixed with those of OpenStack', async () => {
    const { access_key, secret_key } = cloud.credentials;
    const env = {
      HW_ACCESS_KEY: access_key,
      HW_SECRET_KEY: secret_key,
      HW_REGION_NAME: 'eu-de',
      HW_PROJECT_ID: P(),
      HW_AUTH_URL: cloud.authUrl,
    };
    expect((await open(env)).target.project_id).to.equal(P());
    const failure = await refusal({ ...env, HW_SECRET_KEY: '', OS_SECRET_KEY: secret_key });
    expect(failure.summary).to.contain('HW_SECRET_KEY');
  });

  it('report by how much the clock is off, and the remedy', async () => {
    const late = new FakeClock();
    late.advance(-20 * 60_000);
    const failure = await refusal(keys(), late);
    expect(failure.code).to.equal('clock-skew');
    expect(failure.summary).to.match(/the clock of this machine is (20m|19m 59s|20m 1s) behind the cloud’s/);
    expect(failure.remedy).to.contain('timedatectl');
  });

  it('are tried only once, since the service locks a key after five wrong signatures', async () => {
    const failure = await refusal(keys({ OS_SECRET_KEY: 'wrong' }));
    expect(failure.code).to.equal('not-authenticated');
    expect(failure.detail).to.contain('verify aksk signature fail');
    expect(asked).to.have.length(1);
  });

  it('wait a minute after a refusal during a run', async () => {
    const driver = await open(keys());
    await cloud.setFaults({
      rules: [
        {
          match: { route: 'volumes' },
          effect: { kind: 'status', when: 'before', status: 401, body: 'gateway' },
          times: 1,
        },
      ],
    });
    const before = asked.length;
    expect((await driver.volumes()).kind).to.equal('unreadable');
    expect((await driver.volumes()).kind).to.equal('unreadable');
    expect(asked.length - before).to.equal(1);
    clock.advance(60_000);
    expect((await driver.volumes()).kind).to.equal('listed');
  });

  it('name the missing setting if the owner may not look it up', async () => {
    expect((await refusal(keys({ OS_REGION_NAME: 'eu-nl' }))).code).to.equal('project-not-found');
    const failure = await refusal(keys({ OS_PROJECT_ID: 'f'.repeat(32) }));
    expect(failure.code).to.equal('catalog-not-shown');
    expect(failure.remedy).to.contain('OS_VBS_ENDPOINT_OVERRIDE');
  });
});
