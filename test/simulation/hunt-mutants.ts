import { readFileSync, writeFileSync } from 'node:fs';
import { cpus } from 'node:os';
import { commandOptions } from '../../scripts/command-options.ts';
import { brokenTexts } from './break-rule.ts';
import { type Catch, hunt, huntThreads } from './mutants.ts';
import { MUTATIONS } from './mutations.ts';
import { markedRules } from './rules.ts';
import { onThreads } from './threads.ts';

const USAGE = `npm run simulate:mutants -- [options]: finds the seed that notices each mutant, and writes caught.json. The known seed is
tried first.

  --only TEXT   only mutants with this in their name`;

const FILE = new URL('caught.json', import.meta.url);
const SEEDS = 1_000;

const known = JSON.parse(readFileSync(FILE, 'utf8')) as Record<string, Catch>;
const { only } = commandOptions(USAGE, { only: { type: 'string', default: '' } });
const survivors: string[] = [];
const rules = markedRules();
const hunted = Object.entries(MUTATIONS).filter(([name]) => name.includes(only));

await onThreads(await huntThreads(cpus().length), hunted, async ([name, breaks], thread) => {
  const broken = brokenTexts(rules, breaks);
  const before = known[name];
  const caught =
    (before && (await hunt(thread, broken, { from: before.seed, to: before.seed }))) ??
    (await hunt(thread, broken, { from: 1, to: SEEDS }));
  console.log(`${caught ? `seed ${caught.seed}, ${caught.clause}` : 'SURVIVED'}: ${name}`);
  if (caught) known[name] = caught;
  else {
    delete known[name];
    survivors.push(name);
  }
  // After each: what was found is kept, should the hunt be ended.
  const kept = Object.keys(MUTATIONS).flatMap((one) => (known[one] ? [[one, known[one]]] : []));
  writeFileSync(FILE, `${JSON.stringify(Object.fromEntries(kept), undefined, 2)}\n`);
});

console.log(`${hunted.length} mutants, ${survivors.length} survived`);
if (survivors.length > 0) process.exitCode = 1;
