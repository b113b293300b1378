import { expect } from 'chai';
import { missingCells } from './expected-cells.ts';
import { failureLines, figures } from './report.ts';
import { runSeed } from './run-scenario.ts';
import { runSeeds } from './run-seeds.ts';

/** Each rare combination three times: they take turns every 64 scenarios. `npm run simulate -- --seeds 10000` goes further. */
const SEEDS = 192;

describe('the simulation', () => {
  it(`keeps every promise in ${SEEDS} scenarios`, async () => {
    // One thread: a second would compile everything again, and other test files use the other processors.
    const totals = await runSeeds({ from: 1, to: SEEDS, threads: 1 });
    console.log(figures(totals).replaceAll(/^/gm, '      '));
    expect(failureLines(totals, '', 3).join('\n')).to.equal('');
    expect(totals.seeds).to.equal(SEEDS);
    expect(missingCells(totals)).to.deep.equal([]);
  });

  it('gives the same result for the same seed each time', async () => {
    for (const seed of [3, 44, 170]) {
      const [first, second] = [await runSeed(seed), await runSeed(seed)];
      expect(first.log.length).to.be.above(5);
      expect(second.log).to.deep.equal(first.log);
    }
  });
});
