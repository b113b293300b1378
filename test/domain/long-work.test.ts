import { expect } from 'chai';
import { atOnce, type LongWork, stoppably } from '../../src/domain/long-work.ts';

function* count(steps: number, seen: number[] = []): LongWork<number> {
  for (let step = 0; step < steps; step++) {
    seen.push(step);
    yield;
  }
  return steps;
}

describe('domain/long-work', () => {
  it('is done at once, or in turns', async () => {
    expect(atOnce(count(3))).to.equal(3);
    expect(await stoppably(count(3))).to.equal(3);
  });

  it('lets others have their turn, and ends with the reason of a stop', async () => {
    const stop = new AbortController();
    const seen: number[] = [];
    setImmediate(() => stop.abort(new Error('stopped by SIGTERM')));
    const ended = await stoppably(count(1_000_000, seen), stop.signal).catch((cause: unknown) => cause);
    expect(ended).to.equal(stop.signal.reason);
    expect(seen.length).to.be.lessThan(10);
  });
});
