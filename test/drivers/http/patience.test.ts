import { expect } from 'chai';
import { patienceAsked } from '../../../src/drivers/http/patience.ts';

const NOW = Date.UTC(2026, 10, 23, 18);

describe('whether the cloud asks for patience', () => {
  for (const [what, status, retryAfter, expected] of [
    ['a 429 that says how long', 429, '7', 7_000],
    ['a 429 that says until when', 429, 'Mon, 23 Nov 2026 18:00:09 GMT', 9_000],
    ['a 429 without a word', 429, undefined, 1_000],
    ['a 429 with 0', 429, '0', 1_000],
    ['a 503 that says how long', 503, '30', 30_000],
    ['a 503 without a word', 503, undefined, undefined],
    ['a 413 that says how long', 413, '5', 5_000],
    ['Cinder’s 413, over quota', 413, '0', undefined],
    ['a 202 that says when to look again', 202, '10', undefined],
    ['a yes', 200, undefined, undefined],
  ] as const)
    it(what, () => {
      const headers: Record<string, string> = retryAfter === undefined ? {} : { 'retry-after': retryAfter };
      expect(patienceAsked({ kind: 'answer', status, headers, text: '' }, NOW)).to.equal(expected);
    });

  it('no answer asks for nothing', () => {
    expect(patienceAsked({ kind: 'no_connection', message: '', code: 'X' }, NOW)).to.equal(undefined);
    expect(patienceAsked({ kind: 'broken', message: '', code: 'X', timeout: true }, NOW)).to.equal(undefined);
  });
});
