import { expect } from 'chai';
import { SLOW_WRITE_MS, SlowWrites } from '../../src/executor/slow-writes.ts';
import { FakeClock } from '../views/fake-clock.ts';

describe('a slow write of the state', () => {
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

  it('is reported once for all waiting commits, and once more when it ends', async () => {
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

  it('is not reported while each write stays below the limit', async () => {
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

  it('is not reported if it fails', async () => {
    const { clock, told, writes } = begin();
    const { done, fail } = write();
    const watched = writes.watch(done).catch((reason: Error) => reason.message);
    fail(new Error('no room'));
    expect(await watched).to.equal('no room');
    await clock.advanceTo(SLOW_WRITE_MS * 2);
    expect(told).to.deep.equal([]);
  });
});
