import { readFileSync, writeFileSync } from 'node:fs';
import { cpus } from 'node:os';
import { type Catch, hunt, inParallel } from './mutants.ts';
import { MUTATIONS } from './mutations.ts';

/**
 * `npm run simulate:mutants [part of a name]`: looks for the seed that notices each mutant and writes caught.json.
 * The seed known already is tried first.
 */
const FILE = new URL('caught.json', import.meta.url);
const SEEDS = 1_000;

const known = JSON.parse(readFileSync(FILE, 'utf8')) as Record<string, Catch>;
const [only = ''] = process.argv.slice(2);
const survivors: string[] = [];

await inParallel(
  MUTATIONS.filter(({ name }) => name.includes(only)),
  cpus().length,
  async (mutation) => {
    const { name } = mutation;
    const before = known[name];
    const caught =
      (before && (await hunt(mutation, { from: before.seed, to: before.seed }))) ??
      (await hunt(mutation, { from: 1, to: SEEDS }));
    console.log(`${caught ? `seed ${caught.seed}, ${caught.clause}` : 'SURVIVED'}: ${name}`);
    if (caught) known[name] = caught;
    else {
      delete known[name];
      survivors.push(name);
    }
    // After each: what was found is kept, should the hunt be ended.
    const kept = MUTATIONS.flatMap(({ name: one }) => (known[one] ? [[one, known[one]]] : []));
    writeFileSync(FILE, `${JSON.stringify(Object.fromEntries(kept), undefined, 2)}\n`);
  },
);

console.log(`${MUTATIONS.length} mutants, ${survivors.length} survived`);
if (survivors.length > 0) process.exitCode = 1;
