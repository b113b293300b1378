import { expect } from 'chai';
import fc from 'fast-check';
import { DURATION_EXAMPLES, formatDuration, parseDuration } from '../../src/domain/duration.ts';

describe('parseDuration', () => {
  const good: [string, number][] = [
    ['0s', 0],
    ['250ms', 250],
    ['90s', 90_000],
    ['30m', 1_800_000],
    ['2h', 7_200_000],
    ['7d', 604_800_000],
    ['999999999d', 999_999_999 * 86_400_000],
  ];
  for (const [text, ms] of good) it(`${text} is ${ms} ms`, () => expect(parseDuration(text)).to.equal(ms));

  const bad = [
    '',
    '5',
    's',
    '-1s',
    '+1s',
    '1.5h',
    '01s',
    '1 s',
    ' 1s',
    '1s ',
    '1S',
    '1w',
    '1h30m',
    '1e3s',
    '1234567890s',
    '1s\n',
    '٣s',
  ];
  for (const text of bad)
    it(`refuses ${JSON.stringify(text)}`, () => expect(parseDuration(text)).to.equal(undefined));

  it('reads each example in its error messages', () => {
    for (const text of DURATION_EXAMPLES.split(/, | or /))
      expect(parseDuration(text), text).to.be.a('number');
  });
});

describe('formatDuration', () => {
  const cases: [number, string][] = [
    [0, '0ms'],
    [-5, '0ms'],
    [0.4, '0ms'],
    [850, '850ms'],
    [999, '999ms'],
    [1_000, '1s'],
    [42_400, '42s'],
    [60_000, '1m'],
    [200_000, '3m 20s'],
    [3_600_000, '1h'],
    [3_605_000, '1h'],
    [7_500_000, '2h 5m'],
    [86_400_000, '1d'],
    [1_051_200_000, '12d 4h'],
    [59_999, '1m'],
  ];
  for (const [ms, text] of cases) it(`${ms} ms is ${text}`, () => expect(formatDuration(ms)).to.equal(text));

  it('gives a text of one unit that parses to the same value', () => {
    const units = [
      ['s', 59],
      ['m', 59],
      ['h', 23],
      ['d', 9_999],
    ] as const;
    fc.assert(
      fc.property(fc.constantFrom(...units), fc.nat(), ([unit, max], n) => {
        const text = `${1 + (n % max)}${unit}`;
        expect(formatDuration(parseDuration(text) ?? -1)).to.equal(text);
      }),
    );
  });

  it('gives at most two units, and never an empty text', () => {
    fc.assert(
      fc.property(fc.nat({ max: 10 ** 12 }), (ms) => {
        expect(formatDuration(ms)).to.match(/^\d+(ms|s|m|h|d)( \d+(s|m|h))?$/);
      }),
    );
  });
});
