import { expect } from 'chai';
import type { Job } from '../../src/domain/cloud.ts';
import type { Running } from '../../src/domain/record.ts';
import type { Exchange } from '../../src/drivers/http/exchange.ts';
import type { FaultRule } from '../../src/emulator/faults.ts';
import { heldFor } from '../../src/executor/held-for.ts';
import { judgeJob, otherWork } from '../../src/executor/judge-running.ts';
import { ProgramHarness } from '../simulation/program-harness.ts';
import { SimClock } from '../simulation/sim-clock.ts';

/** One look can lie: a stale copy of the data, a 404 of a replica that is behind, two readings on both sides of a change. */
describe('a single observation', () => {
  const EFFECT: FaultRule = {
    match: { route: 'restore' },
    effect: { kind: 'status', when: 'after', status: 504 },
  };
  const NO_EFFECT: FaultRule = {
    match: { route: 'restore' },
    effect: { kind: 'status', when: 'before', status: 504 },
  };

  /** Answers in place of the cloud: the n-th reads after the POST of what `path` names. */
  function answering(
    harness: ProgramHarness,
    path: 'volumes' | 'backups',
    nth: readonly number[],
    answer: () => Exchange,
  ): void {
    let posted = false;
    let read = 0;
    harness.network.instead = ({ method, url }) => {
      posted ||= method === 'POST' && url.endsWith('/restore');
      if (!posted || method !== 'GET' || !new RegExp(`/${path}/[0-9a-f-]+$`).test(url)) return undefined;
      return nth.includes(++read) ? answer() : undefined;
    };
  }

  async function recordOf(harness: ProgramHarness) {
    return (await harness.state())?.records.get('set/disk-0');
  }

  const NOT_FOUND: Exchange = {
    kind: 'answer',
    status: 404,
    headers: {},
    text: JSON.stringify({ itemNotFound: { code: 404, message: 'It could not be found.' } }),
  };

  const json = (body: object): Exchange => ({
    kind: 'answer',
    status: 200,
    headers: {},
    text: JSON.stringify(body),
  });

  it('does not contradict our restore if it shows an outdated backup', async () => {
    const harness = new ProgramHarness({ jobDurationMs: 60_000, faults: [EFFECT] });
    const backup = Object.values(harness.world.backups)[0];
    answering(harness, 'backups', [1], () =>
      json({
        backup: {
          id: backup?.id,
          name: backup?.name,
          status: 'available',
          size: backup?.size_gb,
          volume_id: backup?.volume_id,
          created_at: '2026-11-20T01:00:00.000000',
          updated_at: '2026-11-20T01:30:00.000000',
        },
      }),
    );
    await harness.apply([harness.spec(0)]);
    expect(await recordOf(harness)).to.include({ status: 'succeeded', evidence: 'adopted' });
  });

  it('is not a failure if it shows an error that the second read does not show', async () => {
    const harness = new ProgramHarness({ jobDurationMs: 60_000, faults: [EFFECT] });
    const volume = Object.values(harness.world.volumes)[0];
    answering(harness, 'volumes', [1], () =>
      json({ volume: { id: volume?.id, status: 'error_restoring', size: volume?.size_gb, attachments: [] } }),
    );
    await harness.apply([harness.spec(0)]);
    expect(await recordOf(harness)).to.include({ status: 'succeeded', evidence: 'adopted' });
  });

  it('does not prove that disk or backup is gone if one read during the probe gets a 404', async () => {
    for (const path of ['volumes', 'backups'] as const) {
      const harness = new ProgramHarness({ faults: [NO_EFFECT] });
      answering(harness, path, [1, 2, 5], () => NOT_FOUND);
      const { outcome } = await harness.apply([harness.spec(0)]);
      expect(outcome.summary, path).to.include({ succeeded: 1 });
      expect(harness.starts(0)).to.equal(1);
    }
  });

  it('does not prove that the disk is gone if one read gets a 404 while Cinder restores it', async () => {
    const harness = new ProgramHarness({ api: 'cinder', jobDurationMs: 60_000 });
    answering(harness, 'volumes', [2, 3], () => NOT_FOUND);
    const { outcome } = await harness.apply([harness.spec(0)]);
    expect(outcome.summary).to.include({ succeeded: 1 });
  });

  it('does not stop a restore from starting if one read gets a 404', async () => {
    const harness = new ProgramHarness();
    let begun = false;
    let found = true;
    harness.network.instead = ({ method, url }) => {
      if (!begun || !found || method !== 'GET' || !/\/volumes\/[0-9a-f-]+$/.test(url)) return undefined;
      found = false;
      return NOT_FOUND;
    };
    const { outcome } = await harness.apply([harness.spec(0)], {
      onEvent: ({ type }) => {
        begun ||= type === 'preparing';
      },
    });
    expect(found).to.equal(false);
    expect(harness.events.map((event) => event.type === 'waiting' && event.reason)).to.include(
      'the disk does not exist any more',
    );
    expect(outcome.summary).to.include({ succeeded: 1 });
  });

  it('proves that the disk is gone only if each read until settle gets a 404', async () => {
    const harness = new ProgramHarness({ faults: [NO_EFFECT] });
    answering(
      harness,
      'volumes',
      Array.from({ length: 1_000 }, (_, n) => n),
      () => NOT_FOUND,
    );
    const { outcome } = await harness.apply([harness.spec(0)]);
    expect(outcome.summary).to.include({ unknown: 1 });
    expect(harness.clock.monotonic()).to.be.at.least(harness.settings.retry.settle_ms);
  });

  it('is followed by reads until settle before a final rejection leaves the disk untouched', async () => {
    const refused: FaultRule = {
      match: { route: 'restore' },
      effect: { kind: 'status', when: 'after', status: 403, body: 'service', code: 'VolumeBackup.0042' },
    };
    const harness = new ProgramHarness({ jobDurationMs: 60_000, faults: [refused] });
    const volume = Object.values(harness.world.volumes)[0];
    // Behind, as it was before.
    const { updated_ms = 0, name, size_gb } = volume ?? {};
    const updated_at = new Date(updated_ms).toISOString().slice(0, 19);
    const created_at = new Date(volume?.created_ms ?? 0).toISOString().slice(0, 19);
    answering(harness, 'volumes', [1], () =>
      json({
        volume: {
          id: volume?.id,
          name,
          status: 'available',
          size: size_gb,
          attachments: [],
          created_at,
          updated_at,
        },
      }),
    );
    await harness.apply([harness.spec(0)]);
    expect(await recordOf(harness)).to.include({ status: 'succeeded', evidence: 'adopted' });
  });
});

