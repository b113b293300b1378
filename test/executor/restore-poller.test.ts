import { expect } from 'chai';
import { DEFAULT_CONFIG } from '../../src/domain/config.ts';
import type { Exchange } from '../../src/drivers/http/exchange.ts';
import { type HarnessOptions, ProgramHarness } from '../simulation/program-harness.ts';

const TEN_MINUTES = 600_000;
const AT_ONCE = 12;

function harness(options: HarnessOptions = {}): ProgramHarness {
  return new ProgramHarness({
    volumes: AT_ONCE,
    jobDurationMs: TEN_MINUTES,
    settings: { apply: { ...DEFAULT_CONFIG.apply, parallelism: AT_ONCE } },
    ...options,
  });
}

function specs(of: ProgramHarness, count = AT_ONCE) {
  return Array.from({ length: count }, (_, n) => of.spec(n));
}

/** Answers the lists of disks being restored in place of the cloud. */
function lists(of: ProgramHarness, answer: () => Exchange | undefined): { asked: number } {
  const seen = { asked: 0 };
  of.network.instead = ({ url }) => {
    if (!url.includes('status=restoring-backup')) return undefined;
    seen.asked++;
    return answer();
  };
  return seen;
}

function shows(ids: readonly string[], status = 'restoring-backup'): Exchange {
  const volumes = ids.map((id) => ({ id, status, size: 1 }));
  return { kind: 'answer', status: 200, headers: {}, text: JSON.stringify({ volumes }) };
}

/** Single reads alone cost 40 requests for each restore of ten minutes. A list that lies costs at most three times that. */
const LOOKS_AT_MOST = 3 * 40 * AT_ONCE;

const ENOUGH = { started: AT_ONCE, succeeded: AT_ONCE };

