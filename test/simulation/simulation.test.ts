import { cpus } from 'node:os';
import { expect } from 'chai';
import { missingCells } from './expected-cells.ts';
import { playMany } from './many.ts';
import { playSeed } from './play.ts';
import { failureLines, figures } from './report.ts';

/** Each theme three times: they take turns every 64 stories. `npm run simulate -- --seeds 10000` goes further. */
const SEEDS = 192;

describe('simulation', () => {
  it(`keeps every promise in ${SEEDS} lives`, async () => {
    const tally = await playMany({ from: 1, to: SEEDS, threads: Math.min(2, cpus().length) });
    console.log(figures(tally).replaceAll(/^/gm, '      '));
    expect(failureLines(tally, '', 3).join('\n')).to.equal('');
    expect(tally.seeds).to.equal(SEEDS);
    expect(missingCells(tally)).to.deep.equal([]);
  });

  it('goes the same way each time', async () => {
    for (const seed of [3, 44, 170]) {
      const [first, second] = [await playSeed(seed), await playSeed(seed)];
      expect(first.log.length).to.be.above(5);
      expect(second.log).to.deep.equal(first.log);
    }
  });
});
