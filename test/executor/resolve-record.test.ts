import { expect } from 'chai';
import { CLOCK_SKEW_MAX_MS } from '../../src/domain/clock.ts';
import type { Diagnostic } from '../../src/domain/diagnostic.ts';
import { Failure } from '../../src/domain/errors.ts';
import type { Resolution, RestoreRecord } from '../../src/domain/record.ts';
import type { Driver } from '../../src/drivers/driver.ts';
import { resolveRecord } from '../../src/executor/resolve-record.ts';
import type { Lease } from '../../src/state/backend.ts';
import { ProgramHarness } from '../simulation/program-harness.ts';

const SETTLE_MS = 120_000;
const LOOK_AGAIN_MS = 2_000;
const LONG_AGO_MS = 3_600_000;

describe('resolve --as not-started', () => {
  it('reads twice, one polling interval apart, and says why it waits', async () => {
    const { harness, settle, notes, looks } = await withRecord('before');
    harness.clock.wallOffset += LONG_AGO_MS;
    const began = harness.clock.monotonic();
    const record = await settle();
    expect(record).to.include({ status: 'failed', touched: 'no' });
    expect(harness.clock.monotonic() - began).to.be.within(LOOK_AGAIN_MS, LOOK_AGAIN_MS + 500);
    expect(looks()).to.equal(2);
    expect(notes.map(({ severity, code }) => [severity, code])).to.deep.equal([['note', 'looking-again']]);
    expect(notes[0]?.summary).to.include('once more in 2s');
  });

  it('reads until the last request can no longer take effect', async () => {
    const { harness, settle, notes, looks } = await withRecord('before');
    harness.clock.wallOffset += CLOCK_SKEW_MAX_MS + 20_000;
    const began = harness.clock.monotonic();
    await settle();
    expect(harness.clock.monotonic() - began).to.be.within(SETTLE_MS - 30_000, SETTLE_MS - 19_000);
    expect(looks()).to.be.above(3);
    expect(notes[0]?.detail).to.include('retry.settle');
  });

  it('waits for settle although the clock of this machine is minutes ahead', async () => {
    const { harness, settle } = await withRecord('before');
    harness.clock.wallOffset += CLOCK_SKEW_MAX_MS - 1_000;
    const began = harness.clock.monotonic();
    await settle();
    expect(harness.clock.monotonic() - began).to.be.within(SETTLE_MS, SETTLE_MS + 500);
  });

  it('waits as long as the run that sent the request would have', async () => {
    const settle_ms = 5 * SETTLE_MS;
    const { harness, settle } = await withRecord('before', [], settle_ms);
    const began = harness.clock.monotonic();
    await settle();
    expect(harness.clock.monotonic() - began).to.be.within(settle_ms - 5_000, settle_ms + 500);
  });

  it('waits at most settle, however wrong the clock of the requesting machine was', async () => {
    const { harness, settle } = await withRecord('before');
    harness.clock.wallOffset -= LONG_AGO_MS;
    const began = harness.clock.monotonic();
    await settle();
    expect(harness.clock.monotonic() - began).to.be.within(SETTLE_MS, SETTLE_MS + 500);
  });

  for (const [title, stale, after] of [
    ['a restore that the first look shows', [], 1],
    ['a restore that the first look does not show yet', [1], 2],
  ] as const)
    it(`refuses ${title}`, async () => {
      const { harness, settle, looks } = await withRecord('after', stale);
      harness.clock.wallOffset += LONG_AGO_MS;
      expect(await refusal(settle())).to.equal('still-restoring');
      expect(looks()).to.equal(after);
      expect((await harness.state())?.records.get('set/disk-0')?.status).to.equal('intended');
    });

  it('warns if the disk has changed since before the request', async () => {
    const { harness, settle, notes } = await withRecord('before');
    harness.clock.wallOffset += LONG_AGO_MS;
    harness.operate({ action: 'attach', volume_id: volumeId(harness), server: 'pay-db1' });
    harness.operate({ action: 'detach', volume_id: volumeId(harness) });
    expect(await settle()).to.include({ status: 'failed', touched: 'no' });
    expect(notes.map(({ severity, code }) => `${severity} ${code}`)).to.include('warning disk-changed-since');
  });

  it('refuses if the disk changed between the reads, as after a short restore', async () => {
    const { harness, settle } = await withRecord('before');
    harness.clock.wallOffset += LONG_AGO_MS;
    harness.clock.at(harness.clock.monotonic() + 1_000, () => {
      harness.operate({ action: 'attach', volume_id: volumeId(harness), server: 'pay-db1' });
      harness.operate({ action: 'detach', volume_id: volumeId(harness) });
    });
    expect(await refusal(settle())).to.equal('disk-changed');
    expect((await harness.state())?.records.get('set/disk-0')?.status).to.equal('intended');
  });

  it('ends at once when it is interrupted, and leaves the record unchanged', async () => {
    const { harness, settle, stop } = await withRecord('before');
    harness.clock.wallOffset += LONG_AGO_MS;
    const began = harness.clock.monotonic();
    harness.clock.at(began + 500, () => stop.abort(new Error('SIGINT')));
    const cause = await settle().then(
      () => undefined,
      (reason: unknown) => reason,
    );
    expect(cause).to.equal(stop.signal.reason);
    expect(harness.clock.monotonic() - began).to.equal(500);
    expect((await harness.state())?.records.get('set/disk-0')?.status).to.equal('intended');
  });

  for (const [title, goneFor, refused] of [
    ['that one answer calls gone', 1, 'job-under-way'],
    ['that is gone at every observation until settle has passed', Number.POSITIVE_INFINITY, undefined],
  ] as const)
    it(`asks again for a job ${title}`, async () => {
      const harness = new ProgramHarness({ queueMs: 4 * LONG_AGO_MS });
      await harness.apply([harness.spec(0)], { mode: 'no_wait' });
      harness.clock.wallOffset += LONG_AGO_MS;
      const began = harness.clock.monotonic();
      const driver = await harness.clock.until(harness.connect());
      let asked = 0;
      const forgetful = withReads(driver, {
        job: async (id, signal) =>
          ++asked <= goneFor
            ? { kind: 'gone', failure: { cause: 'status', message: 'no such job' } }
            : driver.job(id, signal),
      });
      const resolving = async () => {
        const lease = await harness.backend().lock({ who: 'a', operation: 'resolve', version: 'test' }, 0);
        const decision = { as: 'not-started', reason: 'looked at it', by: 'a person' } as const;
        await resolveRecord(lease, forgetful, harness.clock, recordIn(lease), decision, {
          settings: harness.settings,
          report: () => {},
          stop: new AbortController().signal,
        });
      };
      expect(await refusal(harness.clock.until(resolving()))).to.equal(refused);
      if (refused === undefined) expect(harness.clock.monotonic() - began).to.be.at.least(SETTLE_MS);
      else expect(asked).to.equal(2);
    });

  it('accepts the other decisions after one read or none', async () => {
    for (const [as, count] of [
      ['succeeded', 1],
      ['failed', 0],
    ] as const) {
      const { settle, notes, looks } = await withRecord('before');
      await settle(as);
      expect([looks(), notes.length], as).to.deep.equal([count, 0]);
    }
  });
});

