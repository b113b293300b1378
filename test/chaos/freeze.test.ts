import { expect } from 'chai';
import { freezeRun } from './freeze.ts';

const TRIES = 3;

/** A few tries of `npm run freeze`: that it measures. What holds the gate itself is in test/network/write-gate.test.ts. */
describe('a run that is frozen while it sends restores', function () {
  this.timeout(180_000);

  it('marks each request that left late', async () => {
    const figures = await freezeRun({ tries: TRIES, random: Math.random });
    // A machine that is busy may cost tries.
    expect(figures.tries).to.be.within(1, TRIES);
    expect(figures.known).to.equal(figures.late);
  });
});
