import { readFileSync, writeFileSync } from 'node:fs';
import { cpus } from 'node:os';
import { commandOptions } from '../../scripts/command-options.ts';
import { brokenTexts } from './break-rule.ts';
import { type Detection, findSeed, openSearchThreads } from './mutants.ts';
import { MUTATIONS } from './mutations.ts';
import { markedRules } from './rules.ts';
import { onThreads } from './threads.ts';

const USAGE = `npm run simulate:mutants -- [options]: finds the seed that notices each mutant, and writes mutant-seeds.json. The known seed is
tried first.

  --only TEXT   only mutants with this in their name`;

const FILE = new URL('mutant-seeds.json', import.meta.url);
const SEEDS = Array.from({ length: 1_000 }, (_, n) => n + 1);

const known = JSON.parse(readFileSync(FILE, 'utf8')) as Record<string, Detection>;
const { only } = commandOptions(USAGE, { only: { type: 'string', default: '' } });
const survivors: string[] = [];
const rules = markedRules();
const hunted = Object.entries(MUTATIONS).filter(([name]) => name.includes(only));

await onThreads(await openSearchThreads(cpus().length), hunted, async ([name, breaks], thread) => {
  const broken = brokenTexts(rules, breaks);
  const before = known[name];
  const detected =
    (before && (await findSeed(thread, broken, [before.seed]))) ?? (await findSeed(thread, broken, SEEDS));
  console.log(`${detected ? `seed ${detected.seed}, ${detected.clause}` : 'SURVIVED'}: ${name}`);
  if (detected) known[name] = detected;
  else {
    delete known[name];
    survivors.push(name);
  }
  // After each: what was found is kept, in case the search is stopped.
  const kept = Object.keys(MUTATIONS).flatMap((one) => (known[one] ? [[one, known[one]]] : []));
  writeFileSync(FILE, `${JSON.stringify(Object.fromEntries(kept), undefined, 2)}\n`);
});

console.log(`${hunted.length} mutants, ${survivors.length} survived`);
if (survivors.length > 0) process.exitCode = 1;
