import { expect } from 'chai';
import { RetryableError, retry } from '../../src/network/retry.ts';
import { ONE_MINUTE, withRetry } from '../../src/state/remote-retry.ts';
import { FakeClock } from '../drivers/fake-clock.ts';

describe('the retry of a state request', () => {
  const again = (cause?: unknown) => new RetryableError('again', { cause });
  const thrown = (work: Promise<unknown>) =>
    work.then(
      () => 'nothing',
      (reason: unknown) => reason,
    );

  /** Throws these errors one after another, then is done. */
  function failing(...errors: readonly Error[]) {
    let attempts = 0;
    return {
      attempt: async () => {
        const error = errors[attempts++];
        if (error) throw error;
        return 'done';
      },
      get attempts() {
        return attempts;
      },
    };
  }

  it('waits on the given clock for the given time after each failure', async () => {
    const clock = new FakeClock();
    const work = failing(again(), again(), again());
    const result = await retry(work.attempt, { clock, retries: 3, pauseMs: (failed) => failed * 100 });
    expect(result).to.equal('done');
    expect(clock.slept).to.deep.equal([100, 200, 300]);
  });

  it('throws the cause of the last failure, or the failure itself, when there is no next attempt', async () => {
    const clock = new FakeClock();
    const last = again();
    for (const [error, expected] of [
      [again('the cause'), 'the cause'],
      [last, last],
    ] as const) {
      const work = failing(again('first'), error, again('too late'));
      expect(await thrown(retry(work.attempt, { clock, retries: 1, pauseMs: () => 0 }))).to.equal(expected);
      expect(work.attempts).to.equal(2);
    }
    const unwanted = failing(again('the cause'));
    const options = { clock, retries: 9, pauseMs: () => undefined };
    expect(await thrown(retry(unwanted.attempt, options))).to.equal('the cause');
  });

  it('throws every other error at once', async () => {
    for (const bug of [new Error('bug'), new TypeError('fetch failed'), new TypeError('bug')]) {
      const work = failing(bug);
      const options = { clock: new FakeClock(), retries: 9, pauseMs: () => 0 };
      expect(await thrown(retry(work.attempt, options))).to.equal(bug);
      expect(work.attempts).to.equal(1);
    }
  });

  it('throws the reason of the signal during a pause', async () => {
    const stop = new AbortController();
    const attempt = async () => {
      stop.abort(new Error('enough'));
      throw again('the cause');
    };
    const options = { clock: new FakeClock(), retries: 9, pauseMs: () => 1, signal: stop.signal };
    expect(await thrown(retry(attempt, options))).to.have.property('message', 'enough');
  });

  it('waits about a minute for a state server', async () => {
    const clock = new FakeClock();
    const work = failing(...Array.from({ length: 8 }, () => again('away')));
    expect(await thrown(withRetry(clock, ONE_MINUTE, work.attempt))).to.equal('away');
    expect(clock.slept).to.deep.equal([500, 1_000, 2_000, 4_000, 8_000, 16_000, 16_000]);
  });
});
