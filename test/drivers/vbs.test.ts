import { expect } from 'chai';
import { momentOf } from '../../src/domain/clock.ts';
import { DEFAULT_CONFIG } from '../../src/domain/config.ts';
import type { Driver, Permit } from '../../src/drivers/driver.ts';
import { createAxiosHttp } from '../../src/drivers/http/axios-http.ts';
import type { Http } from '../../src/drivers/http/exchange.ts';
import { connectDriver } from './connect-driver.ts';
import { driverContract } from './driver-contract.ts';
import { FakeClock } from './fake-clock.ts';
import { PROJECT, type ReceivedRequest, type Reply, TinyCloud } from './tiny-cloud.ts';

const clouds: TinyCloud[] = [];

const HTTP = { ...DEFAULT_CONFIG.http, request_timeout_ms: 2_000 };

async function serve(
  prepare: (cloud: TinyCloud) => void = () => {},
  makeNetwork?: (clock: FakeClock) => Http,
) {
  const cloud = await new TinyCloud().start();
  clouds.push(cloud);
  cloud.add('volume-1', 'backup-1');
  prepare(cloud);
  const clock = new FakeClock();
  const driver = await connectDriver({
    env: cloud.env,
    cwd: '/nowhere',
    home: '/nowhere',
    http: HTTP,
    retry: DEFAULT_CONFIG.retry,
    requestsPerSecond: 1_000,
    clock,
    random: () => 1,
    version: '0.0.0',
    ...(makeNetwork ? { network: makeNetwork(clock) } : {}),
  });
  return { cloud, clock, driver };
}

/** Replies to what matches, first to first, and lets the cloud answer the rest. */
function script(path: string, replies: Reply[]): (request: ReceivedRequest) => Reply | undefined {
  return (request) => (request.path.includes(path) ? replies.shift() : undefined);
}

async function reserve(driver: Driver): Promise<Permit> {
  const reservation = await driver.reserve();
  if (reservation.kind !== 'permit') throw new Error(reservation.failure.message);
  return reservation;
}

const restore = {
  volume_id: 'volume-1',
  backup_id: 'backup-1',
  fresh_until: { monotonic: Number.MAX_SAFE_INTEGER, wall: Number.MAX_SAFE_INTEGER },
};