/** A harness with a request that has no answer, sent a few seconds ago. `stale`: looks that see the disk as it was before. */
async function withRecord(
  when: 'before' | 'after',
  stale: readonly number[] = [],
  sentWithSettleMs = SETTLE_MS,
) {
  const harness = new ProgramHarness({
    jobDurationMs: 4 * LONG_AGO_MS,
    faults: [{ match: { route: 'restore' }, effect: { kind: 'reset', when } }],
  });
  const before = await harness.clock.until(harness.connect());
  const untouched = [
    await harness.clock.until(before.volume(volumeId(harness))),
    await harness.clock.until(before.backup(backupId(harness))),
  ] as const;
  const interrupted = new AbortController();
  await harness.apply([harness.spec(0)], {
    settings: { retry: { ...harness.settings.retry, settle_ms: sentWithSettleMs } },
    stop: interrupted.signal,
    onEvent: ({ type }) => type === 'answered' && interrupted.abort(new Error('enough')),
  });
  const driver = await harness.clock.until(harness.connect());
  let look = 0;
  const replicated = withReads(driver, {
    volume: async (id, signal) => {
      look++;
      return stale.includes(look) ? untouched[0] : driver.volume(id, signal);
    },
    backup: async (id, signal) => (stale.includes(look) ? untouched[1] : driver.backup(id, signal)),
  });
  const notes: Diagnostic[] = [];
  const stop = new AbortController();
  const settle = async (as: Resolution['as'] = 'not-started'): Promise<RestoreRecord> => {
    const resolving = async () => {
      const actor = { who: 'test@lab', operation: 'resolve', version: 'test' };
      const lease = await harness.backend().lock(actor, 0);
      try {
        const decision = { as, reason: 'looked at it', by: 'a person' };
        return await resolveRecord(lease, replicated, harness.clock, recordIn(lease), decision, {
          settings: harness.settings,
          report: (note) => notes.push(note),
          stop: stop.signal,
        });
      } finally {
        await lease.release();
      }
    };
    return harness.clock.until(resolving());
  };
  return { harness, settle, notes, stop, looks: () => look };
}

function recordIn(lease: Lease): RestoreRecord {
  const record = lease.state()?.records.get('set/disk-0');
  if (!record) throw new Error('the state has no record of it');
  return record;
}

function withReads(driver: Driver, reads: Partial<Pick<Driver, 'volume' | 'backup' | 'job'>>): Driver {
  return new Proxy(driver, {
    get: (target, key) => {
      const own = Reflect.get(reads, key) ?? Reflect.get(target, key, target);
      return typeof own === 'function' ? own.bind(target) : own;
    },
  });
}

function volumeId(harness: ProgramHarness): string {
  return Object.keys(harness.world.volumes)[0] ?? '';
}

function backupId(harness: ProgramHarness): string {
  const { backup } = harness.spec(0);
  return backup.by === 'id' ? backup.id : '';
}

async function refusal(settling: Promise<unknown>): Promise<string | undefined> {
  try {
    await settling;
    return undefined;
  } catch (cause) {
    if (!(cause instanceof Failure) || cause.kind !== 'refused') throw cause;
    return cause.diagnostics[0]?.code;
  }
}
