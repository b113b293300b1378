import { expect } from 'chai';
import { freezeRun } from './freeze.ts';

/** A few tries of `npm run freeze`. What remains of the window is hit less than once in some hundred. */
const TRIES = 4;

describe('a run that is frozen while it sends restores', function () {
  this.timeout(180_000);

  it('holds back what it has not sent when it wakes', async () => {
    const { tries, late, known, held } = await freezeRun({ tries: TRIES, random: Math.random });
    expect(tries).to.equal(TRIES);
    // The test tests something.
    expect(held).to.be.greaterThan(0);
    expect(known).to.equal(late);
  });
});
