import { expect } from 'chai';
import { DEFAULT_CONFIG } from '../../src/domain/config.ts';
import { execute } from '../../src/executor/execute.ts';
import { ProgramHarness } from '../simulation/program-harness.ts';

describe('the mode of a run', () => {
  it('no_wait starts what is ready and leaves it to the cloud', async () => {
    const harness = new ProgramHarness({ jobDurationMs: 600_000 });
    const specs = [harness.spec(0), harness.spec(1)];
    const { outcome } = await harness.apply(specs, { mode: 'no_wait' });
    expect(outcome.summary).to.include({ started: 2, running: 2 });
    expect(harness.clock.monotonic()).to.be.below(30_000);
    const { outcome: later } = await harness.apply(specs);
    expect(later.summary).to.include({ started: 0, succeeded: 2 });
    expect([0, 1].map((n) => harness.starts(n))).to.deep.equal([1, 1]);
  });

  it('no_wait does not wait for a disk to be detached', async () => {
    const harness = new ProgramHarness();
    const spec = harness.spec(0);
    if (spec.volume.by !== 'id') throw new Error('not by id');
    harness.operate({ action: 'attach', volume_id: spec.volume.id, server: 'db1' });
    const { outcome } = await harness.apply([spec], { mode: 'no_wait' });
    const end = outcome.ends.get(spec.address);
    expect(end).to.include({ kind: 'not_started', code: 'not_ready' });
    expect(harness.clock.monotonic()).to.be.below(30_000);
    expect(harness.starts(0)).to.equal(0);
  });

  it('no_wait still probes after a request without an answer', async () => {
    const harness = new ProgramHarness({
      jobDurationMs: 600_000,
      faults: [{ match: { route: 'restore' }, effect: { kind: 'reset', when: 'after' } }],
    });
    const { outcome } = await harness.apply([harness.spec(0)], { mode: 'no_wait' });
    expect(outcome.summary).to.include({ adopted: 1, running: 1 });
    expect(harness.starts(0)).to.equal(1);
  });

  it('follow brings running restores to their end', async () => {
    const harness = new ProgramHarness({ jobDurationMs: 600_000 });
    await harness.apply([harness.spec(0)], { mode: 'no_wait' });
    const { outcome } = await harness.apply([harness.spec(0)], { mode: 'follow' });
    expect(outcome.summary).to.include({ started: 0, succeeded: 1 });
  });

  it('follow reads as long as the requesting run would have before it records that nothing started', async () => {
    const settle_ms = 600_000;
    const longer = { settings: { retry: { ...DEFAULT_CONFIG.retry, settle_ms } } };
    const specs = (harness: ProgramHarness) => [harness.spec(0)];

    const stop = new AbortController();
    const lost = new ProgramHarness({
      faults: [{ match: { route: 'restore' }, effect: { kind: 'reset', when: 'before' } }],
    });
    await lost.apply(specs(lost), {
      ...longer,
      stop: stop.signal,
      onEvent: ({ type }) => type === 'answered' && stop.abort(new Error('enough')),
    });
    const from = lost.clock.monotonic();
    const { outcome } = await lost.apply([], { mode: 'follow' });
    expect(outcome.summary).to.include({ failed: 1 });
    expect(lost.clock.monotonic() - from).to.be.within(settle_ms, settle_ms + 60_000);

    const running = new ProgramHarness({ queueMs: 3_600_000 });
    await running.apply(specs(running), { ...longer, mode: 'no_wait' });
    running.network.instead = ({ url }) =>
      url.includes('/jobs/') ? { kind: 'answer', status: 404, headers: {}, text: '{}' } : undefined;
    const since = running.clock.monotonic();
    const { outcome: gone } = await running.apply([], { mode: 'follow' });
    expect(gone.summary).to.include({ unknown: 1 });
    expect(running.clock.monotonic() - since).to.be.at.least(settle_ms);
  });

  it('follow adopts a restore whose answer was lost, and starts nothing if none began', async () => {
    for (const when of ['after', 'before'] as const) {
      const stop = new AbortController();
      const harness = new ProgramHarness({
        jobDurationMs: 600_000,
        faults: [{ match: { route: 'restore' }, effect: { kind: 'hang', when, for_ms: 600_000 } }],
      });
      await harness.apply([harness.spec(0)], {
        stop: stop.signal,
        onEvent: ({ type }) => type === 'intended' && stop.abort(new Error('enough')),
      });
      expect((await harness.state())?.records.get('set/disk-0')?.status).to.equal('intended');
      const started = harness.starts(0);
      const { outcome } = await harness.apply([harness.spec(0)], { mode: 'follow' });
      expect(outcome.summary.started, when).to.equal(0);
      expect(harness.starts(0), when).to.equal(started);
      const record = (await harness.state())?.records.get('set/disk-0');
      if (record?.status === 'failed') expect(record.touched).to.equal('no');
      expect(record?.status, when).to.equal(started === 1 ? 'succeeded' : 'failed');
    }
  });

  it('follow throws instead of sending a POST if a plan asks for one', async () => {
    const harness = new ProgramHarness();
    const running = async () => {
      const driver = await harness.connect();
      const lease = await harness.backend().lock({ who: 'test@lab', operation: 'wait', version: 'test' }, 0);
      await lease.create(driver.target);
      return execute({
        plan: await harness.planning([harness.spec(0)]),
        lease,
        driver,
        clock: harness.clock,
        random: () => 0.5,
        settings: harness.settings,
        mode: 'follow',
        onEvent: () => {},
        stop: new AbortController().signal,
      });
    };
    const outcome = await harness.clock.until(running());
    expect(outcome.fatal?.error).to.be.instanceOf(Error);
    expect(harness.starts(0)).to.equal(0);
  });

  it('does not use a backup that a queued restore needs, although no status shows it yet', async () => {
    const harness = new ProgramHarness({ queueMs: 30_000 });
    const first = harness.spec(0);
    const second = { ...harness.spec(1), backup: first.backup };
    const { outcome } = await harness.apply([first, second], { mode: 'no_wait' });
    expect([...outcome.ends.values()].map(({ kind }) => kind)).to.deep.equal(['recorded', 'not_started']);
    expect([harness.starts(0), harness.starts(1)]).to.deep.equal([1, 0]);
  });
});
