import { expect } from 'chai';
import { Lab } from '../simulation/lab.ts';

describe('looking at what a plan needs', () => {
  /** Requests of one plan for `wanted` disks of a project that lists `pageSize` of them a page. */
  async function requests(project: number, pageSize: number, wanted: number) {
    const lab = new Lab({ volumes: project });
    lab.world.settings.list_limit_max = pageSize;
    const specs = Array.from({ length: wanted }, (_, n) => lab.spec(n));
    const plan = await lab.plan(specs);
    expect(plan.actions.map(({ kind }) => kind)).to.deep.equal(specs.map(() => 'restore'));
    const count = (line: string) => lab.network.log.filter((seen) => seen === line).length;
    return { lists: count('GET volumes'), gets: count('GET volume') };
  }

  for (const [what, project, pageSize, wanted, lists, gets] of [
    ['a few are read one by one', 50, 100, 4, 0, 4],
    ['more than a few by one page that holds them all', 50, 100, 5, 1, 0],
    ['many by as many pages as there are', 60, 20, 60, 3, 0],
    ['not by the pages of a project that is much larger', 100, 5, 8, 2, 7],
  ] as const)
    it(what, async () => expect(await requests(project, pageSize, wanted)).to.deep.equal({ lists, gets }));
});
