import { existsSync, readFileSync } from 'node:fs';
import { cpus } from 'node:os';
import { expect } from 'chai';
import { type Catch, hunt, inParallel } from './mutants.ts';
import { EQUIVALENT, MUTATIONS, SEEDS_TO_FIND } from './mutations.ts';

const CAUGHT = JSON.parse(readFileSync(new URL('caught.json', import.meta.url), 'utf8')) as Record<
  string,
  Catch
>;

const NOTICED = MUTATIONS.filter(({ name }) => !SEEDS_TO_FIND.includes(name));

describe('the tests of the tests', () => {
  it('have a seed for every rule that is broken on purpose', () => {
    expect(Object.keys(CAUGHT)).to.deep.equal(NOTICED.map(({ name }) => name));
  });

  it('name a test for each rule that another covers wholly', () => {
    for (const { rule, test } of EQUIVALENT) {
      const found = existsSync(test) || existsSync(`${test}.test.ts`) || existsSync(`${test}.ts`);
      expect(found, `${rule}: ${test}`).to.equal(true);
    }
  });

  it(`notice each of ${NOTICED.length} broken rules`, async function () {
    this.timeout(300_000);
    const fooled: string[] = [];
    await inParallel(NOTICED, Math.min(2, cpus().length), async (mutation) => {
      const known = CAUGHT[mutation.name];
      const caught = known && (await hunt(mutation, { from: known.seed, to: known.seed }));
      if (!caught) fooled.push(`${mutation.name}: survives seed ${known?.seed}; npm run simulate:mutants`);
    });
    expect(fooled).to.deep.equal([]);
  });
});
