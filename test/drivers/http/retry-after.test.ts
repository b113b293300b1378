import { expect } from 'chai';
import fc from 'fast-check';
import { retryAfterMs } from '../../../src/drivers/http/retry-after.ts';

const NOW = Date.UTC(2026, 10, 23, 18);
const DAY_MS = 24 * 3_600_000;

describe('Retry-After', () => {
  for (const [value, expected] of [
    ['120', 120_000],
    [' 7 ', 7_000],
    ['0', 0],
    ['0.5', 1_000],
    ['1.5', 2_000],
    ['2.0', 2_000],
    ['86401', DAY_MS],
    ['99999999999999999999', DAY_MS],
    ['9'.repeat(400), DAY_MS],
    ['Mon, 23 Nov 2026 18:00:30 GMT', 30_000],
    ['Monday, 23-Nov-26 18:00:30 GMT', 30_000],
    ['Mon Nov 23 18:00:30 2026', 30_000],
    ['Mon, 23 Nov 2026 17:59:00 GMT', 0],
    ['Thu, 01 Jan 1970 00:00:00 GMT', 0],
    ['Fri, 31 Dec 9999 23:59:59 GMT', DAY_MS],
    ['Mon, 99 Nov 2026 18:00:30 GMT', undefined],
    ['-1', undefined],
    ['-0.5', undefined],
    ['+5', undefined],
    ['1e3', undefined],
    ['0x10', undefined],
    ['5s', undefined],
    ['5, 10', undefined],
    ['soon', undefined],
    ['NaN', undefined],
    ['Infinity', undefined],
    ['2026-11-23', undefined],
    ['', undefined],
    [undefined, undefined],
  ] as const)
    it(`${JSON.stringify(value)?.slice(0, 40)} is ${expected === undefined ? 'ignored' : `${expected} ms`}`, () => {
      expect(retryAfterMs(value, NOW)).to.equal(expected);
    });

  it('is between zero and a day in whole seconds, or ignored', () => {
    fc.assert(
      fc.property(fc.oneof(fc.string(), fc.double().map(String), fc.date().map(String)), (value) => {
        const ms = retryAfterMs(value, NOW);
        if (ms !== undefined) expect(ms % 1_000 === 0 && ms >= 0 && ms <= DAY_MS).to.equal(true);
      }),
    );
  });
});
