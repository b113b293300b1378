import { expect } from 'chai';
import { listInterval, lookInterval, nextList, worthAPage } from '../../src/executor/poll-intervals.ts';
import { UsualTime } from '../../src/executor/typical-duration.ts';

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

describe('the next list, where what is usual is known', () => {
  // Late is who is a 96th later: 610 s.
  const usual = { soonest_ms: 590_000, latest_ms: 610_000 / (1 + 1 / 96) };
  const ages = (count: number, age: number) => Array.from({ length: count }, () => age);
  const byAge = (given: readonly number[]) => listInterval(given, 1, POLL);
  for (const [what, given, since, expected] of [
    ['nobody is near: half as often', ages(60, 300_000), 0, 30_000],
    ['the first will be near sooner: then', ages(60, 580_000), 0, 10_000],
    ['the same, some time after the last list', ages(60, 580_000), 4_000, 14_000],
    ['about to be near: as if they were', ages(40, 589_990), 0, 1_000],
    ['many are near: at most one list for two ends', ages(40, 600_000), 0, 1_000],
    ['a few of them are near', [...ages(50, 300_000), ...ages(10, 600_000)], 0, 4_000],
    ['many more will be in a moment: then', [600_000, ...ages(39, 589_000)], 0, 1_000],
    ['two are near: not worth it', [...ages(58, 300_000), 600_000, 600_000], 0, 15_000],
    ['one takes longer than any did: by their ages', [...ages(59, 300_000), 700_000], 0, 15_000],
  ] as const)
    it(what, () => expect(nextList(given, 1, POLL, usual, since)).to.be.closeTo(expected, 0.001));

  it('is by their ages alone where nothing is usual, or everything', () => {
    for (const known of [undefined, { soonest_ms: 0, latest_ms: 1_800_000 }])
      for (const given of [ages(60, 300_000), ages(10, 60_000), ages(5, 0)])
        expect(nextList(given, 1, POLL, known, 0)).to.equal(byAge(given));
  });

  it('near an end it is never later than by their ages', () => {
    for (const latest_ms of [590_001, 600_000, 1_800_000])
      for (const count of [1, 5, 60])
        expect(nextList(ages(count, 590_000), 1, POLL, { soonest_ms: 590_000, latest_ms }, 0)).to.be.at.most(
          byAge(ages(count, 590_000)),
        );
  });
});

describe('what restores usually take', () => {
  it('is not said of a few', () => {
    const time = new UsualTime();
    for (let n = 0; n < 4; n++) time.saw(100, 200);
    expect(time.usual).to.equal(undefined);
    time.saw(100, 200);
    expect(time.usual).to.not.equal(undefined);
  });

  for (const [what, ends, soonest_ms, latest_ms] of [
    ['all alike: they may all have ended at once', [[100, 200]], 100, 200],
    [
      'the narrower sight of one counts half',
      [
        [100, 200],
        [140, 160],
      ],
      120,
      180,
    ],
    [
      'surely not at once',
      [
        [100, 200],
        [300, 400],
      ],
      150,
      350,
    ],
    ['long ago, and forgotten', [[1, 1_000_000], ...Array.from({ length: 20 }, () => [100, 200])], 100, 200],
  ] as const)
    it(what, () => {
      const time = new UsualTime();
      for (const [least = 0, most = 0] of ends) time.saw(least, most);
      for (let n = ends.length; n < 5; n++) time.saw(ends[0][0], ends[0][1]);
      expect(time.usual).to.deep.equal({ soonest_ms, latest_ms });
    });
});
