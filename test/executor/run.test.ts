import { expect } from 'chai';
import { Failure } from '../../src/domain/errors.ts';
import { observedStatus } from '../../src/domain/observation.ts';
import type { FaultRule } from '../../src/emulator/faults.ts';
import { noSpace } from '../simulation/memory-disk.ts';
import { ProgramHarness } from '../simulation/program-harness.ts';

describe('a run', () => {
  it('starts each restore once, and finds them done in the next run', async () => {
    const harness = new ProgramHarness();
    const specs = [harness.spec(0), harness.spec(1), harness.spec(2)];
    const { outcome } = await harness.apply(specs);
    expect(outcome.summary).to.include({ started: 3, succeeded: 3, failed: 0, unknown: 0, adopted: 0 });
    const { actions } = await harness.plan(specs);
    expect(actions.map(({ kind }) => kind)).to.deep.equal(['noop', 'noop', 'noop']);
    expect([0, 1, 2].map((n) => harness.starts(n))).to.deep.equal([1, 1, 1]);
  });

  it('only changes the addresses if every restore is renamed', async () => {
    const harness = new ProgramHarness();
    await harness.apply([harness.spec(0), harness.spec(1)]);
    // They change places, into another set as well.
    const renamed = [harness.spec(0, { name: 'disk-1' }), harness.spec(1, { name: 'disk-0', set: 'other' })];
    const { plan, outcome } = await harness.apply(renamed);
    expect(plan.moves).to.have.length(2);
    expect(outcome.summary.started).to.equal(0);
    expect([...((await harness.state())?.records.keys() ?? [])].sort()).to.deep.equal([
      'other/disk-0',
      'set/disk-1',
    ]);
    expect([harness.starts(0), harness.starts(1)]).to.deep.equal([1, 1]);
  });

  it('never has two running restores of one backup or one disk', async () => {
    const harness = new ProgramHarness({ volumes: 6, jobDurationMs: 30_000 });
    const source = harness.spec(0);
    if (source.backup.by !== 'id') throw new Error('not by id');
    // World sizes grow with the number, so a backup of disk 0 fits into every other disk.
    const specs = [0, 1, 2, 3].map((n) => harness.spec(n, { backup: source.backup }));
    const { outcome } = await harness.apply(specs);
    const { restores } = harness.audit();
    expect(restores.flatMap((restore) => restore.overlapped_with)).to.deep.equal([]);
    expect(outcome.summary.succeeded, JSON.stringify([...outcome.ends.values()])).to.equal(4);
  });

  it('runs as many restores at once as parallelism allows', async () => {
    const harness = new ProgramHarness({
      volumes: 12,
      jobDurationMs: 60_000,
      settings: { apply: { ...defaults().apply, parallelism: 4 } },
    });
    const specs = Array.from({ length: 12 }, (_, n) => harness.spec(n));
    let under = 0;
    let most = 0;
    await harness.apply(specs, {
      onEvent: (event) => {
        if (event.type === 'preparing') most = Math.max(most, ++under);
        if (event.type === 'ended') under--;
      },
    });
    expect(most).to.equal(4);
    expect(harness.clock.monotonic()).to.be.within(3 * 60_000, 3 * 90_000);
  });

  it('resumes the running restore of a backup before it starts another one from it', async () => {
    const harness = new ProgramHarness({ jobDurationMs: 600_000 });
    const source = harness.spec(0);
    const specs = [source, harness.spec(1, { backup: source.backup })];
    const stop = new AbortController();
    harness.clock.at(30_000, () => stop.abort(new Error('SIGINT')));
    await harness.apply(specs, { stop: stop.signal });
    const { plan, outcome } = await harness.apply(specs);
    expect(plan.actions.map((action) => action.kind)).to.deep.equal(['resume', 'restore']);
    expect(plan.actions[1])
      .to.have.nested.property('waits_for[0].what')
      .that.includes('set/disk-0 is resumed first');
    expect(outcome.summary).to.include({ started: 1, succeeded: 2 });
    expect(harness.audit().restores.flatMap((restore) => restore.overlapped_with)).to.deep.equal([]);
  });

  it('starts a restore only after its dependency succeeded', async () => {
    const harness = new ProgramHarness();
    const specs = [harness.spec(1, { depends_on: ['set/disk-0'] }), harness.spec(0)];
    await harness.apply(specs);
    const [first, second] = harness.audit().restores;
    expect(Date.parse(second?.accepted_at ?? '')).to.be.at.least(Date.parse(first?.ended_at ?? ''));
    expect(second?.volume_id).to.equal(volumeId(harness, 1));
  });

  it('repeats the request of a resumed restore only after its current dependencies succeeded', async () => {
    const harness = new ProgramHarness({
      settings: { apply: { ...defaults().apply, parallelism: 1 } },
      faults: [{ match: { route: 'restore' }, effect: { kind: 'status', when: 'before', status: 409 } }],
    });
    const interrupted = new AbortController();
    await harness.apply([harness.spec(1)], {
      stop: interrupted.signal,
      onEvent: ({ type }) => type === 'answered' && interrupted.abort(new Error('enough')),
    });
    expect((await harness.state())?.records.get('set/disk-1')?.status).to.equal('intended');
    const specs = [harness.spec(1, { depends_on: ['set/disk-0'] }), harness.spec(0)];
    expect((await harness.apply(specs)).outcome.summary).to.include({ failed: 1, succeeded: 1 });
    const given = (await harness.state())?.records.get('set/disk-1');
    expect(given).to.include({ status: 'failed', touched: 'no' });
    expect(given?.status === 'failed' && given.reason).to.include('set/disk-0, which it depends on');
    expect(harness.starts(1)).to.equal(0);
    expect((await harness.apply(specs)).outcome.summary).to.include({ succeeded: 1 });
    expect(harness.starts(1)).to.equal(1);
  });

  it('stops only the dependants of a failed restore', async () => {
    const harness = new ProgramHarness({ faults: [fails(0)] });
    mend(harness, 0);
    const specs = [harness.spec(0), harness.spec(1, { depends_on: ['set/disk-0'] }), harness.spec(2)];
    const { outcome } = await harness.apply(specs);
    expect(outcome.summary).to.include({ failed: 1, succeeded: 1, not_started: 1 });
    expect(outcome.ends.get('set/disk-1')).to.include({ kind: 'not_started', code: 'dependency' });
    const record = (await harness.state())?.records.get('set/disk-0');
    expect(record?.status === 'failed' && record.touched).to.equal('maybe');
  });

  it('starts nothing new after max_failures', async () => {
    const harness = new ProgramHarness({
      volumes: 8,
      settings: { apply: { ...defaults().apply, parallelism: 1, max_failures: 2 } },
      faults: [{ match: { route: 'restore' }, effect: { kind: 'restore_fails' }, times: 'always' }],
    });
    const { outcome } = await harness.apply(Array.from({ length: 8 }, (_, n) => harness.spec(n)));
    expect(outcome.summary).to.include({ failed: 2, not_started: 6 });
    expect(harness.events.filter((event) => event.type === 'halted')).to.have.length(1);
    expect(harness.audit().restores).to.have.length(2);
  });

  it('still follows running restores after max_failures', async () => {
    const harness = new ProgramHarness({
      jobDurationMs: 600_000,
      faults: [fails(0)],
      settings: { apply: { ...defaults().apply, parallelism: 1, max_failures: 1 } },
    });
    mend(harness, 0);
    const specs = [0, 1, 2, 3].map((n) => harness.spec(n));
    await harness.apply(specs.slice(0, 3), { mode: 'no_wait' });
    const { outcome } = await harness.apply(specs);
    expect(outcome.summary).to.include({ failed: 1, succeeded: 2, not_started: 1 });
    expect(outcome.ends.get('set/disk-3')).to.include({ kind: 'not_started', code: 'halted' });
    expect(harness.starts(3)).to.equal(0);
  });

  it('leaves a restore that takes longer than its timeout running, and resumes it', async () => {
    const harness = new ProgramHarness({ jobDurationMs: 3_600_000 });
    const specs = [harness.spec(0, { timeout_ms: 60_000 })];
    const { outcome } = await harness.apply(specs);
    expect(outcome.summary).to.include({ started: 1, running: 1 });
    expect(harness.clock.monotonic()).to.be.within(60_000, 95_000);
    harness.clock.wallOffset += 3_600_000;
    const next = await harness.apply(specs);
    expect(next.plan.actions[0]?.kind).to.equal('resume');
    expect(next.outcome.summary).to.include({ started: 0, succeeded: 1 });
    expect(harness.starts(0)).to.equal(1);
  });

  it('waits until a disk is detached, then restores it', async () => {
    const harness = new ProgramHarness();
    harness.operate({ action: 'attach', volume_id: volumeId(harness, 0), server: 'pay-db1' });
    harness.clock.at(10 * 60_000, () =>
      harness.operate({ action: 'detach', volume_id: volumeId(harness, 0) }),
    );
    const specs = [harness.spec(0)];
    const plan = await harness.plan(specs);
    expect(plan.actions[0])
      .to.have.nested.property('waits_for[0].what')
      .that.includes('the disk is attached to ');
    const { outcome } = await harness.apply(specs);
    expect(outcome.summary.succeeded).to.equal(1);
    expect(
      Date.parse(harness.audit().restores[0]?.accepted_at ?? '') - harness.clock.wallOffset,
    ).to.be.at.least(10 * 60_000);
  });

  it('records where the disk was attached, and keeps that over a crash', async () => {
    const harness = new ProgramHarness({
      jobDurationMs: 600_000,
      faults: [{ match: { route: 'restore' }, effect: { kind: 'reset', when: 'before' } }],
    });
    harness.operate({ action: 'attach', volume_id: volumeId(harness, 0), server: 'pay-db1' });
    const { attachments = [] } = Object.values(harness.world.volumes)[0] ?? {};
    harness.clock.at(60_000, () => harness.operate({ action: 'detach', volume_id: volumeId(harness, 0) }));
    const stop = new AbortController();
    await harness.apply([harness.spec(0)], {
      stop: stop.signal,
      onEvent: ({ type }) => type === 'answered' && stop.abort(new Error('enough')),
    });
    await harness.apply([harness.spec(0)]);
    const record = (await harness.state())?.records.get('set/disk-0');
    expect(record).to.include({ status: 'succeeded' });
    expect(record?.attempts).to.have.length(2);
    const [attached] = record?.attached_before ?? [];
    expect(attached?.device).to.equal('/dev/vda');
    expect(JSON.stringify(attachments)).to.include(attached?.server_id);
    await harness.apply([harness.spec(1)]);
    expect((await harness.state())?.records.get('set/disk-1')).to.not.have.property('attached_before');
  });

  it('stops waiting for readiness at the timeout, records nothing, and plans the restore again', async () => {
    const harness = new ProgramHarness();
    harness.operate({ action: 'attach', volume_id: volumeId(harness, 0), server: 'pay-db1' });
    const specs = [harness.spec(0, { timeout_ms: 60_000 })];
    const { outcome } = await harness.apply(specs);
    expect(outcome.ends.get('set/disk-0')).to.include({ kind: 'not_started', code: 'not_ready' });
    expect((await harness.state())?.records.size).to.equal(0);
    expect((await harness.plan(specs)).actions[0]?.kind).to.equal('restore');
  });

  it('takes no baseline within the second in which disk or backup changed', async () => {
    const harness = new ProgramHarness();
    harness.operate({ action: 'attach', volume_id: volumeId(harness, 0), server: 'pay-db1' });
    harness.operate({ action: 'detach', volume_id: volumeId(harness, 0) });
    await harness.apply([harness.spec(0)]);
    const record = (await harness.state())?.records.get('set/disk-0');
    const { updated_at = '' } = record?.baseline.volume ?? {};
    expect(Date.parse(record?.attempts[0]?.intended_at ?? '')).to.be.at.least(Date.parse(updated_at) + 2_000);
  });

  it('refuses a backup that differs from the plan before any POST', async () => {
    const harness = new ProgramHarness();
    const spec = harness.spec(0);
    const done = harness.applying([spec], {
      onEvent: (event) => {
        if (event.type === 'run_started')
          harness.operate({ action: 'extend', volume_id: volumeId(harness, 0), size: 4_000 });
      },
    });
    const { outcome } = await harness.clock.until(done);
    expect(outcome.ends.get('set/disk-0')).to.include({ kind: 'not_started', code: 'changed' });
    expect(harness.starts(0)).to.equal(0);
  });

  it('stops at once on a signal, leaves jobs running, and resumes them later', async () => {
    const harness = new ProgramHarness({
      jobDurationMs: 600_000,
      settings: { apply: { ...defaults().apply, parallelism: 1 } },
    });
    const specs = [harness.spec(0), harness.spec(1)];
    const stop = new AbortController();
    harness.clock.at(30_000, () => stop.abort(new Error('SIGINT')));
    const { outcome } = await harness.apply(specs, { stop: stop.signal });
    expect(harness.clock.monotonic()).to.be.within(30_000, 31_000);
    expect(outcome.summary).to.include({ started: 1, running: 1, not_started: 1 });
    expect(outcome.ends.get('set/disk-1')).to.include({ kind: 'not_started', code: 'interrupted' });
    const next = await harness.apply(specs);
    expect(next.outcome.summary).to.include({ started: 1, succeeded: 2 });
    expect([harness.starts(0), harness.starts(1)]).to.deep.equal([1, 1]);
  });

  for (const [title, effect, starts] of [
    ['took effect', { kind: 'hang', when: 'after', for_ms: 90_000 }, 1],
    ['had no effect', { kind: 'hang', when: 'before', for_ms: 90_000 }, 1],
  ] as const) {
    it(`establishes after a stop during a POST that ${title}`, async () => {
      const harness = new ProgramHarness({
        jobDurationMs: 600_000,
        faults: [{ match: { route: 'restore' }, effect }],
      });
      const specs = [harness.spec(0)];
      const stop = new AbortController();
      harness.clock.at(5_000, () => stop.abort(new Error('SIGINT')));
      const first = await harness.apply(specs, { stop: stop.signal });
      expect(harness.clock.monotonic()).to.be.below(7_000);
      const record = (await harness.state())?.records.get('set/disk-0');
      expect(record?.status).to.equal('intended');
      expect(record?.attempts.at(-1)?.answer).to.equal(undefined);
      expect(first.outcome.summary).to.include({ running: 0, intended: 1 });
      const next = await harness.apply(specs);
      expect(next.plan.actions[0]?.kind).to.equal('resume');
      expect(next.outcome.summary.succeeded).to.equal(1);
      expect(harness.starts(0)).to.equal(starts);
    });
  }

  it('starts nothing more once the state cannot be written, and keeps the records it has', async () => {
    const harness = new ProgramHarness({
      volumes: 6,
      jobDurationMs: 60_000,
      settings: { apply: { ...defaults().apply, parallelism: 2 } },
    });
    const specs = Array.from({ length: 6 }, (_, n) => harness.spec(n));
    const { outcome } = await harness.apply(specs, {
      onEvent: (event) => {
        if (event.type === 'intended') harness.disk.broken = noSpace();
      },
    });
    expect(outcome.fatal?.error).to.be.instanceOf(Failure);
    const accepted = harness.audit().restores;
    expect(accepted.length, 'only what was on its way').to.be.within(1, 2);
    const unsaved = outcome.fatal?.unsaved ?? [];
    const jobs = unsaved.flatMap((record) => (record.status === 'running' ? [record.job_id] : []));
    expect(jobs).to.have.members(accepted.map((restore) => restore.job_id));
    const told = [...outcome.ends.values()].filter(({ kind }) => kind === 'unsaved');
    expect(told, 'each is told').to.deep.equal(unsaved.map((record) => ({ kind: 'unsaved', record })));
    expect(outcome.ends.size, 'of all').to.equal(specs.length);
    expect(outcome.summary).to.include({
      unsaved: unsaved.length,
      not_started: specs.length - unsaved.length,
    });
    // The disk is mended: the next run finds out and repeats nothing.
    harness.disk.broken = undefined;
    const next = await harness.apply(specs);
    expect(next.outcome.summary.unknown + next.outcome.summary.succeeded).to.equal(6);
    expect(specs.map((_, n) => harness.starts(n))).to.deep.equal([1, 1, 1, 1, 1, 1]);
  });
});

