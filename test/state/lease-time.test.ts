import { expect } from 'chai';
import { momentOf } from '../../src/domain/clock.ts';
import { LeaseTime, leaseTtl, renewEveryMs, takeoverAfterMs } from '../../src/state/lease-time.ts';

describe('the time of a lease', () => {
  it('counts from before its renewal was sent, by the clock that advanced most', () => {
    let [monotonic, wall] = [0, 1_000_000];
    const clock = { now: () => wall, monotonic: () => monotonic, sleep: async () => {} };
    const time = new LeaseTime(clock, 10_000, momentOf(clock));
    monotonic += 4_000;
    wall += 4_000;
    expect(time.remainingMs()).to.equal(6_000);
    wall += 3_000; // the machine slept: the monotonic clock stood still
    expect(time.remainingMs()).to.equal(3_000);
    wall -= 100_000; // set back by a person
    expect(time.remainingMs()).to.equal(6_000);
    monotonic += 60_000;
    expect(time.remainingMs()).to.equal(0);
    time.renewed(momentOf(clock));
    expect(time.remainingMs()).to.equal(10_000);
  });

  it('leaves a margin before renewal and before takeover', () => {
    for (const ttl of [2_000, 120_000]) {
      expect(renewEveryMs(ttl) * 3).to.be.lessThan(ttl);
      expect(takeoverAfterMs(ttl, 120_000)).to.be.at.least(ttl + 120_000);
    }
  });

  it('is two minutes, or what the URL sets', () => {
    expect(leaseTtl(null)).to.equal(120_000);
    expect(leaseTtl('5m')).to.equal(300_000);
    for (const wrong of ['', '1', '1s', 'soon', '-2m'])
      expect(() => leaseTtl(wrong), wrong).to.throw(/lease_ttl/);
  });
});
