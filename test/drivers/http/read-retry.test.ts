import { expect } from 'chai';
import type { CloudFailure } from '../../../src/domain/cloud.ts';
import { DEFAULT_CONFIG } from '../../../src/domain/config.ts';
import { type AttemptResult, isTransient, retryRead } from '../../../src/drivers/http/read-retry.ts';
import { answer } from '../answers.ts';
import { FakeClock } from '../fake-clock.ts';

const failed = (again: boolean, more: Partial<CloudFailure> = {}): AttemptResult<string> => ({
  kind: 'failed',
  failure: { cause: 'status', message: 'no', ...more },
  retryable: again,
});
const done: AttemptResult<string> = { kind: 'done', value: 'yes' };

/** Runs the outcomes one after another; says what came, how often, and what was slept. */
async function run(outcomes: AttemptResult<string>[], random = 1) {
  const clock = new FakeClock();
  let attempts = 0;
  const result = await retryRead(async () => outcomes[attempts++] ?? done, {
    retry: DEFAULT_CONFIG.retry,
    clock,
    random: () => random,
  });
  return { result, attempts, slept: clock.slept };
}

describe('the retry of a read', () => {
  it('waits longer each time on the given clock, then returns the answer', async () => {
    const { result, slept } = await run([failed(true), failed(true), failed(true), done]);
    expect(result).to.equal(done);
    expect(slept).to.deep.equal([1_000, 2_000, 4_000]);
  });

  it('spreads the delay between min_delay and twice the last one', async () => {
    const { slept } = await run([failed(true), failed(true), failed(true), done], 0.5);
    expect(slept).to.deep.equal([1_000, 1_500, 2_500]);
  });

  it('gives up after four attempts with the last failure', async () => {
    const last = failed(true, { message: 'last' });
    const { result, attempts, slept } = await run([failed(true), failed(true), failed(true), last]);
    expect(result).to.deep.equal(last);
    expect(attempts).to.equal(4);
    expect(slept).to.have.length(3);
  });

  it('does not repeat a definitive answer', async () => {
    const { attempts, result } = await run([failed(false)]);
    expect(attempts).to.equal(1);
    expect(result.kind).to.equal('failed');
  });

  it('waits for a longer Retry-After, up to max_retry_after', async () => {
    for (const retry_after_ms of [42_000, 61_000, 300_000])
      expect((await run([failed(true, { retry_after_ms }), done])).slept).to.deep.equal([retry_after_ms]);
  });

  it('waits at least min_delay, longer each time, even if Retry-After is 0', async () => {
    const now = () => failed(true, { retry_after_ms: 0 });
    expect((await run([now(), now(), now(), done])).slept).to.deep.equal([1_000, 2_000, 4_000]);
    expect((await run([now(), now(), now(), done], 0)).slept).to.deep.equal([1_000, 1_000, 1_000]);
  });

  it('gives up at once if Retry-After exceeds max_retry_after, and reports it', async () => {
    const { attempts, slept, result } = await run([failed(true, { retry_after_ms: 3_600_000 }), done]);
    expect(attempts).to.equal(1);
    expect(slept).to.deep.equal([]);
    expect(result).to.have.nested.property(
      'failure.message',
      'no; the cloud asks to wait 1h, longer than retry.max_retry_after (5m)',
    );
  });

  it('reports the Retry-After also when the attempts are used up', async () => {
    const busy = () => failed(true, { retry_after_ms: 61_000 });
    const { attempts, result } = await run([busy(), busy(), busy(), busy()]);
    expect(attempts).to.equal(4);
    expect(result).to.have.nested.property('failure.message', 'no; the cloud asks to wait 1m 1s');
  });

  it('rethrows a bug, even one that p-retry treats as a network error', async () => {
    for (const bug of [new Error('bug'), new TypeError('fetch failed')]) {
      let attempts = 0;
      const attempt = async (): Promise<AttemptResult<string>> => {
        attempts++;
        throw bug;
      };
      const tools = { retry: DEFAULT_CONFIG.retry, clock: new FakeClock(), random: () => 0 };
      expect(await retryRead(attempt, tools).catch((error) => error)).to.equal(bug);
      expect(attempts).to.equal(1);
    }
  });

  it('stops waiting when it is aborted', async () => {
    const controller = new AbortController();
    const attempt = async () => {
      controller.abort(new Error('enough'));
      return failed(true);
    };
    const tools = { retry: DEFAULT_CONFIG.retry, clock: new FakeClock(), random: () => 0 };
    const error = await retryRead(attempt, tools, controller.signal).catch((reason) => reason);
    expect(error).to.have.property('message', 'enough');
  });

  for (const status of [408, 429, 500, 501, 502, 503, 504])
    it(`treats ${status} as temporary`, () => {
      expect(isTransient(answer(status))).to.equal(true);
    });
  for (const status of [200, 302, 400, 401, 403, 404, 409, 413])
    it(`treats ${status} as permanent`, () => {
      expect(isTransient(answer(status))).to.equal(false);
    });
  it('treats "querying the task failed" as temporary for any status', () => {
    expect(isTransient(answer(400, { error: { code: 'common.0011', message: 'x' } }))).to.equal(true);
  });
  it('does not search a successful answer for it', () => {
    expect(isTransient(answer(200, { error: { code: 'common.0011', message: 'x' } }))).to.equal(false);
  });
  it('treats a lost connection as temporary, but not an answer that is too large', () => {
    const broken = { kind: 'broken', message: 'm', timeout: false } as const;
    expect(isTransient({ kind: 'no_connection', code: 'ECONNREFUSED', message: 'm' })).to.equal(true);
    expect(isTransient({ ...broken, code: 'ECONNRESET' })).to.equal(true);
    expect(isTransient({ ...broken, code: 'RESPONSE_TOO_LARGE' })).to.equal(false);
  });
});
