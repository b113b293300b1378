import { expect } from 'chai';
import fc from 'fast-check';
import { follows } from '../../src/domain/continuation.ts';
import { sameIdentity } from '../../src/domain/record.ts';
import { advance } from '../../src/domain/record-transitions.ts';
import { intendEvent } from '../state/samples.ts';
import { A, at, failed, intended, isFreshStart, running, story, told } from './record-stories.ts';

describe('a later record of a restore', () => {
  it('follows from each earlier record, and never from a later one or itself', () => {
    let compared = 0;
    fc.assert(
      fc.property(story, (events) => {
        const records = told(events);
        for (const [i, earlier] of records.entries())
          for (const [j, later] of records.entries()) {
            // neither over another restore in between, nor over a fresh start in between
            const between = records.slice(Math.min(i, j), Math.max(i, j) + 1);
            if (!between.every((each) => sameIdentity(each, earlier))) continue;
            if (between.slice(1, -1).some(isFreshStart)) continue;
            compared += 1;
            expect(follows(earlier, later), `${earlier.status} ${later.status}`).to.equal(i < j);
          }
      }),
      { numRuns: 2_000 },
    );
    expect(compared).to.be.greaterThan(2_000);
  });

  it('does not follow from another history of the same restore', () => {
    const elsewhere = advance(undefined, { ...intendEvent(A), at: at(5) });
    expect(follows(intended, elsewhere)).to.equal(false);
    expect(follows(running, advance(elsewhere, { type: 'accept', at: at(6) }))).to.equal(false);
    const other = advance(undefined, intendEvent(A, 2));
    expect(follows(intended, other)).to.equal(false);
    // after a clean failure it is begun anew
    expect(follows(failed, elsewhere)).to.equal(true);
    expect(follows(failed, intended)).to.equal(false);
  });
});
