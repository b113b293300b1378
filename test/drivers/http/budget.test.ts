import { expect } from 'chai';
import { Budget } from '../../../src/drivers/http/budget.ts';
import { FakeClock } from '../fake-clock.ts';

describe('the request budget', () => {
  it('lets a small burst leave at once and the rest at the rate', async () => {
    const clock = new FakeClock();
    const budget = new Budget(10, clock);
    const start = clock.monotonic();
    const times: number[] = [];
    for (let i = 0; i < 8; i++) {
      await budget.take('GET');
      times.push(clock.monotonic() - start);
    }
    expect(times).to.deep.equal([0, 0, 0, 0, 0, 100, 200, 300]);
  });

  it('keeps the rate over a long run', async () => {
    const clock = new FakeClock();
    const budget = new Budget(20, clock);
    const start = clock.monotonic();
    for (let i = 0; i < 205; i++) await budget.take('GET');
    expect(clock.monotonic() - start).to.equal(10_000);
  });

  it('does not save up more than the burst', async () => {
    const clock = new FakeClock();
    const budget = new Budget(10, clock);
    clock.advance(3_600_000);
    const start = clock.monotonic();
    for (let i = 0; i < 6; i++) await budget.take('GET');
    expect(clock.monotonic() - start).to.equal(100);
  });

  it('serves POSTs before the reads that wait', async () => {
    const budget = new Budget(10, new FakeClock());
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

  it('takes nothing for somebody who left', async () => {
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

  it('refuses a rate that would stop everything', () => {
    expect(() => new Budget(0, new FakeClock())).to.throw('requests per second');
    expect(() => new Budget(Number.NaN, new FakeClock())).to.throw('requests per second');
  });
});
