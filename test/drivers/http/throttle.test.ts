import { expect } from 'chai';
import { throttleOf } from '../../../src/drivers/http/throttle.ts';

const NOW = Date.UTC(2026, 10, 23, 18);

describe('the request of an answer to slow down', () => {
  for (const [what, status, retryAfter, asked] of [
    ['a 429 that says how long', 429, '7', 7_000],
    ['a 429 that says until when', 429, 'Mon, 23 Nov 2026 18:00:09 GMT', 9_000],
    ['a 429 without Retry-After', 429, undefined, 'for no time'],
    ['a 429 with 0', 429, '0', 'for no time'],
    ['a 429 with a date gone by', 429, 'Mon, 23 Nov 2026 17:00:00 GMT', 'for no time'],
    ['a 429 with a negative number', 429, '-1', 'for no time'],
    ['a 429 with half a second', 429, '0.5', 1_000],
    ['a 503 that says how long', 503, '30', 30_000],
    ['a 503 without Retry-After', 503, undefined, undefined],
    ['a 500 with nonsense', 500, 'soon', undefined],
    ['a 413 that says how long', 413, '5', 5_000],
    ['Cinder’s 413, over quota', 413, '0', undefined],
    ['a 202 that says when to look again', 202, '10', undefined],
    ['a 200', 200, undefined, undefined],
  ] as const)
    it(what, () => {
      const headers: Record<string, string> = retryAfter === undefined ? {} : { 'retry-after': retryAfter };
      const throttle = throttleOf({ kind: 'answer', status, headers, text: '' }, NOW);
      expect(throttle).to.deep.equal(
        asked === undefined ? undefined : asked === 'for no time' ? { status } : { status, asked_ms: asked },
      );
    });

  it('is absent without an answer', () => {
    expect(throttleOf({ kind: 'no_connection', message: '', code: 'X' }, NOW)).to.equal(undefined);
    expect(throttleOf({ kind: 'broken', message: '', code: 'X', timeout: true }, NOW)).to.equal(undefined);
  });
});
