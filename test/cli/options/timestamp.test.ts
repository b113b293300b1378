import { expect } from 'chai';
import { InvalidArgumentError } from 'commander';
import { parseTimestamp } from '../../../src/cli/options/timestamp.ts';

describe('a time in an option', () => {
  for (const good of [
    '2026-11-23T22:00:00+01:00',
    '2026-11-23T21:00:00Z',
    '2026-11-23T21:00:00.123456Z',
    '2024-02-29t00:00:00z',
  ])
    it(`is accepted: ${good}`, () => expect(Date.parse(parseTimestamp(good))).to.be.a('number').and.not.NaN);

  for (const [bad, why] of [
    ['2026-11-23T22:00:00', /its zone: 2026-11-23T22:00:00Z/],
    ['2026-11-23 22:00', /its zone: 2026-11-23T22:00:00Z/],
    ['2026-11-23', /its zone: 2026-11-23T00:00:00Z/],
    ['yesterday', /such as/],
    ['2026-02-30T00:00:00Z', /such as/],
    ['2026-13-01T00:00:00Z', /such as/],
    ['2026-11-23T24:00:00Z', /such as/],
    ['2026-11-23T22:00:00+25:00', /such as/],
    ['', /such as/],
  ] as const)
    it(`is refused with a reason: ${bad || '(empty)'}`, () => {
      expect(() => parseTimestamp(bad)).to.throw(InvalidArgumentError, why);
    });
});
