import { commandOptions, wholeNumber } from '../../scripts/command-options.ts';
import { playRound, type Round } from './round.ts';
import { planRound } from './round-plan.ts';

const USAGE = `npm run chaos -- [options]: the built program under kills, freezes, takeovers, signals and a cloud that misbehaves,
judged by the cloud's own record. A seed draws the same plan each time, but the machine adds its own timing.

  --rounds N   default: 5
  --seed N     of the first round; each later one has the next seed (default: 1)
  --jobs N     rounds at the same time (default: 2)
  --verbose    shows every step`;

const values = commandOptions(USAGE, {
  rounds: { type: 'string', default: '5' },
  seed: { type: 'string', default: '1' },
  jobs: { type: 'string', default: '2' },
  verbose: { type: 'boolean', default: false },
});
const first = wholeNumber('seed', values.seed, 0);
const seeds = Array.from({ length: wholeNumber('rounds', values.rounds) }, (_, n) => first + n);
const queue = seeds.values();
const rounds: Round[] = [];
const began = Date.now();

await Promise.all(
  Array.from({ length: wholeNumber('jobs', values.jobs) }, async () => {
    for (const seed of queue) {
      const round = await playRound(planRound(seed));
      rounds.push(round);
      const { violations, figures, log } = round;
      console.log(
        `seed ${seed}: ${violations.length === 0 ? 'kept' : 'BROKEN'}; ${figures.runs} runs, ${figures.starts} starts of ${figures.restores} restores`,
      );
      if (violations.length > 0 || values.verbose) console.log(log.map((line) => `  ${line}`).join('\n'));
      if (violations.length > 0) console.log(`  again: npm run chaos -- --rounds 1 --verbose --seed ${seed}`);
    }
  }),
);

const sum = (of: (round: Round) => number) => rounds.reduce((total, round) => total + of(round), 0);
const broken = (kind: string) =>
  sum(({ violations }) => violations.filter((one) => one.kind === kind).length);
const faults: Record<string, number> = {};
for (const { figures } of rounds)
  for (const [kind, count] of Object.entries(figures.faults)) faults[kind] = (faults[kind] ?? 0) + count;
const stops = rounds.flatMap(({ figures }) => figures.stops).sort((a, b) => a - b);
const median = stops[Math.floor(stops.length / 2)];

console.log(`
${rounds.length} rounds (seeds ${first} to ${first + rounds.length - 1}) in ${Math.round((Date.now() - began) / 1_000)} s:
  ${sum(({ figures }) => figures.runs)} runs of apply for ${sum(({ figures }) => figures.restores)} restores; ${sum(({ figures }) => figures.posts)} requests to restore, ${sum(({ figures }) => figures.starts)} starts in the cloud
  killed at random ${sum(({ figures }) => figures.kills.random)}, with a request in flight ${sum(({ figures }) => figures.kills.in_flight)}; frozen and taken over ${sum(({ figures }) => figures.takeovers)}; locked out ${sum(({ figures }) => figures.locked)}
  pairs of strangers whose restores crossed ${sum(({ figures }) => figures.crossed)}; taken for ours because they began in the same second ${sum(({ figures }) => figures.similarRestores)}
  stopped by a signal ${stops.length}: median ${median ?? '-'} ms, longest ${stops.at(-1) ?? '-'} ms
  faults of the cloud: ${
    Object.entries(faults)
      .map(([kind, count]) => `${kind} ${count}`)
      .join(', ') || 'none'
  }
  delivered twice by the network, and begun twice by the cloud: ${sum(({ figures }) => figures.duplicated)}
  settled by a person because nothing could tell: ${sum(({ figures }) => figures.unknown)}
  double starts ${broken('double start')}, lost ${broken('lost')}, false successes ${broken('false success') + broken('false untouched')}, unfinished ${broken('unfinished')}`);
if (rounds.some(({ violations }) => violations.length > 0)) process.exitCode = 1;
