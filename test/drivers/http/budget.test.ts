import { expect } from 'chai';
import { Budget } from '../../../src/drivers/http/budget.ts';
import { SimClock } from '../../simulation/sim-clock.ts';
import { FakeClock } from '../fake-clock.ts';

describe('the request budget', () => {
  it('allows a burst of a quarter second, and then the rate', async () => {
    const clock = new FakeClock();
    const budget = new Budget(20, clock);
    const start = clock.monotonic();
    const times: number[] = [];
    for (let i = 0; i < 8; i++) {
      await budget.take('GET');
      times.push(clock.monotonic() - start);
    }
    expect(times).to.deep.equal([0, 0, 0, 0, 0, 50, 100, 150]);
  });

  it('keeps the rate over a long run', async () => {
    const clock = new FakeClock();
    const budget = new Budget(20, clock);
    const start = clock.monotonic();
    for (let i = 0; i < 205; i++) await budget.take('GET');
    expect(clock.monotonic() - start).to.equal(10_000);
  });

  it('saves up at most the burst', async () => {
    const clock = new FakeClock();
    const budget = new Budget(20, clock);
    clock.advance(3_600_000);
    const start = clock.monotonic();
    for (let i = 0; i < 6; i++) await budget.take('GET');
    expect(clock.monotonic() - start).to.equal(50);
  });

  it('serves POSTs before waiting reads', async () => {
    const budget = new Budget(20, new FakeClock());
    const order: string[] = [];
    const take = async (method: 'GET' | 'POST', name: string) => {
      await budget.take(method);
      order.push(name);
    };
    await Promise.all([
      ...['1', '2', '3', '4', '5', '6', '7'].map((name) => take('GET', name)),
      take('POST', 'post'),
    ]);
    expect(order).to.deep.equal(['1', '2', '3', '4', '5', 'post', '6', '7']);
  });

  it('charges nothing for an aborted request', async () => {
    const clock = new FakeClock();
    const budget = new Budget(1, clock);
    for (let i = 0; i < 5; i++) await budget.take('GET');
    const leaving = new AbortController();
    const left = budget.take('GET', leaving.signal).catch((reason) => reason);
    const stays = budget.take('GET');
    leaving.abort(new Error('gone'));
    expect(await left).to.have.property('message', 'gone');
    const start = clock.monotonic();
    await stays;
    expect(clock.monotonic() - start).to.be.at.most(1_000);
  });

  describe('the request budget after a slow-down', () => {
    /** When requests that are taken one after the other leave, ms from now. */
    async function departures(budget: Budget, clock: FakeClock, count: number): Promise<number[]> {
      const start = clock.monotonic();
      const times: number[] = [];
      for (let i = 0; i < count; i++) {
        await budget.take('GET');
        times.push(clock.monotonic() - start);
      }
      return times;
    }

    it('pauses as long as requested, and continues without a burst', async () => {
      const clock = new FakeClock();
      const budget = new Budget(10, clock);
      budget.slowDown(clock.monotonic(), 3_000);
      const [first, second, third] = await departures(budget, clock, 3);
      expect(first).to.equal(3_000);
      expect(second).to.be.within(3_190, 3_200);
      expect(third).to.be.within(3_380, 3_400);
    });

    it('uses the longest of several pauses', async () => {
      const clock = new FakeClock();
      const budget = new Budget(10, clock);
      budget.slowDown(clock.monotonic(), 9_000);
      budget.slowDown(clock.monotonic(), 1_000);
      expect(await departures(budget, clock, 1)).to.deep.equal([9_000]);
    });

    it('halves the rate once for all requests under way', async () => {
      const clock = new FakeClock();
      const budget = new Budget(10, clock);
      const sentAt = clock.monotonic();
      clock.advance(500);
      for (let i = 0; i < 20; i++) {
        budget.slowDown(sentAt, 1_000);
        clock.advance(1);
      }
      expect(budget.slowdowns).to.equal(1);
      const [first = 0, second = 0] = await departures(budget, clock, 2);
      expect(second - first).to.be.within(190, 200);
    });

    it('halves the rate again if that was not enough, down to a minimum', async () => {
      const clock = new FakeClock();
      const budget = new Budget(10, clock);
      for (let i = 0; i < 30; i++) {
        await budget.take('GET');
        budget.slowDown(clock.monotonic(), 1_000);
      }
      const [first = 0, second = 0] = await departures(budget, clock, 2);
      expect(second - first).to.be.within(1_000, 5_000);
    });

    it('is back at the full rate after a minute of use', async () => {
      const clock = new FakeClock();
      const budget = new Budget(10, clock);
      budget.slowDown(clock.monotonic(), 1_000);
      const start = clock.monotonic();
      while (budget.isSlow) {
        await budget.take('GET');
        budget.speedUp();
      }
      expect(clock.monotonic() - start).to.be.within(30_000, 61_000);
    });

    it('neither raises the rate nor saves up while nothing is sent', async () => {
      const clock = new FakeClock();
      const budget = new Budget(10, clock);
      budget.slowDown(clock.monotonic(), 1_000);
      clock.advance(3_600_000);
      expect(await departures(budget, clock, 4)).to.deep.equal([0, 200, 400, 600]);
    });

    it('reports the rest of the pause', () => {
      const clock = new FakeClock();
      const budget = new Budget(10, clock);
      expect(budget.pausedForMs).to.equal(0);
      budget.slowDown(clock.monotonic(), 3_000);
      clock.advance(1_000);
      expect(budget.pausedForMs).to.equal(2_000);
      clock.advance(5_000);
      expect(budget.pausedForMs).to.equal(0);
    });

    it('dismisses waiting reads, but no POST', async () => {
      const clock = new SimClock();
      const budget = new Budget(10, clock);
      budget.slowDown(clock.monotonic(), 3_000);
      const reads = [budget.take('GET'), budget.take('GET', new AbortController().signal)];
      const post = budget.take('POST');
      const reason = new Error('asked too long');
      budget.rejectReads(reason);
      const results = reads.map((read) => read.catch((error) => error));
      expect(await Promise.all(results)).to.deep.equal([reason, reason]);
      await clock.until(post);
      expect(clock.monotonic()).to.equal(3_000);
    });

    it('still serves POSTs first', async () => {
      const clock = new FakeClock();
      const budget = new Budget(10, clock);
      budget.slowDown(clock.monotonic(), 1_000);
      const order: string[] = [];
      await Promise.all(
        (['GET', 'GET', 'POST'] as const).map(async (method) => {
          await budget.take(method);
          order.push(method);
        }),
      );
      expect(order).to.deep.equal(['POST', 'GET', 'GET']);
    });

    it('does not wait for a pause without a request', async () => {
      const clock = new SimClock();
      const budget = new Budget(10, clock);
      budget.slowDown(clock.monotonic(), 200_000);
      const leaving = new AbortController();
      const left = budget.take('GET', leaving.signal).catch(() => 'left');
      leaving.abort(new Error('gone'));
      expect(await clock.until(left)).to.equal('left');
      // Nothing is left that could happen: the pause does not hold the process.
      let deadlock: unknown;
      await clock.until(new Promise(() => {})).catch((error) => {
        deadlock = error;
      });
      expect(deadlock).to.have.property('message').that.includes('deadlock');
      expect(clock.monotonic()).to.equal(0);
    });
  });

  it('refuses a rate that allows no request', () => {
    expect(() => new Budget(0, new FakeClock())).to.throw('requests per second');
    expect(() => new Budget(Number.NaN, new FakeClock())).to.throw('requests per second');
  });
});