describe('the VBS driver', () => {
  afterEach(async () => {
    for (const cloud of clouds.splice(0)) await cloud.close();
  });

  driverContract('vbs', async () => {
    const { cloud, driver } = await serve();
    return {
      driver,
      requests: () => cloud.received.length,
      hasServers: false,
      volumeId: 'volume-1',
      backupId: 'backup-1',
      finish: () => cloud.finish(),
      close: async () => {},
    };
  });

  it('uses the paths of the API reference', async () => {
    const { cloud, driver } = await serve();
    await driver.start(await reserve(driver), restore);
    await driver.job('job-1');
    await driver.volume('volume-1');
    await driver.backup('backup-1');
    await driver.volumes();
    await driver.backups();
    expect(cloud.received.slice(1).map(({ method, path }) => `${method} ${path}`)).to.deep.equal([
      `POST /v2/${PROJECT}/cloudbackups/backup-1/restore`,
      `GET /v1/${PROJECT}/jobs/job-1`,
      `GET /v2/${PROJECT}/volumes/volume-1`,
      `GET /v2/${PROJECT}/backups/backup-1`,
      `GET /v2/${PROJECT}/volumes/detail?limit=1000`,
      `GET /v2/${PROJECT}/backups/detail?limit=1000`,
    ]);
    expect(cloud.received[1]?.body).to.equal('{"restore":{"volume_id":"volume-1"}}');
  });

  it('escapes an id in a path', async () => {
    const { cloud, driver } = await serve();
    await driver.backup('../volumes/volume-1?x=');
    expect(cloud.received.at(-1)?.path).to.equal(`/v2/${PROJECT}/backups/..%2Fvolumes%2Fvolume-1%3Fx%3D`);
  });

  describe('POST', () => {
    for (const status of [408, 500, 502, 503, 504, 302])
      it(`is sent once if the answer is ${status}`, async () => {
        const { cloud, driver } = await serve();
        cloud.replace = script('/restore', [{ status }]);
        const outcome = await driver.start(await reserve(driver), restore);
        expect(outcome.kind).to.equal('ambiguous');
        expect(cloud.count('/restore')).to.equal(1);
      });

    it('is sent once if it is throttled, and returns how long to wait', async () => {
      const { cloud, driver, clock } = await serve();
      const body = { error_code: 'APIGW.0308', error_msg: 'throttled' };
      cloud.replace = script('/restore', [{ status: 429, body, headers: { 'retry-after': '9' } }]);
      const outcome = await driver.start(await reserve(driver), restore);
      expect(outcome).to.have.nested.property('failure.retry_after_ms', 9_000);
      expect(cloud.count('/restore')).to.equal(1);
      expect(clock.slept).to.deep.equal([]);
    });

    it('is sent once if the token is refused, and the next one has a new token', async () => {
      const { cloud, driver } = await serve();
      const permit = await reserve(driver);
      cloud.tokens.clear();
      const outcome = await driver.start(permit, restore);
      expect(outcome).to.include({ kind: 'rejected', again: 'reauthenticate' });
      expect(cloud.count('/restore')).to.equal(1);
      expect((await driver.start(await reserve(driver), restore)).kind).to.equal('accepted');
      expect(cloud.count('/auth/tokens')).to.equal(2);
    });

    it('does not leave if the intent is stale by a millisecond', async () => {
      const { driver, clock } = await serve();
      const stale = { ...restore, fresh_until: momentOf(clock, -1) };
      const outcome = await driver.start(await reserve(driver), stale);
      expect(outcome).to.have.nested.property('failure.code', 'NOT_SENT');
      expect(driver.requests()).to.equal(1);
      const fresh = { ...restore, fresh_until: momentOf(clock) };
      expect((await driver.start(await reserve(driver), fresh)).kind).to.equal('accepted');
    });

    it('does not leave if the machine slept, which the monotonic clock does not show', async () => {
      const { cloud, driver, clock } = await serve();
      const intent = { ...restore, fresh_until: momentOf(clock, 5_000) };
      clock.suspend(60_000);
      expect((await driver.start(await reserve(driver), intent)).kind).to.equal('not_sent');
      expect(cloud.count('/restore')).to.equal(0);
    });

    it('does not leave if the intent became stale during the connection', async () => {
      // A connection that takes six seconds, told by the fake clock.
      const slow = (clock: FakeClock): Http => {
        const network = createAxiosHttp({ ...HTTP, version: '0.0.0' });
        return {
          send: (request) => {
            clock.advance(6_000);
            return network.send(request);
          },
        };
      };
      const { cloud, driver, clock } = await serve(undefined, slow);
      const intent = { ...restore, fresh_until: momentOf(clock, 5_000) };
      expect((await driver.start(await reserve(driver), intent)).kind).to.equal('not_sent');
      expect(cloud.count('/restore')).to.equal(0);
    });

    for (const [frozenMs, expected] of [
      [4_000, []],
      [6_000, [6_000]],
    ] as const)
      it(`${expected.length > 0 ? 'tells' : 'says nothing'} when it was written ${frozenMs} ms after the question, fresh for 5 s`, async () => {
        const frozen = (clock: FakeClock): Http => {
          const network = createAxiosHttp({ ...HTTP, version: '0.0.0' });
          return {
            send: (request) =>
              network.send(
                request.method !== 'POST' || !request.maySend
                  ? request
                  : {
                      ...request,
                      maySend: () => {
                        const may = request.maySend?.() ?? true;
                        clock.advance(frozenMs);
                        return may;
                      },
                    },
              ),
          };
        };
        const { cloud, driver, clock } = await serve(undefined, frozen);
        const late: number[] = [];
        const outcome = await driver.start(await reserve(driver), {
          ...restore,
          fresh_until: momentOf(clock, 5_000),
          onWrittenLate: (late_ms) => late.push(late_ms),
        });
        expect(outcome.kind).to.equal('accepted');
        expect(cloud.count('/restore')).to.equal(1);
        expect(late).to.deep.equal(expected);
      });

    it('is reported as late, too, if another condition changed', async () => {
      const { driver } = await serve();
      const late: number[] = [];
      const answers = [true, false];
      await driver.start(await reserve(driver), {
        ...restore,
        maySend: () => answers.shift() ?? false,
        onWrittenLate: (late_ms) => late.push(late_ms),
      });
      expect(late).to.deep.equal([0]);
    });

    it('never shows the token that a server echoes', async () => {
      const { cloud, driver } = await serve();
      cloud.replace = ({ path, token = '' }) =>
        path.includes('/restore') ? { status: 400, body: `you sent ${token}` } : undefined;
      const outcome = await driver.start(await reserve(driver), restore);
      expect(outcome).to.have.nested.property('failure.message', 'you sent ***');
    });

    it('gets its token in advance, so that it does not wait', async () => {
      const { cloud, driver, clock } = await serve();
      clock.advance(3_600_000);
      const permit = await reserve(driver);
      expect(cloud.count('/auth/tokens')).to.equal(2);
      await driver.start(permit, restore);
      expect(cloud.received.at(-1)?.token).to.equal('token-of-tiny-cloud-2');
    });

    it('gets no reservation without a token', async () => {
      const { cloud, driver, clock } = await serve();
      clock.advance(3_600_000);
      cloud.replace = ({ path }) => (path.includes('/auth/tokens') ? { status: 503 } : undefined);
      const reservation = await driver.reserve();
      expect(reservation).to.include({ kind: 'unavailable', retryable: true });
      expect(cloud.count('/restore')).to.equal(0);
    });
  });

  describe('reads', () => {
    it('are repeated on the given clock while the error may be temporary', async () => {
      const { cloud, driver, clock } = await serve();
      cloud.replace = script('/volumes/', [
        { status: 502 },
        { status: 429, headers: { 'retry-after': '3' } },
      ]);
      expect((await driver.volume('volume-1')).kind).to.equal('found');
      expect(clock.slept).to.deep.equal([1_000, 3_000]);
      expect(cloud.count('/volumes/')).to.equal(3);
    });

    it('return unreadable for a permanent error', async () => {
      const { cloud, driver } = await serve();
      cloud.replace = ({ path }) => (path.includes('/volumes/') ? { status: 503 } : undefined);
      const reading = await driver.volume('volume-1');
      expect(reading).to.include({ kind: 'unreadable', retryable: true });
      expect(reading).to.have.nested.property('failure.status', 503);
      expect(cloud.count('/volumes/')).to.equal(4);
    });

    it('return at once if a repeat would change nothing', async () => {
      const { cloud, driver } = await serve();
      cloud.replace = ({ path }) => (path.includes('/volumes/') ? { status: 403 } : undefined);
      expect(await driver.volume('volume-1')).to.include({ kind: 'unreadable', retryable: false });
      expect(cloud.count('/volumes/')).to.equal(1);
    });

    it('return the time of the cloud', async () => {
      const { cloud, driver } = await serve();
      cloud.replace = ({ path }) =>
        path.includes('/volumes/')
          ? {
              status: 200,
              body: { volume: cloud.volumes.get('volume-1') },
              headers: { date: 'Mon, 23 Nov 2026 12:00:00 GMT' },
            }
          : undefined;
      expect(await driver.volume('volume-1')).to.include({ cloud_time_ms: Date.UTC(2026, 10, 23, 12) });
    });

    const bad: [string, Reply, string][] = [
      ['HTML with 200', { status: 200, body: '<html><title>Login</title></html>' }, 'unreadable'],
      [
        'a 200 with an error in it',
        { status: 200, body: { error: { code: 'X', message: 'm' } } },
        'unreadable',
      ],
      [
        'another disk than asked for',
        { status: 200, body: { volume: { id: 'other', status: 'available', size: 1 } } },
        'unreadable',
      ],
      [
        'a status of the wrong type',
        { status: 200, body: { volume: { id: 'volume-1', status: 1, size: 1 } } },
        'unreadable',
      ],
      ['a redirect', { status: 302, headers: { location: 'http://127.0.0.1:1/' } }, 'unreadable'],
      [
        'a page of the gateway with 404',
        { status: 404, body: '<html><title>404</title></html>' },
        'unreadable',
      ],
      [
        '"no such API" of the gateway',
        { status: 404, body: { error_code: 'APIGW.0101', error_msg: 'no API' } },
        'unreadable',
      ],
      ['404 of the service', { status: 404, body: { itemNotFound: { code: 404, message: 'none' } } }, 'gone'],
      ['404 without a body', { status: 404, body: '' }, 'gone'],
    ];
    for (const [name, reply, expected] of bad)
      it(`return ${expected} for ${name}`, async () => {
        const { cloud, driver } = await serve();
        cloud.replace = script('/volumes/', [reply]);
        const reading = await driver.volume('volume-1');
        expect(reading.kind).to.equal(expected);
        if (reading.kind === 'unreadable') expect(reading.retryable).to.equal(false);
        expect(cloud.count('/volumes/')).to.equal(1);
      });

    it('return gone for a missing job', async () => {
      const { driver } = await serve();
      expect((await driver.job('none')).kind).to.equal('gone');
    });
  });

  describe('tokens', () => {
    it('are renewed once after a 401 for all callers', async () => {
      const { cloud, driver } = await serve();
      cloud.tokens.clear();
      const readings = await Promise.all(Array.from({ length: 8 }, () => driver.volume('volume-1')));
      expect(readings.every(({ kind }) => kind === 'found')).to.equal(true);
      expect(cloud.count('/auth/tokens')).to.equal(2);
    });

    it('end the read if they are refused after one renewal', async () => {
      const { cloud, driver } = await serve();
      cloud.replace = ({ path }) => (path.includes('/volumes/') ? { status: 401 } : undefined);
      expect(await driver.volume('volume-1')).to.include({ kind: 'unreadable', retryable: false });
      expect(cloud.count('/volumes/')).to.equal(2);
      expect(cloud.count('/auth/tokens')).to.equal(2);
    });

    it('are renewed shortly before they expire, once for all callers', async () => {
      const { cloud, driver, clock } = await serve();
      clock.advance(3_600_000 - 60_001);
      await driver.volume('volume-1');
      expect(cloud.count('/auth/tokens')).to.equal(1);
      clock.advance(1);
      await Promise.all(Array.from({ length: 8 }, () => driver.volume('volume-1')));
      expect(cloud.count('/auth/tokens')).to.equal(2);
    });

    it('are not renewed with each request if they are short-lived', async () => {
      const { cloud, driver } = await serve((made) => {
        made.tokenLifetimeMs = 15_000;
      });
      await driver.volume('volume-1');
      await driver.volume('volume-1');
      expect(cloud.count('/auth/tokens')).to.equal(1);
    });

    it('are used until they expire while Keystone is down', async () => {
      const { cloud, driver, clock } = await serve();
      clock.advance(3_600_000 - 50_000);
      cloud.replace = ({ path }) => (path.includes('/auth/tokens') ? { status: 503 } : undefined);
      expect((await driver.volume('volume-1')).kind).to.equal('found');
    });

    it('are not requested again after a final refusal, which could lock the account', async () => {
      const { cloud, driver, clock } = await serve();
      clock.advance(3_600_000);
      cloud.replace = ({ path }) => (path.includes('/auth/tokens') ? { status: 401 } : undefined);
      for (let i = 0; i < 3; i++)
        expect(await driver.volume('volume-1')).to.include({ kind: 'unreadable', retryable: false });
      expect(cloud.count('/auth/tokens')).to.equal(2);
    });
  });

  describe('lists', () => {
    const many = (cloud: TinyCloud) => {
      for (let i = 2; i <= 2_500; i++) cloud.add(`volume-${i}`, `backup-${i}`);
    };

    it('continue to the short page, by marker for disks and by offset for backups', async () => {
      const { cloud, driver } = await serve(many);
      const volumes = await driver.volumes();
      const backups = await driver.backups();
      expect(volumes.kind === 'listed' && volumes.values.length).to.equal(2_500);
      expect(backups.kind === 'listed' && backups.values.length).to.equal(2_500);
      expect(cloud.received.slice(1).map(({ path }) => path.split('?')[1])).to.deep.equal([
        'limit=1000',
        'limit=1000&marker=volume-1000',
        'limit=1000&marker=volume-2000',
        'limit=1000',
        'limit=1000&offset=1000',
        'limit=1000&offset=2000',
      ]);
    });

    it('follow the next link, but never to another host', async () => {
      const { cloud, driver } = await serve();
      const other = await new TinyCloud().start();
      clouds.push(other);
      const volume = (id: string) => ({ ...cloud.volumes.get('volume-1'), id });
      const links = [
        { rel: 'self', href: 'x' },
        { rel: 'next', href: `${other.url}/evil?marker=a&limit=2` },
      ];
      cloud.replace = script('/volumes/detail', [
        { status: 200, body: { volumes: [volume('a')], volumes_links: links } },
        { status: 200, body: { volumes: [volume('b')] } },
      ]);
      const volumes = await driver.volumes();
      expect(volumes.kind === 'listed' && volumes.values.map(({ id }) => id)).to.deep.equal(['a', 'b']);
      expect(cloud.received.at(-1)?.path).to.equal(`/v2/${PROJECT}/volumes/detail?marker=a&limit=2`);
      expect(other.received).to.deep.equal([]);
    });

    it('count an entry on two pages once', async () => {
      const { cloud, driver } = await serve();
      const backup = cloud.backups.get('backup-1');
      const next = [{ rel: 'next', href: '?offset=1' }];
      cloud.replace = script('/backups/detail', [
        { status: 200, body: { backups: [backup], backups_links: next } },
        { status: 200, body: { backups: [backup] } },
      ]);
      const backups = await driver.backups();
      expect(backups.kind === 'listed' && backups.values.length).to.equal(1);
    });

    it('name an entry that cannot be read', async () => {
      const { cloud, driver } = await serve();
      const body = {
        volumes: [cloud.volumes.get('volume-1'), { id: 'x', status: 'available', size: 'big' }],
      };
      cloud.replace = script('/volumes/detail', [{ status: 200, body }]);
      const volumes = await driver.volumes();
      expect(volumes)
        .to.have.nested.property('failure.message')
        .that.contains('volumes[1] (id x): size is not a number from 0');
    });
  });
});
