import { expect } from 'chai';
import { playRound } from './round.ts';
import { planRound } from './round-plan.ts';

/** A few rounds of `npm run chaos`, with kills, freezes, stops and strangers, on both APIs; two at once is in main-job.test.ts. */
const SEEDS = [5, 12, 28];

describe('the built program, killed and frozen at random', function () {
  this.timeout(180_000);

  it(`keeps its promises in the rounds ${SEEDS.join(', ')}, by the record of the cloud`, async () => {
    const rounds = await Promise.all(SEEDS.map((seed) => playRound(planRound(seed))));
    for (const { plan, violations, log } of rounds)
      expect(violations, `npm run chaos -- --rounds 1 --verbose --seed ${plan.seed}\n${log.join('\n')}`).to.be
        .empty;
    const sum = (of: (figures: (typeof rounds)[number]['figures']) => number) =>
      rounds.reduce((total, { figures }) => total + of(figures), 0);
    // The test tests something.
    expect(sum(({ kills }) => kills.random + kills.in_flight)).to.be.greaterThan(0);
    expect(sum(({ starts }) => starts)).to.be.greaterThan(5);
  });
});
