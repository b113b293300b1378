import { existsSync, readFileSync } from 'node:fs';
import { cpus } from 'node:os';
import { expect } from 'chai';
import { type Catch, hunt, huntThreads } from './mutants.ts';
import { EQUIVALENT, MUTATIONS } from './mutations.ts';
import { onThreads } from './threads.ts';

const CAUGHT = JSON.parse(readFileSync(new URL('caught.json', import.meta.url), 'utf8')) as Record<
  string,
  Catch
>;

describe('the tests of the tests', () => {
  it('have a seed for every rule that is broken on purpose', () => {
    expect(Object.keys(CAUGHT)).to.deep.equal(MUTATIONS.map(({ name }) => name));
  });

  it('name a test for each rule that another covers wholly', () => {
    for (const { rule, test } of EQUIVALENT) {
      const found = existsSync(test) || existsSync(`${test}.test.ts`) || existsSync(`${test}.ts`);
      expect(found, `${rule}: ${test}`).to.equal(true);
    }
  });

  it(`notice each of ${MUTATIONS.length} broken rules, each in one story, and nothing in these when none is broken`, async () => {
    const wrong: string[] = [];
    const unbroken = [...new Set(Object.values(CAUGHT).map(({ seed }) => seed))];
    const broken = MUTATIONS.map(({ name, patches }) => ({ name, patches, seed: CAUGHT[name]?.seed ?? 1 }));
    const stories = [...broken, ...unbroken.map((seed) => ({ name: undefined, patches: [], seed }))];
    await onThreads(
      await huntThreads(Math.min(2, cpus().length)),
      stories,
      async ({ name, patches, seed }, thread) => {
        const caught = await hunt(thread, patches, { from: seed, to: seed });
        if (name !== undefined && !caught) wrong.push(`seed ${seed} does not notice: ${name}`);
        if (name === undefined && caught)
          wrong.push(`seed ${seed} breaks ${caught.clause} without a broken rule`);
      },
    );
    expect(wrong.join('\n'), 'npm run simulate:mutants').to.equal('');
  });
});