describe('the polling of running restores', () => {
  for (const api of ['vbs', 'cinder'] as const) {
    it(`uses lists on ${api} for many restores, and single reads at the start and the end`, async () => {
      const cloud = harness({ api });
      const { outcome } = await cloud.apply(specs(cloud));
      expect(outcome.summary).to.include(ENOUGH);
      const looks = cloud.network.log.filter((line) => line === 'GET job' || line === 'GET volume').length;
      // One before and one after the POST, and at the end one of the disk and, on VBS, one of the job.
      expect(looks).to.be.at.most((api === 'vbs' ? 4 : 3) * AT_ONCE);
      expect(cloud.clock.monotonic()).to.be.at.most(1.06 * TEN_MINUTES);
    });

    it(`uses single reads on ${api} for a few restores`, async () => {
      const cloud = harness({ api });
      const seen = lists(cloud, () => undefined);
      const { outcome } = await cloud.apply(specs(cloud, 4));
      expect(outcome.summary).to.include({ succeeded: 4 });
      expect(seen.asked).to.equal(0);
    });

    it(`only delays the end on ${api} if a list shows everything as restoring for ever`, async () => {
      const cloud = harness({ api });
      const all = Object.keys(cloud.world.volumes);
      lists(cloud, () => shows(all));
      const { outcome } = await cloud.apply(specs(cloud));
      expect(outcome.summary).to.include(ENOUGH);
      expect(cloud.clock.monotonic()).to.be.at.most(2.1 * TEN_MINUTES);
    });

    it(`ends no restore early on ${api} if a list shows none`, async () => {
      const cloud = harness({ api });
      lists(cloud, () => shows([]));
      const { outcome } = await cloud.apply(specs(cloud));
      expect(outcome.summary).to.include(ENOUGH);
      expect(outcome.summary.requests).to.be.at.most(LOOKS_AT_MOST);
      expect(cloud.clock.monotonic()).to.be.within(TEN_MINUTES, 1.06 * TEN_MINUTES);
      expect(cloud.audit().restores).to.have.length(AT_ONCE);
    });

    it(`neither ends nor loses a restore on ${api} if lists lag behind`, async () => {
      const cloud = harness({ api });
      const all = Object.keys(cloud.world.volumes);
      const seen = lists(cloud, () =>
        seen.asked % 3 === 0 ? undefined : shows(seen.asked % 3 === 1 ? [] : all),
      );
      const { outcome } = await cloud.apply(specs(cloud));
      expect(outcome.summary).to.include(ENOUGH);
      expect(outcome.summary.requests).to.be.at.most(LOOKS_AT_MOST);
      expect(cloud.audit().restores).to.have.length(AT_ONCE);
    });

    it(`works on ${api} if the service does not filter by status`, async () => {
      const cloud = harness({ api });
      lists(cloud, () => {
        cloud.audit();
        const volumes = Object.values(cloud.world.volumes).map(({ id, status }) => ({ id, status, size: 1 }));
        return { kind: 'answer', status: 200, headers: {}, text: JSON.stringify({ volumes }) };
      });
      const { outcome } = await cloud.apply(specs(cloud));
      expect(outcome.summary).to.include(ENOUGH);
      expect(cloud.clock.monotonic()).to.be.at.most(1.06 * TEN_MINUTES);
    });
  }

  it('asks only once for lists that it may not read', async () => {
    const cloud = harness();
    const seen = lists(cloud, () => ({ kind: 'answer', status: 403, headers: {}, text: '' }));
    const { outcome } = await cloud.apply(specs(cloud));
    expect(outcome.summary).to.include(ENOUGH);
    expect(seen.asked).to.equal(1);
    expect(cloud.clock.monotonic()).to.be.at.most(1.06 * TEN_MINUTES);
  });

  it('costs no more than single reads while lists fail', async () => {
    const cloud = harness();
    lists(cloud, () =>
      cloud.clock.monotonic() < TEN_MINUTES + 60_000
        ? { kind: 'answer', status: 503, headers: {}, text: '' }
        : undefined,
    );
    const { outcome } = await cloud.apply(specs(cloud));
    expect(outcome.summary).to.include(ENOUGH);
    expect(cloud.clock.monotonic()).to.be.at.most(1.06 * TEN_MINUTES);
  });

  it('stops reading a list that has too many pages', async () => {
    const cloud = harness();
    const seen = lists(cloud, () => ({
      kind: 'answer',
      status: 200,
      headers: {},
      text: JSON.stringify({
        volumes: [{ id: `other-${seen.asked}`, status: 'available', size: 1 }],
        volumes_links: [{ rel: 'next', href: `?marker=${seen.asked}&status=restoring-backup` }],
      }),
    }));
    const { outcome } = await cloud.apply(specs(cloud));
    expect(outcome.summary).to.include(ENOUGH);
    expect(seen.asked).to.be.at.most(3);
  });

  it('reads a resumed restore once at the start and once at the end', async () => {
    const cloud = harness();
    await cloud.apply(specs(cloud), { mode: 'no_wait' });
    cloud.network.log.length = 0;
    const { outcome } = await cloud.apply(specs(cloud), { mode: 'follow' });
    expect(outcome.summary).to.include({ started: 0, succeeded: AT_ONCE });
    expect(cloud.network.log.filter((line) => line === 'GET job')).to.have.length(2 * AT_ONCE);
  });

  it('does not wake a restore repeatedly while it waits for a list', async () => {
    const cloud = harness();
    const seen = lists(cloud, () => undefined);
    let naps = 0;
    const sleep = cloud.clock.sleep.bind(cloud.clock);
    cloud.clock.sleep = (ms, signal) => {
      // A request takes two sleeps of 10 ms.
      if (ms !== 10) naps++;
      return sleep(ms, signal);
    };
    const { outcome } = await cloud.apply(specs(cloud));
    expect(outcome.summary).to.include(ENOUGH);
    expect(naps).to.be.at.most(2 * AT_ONCE * seen.asked);
  });

  it('ends at a stop while it waits for lists', async () => {
    const cloud = harness();
    const stop = new AbortController();
    cloud.clock.at(100_000, () => stop.abort(new Error('SIGINT')));
    const { outcome } = await cloud.apply(specs(cloud), { stop: stop.signal });
    expect(outcome.summary).to.include({ started: AT_ONCE, running: AT_ONCE });
    expect(cloud.clock.monotonic()).to.be.within(100_000, 101_000);
  });

  it('ends at the timeout while it waits for lists', async () => {
    const cloud = harness();
    const hasty = specs(cloud).map((spec) => ({ ...spec, timeout_ms: 100_000 }));
    const { outcome } = await cloud.apply(hasty);
    expect(outcome.summary).to.include({ started: AT_ONCE, running: AT_ONCE });
    expect(cloud.clock.monotonic()).to.be.within(100_000, 105_000);
  });
});

describe('the lag of a cloud that shows accepted restores late', () => {
  for (const count of [2, AT_ONCE])
    it(`is measured over ${count} restores at once, and nothing is repeated before three times the lag`, async () => {
      const queueMs = 70_000;
      const cloud = harness({ queueMs, volumes: AT_ONCE + 1 });
      const lost = cloud.spec(count, { depends_on: ['set/disk-0'] });
      cloud.world.faults.rules = [];
      let cut = false;
      cloud.network.instead = ({ method, url }) => {
        if (cut || method !== 'POST' || lost.backup.by !== 'id' || !url.includes(lost.backup.id))
          return undefined;
        cut = true;
        return { kind: 'broken', message: 'connection reset', code: 'ECONNRESET', timeout: false };
      };
      const { outcome } = await cloud.apply([...specs(cloud, count), lost]);
      expect(outcome.summary).to.include({ succeeded: count + 1 });
      const found = cloud.events.find((event) => event.type === 'not_started');
      const minutes = /did not change for (\d+)m/.exec(found?.reason ?? '')?.[1];
      expect(Number(minutes)).to.be.within(3, 4);
    });
});
