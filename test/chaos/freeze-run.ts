import { availableParallelism } from 'node:os';
import { resolve } from 'node:path';
import { commandOptions, wholeNumber } from '../../scripts/command-options.ts';
import { type FreezeFigures, freezeRun, sumOf } from './freeze.ts';

const USAGE = `npm run freeze -- [options]: how often a run that is frozen while it sends restores sends one of them after it wakes,
long after its intent.

  --tries N        default: 64
  --runs N         at the same time; most of the time they are frozen (default: four for each core)
  --program FILE   another build (default: dist/vbsctl.cjs)`;

const values = commandOptions(USAGE, {
  tries: { type: 'string', default: '64' },
  runs: { type: 'string', default: String(4 * availableParallelism()) },
  program: { type: 'string' },
});
/** Of one run: a state that grows does not slow the next burst down. */
const TRIES_A_RUN_MAX = 25;

const began = Date.now();
let left = wholeNumber('tries', values.tries);
const figures: FreezeFigures[] = [];
await Promise.all(
  Array.from({ length: wholeNumber('runs', values.runs) }, async () => {
    while (left > 0) {
      const tries = Math.min(left, TRIES_A_RUN_MAX);
      left -= tries;
      figures.push(
        await freezeRun({
          tries,
          random: Math.random,
          ...(values.program === undefined ? {} : { program: resolve(values.program) }),
        }),
      );
      console.log(textOf(figures));
    }
  }),
);
console.log(`in ${Math.round((Date.now() - began) / 1_000)} s`);

function textOf(all: readonly FreezeFigures[]): string {
  const { tries, hit, late, known, held } = sumOf(all);
  return `${tries} freezes within bursts of POSTs: after ${hit} of them a request left late (${late} requests, ${known} of them marked as late); ${held} requests were held back`;
}
