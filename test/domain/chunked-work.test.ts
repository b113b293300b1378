import { expect } from 'chai';
import { type ChunkedWork, runInterruptibly, runSync } from '../../src/domain/chunked-work.ts';

function* count(steps: number, seen: number[] = []): ChunkedWork<number> {
  for (let step = 0; step < steps; step++) {
    seen.push(step);
    yield;
  }
  return steps;
}

describe('work in chunks', () => {
  it('runs in one go or in turns', async () => {
    expect(runSync(count(3))).to.equal(3);
    expect(await runInterruptibly(count(3))).to.equal(3);
  });

  it('yields to other work, and ends with the reason of a stop', async () => {
    const stop = new AbortController();
    const seen: number[] = [];
    setImmediate(() => stop.abort(new Error('stopped by SIGTERM')));
    const ended = await runInterruptibly(count(1_000_000, seen), stop.signal).catch(
      (cause: unknown) => cause,
    );
    expect(ended).to.equal(stop.signal.reason);
    expect(seen.length).to.be.lessThan(10);
  });
});
