import { writeFileSync } from 'node:fs';
import { cpus } from 'node:os';
import packageJson from '../../package.json' with { type: 'json' };
import { commandOptions, wholeNumber } from '../../scripts/command-options.ts';
import { CLAUSES } from './checker.ts';
import { CELLS_FILE, expectedCells, missingCells } from './expected-cells.ts';
import { playMany } from './many.ts';
import { play } from './play.ts';
import { failureLines, faultTable, figures, matrixTable } from './report.ts';
import { shrink } from './shrink.ts';
import { drawStory } from './story.ts';
import { storyText } from './story-text.ts';

const USAGE = `npm run simulate -- [options]: plays stories drawn from seeds, and judges each.

  --seeds N         stories (default: 1000)
  --from N          seed of the first (default: 1)
  --threads N       default: one for each core
  --seed N          plays this one only and shows every step; if it fails, also the shortest story that fails the same way
  --matrix          also shows each cell of the table: fault, phase, and what followed
  --beyond-settle   late starts up to three times settle: the size of the known residue
  --expect          writes cells.json, the cells that the tests expect`;

const values = commandOptions(USAGE, {
  seed: { type: 'string' },
  seeds: { type: 'string', default: '1000' },
  from: { type: 'string', default: '1' },
  threads: { type: 'string' },
  matrix: { type: 'boolean', default: false },
  expect: { type: 'boolean', default: false },
  'beyond-settle': { type: 'boolean', default: false },
});

/** Of settle. */
const BEYOND = 3;
const options = values['beyond-settle'] ? { latest: BEYOND } : {};

if (values.seed === undefined) await many();
else await one(wholeNumber('seed', values.seed, 0));

async function one(seed: number): Promise<void> {
  const story = drawStory(seed, options);
  const { log, violations } = await play(story);
  const [violation] = violations;
  console.log(`${storyText(story)}\n\n${log.join('\n')}\n`);
  if (!violation) {
    console.log('All promises were kept.');
    return;
  }
  const { clause, what } = violation;
  console.log(`Broken: ${clause} (${CLAUSES[clause]}): ${what}\n\nThe shortest story that breaks it, too:\n`);
  const short = await shrink(story, clause, play);
  const again = await play(short);
  console.log(`${storyText(short)}\n\n${again.log.join('\n')}\n\n${again.violations[0]?.what}`);
  process.exitCode = 1;
}

async function many(): Promise<void> {
  const began = performance.now();
  const seeds = wholeNumber('seeds', values.seeds);
  const from = wholeNumber('from', values.from, 0);
  const threads = wholeNumber('threads', values.threads ?? `${cpus().length}`);
  let told = 0;
  const tally = await playMany(
    { from, to: from + seeds - 1, threads, options },
    ({ seeds: done, failures }) => {
      const { isTTY } = process.stderr;
      if (done - told < (isTTY ? 100 : 1_000)) return;
      told = done;
      const line = `${done} of ${seeds}, ${failures.length} failed`;
      process.stderr.write(isTTY ? `\r${line} ` : `${line}\n`);
    },
  );
  if (process.stderr.isTTY) process.stderr.write('\r\u001b[K');
  const seconds = ((performance.now() - began) / 1000).toFixed(0);
  if (values.expect) writeFileSync(CELLS_FILE, `${JSON.stringify(expectedCells(tally), undefined, 2)}\n`);
  if (values.matrix) console.log(`${matrixTable(tally)}\n`);
  console.log(`${faultTable(tally)}\n\n${figures(tally)}`);
  const missing = values['beyond-settle'] ? [] : missingCells(tally);
  console.log(`cells of the matrix: ${tally.matrix.size} reached, ${missing.length} missing`);
  for (const cell of missing) console.log(`  not reached: ${cell}`);
  const [cpu] = cpus();
  console.log(
    `${seconds} s on ${threads} threads of ${cpu?.model ?? 'a machine'}, Node ${process.version}, vbsctl ${packageJson.version}`,
  );
  for (const line of failureLines(tally, values['beyond-settle'] ? ' --beyond-settle' : ''))
    console.log(`\n${line}`);
  const expected = values['beyond-settle'] ? 0 : tally.failures.length + missing.length;
  if (expected > 0) process.exitCode = 1;
}
