import { expect } from 'chai';
import type { Slowdown } from '../../../src/domain/cloud.ts';
import { DEFAULT_CONFIG } from '../../../src/domain/config.ts';
import { Budget } from '../../../src/drivers/http/budget.ts';
import type { Exchange } from '../../../src/drivers/http/exchange.ts';
import { ThrottledHttp } from '../../../src/drivers/http/throttled-http.ts';
import { SimClock } from '../../simulation/sim-clock.ts';
import { answer } from '../answers.ts';

const tooManyRequests = (seconds?: number) =>
  answer(429, '', seconds === undefined ? {} : { 'retry-after': String(seconds) });

/** A connection to a cloud that gives these answers, then only good ones. */
function cloudWith(...answers: Exchange[]) {
  const clock = new SimClock();
  const sentAt: number[] = [];
  const http = {
    async send(): Promise<Exchange> {
      sentAt.push(clock.monotonic());
      return answers.shift() ?? answer(200, '{}');
    },
  };
  const throttledHttp = new ThrottledHttp({
    http,
    budget: new Budget(20, clock),
    clock,
    retry: DEFAULT_CONFIG.retry,
  });
  const told: Slowdown[] = [];
  throttledHttp.onSlowdown((slowdown) => told.push(slowdown));
  const get = (signal?: AbortSignal) =>
    throttledHttp.send({ method: 'GET', url: 'http://c/x', headers: {}, ...(signal ? { signal } : {}) });
  return { throttledHttp, clock, sentAt, told, get };
}

describe('throttled HTTP after the cloud asked to slow down', () => {
  it('sends nothing during a pause, and reports it once', async () => {
    const { clock, sentAt, told, get, throttledHttp } = cloudWith(tooManyRequests(20), tooManyRequests(20));
    await clock.until(Promise.all([get(), get(), get(), get(), get(), get(), get(), get()]));
    const [first = 0, ...later] = sentAt.filter((at) => at > 0);
    expect(first).to.be.within(20_000, 20_100);
    for (const [index, at] of later.entries()) expect(at - (later[index - 1] ?? first)).to.be.within(90, 110);
    expect(told).to.deep.equal([{ status: 429, asked_ms: 20_000, pause_ms: 20_000 }]);
    expect(throttledHttp.slowdowns).to.equal(1);
  });

  it('pauses for min_delay if the cloud gives no time', async () => {
    const { clock, sentAt, told, get } = cloudWith(tooManyRequests());
    await clock.until(get().then(() => get()));
    expect(sentAt).to.deep.equal([0, 1_000]);
    expect(told).to.deep.equal([{ status: 429, pause_ms: 1_000 }]);
  });

  it('answers reads as throttled if Retry-After exceeds max_retry_after', async () => {
    const { clock, sentAt, told, get, throttledHttp } = cloudWith(tooManyRequests(3_600));
    const many = Array.from({ length: 8 }, () => get());
    for (const exchange of await clock.until(Promise.all(many.slice(5))))
      expect(exchange).to.deep.include({ status: 429, headers: { 'retry-after': '3600' } });
    expect(sentAt).to.have.length(5);
    expect(told).to.deep.equal([{ status: 429, asked_ms: 3_600_000, pause_ms: 300_000 }]);
    // A run that follows restores goes on: after max_retry_after it asks again.
    await clock.until(throttledHttp.reserve());
    expect(await clock.until(get())).to.deep.include({ status: 200 });
    expect(sentAt.at(-1)).to.be.at.least(300_000);
  });

  it('does not include path, token or text of the throttled answer', async () => {
    const { clock, get } = cloudWith(answer(404, 'no disk for token t0ken', { 'retry-after': '3600' }));
    expect(await clock.until(get())).to.deep.include({ status: 404 });
    const next = await clock.until(get());
    expect(next).to.deep.include({ status: 429 });
    expect(JSON.stringify(next)).not.to.match(/t0ken|disk/);
  });

  it('subtracts the time that has passed', async () => {
    const { clock, get } = cloudWith(tooManyRequests(3_600));
    await clock.until(get());
    await clock.until(clock.sleep(100_000));
    expect(await clock.until(get())).to.deep.include({ headers: { 'retry-after': '3500' } });
  });

  it('ends a waiting read when its signal aborts', async () => {
    const { clock, get } = cloudWith(tooManyRequests(200));
    await clock.until(get());
    const controller = new AbortController();
    const waiting = get(controller.signal).catch((reason) => reason);
    controller.abort(new Error('stopped'));
    expect(await clock.until(waiting)).to.have.property('message', 'stopped');
    expect(clock.monotonic()).to.equal(0);
  });

  it('notifies the latest listener, then the previous one again', async () => {
    const { clock, told, get, throttledHttp } = cloudWith(tooManyRequests(1), tooManyRequests(2));
    const run: Slowdown[] = [];
    const unlisten = throttledHttp.onSlowdown((slowdown) => run.push(slowdown));
    await clock.until(get());
    unlisten();
    await clock.until(get());
    expect([run.length, told.length]).to.deep.equal([1, 1]);
  });
});
