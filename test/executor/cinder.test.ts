import { expect } from 'chai';
import type { RestoreSpec } from '../../src/domain/spec.ts';
import type { FaultRule } from '../../src/emulator/faults.ts';
import { type HarnessOptions, ProgramHarness } from '../simulation/program-harness.ts';

const RESTORE = { route: 'restore' } as const;

function cinder(options: HarnessOptions = {}): ProgramHarness {
  return new ProgramHarness({ api: 'cinder', ...options });
}

async function record(harness: ProgramHarness, name = 'disk-0') {
  const found = (await harness.state())?.records.get(`set/${name}`);
  if (!found) throw new Error(`no record of ${name}`);
  return found;
}

function ids(spec: RestoreSpec): { volume_id: string; backup_id: string } {
  if (spec.volume.by !== 'id' || spec.backup.by !== 'id') throw new Error('not by id');
  return { volume_id: spec.volume.id, backup_id: spec.backup.id };
}

describe('a run on Cinder', () => {
  it('restores each disk, follows it by the statuses, and finds it done', async () => {
    const harness = cinder();
    const specs = [harness.spec(0), harness.spec(1), harness.spec(2)];
    const { outcome } = await harness.apply(specs);
    expect(outcome.summary).to.include({ started: 3, succeeded: 3, failed: 0, unknown: 0 });
    const { actions } = await harness.plan(specs);
    expect(actions.map(({ kind }) => kind)).to.deep.equal(['noop', 'noop', 'noop']);
    expect([0, 1, 2].map((n) => harness.starts(n))).to.deep.equal([1, 1, 1]);
    expect(await record(harness)).to.include({ status: 'succeeded', evidence: 'accepted' });
    expect(harness.network.log).not.to.include('GET job');
  });

  it('records a success although no read showed the restore under way', async () => {
    const harness = cinder({ jobDurationMs: 1 });
    const { outcome } = await harness.apply([harness.spec(0)]);
    expect(outcome.summary).to.include({ succeeded: 1 });
    expect(harness.events.filter(({ type }) => type === 'progress')).to.deep.equal([]);
  });

  it('restores two disks from one backup one after the other', async () => {
    const harness = cinder({ volumes: 4 });
    const first = harness.spec(0);
    const { outcome } = await harness.apply([first, harness.spec(1, { backup: first.backup })]);
    expect(outcome.summary).to.include({ started: 2, succeeded: 2 });
    expect(harness.audit().restores.flatMap(({ overlapped_with }) => overlapped_with)).to.deep.equal([]);
  });

  it('reports why a restore failed', async () => {
    const faults: FaultRule[] = [{ match: RESTORE, effect: { kind: 'restore_fails', reason: 'tape torn' } }];
    const harness = cinder({ faults });
    await harness.apply([harness.spec(0)]);
    const failed = await record(harness);
    expect(failed).to.include({ status: 'failed', touched: 'maybe' });
    expect(failed.status === 'failed' && failed.reason).to.match(
      /^the status of the disk is error_restoring: restore backup:tape torn \(request req-\d+\)$/,
    );
  });

  it('does not call a disk restored if somebody reset its error status', async () => {
    const faults: FaultRule[] = [{ match: RESTORE, effect: { kind: 'restore_fails', reason: 'tape torn' } }];
    const harness = cinder({ faults });
    const spec = harness.spec(0);
    await harness.apply([spec], { mode: 'no_wait' });
    await harness.clock.until(harness.clock.sleep(60_000));
    harness.operate({ action: 'set-status', volume_id: ids(spec).volume_id, status: 'available' });
    await harness.apply([spec]);
    const failed = await record(harness);
    expect(failed).to.include({ status: 'failed', touched: 'maybe' });
    expect(failed.status === 'failed' && failed.reason).to.include('tape torn');
  });

  it('ends as unknown if the messages of Cinder cannot be read or do not exist', async () => {
    // 406: a Cinder of before Wallaby, which has messages and writes none of restores.
    for (const status of [403, 406]) await callsItUnknown(status);
  });

  async function callsItUnknown(status: number): Promise<void> {
    const unreadable = { kind: 'status', when: 'before', status, body: 'service' } as const;
    const harness = cinder({
      faults: [
        { match: RESTORE, effect: { kind: 'restore_fails', reason: 'tape torn' } },
        { match: { route: 'messages' }, times: 'always', effect: unreadable },
      ],
    });
    const spec = harness.spec(0);
    await harness.apply([spec], { mode: 'no_wait' });
    await harness.clock.until(harness.clock.sleep(60_000));
    harness.operate({ action: 'set-status', volume_id: ids(spec).volume_id, status: 'available' });
    await harness.apply([spec]);
    const lost = await record(harness);
    expect(lost.status).to.equal('unknown');
    expect(lost.status === 'unknown' && lost.reason).to.include(
      'messages, which tell whether it failed, cannot be read',
    );
  }

  it('calls a disk restored although it was attached before the next read', async () => {
    const harness = cinder();
    const spec = harness.spec(0);
    await harness.apply([spec], { mode: 'no_wait' });
    await harness.clock.until(harness.clock.sleep(60_000));
    harness.operate({ action: 'attach', volume_id: ids(spec).volume_id, server: 'pay-db1' });
    const { outcome } = await harness.apply([spec]);
    expect(outcome.summary).to.include({ succeeded: 1 });
  });

  it('reports a failure without its reason if the messages cannot be read', async () => {
    const harness = cinder({
      faults: [
        { match: RESTORE, effect: { kind: 'restore_fails' } },
        {
          match: { route: 'messages' },
          times: 'always',
          effect: { kind: 'status', when: 'before', status: 403 },
        },
      ],
    });
    await harness.apply([harness.spec(0)]);
    expect(await record(harness)).to.include({
      status: 'failed',
      reason: 'the status of the disk is error_restoring',
    });
  });

  it('adopts a restore whose answer was lost', async () => {
    const harness = cinder({ faults: [{ match: RESTORE, effect: { kind: 'reset', when: 'after' } }] });
    const { outcome } = await harness.apply([harness.spec(0)]);
    expect(outcome.summary).to.include({ started: 0, adopted: 1, succeeded: 1 });
    expect(harness.starts(0)).to.equal(1);
  });

  it('adopts a restore that ran between two reads if the disk names the backup of another disk', async () => {
    const harness = cinder({
      jobDurationMs: 1,
      faults: [{ match: RESTORE, effect: { kind: 'reset', when: 'after' } }],
    });
    const { outcome } = await harness.apply([harness.spec(1, { backup: harness.spec(0).backup })]);
    expect(outcome.summary).to.include({ adopted: 1, succeeded: 1 });
    expect(harness.starts(1)).to.equal(1);
  });

  it('ends as unknown if the answer was lost and the restore ran between two reads', async () => {
    const harness = cinder({
      jobDurationMs: 1,
      faults: [{ match: RESTORE, effect: { kind: 'reset', when: 'after' } }],
    });
    const { outcome } = await harness.apply([harness.spec(0)]);
    expect(outcome.summary).to.include({ unknown: 1, started: 0 });
    expect(harness.starts(0)).to.equal(1);
  });

  it('waits for a backup service that is down, then restores', async () => {
    const harness = cinder();
    harness.operate({ action: 'settings', settings: { service_up: false } });
    const running = harness.applying([harness.spec(0)]);
    await harness.clock.until(harness.clock.sleep(10 * 60_000));
    expect(harness.starts(0)).to.equal(0);
    harness.operate({ action: 'settings', settings: { service_up: true } });
    const { outcome } = await harness.clock.until(running);
    expect(outcome.summary).to.include({ started: 1, succeeded: 1 });
  });

  it('records a failure, and starts nothing else, if a restart of the backup service ended the restore', async () => {
    const harness = cinder({ jobDurationMs: 60_000 });
    const running = harness.applying([harness.spec(0)]);
    await harness.clock.until(harness.clock.sleep(20_000));
    harness.operate({ action: 'settings', settings: { service_up: false } });
    await harness.clock.until(harness.clock.sleep(20 * 60_000));
    harness.operate({ action: 'settings', settings: { service_up: true } });
    const { outcome } = await harness.clock.until(running);
    expect(outcome.summary).to.include({ started: 1, failed: 1 });
    expect(await record(harness)).to.include({ status: 'failed', touched: 'maybe' });
    const again = await harness.apply([harness.spec(0)]);
    expect(again.plan.actions.map(({ kind }) => kind)).to.deep.equal(['blocked']);
    expect(harness.starts(0)).to.equal(1);
  });

  it('reports that another client took the backup first', async () => {
    const harness = cinder({ volumes: 4, jobDurationMs: 30_000 });
    const mine = harness.spec(0);
    const { backup_id } = ids(mine);
    const { volume_id } = ids(harness.spec(1));
    // The stranger's restore ends first and frees the backup under ours.
    const running = harness.applying([mine], {
      onEvent: ({ type }) => {
        if (type === 'accepted') harness.operate({ action: 'set-status', backup_id, status: 'available' });
      },
    });
    const { outcome } = await harness.clock.until(running);
    expect(volume_id).not.to.equal(ids(mine).volume_id);
    expect(outcome.summary).to.include({ failed: 1 });
    expect(await record(harness)).to.include({ reason: 'the status of the disk is error' });
  });

  it('does not call a disk restored that never changed, whatever the answer was', async () => {
    const harness = cinder({ settings: {} });
    const spec = harness.spec(0);
    // The yes of somebody who never passed the request on.
    const body = JSON.stringify({ restore: ids(spec) });
    harness.network.instead = (request) =>
      request.method === 'POST' && request.url.endsWith('/restore')
        ? { kind: 'answer', status: 202, headers: {}, text: body }
        : undefined;
    const { outcome } = await harness.apply([spec]);
    expect(outcome.summary).to.include({ started: 1, succeeded: 0, unknown: 1 });
    const unknown = await record(harness);
    expect(unknown.status === 'unknown' && unknown.reason).to.equal(
      'the cloud accepted the request, but the disk looks as it did before',
    );
    expect(harness.starts(0)).to.equal(0);
  });
});
