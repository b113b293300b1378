import { expect } from 'chai';
import { readCloud } from '../../src/app/read-cloud.ts';
import type { Driver } from '../../src/drivers/driver.ts';
import { ProgramHarness } from '../simulation/program-harness.ts';

describe('the reads that a plan needs', () => {
  /** Requests of one plan for `wanted` disks of a project that lists `pageSize` of them a page. */
  async function requests(project: number, pageSize: number, wanted: number) {
    const harness = new ProgramHarness({ volumes: project });
    harness.world.settings.list_limit_max = pageSize;
    const specs = Array.from({ length: wanted }, (_, n) => harness.spec(n));
    const plan = await harness.plan(specs);
    expect(plan.actions.map(({ kind }) => kind)).to.deep.equal(specs.map(() => 'restore'));
    const count = (line: string) => harness.network.log.filter((seen) => seen === line).length;
    return { lists: count('GET volumes'), gets: count('GET volume') };
  }

  for (const [what, project, pageSize, wanted, lists, gets] of [
    ['a few are read one by one', 50, 100, 4, 0, 4],
    ['more than a few by one page that holds them all', 50, 100, 5, 1, 0],
    ['many by as many pages as there are', 60, 20, 60, 3, 0],
    ['not by the pages of a project that is much larger', 100, 5, 8, 2, 7],
  ] as const)
    it(what, async () => expect(await requests(project, pageSize, wanted)).to.deep.equal({ lists, gets }));

  /** The cloud, with other answers about disks. */
  function withLists(cloud: Driver, more: Partial<Driver>): Driver {
    const { api, traits } = cloud;
    const volume: Driver['volume'] = (id) => cloud.volume(id);
    const backups: Driver['backups'] = (signal, options) => cloud.backups(signal, options);
    return { api, traits, volume, backups, ...more } as Driver;
  }

  /** Requests for `count` disks and backups that do not exist, and what is said of them. */
  async function unknown(count: number) {
    const harness = new ProgramHarness({ volumes: 10 });
    const ids = Array.from(
      { length: count },
      (_, n) => `${String(n).padStart(8, '0')}-0000-4000-8000-000000000000`,
    );
    const needs = {
      volume_ids: new Set(ids),
      backup_ids: new Set(ids),
      all_volumes: false,
      all_backups: false,
    };
    const seen = await harness.clock.until(readCloud(await harness.clock.until(harness.connect()), needs));
    const kinds = new Set(ids.flatMap((id) => [seen.volumes.get(id)?.kind, seen.backups.get(id)?.kind]));
    return { requests: harness.network.log.length, kinds: [...kinds] };
  }

  it('trust a complete list about missing resources after some single reads', async () => {
    const few = await unknown(1_000);
    const many = await unknown(20_000);
    expect(few.kinds).to.deep.equal(['gone']);
    expect(many.kinds).to.deep.equal(['gone']);
    expect(few.requests).to.be.at.most(70);
    expect(many.requests).to.equal(few.requests);
  });

  it('read each existing resource that the list hides', async () => {
    const harness = new ProgramHarness({ volumes: 200 });
    const all = await harness.clock.until(harness.connect());
    const listed = await harness.clock.until(all.volumes());
    const ids = listed.kind === 'listed' ? listed.values.map(({ id }) => id) : [];
    expect(ids).to.have.length(200);
    const hiding: Driver = withLists(all, {
      volumes: async () => ({ kind: 'listed', values: [], pages: 1, complete: true }),
    });
    const none = { backup_ids: new Set<string>(), all_volumes: false, all_backups: false };
    const seen = await harness.clock.until(readCloud(hiding, { ...none, volume_ids: new Set(ids) }));
    expect([...seen.volumes.values()].every(({ kind }) => kind === 'found')).to.equal(true);
  });

  it('do not call a resource gone if the list could not be read', async () => {
    const harness = new ProgramHarness({ volumes: 10 });
    const cloud = await harness.clock.until(harness.connect());
    const failure = { cause: 'status', message: 'forbidden', status: 403 } as const;
    const blind: Driver = withLists(cloud, {
      volumes: async () => ({ kind: 'unreadable', failure, retryable: false }),
      volume: async () => ({ kind: 'gone', failure }),
    });
    const ids = new Set(Array.from({ length: 100 }, (_, n) => `v${n}`));
    const none = { backup_ids: new Set<string>(), all_volumes: false, all_backups: false };
    const seen = await harness.clock.until(readCloud(blind, { ...none, volume_ids: ids }));
    const kinds = [...seen.volumes.values()].map(({ kind }) => kind);
    expect(kinds.filter((kind) => kind === 'gone').length).to.be.within(20, 30);
    expect(kinds.filter((kind) => kind === 'unreadable').length).to.be.within(70, 80);
  });
});
