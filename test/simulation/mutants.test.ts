import { existsSync, readFileSync } from 'node:fs';
import { expect } from 'chai';
import { brokenTexts } from './break-rule.ts';
import { type Detection, findSeed, openSearchThreads } from './mutants.ts';
import { COVERED, MUTATIONS } from './mutations.ts';
import { markedRules, type Rule } from './rules.ts';
import { onThreads } from './threads.ts';

const CAUGHT = JSON.parse(readFileSync(new URL('mutant-seeds.json', import.meta.url), 'utf8')) as Record<
  string,
  Detection
>;

describe('the mutants', () => {
  const names = Object.keys(MUTATIONS);
  let rules: ReadonlyMap<string, Rule>;

  before(() => {
    rules = markedRules();
  });

  it('have a seed for each broken rule', () => {
    expect(Object.keys(CAUGHT)).to.deep.equal(names);
  });

  it('break each rule that the sources mark, and no other', () => {
    const broken = Object.values(MUTATIONS).flatMap((breaks) => Object.keys(breaks));
    expect([...rules.keys()]).to.have.members([...new Set([...broken, ...Object.keys(COVERED)])]);
  });

  it('break them in different ways', () => {
    const ways = Object.entries(MUTATIONS).map(([, breaks]) =>
      JSON.stringify([...brokenTexts(rules, breaks)]),
    );
    expect(new Set(ways).size).to.equal(ways.length);
  });

  it('are refused if no source marks the rule, or the break does not fit', () => {
    expect(() => brokenTexts(rules, { 'disk-is-square': 'skip' })).to.throw(
      'no source marks the rule disk-is-square',
    );
    expect(() => brokenTexts(rules, { 'history-must-include-every-past-restore': 'half' })).to.throw(
      'history-must-include-every-past-restore cannot be broken by "half"',
    );
  });

  it('name a test for each rule that another covers wholly', () => {
    for (const [rule, { test }] of Object.entries(COVERED)) {
      const found = existsSync(test) || existsSync(`${test}.test.ts`) || existsSync(`${test}.ts`);
      expect(found, `${rule}: ${test}`).to.equal(true);
    }
  });

  it(`are all detected (${names.length}), each in one scenario that passes without the mutant`, async () => {
    const wrong: string[] = [];
    const unbroken = {
      name: undefined,
      breaks: {},
      seeds: [...new Set(Object.values(CAUGHT).map(({ seed }) => seed))],
    };
    const broken = Object.entries(MUTATIONS).map(([name, breaks]) => ({
      name,
      breaks,
      seeds: [CAUGHT[name]?.seed ?? 1],
    }));
    // One thread: a second would compile everything again, and other test files use the other processors.
    const threads = await openSearchThreads(1);
    await onThreads(threads, [unbroken, ...broken], async ({ name, breaks, seeds }, thread) => {
      const detected = await findSeed(thread, brokenTexts(rules, breaks), seeds);
      if (name !== undefined && !detected) wrong.push(`seed ${seeds} does not notice: ${name}`);
      if (name === undefined && detected)
        wrong.push(`seed ${detected.seed} breaks ${detected.clause} without a broken rule`);
    });
    expect(wrong.join('\n'), 'npm run simulate:mutants').to.equal('');
  });
});
