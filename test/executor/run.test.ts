import { expect } from 'chai';
import { Failure } from '../../src/domain/errors.ts';
import { observedStatus } from '../../src/domain/observation.ts';
import type { FaultRule } from '../../src/emulator/faults.ts';
import { Lab } from '../simulation/lab.ts';
import { noSpace } from '../simulation/memory-disk.ts';

describe('a run', () => {
  it('starts each restore once and finds them done on the next', async () => {
    const lab = new Lab();
    const specs = [lab.spec(0), lab.spec(1), lab.spec(2)];
    const { outcome } = await lab.apply(specs);
    expect(outcome.summary).to.include({ started: 3, succeeded: 3, failed: 0, unknown: 0, adopted: 0 });
    const { actions } = await lab.plan(specs);
    expect(actions.map(({ kind }) => kind)).to.deep.equal(['noop', 'noop', 'noop']);
    expect([0, 1, 2].map((n) => lab.starts(n))).to.deep.equal([1, 1, 1]);
  });

  it('renaming every restore changes nothing but the names', async () => {
    const lab = new Lab();
    await lab.apply([lab.spec(0), lab.spec(1)]);
    // They change places, into another set as well.
    const renamed = [lab.spec(0, { name: 'disk-1' }), lab.spec(1, { name: 'disk-0', set: 'other' })];
    const { plan, outcome } = await lab.apply(renamed);
    expect(plan.moves).to.have.length(2);
    expect(outcome.summary.started).to.equal(0);
    expect([...((await lab.state())?.records.keys() ?? [])].sort()).to.deep.equal([
      'other/disk-0',
      'set/disk-1',
    ]);
    expect([lab.starts(0), lab.starts(1)]).to.deep.equal([1, 1]);
  });

  it('never has two restores at work on one backup or one disk', async () => {
    const lab = new Lab({ volumes: 6, jobDurationMs: 30_000 });
    const source = lab.spec(0);
    if (source.backup.by !== 'id') throw new Error('not by id');
    // World sizes grow with the number, so a backup of disk 0 fits into every other disk.
    const specs = [0, 1, 2, 3].map((n) => lab.spec(n, { backup: source.backup }));
    const { outcome } = await lab.apply(specs);
    const { restores } = lab.audit();
    expect(restores.flatMap((restore) => restore.overlapped_with)).to.deep.equal([]);
    expect(outcome.summary.succeeded, JSON.stringify([...outcome.ends.values()])).to.equal(4);
  });

  it('runs as many at once as it may, no more', async () => {
    const lab = new Lab({
      volumes: 12,
      jobDurationMs: 60_000,
      settings: { apply: { ...defaults().apply, parallelism: 4 } },
    });
    const specs = Array.from({ length: 12 }, (_, n) => lab.spec(n));
    let under = 0;
    let most = 0;
    await lab.apply(specs, {
      onEvent: (event) => {
        if (event.type === 'preparing') most = Math.max(most, ++under);
        if (event.type === 'ended') under--;
      },
    });
    expect(most).to.equal(4);
    expect(lab.clock.monotonic()).to.be.within(3 * 60_000, 3 * 90_000);
  });

  it('resumes what is under way on a backup before it starts another restore from it', async () => {
    const lab = new Lab({ jobDurationMs: 600_000 });
    const source = lab.spec(0);
    const specs = [source, lab.spec(1, { backup: source.backup })];
    const stop = new AbortController();
    lab.clock.at(30_000, () => stop.abort(new Error('SIGINT')));
    await lab.apply(specs, { stop: stop.signal });
    const { plan, outcome } = await lab.apply(specs);
    expect(plan.actions.map((action) => action.kind)).to.deep.equal(['resume', 'restore']);
    expect(plan.actions[1]).to.have.nested.property('waits_for[0].what').that.includes('set/disk-0 to end');
    expect(outcome.summary).to.include({ started: 1, succeeded: 2 });
    expect(lab.audit().restores.flatMap((restore) => restore.overlapped_with)).to.deep.equal([]);
  });

  it('starts what depends on another only after that one succeeded', async () => {
    const lab = new Lab();
    const specs = [lab.spec(1, { depends_on: ['set/disk-0'] }), lab.spec(0)];
    await lab.apply(specs);
    const [first, second] = lab.audit().restores;
    expect(Date.parse(second?.accepted_at ?? '')).to.be.at.least(Date.parse(first?.ended_at ?? ''));
    expect(second?.volume_id).to.equal(volumeId(lab, 1));
  });

  it('sends a begun restore that has not started again only after what it depends on by now', async () => {
    const lab = new Lab({
      settings: { apply: { ...defaults().apply, parallelism: 1 } },
      faults: [{ match: { route: 'restore' }, effect: { kind: 'status', when: 'before', status: 409 } }],
    });
    const interrupted = new AbortController();
    await lab.apply([lab.spec(1)], {
      stop: interrupted.signal,
      onEvent: ({ type }) => type === 'answered' && interrupted.abort(new Error('enough')),
    });
    expect((await lab.state())?.records.get('set/disk-1')?.status).to.equal('intended');
    const specs = [lab.spec(1, { depends_on: ['set/disk-0'] }), lab.spec(0)];
    expect((await lab.apply(specs)).outcome.summary).to.include({ failed: 1, succeeded: 1 });
    const given = (await lab.state())?.records.get('set/disk-1');
    expect(given).to.include({ status: 'failed', touched: 'no' });
    expect(given?.status === 'failed' && given.reason).to.include('set/disk-0, which it depends on');
    expect(lab.starts(1)).to.equal(0);
    expect((await lab.apply(specs)).outcome.summary).to.include({ succeeded: 1 });
    expect(lab.starts(1)).to.equal(1);
  });

  it('stops only the dependants of one that failed', async () => {
    const lab = new Lab({ faults: [fails(0)] });
    mend(lab, 0);
    const specs = [lab.spec(0), lab.spec(1, { depends_on: ['set/disk-0'] }), lab.spec(2)];
    const { outcome } = await lab.apply(specs);
    expect(outcome.summary).to.include({ failed: 1, succeeded: 1, not_started: 1 });
    expect(outcome.ends.get('set/disk-1')).to.include({ kind: 'not_started', code: 'dependency' });
    const record = (await lab.state())?.records.get('set/disk-0');
    expect(record?.status === 'failed' && record.touched).to.equal('maybe');
  });

  it('starts nothing new after max_failures', async () => {
    const lab = new Lab({
      volumes: 8,
      settings: { apply: { ...defaults().apply, parallelism: 1, max_failures: 2 } },
      faults: [{ match: { route: 'restore' }, effect: { kind: 'restore_fails' }, times: 'always' }],
    });
    const { outcome } = await lab.apply(Array.from({ length: 8 }, (_, n) => lab.spec(n)));
    expect(outcome.summary).to.include({ failed: 2, not_started: 6 });
    expect(lab.events.filter((event) => event.type === 'halted')).to.have.length(1);
    expect(lab.audit().restores).to.have.length(2);
  });

  it('follows what is under way also after max_failures', async () => {
    const lab = new Lab({
      jobDurationMs: 600_000,
      faults: [fails(0)],
      settings: { apply: { ...defaults().apply, parallelism: 1, max_failures: 1 } },
    });
    mend(lab, 0);
    const specs = [0, 1, 2, 3].map((n) => lab.spec(n));
    await lab.apply(specs.slice(0, 3), { mode: 'no_wait' });
    const { outcome } = await lab.apply(specs);
    expect(outcome.summary).to.include({ failed: 1, succeeded: 2, not_started: 1 });
    expect(outcome.ends.get('set/disk-3')).to.include({ kind: 'not_started', code: 'halted' });
    expect(lab.starts(3)).to.equal(0);
  });

  it('leaves a restore that takes longer than its timeout running, and resumes it', async () => {
    const lab = new Lab({ jobDurationMs: 3_600_000 });
    const specs = [lab.spec(0, { timeout_ms: 60_000 })];
    const { outcome } = await lab.apply(specs);
    expect(outcome.summary).to.include({ started: 1, running: 1 });
    expect(lab.clock.monotonic()).to.be.within(60_000, 95_000);
    lab.clock.wallOffset += 3_600_000;
    const next = await lab.apply(specs);
    expect(next.plan.actions[0]?.kind).to.equal('resume');
    expect(next.outcome.summary).to.include({ started: 0, succeeded: 1 });
    expect(lab.starts(0)).to.equal(1);
  });

  it('waits for a disk to be detached, then restores', async () => {
    const lab = new Lab();
    lab.operate({ action: 'attach', volume_id: volumeId(lab, 0), server: 'pay-db1' });
    lab.clock.at(10 * 60_000, () => lab.operate({ action: 'detach', volume_id: volumeId(lab, 0) }));
    const specs = [lab.spec(0)];
    const plan = await lab.plan(specs);
    expect(plan.actions[0]).to.have.nested.property('waits_for[0].what').that.includes('detach from ');
    const { outcome } = await lab.apply(specs);
    expect(outcome.summary.succeeded).to.equal(1);
    expect(Date.parse(lab.audit().restores[0]?.accepted_at ?? '') - lab.clock.wallOffset).to.be.at.least(
      10 * 60_000,
    );
  });

  it('records where the disk was attached before it was detached, and keeps that over a crash', async () => {
    const lab = new Lab({
      jobDurationMs: 600_000,
      faults: [{ match: { route: 'restore' }, effect: { kind: 'reset', when: 'before' } }],
    });
    lab.operate({ action: 'attach', volume_id: volumeId(lab, 0), server: 'pay-db1' });
    const { attachments = [] } = Object.values(lab.world.volumes)[0] ?? {};
    lab.clock.at(60_000, () => lab.operate({ action: 'detach', volume_id: volumeId(lab, 0) }));
    const stop = new AbortController();
    await lab.apply([lab.spec(0)], {
      stop: stop.signal,
      onEvent: ({ type }) => type === 'answered' && stop.abort(new Error('enough')),
    });
    await lab.apply([lab.spec(0)]);
    const record = (await lab.state())?.records.get('set/disk-0');
    expect(record).to.include({ status: 'succeeded' });
    expect(record?.attempts).to.have.length(2);
    const [attached] = record?.attached_before ?? [];
    expect(attached?.device).to.equal('/dev/vda');
    expect(JSON.stringify(attachments)).to.include(attached?.server_id);
    await lab.apply([lab.spec(1)]);
    expect((await lab.state())?.records.get('set/disk-1')).to.not.have.property('attached_before');
  });

  it('gives up waiting at the timeout, records nothing, and plans it again', async () => {
    const lab = new Lab();
    lab.operate({ action: 'attach', volume_id: volumeId(lab, 0), server: 'pay-db1' });
    const specs = [lab.spec(0, { timeout_ms: 60_000 })];
    const { outcome } = await lab.apply(specs);
    expect(outcome.ends.get('set/disk-0')).to.include({ kind: 'not_started', code: 'not_ready' });
    expect((await lab.state())?.records.size).to.equal(0);
    expect((await lab.plan(specs)).actions[0]?.kind).to.equal('restore');
  });

  it('takes no baseline from the second in which disk or backup changed', async () => {
    const lab = new Lab();
    lab.operate({ action: 'attach', volume_id: volumeId(lab, 0), server: 'pay-db1' });
    lab.operate({ action: 'detach', volume_id: volumeId(lab, 0) });
    await lab.apply([lab.spec(0)]);
    const record = (await lab.state())?.records.get('set/disk-0');
    const { updated_at = '' } = record?.baseline.volume ?? {};
    expect(Date.parse(record?.attempts[0]?.intended_at ?? '')).to.be.at.least(Date.parse(updated_at) + 2_000);
  });

  it('refuses a backup that is not the planned one any more, before any POST', async () => {
    const lab = new Lab();
    const spec = lab.spec(0);
    const done = lab.applying([spec], {
      onEvent: (event) => {
        if (event.type === 'run_started')
          lab.operate({ action: 'extend', volume_id: volumeId(lab, 0), size: 4_000 });
      },
    });
    const { outcome } = await lab.clock.until(done);
    expect(outcome.ends.get('set/disk-0')).to.include({ kind: 'not_started', code: 'changed' });
    expect(lab.starts(0)).to.equal(0);
  });

  it('stops at once when asked, leaves jobs running, and resumes them', async () => {
    const lab = new Lab({
      jobDurationMs: 600_000,
      settings: { apply: { ...defaults().apply, parallelism: 1 } },
    });
    const specs = [lab.spec(0), lab.spec(1)];
    const stop = new AbortController();
    lab.clock.at(30_000, () => stop.abort(new Error('SIGINT')));
    const { outcome } = await lab.apply(specs, { stop: stop.signal });
    expect(lab.clock.monotonic()).to.be.within(30_000, 31_000);
    expect(outcome.summary).to.include({ started: 1, running: 1, not_started: 1 });
    expect(outcome.ends.get('set/disk-1')).to.include({ kind: 'not_started', code: 'interrupted' });
    const next = await lab.apply(specs);
    expect(next.outcome.summary).to.include({ started: 1, succeeded: 2 });
    expect([lab.starts(0), lab.starts(1)]).to.deep.equal([1, 1]);
  });

  for (const [title, effect, starts] of [
    ['took effect', { kind: 'hang', when: 'after', for_ms: 90_000 }, 1],
    ['had no effect', { kind: 'hang', when: 'before', for_ms: 90_000 }, 1],
  ] as const) {
    it(`finds out after a stop in the middle of a POST that ${title}`, async () => {
      const lab = new Lab({ jobDurationMs: 600_000, faults: [{ match: { route: 'restore' }, effect }] });
      const specs = [lab.spec(0)];
      const stop = new AbortController();
      lab.clock.at(5_000, () => stop.abort(new Error('SIGINT')));
      const first = await lab.apply(specs, { stop: stop.signal });
      expect(lab.clock.monotonic()).to.be.below(7_000);
      const record = (await lab.state())?.records.get('set/disk-0');
      expect(record?.status).to.equal('intended');
      expect(record?.attempts.at(-1)?.answer).to.equal(undefined);
      expect(first.outcome.summary).to.include({ running: 0, intended: 1 });
      const next = await lab.apply(specs);
      expect(next.plan.actions[0]?.kind).to.equal('resume');
      expect(next.outcome.summary.succeeded).to.equal(1);
      expect(lab.starts(0)).to.equal(starts);
    });
  }

  it('starts nothing more once the state cannot be written, and keeps what it knows', async () => {
    const lab = new Lab({
      volumes: 6,
      jobDurationMs: 60_000,
      settings: { apply: { ...defaults().apply, parallelism: 2 } },
    });
    const specs = Array.from({ length: 6 }, (_, n) => lab.spec(n));
    const { outcome } = await lab.apply(specs, {
      onEvent: (event) => {
        if (event.type === 'intended') lab.disk.broken = noSpace();
      },
    });
    expect(outcome.fatal?.error).to.be.instanceOf(Failure);
    const accepted = lab.audit().restores;
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
    lab.disk.broken = undefined;
    const next = await lab.apply(specs);
    expect(next.outcome.summary.unknown + next.outcome.summary.succeeded).to.equal(6);
    expect(specs.map((_, n) => lab.starts(n))).to.deep.equal([1, 1, 1, 1, 1, 1]);
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
      const lab = new Lab({ faults: [{ match: { route: on }, effect }] });
      await lab.apply([lab.spec(0)]);
      const record = (await lab.state())?.records.get('set/disk-0');
      expect(record?.status).to.equal(status);
      if (record?.status === 'failed') {
        expect(record.touched).to.equal('maybe');
        if ('reason' in effect) expect(record.reason).to.include(effect.reason);
      }
      expect(lab.starts(0)).to.equal(1);
    });
  }

  const VANISHES: FaultRule = { match: { route: 'restore' }, effect: { kind: 'job_vanishes' } };

  it('a job that vanishes leaves disk and backup to tell, which were seen at it and came to rest together', async () => {
    const lab = new Lab({ faults: [VANISHES] });
    await lab.apply([lab.spec(0)]);
    const record = (await lab.state())?.records.get('set/disk-0');
    expect(record).to.include({ status: 'succeeded', evidence: 'accepted' });
    const { volume, backup, job } = (record?.status === 'succeeded' && record.observed) || {};
    expect([volume && observedStatus(volume), backup && observedStatus(backup), job]).to.deep.equal([
      'available',
      'available',
      undefined,
    ]);
  });

  it('a job that vanishes leaves an outcome that only a person can tell, if nothing was seen at it', async () => {
    const lab = new Lab({ faults: [VANISHES], jobDurationMs: 5 });
    await lab.apply([lab.spec(0)]);
    const record = (await lab.state())?.records.get('set/disk-0');
    expect(record?.status === 'unknown' && record.reason).to.include('not found any more');
  });

  it('a job that vanishes leaves an outcome unknown that a stranger’s restore may have made', async () => {
    const lab = new Lab({ faults: [VANISHES], queueMs: 3_600_000 });
    const theirs = lab.spec(0, { backup_number: 1 });
    const { volume, backup } = theirs;
    if (volume.by !== 'id' || backup.by !== 'id') throw new Error('not by id');
    lab.operate({ action: 'set-timing', backup_id: backup.id, queue_ms: 0, job_duration_ms: 60_000 });
    lab.clock.at(30_000, () =>
      lab.operate({ action: 'restore', volume_id: volume.id, backup_id: backup.id }),
    );
    await lab.apply([lab.spec(0)]);
    const record = (await lab.state())?.records.get('set/disk-0');
    expect(record?.status === 'unknown' && record.reason).to.include('while this backup was available');
  });

  it('a job that never ends is left running at the timeout', async () => {
    const lab = new Lab({ faults: [{ match: { route: 'restore' }, effect: { kind: 'job_endless' } }] });
    const { outcome } = await lab.apply([lab.spec(0)]);
    expect(outcome.summary.running).to.equal(1);
    expect(lab.clock.monotonic()).to.be.within(2 * 3_600_000, 2 * 3_600_000 + 60_000);
  });

  it('renews the token when it ends in the middle', async () => {
    const lab = new Lab({ tokenTtlMs: 20_000, jobDurationMs: 120_000 });
    const { outcome } = await lab.apply([lab.spec(0)]);
    expect(outcome.summary.succeeded).to.equal(1);
    expect(lab.network.log.filter((line) => line === 'POST token').length).to.be.at.least(3);
  });
});

function defaults() {
  return new Lab().settings;
}

function volumeId(lab: Lab, n: number): string {
  return Object.keys(lab.world.volumes)[n] ?? '';
}

function fails(_n: number): FaultRule {
  return { match: { route: 'restore' }, effect: { kind: 'restore_fails' }, times: 1 };
}

/** Narrows the only rule to one disk. */
function mend(lab: Lab, n: number): void {
  const [first] = lab.world.faults.rules;
  if (first) first.rule = { ...first.rule, match: { route: 'restore', volume_id: volumeId(lab, n) } };
}
