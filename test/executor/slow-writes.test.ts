import { expect } from 'chai';
import { SLOW_WRITE_MS, SlowWrites } from '../../src/executor/slow-writes.ts';
import { FakeClock } from '../views/fake-clock.ts';

describe('a state that is slow to be written', () => {
  function begin() {
    const clock = new FakeClock(0);
    const told: string[] = [];
    return { clock, told, writes: new SlowWrites(clock, ({ type }) => told.push(type)) };
  }
  function write() {
    let end: () => void = () => {};
    let fail: (reason: Error) => void = () => {};
    const done = new Promise<void>((resolve, reject) => {
      end = resolve;
      fail = reject;
    });
    return { done, end, fail };
  }

  it('is told once, whatever waits for it, and once more when it is written', async () => {
    const { clock, told, writes } = begin();
    const [one, two] = [write(), write()];
    const all = Promise.all([writes.watch(one.done), writes.watch(two.done)]);
    await clock.advanceTo(SLOW_WRITE_MS - 1);
    expect(told).to.deep.equal([]);
    await clock.advanceTo(SLOW_WRITE_MS * 3);
    expect(told).to.deep.equal(['state_slow']);
    one.end();
    two.end();
    await all;
    expect(told).to.deep.equal(['state_slow', 'state_written']);
  });

  it('is no news while each write takes its usual time', async () => {
    const { clock, told, writes } = begin();
    for (let n = 1; n <= 10; n++) {
      const { done, end } = write();
      const watched = writes.watch(done);
      await clock.advanceTo(n * (SLOW_WRITE_MS - 1));
      end();
      await watched;
    }
    await clock.advanceTo(SLOW_WRITE_MS * 20);
    expect(told).to.deep.equal([]);
  });

  it('that cannot be written at all is for others to tell', async () => {
    const { clock, told, writes } = begin();
    const { done, fail } = write();
    const watched = writes.watch(done).catch((reason: Error) => reason.message);
    fail(new Error('no room'));
    expect(await watched).to.equal('no room');
    await clock.advanceTo(SLOW_WRITE_MS * 2);
    expect(told).to.deep.equal([]);
  });
});
