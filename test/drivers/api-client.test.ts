import { expect } from 'chai';
import { DEFAULT_CONFIG } from '../../src/domain/config.ts';
import { Secrets } from '../../src/domain/secrets.ts';
import type { Driver, Listing } from '../../src/drivers/driver.ts';
import { connectDriver } from './connect-driver.ts';
import { FakeClock } from './fake-clock.ts';
import { type ReceivedRequest, type Reply, TinyCloud } from './tiny-cloud.ts';

describe('reads of an endless list', () => {
  let cloud: TinyCloud;
  beforeEach(async () => {
    cloud = await new TinyCloud().start();
    cloud.add('volume-1', 'backup-1');
  });
  afterEach(() => cloud.close());

  const LIMITS = { max_list_pages: 5, max_list_bytes: 1_000_000, max_run_bytes: 5_000_000 };

  function open(
    limits: Partial<typeof LIMITS> = {},
    more: Partial<Parameters<typeof connectDriver>[0]> = {},
  ): Promise<Driver> {
    return connectDriver({
      env: cloud.env,
      cwd: '/nowhere',
      home: '/nowhere',
      http: { ...DEFAULT_CONFIG.http, ...LIMITS, ...limits },
      retry: DEFAULT_CONFIG.retry,
      requestsPerSecond: 10_000,
      clock: new FakeClock(),
      random: () => 0,
      version: '0.0.0',
      ...more,
    });
  }

  /** Answers each page of the disks; `n` counts from 1. */
  function pages(answer: (n: number, request: ReceivedRequest) => Reply): void {
    let n = 0;
    cloud.replace = (request) =>
      request.path.includes('/volumes/detail') ? answer(++n, request) : undefined;
  }

  const volume = (id: string, more: object = {}) => ({ ...cloud.volumes.get('volume-1'), id, ...more });
  const next = (query: string) => [{ rel: 'next', href: `?${query}` }];
  const messageOf = (listing: Listing<unknown>) =>
    listing.kind === 'unreadable' && !listing.retryable ? listing.failure.message : listing.kind;

  it('end after as many pages as the limit', async () => {
    pages((n) => ({
      status: 200,
      body: { volumes: [volume(`v${n}`)], volumes_links: next(`marker=v${n}`) },
    }));
    expect(messageOf(await (await open()).volumes())).to.contain('5 pages (http.max_list_pages)');
    expect(cloud.count('/volumes/detail')).to.equal(5);
  });

  it('go on after a short page without a link if the count says that there are more', async () => {
    const all = Array.from({ length: 120 }, (_, i) => volume(`v${String(i).padStart(3, '0')}`));
    pages((_, { path }) => {
      const marker = /marker=(v\d+)/.exec(path)?.[1];
      const from = marker === undefined ? 0 : all.findIndex(({ id }) => id === marker) + 1;
      return { status: 200, body: { volumes: all.slice(from, from + 50), count: 120 } };
    });
    const listing = await (await open()).volumes();
    expect(listing.kind === 'listed' && [listing.values.length, listing.complete]).to.deep.equal([120, true]);
    expect(cloud.count('/volumes/detail')).to.equal(3);
  });

  for (const [name, odd, why] of [
    ['no size', { size: null }, 'size is missing'],
    ['a size that is a text', { size: '10' }, 'size is not a number from 0'],
    ['a name that is a number', { name: 5 }, 'name is not a text of at most 10000 characters'],
    ['no status', { status: null }, 'status is missing'],
    ['a time in other words', { updated_at: 'yesterday' }, 'updated_at is not a time'],
  ] as const)
    it(`leave out an entry with ${name} if the caller says so, and read the pages after it`, async () => {
      const [first = '', last = ''] = ['a-1', 'a-2'];
      pages((_, { path }) =>
        path.includes(`marker=${last}`)
          ? { status: 200, body: { volumes: [volume('b-1')] } }
          : { status: 200, body: { volumes: [volume(first), volume(last, odd)], count: 3 } },
      );
      const driver = await open();
      expect(messageOf(await driver.volumes())).to.contain(`volumes[1] (id ${last}): ${why}`);
      const leftOut: unknown[] = [];
      const listing = await driver.volumes(undefined, { onUnreadable: (entry) => leftOut.push(entry) });
      expect(listing.kind === 'listed' && listing.values.map(({ id }) => id)).to.deep.equal([first, 'b-1']);
      expect(leftOut).to.have.length(1);
      expect(leftOut[0]).to.include({ id: last, why });
    });

  it('are of another API if no entry can be read', async () => {
    pages(() => ({ status: 200, body: { volumes: [{ uuid: 1 }, { uuid: 2 }] } }));
    const listing = await (await open()).volumes(undefined, { onUnreadable: () => {} });
    expect(messageOf(listing)).to.contain('id is missing');
  });

  it('end after as many bytes of one list as the limit', async () => {
    pages((n) => ({
      status: 200,
      body: { volumes: [volume(`v${n}`)], volumes_links: next(`marker=v${n}`), more: 'x'.repeat(400_000) },
    }));
    expect(messageOf(await (await open()).volumes())).to.contain('1000000 bytes (http.max_list_bytes)');
    expect(cloud.count('/volumes/detail')).to.equal(3);
  });

  it('end after as many bytes of one run as the limit, reads of one thing too', async () => {
    pages(() => ({ status: 200, body: { volumes: [], more: 'x'.repeat(700_000) } }));
    const driver = await open({ max_run_bytes: 2_000_000 });
    for (let n = 0; n < 3; n++) expect((await driver.volumes()).kind).to.equal('listed');
    expect(messageOf(await driver.volumes())).to.contain('2000000 bytes in this run (http.max_run_bytes)');
    expect(cloud.count('/volumes/detail')).to.equal(3);
    expect(await driver.volume('volume-1')).to.include({ kind: 'unreadable', retryable: false });
    expect(cloud.count('/volumes/volume-1')).to.equal(0);
  });

  it('are stopped within a page of more entries than were asked for', async () => {
    const stop = new AbortController();
    let seen = 0;
    const secrets = new (class extends Secrets {
      override maskName(text: string): string {
        if (++seen === 1_500) stop.abort(new Error('stopped'));
        return text;
      }
    })();
    pages(() => ({
      status: 200,
      body: {
        volumes: Array.from({ length: 3_000 }, (_, n) => ({
          id: `v${n}`,
          name: 'x',
          size: 1,
          status: 'available',
        })),
      },
    }));
    const driver = await open({}, { secrets, stop: stop.signal });
    seen = 0;
    const outcome = await driver.volumes().catch((reason: Error) => reason.message);
    expect(outcome).to.equal('stopped');
  });

  it('end when a page asks for one that was read', async () => {
    pages((n) => ({
      status: 200,
      body: { volumes: [volume(`v${n}`)], volumes_links: next(`marker=${n % 2}`) },
    }));
    expect(messageOf(await (await open()).volumes())).to.contain('link back to an earlier page');
    expect(cloud.count('/volumes/detail')).to.equal(3);
  });

  const thousand = Array.from({ length: 1_000 }, (_, n) => `v${n}`);

  it('end with the second page of a server that does not know markers', async () => {
    const body = { volumes: thousand.map((id) => volume(id)) };
    pages(() => ({ status: 200, body }));
    expect(messageOf(await (await open()).volumes())).to.contain('page 2 of the list of volumes repeats');
    expect(cloud.count('/volumes/detail')).to.equal(2);
  });

  it('are whole with the first page of a server that knows neither limit nor marker', async () => {
    const body = { volumes: [...thousand, 'one-more'].map((id) => volume(id)) };
    pages(() => ({ status: 200, body }));
    const listing = await (await open()).volumes();
    expect(listing.kind === 'listed' && [listing.complete, listing.values.length]).to.deep.equal([
      true,
      1_001,
    ]);
  });

  it('are whole when what moved fills all of a last short page', async () => {
    pages((n) => ({
      status: 200,
      body: { volumes: (n === 1 ? thousand : ['v0', 'v1']).map((id) => volume(id)) },
    }));
    const listing = await (await open()).volumes();
    expect(listing.kind === 'listed' && listing.complete).to.equal(true);
  });

  it('do not keep texts that are too long', async () => {
    pages(() => ({ status: 200, body: { volumes: [volume('v', { name: 'x'.repeat(10_001) })] } }));
    expect(messageOf(await (await open()).volumes())).to.contain(
      'name is not a text of at most 10000 characters',
    );
  });

  it('of one thing are at most a mebibyte, and so is the answer to a restore', async () => {
    const driver = await open();
    cloud.replace = ({ path }) =>
      path.includes('/volumes/volume-1') || path.includes('/restore')
        ? { status: 200, body: { job_id: 'j', volume: volume('volume-1'), more: 'x'.repeat(1024 * 1024) } }
        : undefined;
    const reading = await driver.volume('volume-1');
    expect(reading.kind === 'unreadable' && reading.failure.message).to.contain('larger than 1048576 bytes');
    const permit = await driver.reserve();
    const outcome =
      permit.kind === 'permit' &&
      (await driver.start(permit, {
        volume_id: 'volume-1',
        backup_id: 'backup-1',
        fresh_until: { monotonic: Number.MAX_SAFE_INTEGER, wall: Number.MAX_SAFE_INTEGER },
      }));
    expect(outcome).to.have.property('kind', 'ambiguous');
  });

  for (const [what, reply, said] of [
    [
      'are compressed',
      { status: 200, body: 'x', headers: { 'Content-Encoding': 'gzip' } },
      'compressed (gzip)',
    ],
    [
      'fail, compressed',
      { status: 403, body: 'x', headers: { 'Content-Encoding': 'br' } },
      'compressed (br)',
    ],
    ['nest', { status: 200, body: `{"volumes": ${'['.repeat(100_000)}` }, 'nested more than 64 levels deep'],
  ] as const)
    it(`report it if they ${what}`, async () => {
      pages(() => reply);
      expect(messageOf(await (await open()).volumes())).to.contain(said);
    });

  it('report a Keystone that compresses', async () => {
    cloud.replace = () => ({
      status: 201,
      body: 'x',
      headers: { 'X-Subject-Token': 't', 'Content-Encoding': 'gzip' },
    });
    const failure = await open().catch((error) => error);
    expect(JSON.stringify(failure.diagnostics)).to.contain('compressed (gzip)');
  });

  it('accept headers of up to 64 KiB, such as large tokens', async () => {
    const token = 'x'.repeat(50_000);
    cloud.tokens.add(token);
    cloud.replace = ({ path }) =>
      path.includes('/volumes/detail')
        ? { status: 200, body: { volumes: [] }, headers: { 'X-Large': token } }
        : undefined;
    const driver = await open();
    expect((await driver.volumes()).kind).to.equal('listed');
    cloud.replace = () => ({ status: 200, headers: { 'X-Large': 'x'.repeat(70_000) } });
    const listing = await driver.volumes();
    expect(listing.kind === 'unreadable' && listing.failure.message).to.contain(
      'headers of the answer are too large',
    );
  });
});
