import { expect } from 'chai';
import { listInterval, lookInterval, worthAPage } from '../../src/executor/thrift.ts';

const POLL = { min_interval_ms: 2_000, max_interval_ms: 30_000 };

describe('whether a page of a list is worth it', () => {
  for (const [missing, pages, expected] of [
    [1, 1, false],
    [4, 1, false],
    [5, 1, true],
    [1_000, 2, true],
    [60, 14, true],
    [60, 15, false],
    [0, 1, false],
  ] as const)
    it(`${missing} missing, page ${pages}: ${expected}`, () =>
      expect(worthAPage(missing, pages)).to.equal(expected));

  it('who goes on by it spends at most a quarter more than single reads', () => {
    for (const missing of [5, 50, 999]) {
      let pages = 1;
      while (worthAPage(missing, pages)) pages++;
      expect(pages).to.be.at.most(missing / 4 + 1);
    }
  });
});

describe('the interval of single looks', () => {
  for (const [age, expected] of [
    [0, 2_000],
    [2_000, 2_250],
    [20_000, 4_500],
    [224_000, 30_000],
    [3_600_000, 30_000],
  ] as const)
    it(`${age} ms old: ${expected} ms`, () => expect(lookInterval(age, POLL)).to.equal(expected));
});

describe('the interval of lists', () => {
  const ages = (count: number, age: number) => Array.from({ length: count }, () => age);
  for (const [what, given, pages, expected] of [
    ['five old ones: as often as each would be looked at', ages(5, 600_000), 1, 30_000],
    ['sixty old ones: twice as often', ages(60, 600_000), 1, 15_000],
    ['sixty old ones on two pages: as often', ages(60, 600_000), 2, 30_000],
    ['sixty of a minute: a part of that', ages(60, 60_000), 1, 4_750],
    ['ten of a minute: a part of that', ages(10, 60_000), 1, 5_000],
    ['sixty new ones: never without a pause', ages(60, 0), 1, 100],
    ['five new ones: every other look is saved', ages(5, 0), 1, 800],
    ['ten new ones on two pages: likewise', ages(10, 0), 2, 800],
    ['one new among old: as the others', [0, ...ages(9, 80_000)], 1, 6_000],
  ] as const)
    it(what, () => expect(listInterval(given, pages, POLL)).to.be.closeTo(expected, 0.001));
});