describe('following a job', () => {
  for (const [title, effect, status] of [
    ['a status that is not known is not the end', { kind: 'job_unknown_status' }, 'succeeded'],
    ['a success for another disk is no success', { kind: 'job_entities_mismatch' }, 'unknown'],
    ['a failure is maybe touched', { kind: 'restore_fails' }, 'failed'],
    [
      'a failure told by a sub-job names its reason',
      { kind: 'restore_fails', in_sub_job: true, reason: 'no space' },
      'failed',
    ],
  ] as const) {
    it(title, async () => {
      const on = title.startsWith('a status') ? 'job' : 'restore';
      const harness = new ProgramHarness({ faults: [{ match: { route: on }, effect }] });
      await harness.apply([harness.spec(0)]);
      const record = (await harness.state())?.records.get('set/disk-0');
      expect(record?.status).to.equal(status);
      if (record?.status === 'failed') {
        expect(record.touched).to.equal('maybe');
        if ('reason' in effect) expect(record.reason).to.include(effect.reason);
      }
      expect(harness.starts(0)).to.equal(1);
    });
  }

  for (const [title, api, unreadable] of [
    ['the job, the disk and the backup', 'vbs', false],
    ['the disk and the backup', 'cinder', false],
    ['the job, the backup, and why the disk could not be read', 'vbs', true],
  ] as const)
    it(`keeps of a success what was seen last, on ${api}: ${title}`, async () => {
      const harness = new ProgramHarness({ api });
      const { outcome } = await harness.apply([harness.spec(0)], {
        onEvent: (event) => {
          // From now on, the job alone is read until it has ended.
          if (unreadable && event.type === 'progress' && event.note === 'restoring')
            harness.network.instead = ({ url }) =>
              url.includes('/volumes/') ? { kind: 'answer', status: 400, headers: {}, text: '' } : undefined;
        },
      });
      expect(outcome.summary).to.include({ succeeded: 1, failed: 0, unknown: 0 });
      const record = (await harness.state())?.records.get('set/disk-0');
      if (record?.status !== 'succeeded' || !record.observed) throw new Error('no proof');
      const { at, job, volume, backup } = record.observed;
      expect(job?.status).to.equal(api === 'vbs' ? 'SUCCESS' : undefined);
      expect(volume && observedStatus(volume)).to.equal(unreadable ? 'unreadable' : 'available');
      if (unreadable) expect(volume).to.have.property('reason').that.contains('400');
      expect(backup && observedStatus(backup)).to.equal('available');
      expect(Date.parse(at)).to.be.at.least(Date.parse(record.finished_at));
    });

  it('is unknown if the job succeeded and the disk is in error', async () => {
    const harness = new ProgramHarness();
    const { outcome } = await harness.apply([harness.spec(0)], {
      onEvent: (event) => {
        if (event.type !== 'progress' || event.note !== 'restoring') return;
        // From now on, the job alone is read until it has ended.
        harness.network.instead = ({ url }) => {
          const [volume] = Object.values(harness.world.volumes);
          if (volume && url.includes('/volumes/')) Object.assign(volume, { status: 'error_restoring' });
          return undefined;
        };
      },
    });
    expect(outcome.summary).to.include({ succeeded: 0, failed: 0, unknown: 1 });
    const record = (await harness.state())?.records.get('set/disk-0');
    expect(record?.status === 'unknown' && record.reason).to.match(
      /^job \S+ is SUCCESS, but the status of the disk is error_restoring$/,
    );
  });

  it('does not wait long for the last look at disk and backup', async () => {
    const harness = new ProgramHarness();
    let looking = 0;
    const { outcome } = await harness.apply([harness.spec(0)], {
      onEvent: (event) => {
        if (event.type !== 'progress' || event.note !== 'restoring') return;
        harness.network.instead = ({ url }) => {
          if (!url.includes('/volumes/')) return undefined;
          looking ||= harness.clock.monotonic();
          return { kind: 'answer', status: 503, headers: { 'retry-after': '120' }, text: '' };
        };
      },
    });
    expect(outcome.summary).to.include({ succeeded: 1, failed: 0, unknown: 0 });
    expect(looking).to.be.above(0);
    expect(harness.clock.monotonic() - looking).to.be.within(25_000, 31_000);
    const record = (await harness.state())?.records.get('set/disk-0');
    const { volume } = (record?.status === 'succeeded' && record.observed) || {};
    expect(volume).to.deep.equal({ reading: 'unreadable', reason: 'the cloud did not answer within 30s' });
  });

  const VANISHES: FaultRule = { match: { route: 'restore' }, effect: { kind: 'job_vanishes' } };

  it('ends as succeeded without a job if disk and backup were observed restoring and came to rest together', async () => {
    const harness = new ProgramHarness({ faults: [VANISHES] });
    await harness.apply([harness.spec(0)]);
    const record = (await harness.state())?.records.get('set/disk-0');
    expect(record).to.include({ status: 'succeeded', evidence: 'accepted' });
    const { volume, backup, job } = (record?.status === 'succeeded' && record.observed) || {};
    expect([volume && observedStatus(volume), backup && observedStatus(backup), job]).to.deep.equal([
      'available',
      'available',
      undefined,
    ]);
  });

  it('ends as unknown without a job if neither disk nor backup was observed restoring', async () => {
    const harness = new ProgramHarness({ faults: [VANISHES], jobDurationMs: 5 });
    await harness.apply([harness.spec(0)]);
    const record = (await harness.state())?.records.get('set/disk-0');
    expect(record?.status === 'unknown' && record.reason).to.include('not found any more');
  });

  it('ends as unknown without a job if another client may have restored the disk', async () => {
    const harness = new ProgramHarness({ faults: [VANISHES], queueMs: 3_600_000 });
    const theirs = harness.spec(0, { backup_number: 1 });
    const { volume, backup } = theirs;
    if (volume.by !== 'id' || backup.by !== 'id') throw new Error('not by id');
    harness.operate({ action: 'set-timing', backup_id: backup.id, queue_ms: 0, job_duration_ms: 60_000 });
    harness.clock.at(30_000, () =>
      harness.operate({ action: 'restore', volume_id: volume.id, backup_id: backup.id }),
    );
    await harness.apply([harness.spec(0)]);
    const record = (await harness.state())?.records.get('set/disk-0');
    expect(record?.status === 'unknown' && record.reason).to.include('while this backup was available');
  });

  it('leaves a job that never ends running at the timeout', async () => {
    const harness = new ProgramHarness({
      faults: [{ match: { route: 'restore' }, effect: { kind: 'job_endless' } }],
    });
    const { outcome } = await harness.apply([harness.spec(0)]);
    expect(outcome.summary.running).to.equal(1);
    expect(harness.clock.monotonic()).to.be.within(2 * 3_600_000, 2 * 3_600_000 + 60_000);
  });

  it('renews a token that expires during the restore', async () => {
    const harness = new ProgramHarness({ tokenTtlMs: 20_000, jobDurationMs: 120_000 });
    const { outcome } = await harness.apply([harness.spec(0)]);
    expect(outcome.summary.succeeded).to.equal(1);
    expect(harness.network.log.filter((line) => line === 'POST token').length).to.be.at.least(3);
  });
});

function defaults() {
  return new ProgramHarness().settings;
}

function volumeId(harness: ProgramHarness, n: number): string {
  return Object.keys(harness.world.volumes)[n] ?? '';
}

function fails(_n: number): FaultRule {
  return { match: { route: 'restore' }, effect: { kind: 'restore_fails' }, times: 1 };
}

/** Narrows the only rule to one disk. */
function mend(harness: ProgramHarness, n: number): void {
  const [first] = harness.world.faults.rules;
  if (first) first.rule = { ...first.rule, match: { route: 'restore', volume_id: volumeId(harness, n) } };
}
