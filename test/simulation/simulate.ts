import { writeFileSync } from 'node:fs';
import { cpus } from 'node:os';
import packageJson from '../../package.json' with { type: 'json' };
import { commandOptions, wholeNumber } from '../../scripts/command-options.ts';
import { CLAUSES } from './checker.ts';
import { CELLS_FILE, expectedCells, missingCells } from './expected-cells.ts';
import { failureLines, faultTable, figures, matrixTable } from './report.ts';
import { runScenario } from './run-scenario.ts';
import { runSeeds } from './run-seeds.ts';
import { drawScenario } from './scenario.ts';
import { scenarioText } from './scenario-text.ts';
import { shrink } from './shrink.ts';

const USAGE = `npm run simulate -- [options]: runs scenarios drawn from seeds, and judges each.

  --seeds N         scenarios (default: 1000)
  --from N          seed of the first (default: 1)
  --threads N       default: one for each core
  --seed N          runs this one only and shows every step; if it fails, also the shortest scenario that fails the same way
  --matrix          also shows each cell of the table: fault, phase, and what followed
  --beyond-settle   late starts up to three times settle: the size of the known exceptions
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
  const scenario = drawScenario(seed, options);
  const { log, violations } = await runScenario(scenario);
  const [violation] = violations;
  console.log(`${scenarioText(scenario)}\n\n${log.join('\n')}\n`);
  if (!violation) {
    console.log('All promises were kept.');
    return;
  }
  const { clause, what } = violation;
  console.log(
    `Broken: ${clause} (${CLAUSES[clause]}): ${what}\n\nThe shortest scenario that breaks it, too:\n`,
  );
  const short = await shrink(scenario, clause, runScenario);
  const again = await runScenario(short);
  console.log(`${scenarioText(short)}\n\n${again.log.join('\n')}\n\n${again.violations[0]?.what}`);
  process.exitCode = 1;
}

async function many(): Promise<void> {
  const began = performance.now();
  const seeds = wholeNumber('seeds', values.seeds);
  const from = wholeNumber('from', values.from, 0);
  const threads = wholeNumber('threads', values.threads ?? `${cpus().length}`);
  let told = 0;
  const totals = await runSeeds(
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
  if (values.expect) writeFileSync(CELLS_FILE, `${JSON.stringify(expectedCells(totals), undefined, 2)}\n`);
  if (values.matrix) console.log(`${matrixTable(totals)}\n`);
  console.log(`${faultTable(totals)}\n\n${figures(totals)}`);
  const missing = values['beyond-settle'] ? [] : missingCells(totals);
  console.log(`cells of the matrix: ${totals.matrix.size} reached, ${missing.length} missing`);
  for (const cell of missing) console.log(`  not reached: ${cell}`);
  const [cpu] = cpus();
  console.log(
    `${seconds} s on ${threads} threads of ${cpu?.model ?? 'a machine'}, Node ${process.version}, vbsctl ${packageJson.version}`,
  );
  for (const line of failureLines(totals, values['beyond-settle'] ? ' --beyond-settle' : ''))
    console.log(`\n${line}`);
  const expected = values['beyond-settle'] ? 0 : totals.failures.length + missing.length;
  if (expected > 0) process.exitCode = 1;
}