describe('an accepting answer to an earlier request', () => {
  it('is not accepted for this request when a gateway replays it', async () => {
    const harness = new ProgramHarness();
    const { send } = harness.network;
    let old: Exchange | undefined;
    let replays = 0;
    harness.network.send = async (request) => {
      const isRestore = request.method === 'POST' && request.url.endsWith('/restore');
      if (isRestore && old && replays++ === 0) return old;
      const exchange = await send.call(harness.network, request);
      if (isRestore) old ??= exchange;
      return exchange;
    };
    await harness.apply([harness.spec(0)]);
    const { outcome } = await harness.apply([harness.spec(0, { generation: 2 })]);
    expect(replays).to.equal(2);
    expect(harness.starts(0), 'one for each generation').to.equal(2);
    expect(outcome.summary).to.include({ succeeded: 1 });
    const record = (await harness.state())?.records.get('set/disk-0');
    expect(record?.attempts.map(({ answer }) => answer)).to.deep.equal(['ambiguous', 'accepted']);
    expect(record?.attempts[0]?.failure?.message).to.include('which is another restore');
  });
});

describe('the job of a restore', () => {
  const record = { volume_id: 'v', backup_id: 'b' } as Running;
  const job = (more: Partial<Job>): Job => ({
    id: 'j',
    status: 'success',
    raw_status: 'SUCCESS',
    reasons: [],
    ...more,
  });

  it('proves nothing if it names another disk or backup, or makes or deletes backups', () => {
    const kinds = (more: Partial<Job>) =>
      (['success', 'fail'] as const).map((status) => judgeJob(job({ ...more, status }), record, '').kind);
    for (const ours of [
      { volume_id: 'V', backup_id: 'B', type: 'bksRestoreBackup' },
      { volume_id: 'v', type: 'bksRestoreBackup' },
      { backup_id: 'b' },
    ])
      expect(kinds(ours), JSON.stringify(ours)).to.deep.equal(['succeeded', 'failed']);
    for (const other of [
      { volume_id: 'w' },
      { backup_id: 'c' },
      { type: 'bksCreateBackup' },
      { type: 'bksDeleteBackup' },
    ])
      expect(kinds(other), JSON.stringify(other)).to.deep.equal(['unknown', 'unknown']);
  });

  it('does not prove a restore alone if it names neither disk nor backup, or is of another type', () => {
    const names = { volume_id: 'v', backup_id: 'b' };
    for (const more of [{}, { type: 'bksRestoreBackup' }, { ...names, type: 'bksVerify' }])
      expect(judgeJob(job(more), record, '').kind, JSON.stringify(more)).to.equal('inconclusive');
  });

  it('is reported with what it did instead if it is another job', () => {
    expect(otherWork(job({ volume_id: 'w' }), record)).to.equal('another restore: disk w from backup b');
    expect(otherWork(job({ type: 'bksCreateBackup' }), record)).to.include('bksCreateBackup');
    expect(otherWork(job({}), record)).to.equal(undefined);
  });
});

describe('a condition that must hold for some time', () => {
  it('is met if every read during that time shows it, and restarts after a read that does not', async () => {
    const clock = new SimClock();
    const lasting = heldFor(clock, 10_000);
    const later = async (ms: number, now: boolean) => {
      await clock.until(clock.sleep(ms));
      return lasting(now);
    };
    expect(await later(0, true)).to.equal(false);
    expect(await later(9_999, true)).to.equal(false);
    expect(await later(1, true)).to.equal(true);
    expect(await later(1, false)).to.equal(false);
    expect(await later(20_000, true)).to.equal(false);
  });
});
