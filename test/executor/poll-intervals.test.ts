import { expect } from 'chai';
import { isListWorthwhile, listInterval, readInterval } from '../../src/executor/poll-intervals.ts';

const POLL = { min_interval_ms: 2_000, max_interval_ms: 30_000 };

describe('the choice between a page of a list and single reads', () => {
  for (const [missing, pages, expected] of [
    [1, 1, false],
    [4, 1, false],
    [5, 1, true],
    [1_000, 2, true],
    [60, 14, true],
    [60, 15, false],
    [60, Number.POSITIVE_INFINITY, false],
    [0, 1, false],
  ] as const)
    it(`is ${expected} for page ${pages} with ${missing} missing`, () =>
      expect(isListWorthwhile(missing, pages)).to.equal(expected));

  it('costs at most a quarter more than single reads if asked before each page', () => {
    for (const missing of [5, 50, 999]) {
      let pages = 1;
      while (isListWorthwhile(missing, pages)) pages++;
      expect(pages).to.be.at.most(missing / 4 + 1);
    }
  });
});

describe('the interval of single reads', () => {
  for (const [age, expected] of [
    [0, 2_000],
    [2_000, 2_250],
    [20_000, 4_500],
    [224_000, 30_000],
    [3_600_000, 30_000],
  ] as const)
    it(`${age} ms old: ${expected} ms`, () => expect(readInterval(age, POLL)).to.equal(expected));
});

describe('the interval of lists', () => {
  const ages = (count: number, age: number) => Array.from({ length: count }, () => age);
  for (const [what, given, pages, expected] of [
    ['four old ones: as often as one would be looked at', ages(4, 600_000), 1, 30_000],
    ['sixteen old ones: twice as often', ages(16, 600_000), 1, 15_000],
    ['64 old ones: four times as often', ages(64, 600_000), 1, 7_500],
    ['64 old ones on four pages: twice as often', ages(64, 600_000), 4, 15_000],
    ['sixteen of 48 s: a twelfth of that', ages(16, 48_000), 1, 4_000],
    ['sixteen new ones: each list saves four reads', ages(16, 0), 1, 500],
    ['by their mean age', [...ages(8, 0), ...ages(8, 96_000)], 1, 4_000],
    ['no more seldom than single reads', ages(5, 600_000), 4, 30_000],
  ] as const)
    it(what, () => expect(listInterval(given, pages, POLL)).to.be.closeTo(expected, 0.001));
});
