import { expect } from 'chai';
import type { FaultEffect, FaultRule } from '../../src/emulator/faults.ts';
import { type HarnessOptions, ProgramHarness } from '../simulation/program-harness.ts';

/**
 * The design's answer table, row by row, over the real driver and the real executor. Each row is played with and
 * without an effect where it can have one; the cloud's own record says how often the disk was really restored.
 */
interface Row {
  readonly title: string;
  readonly effect: FaultEffect;
  readonly times?: number;
  readonly harness?: Omit<HarnessOptions, 'faults'>;
  readonly expect: {
    readonly status: 'succeeded' | 'failed' | 'unknown';
    /** True starts, by the cloud's own record. */
    readonly starts: number;
    readonly attempts: number;
    readonly evidence?: 'accepted' | 'adopted';
    readonly touched?: 'no' | 'maybe';
    /** Whether settle was waited out before the next POST. */
    readonly settled?: boolean;
  };
}

const SETTLE_MS = 120_000;
const GATEWAY = [408, 500, 501, 502, 504] as const;
const retried = { status: 'succeeded', starts: 1, attempts: 2, evidence: 'accepted', settled: true } as const;
const adopted = { status: 'succeeded', starts: 1, attempts: 1, evidence: 'adopted' } as const;

const ROWS: Row[] = [
  ...(['unreadable', 'no_job_id', 'error_body', 'empty'] as const).map((body) => ({
    title: `200 that is ${body}: ambiguous, and the cloud is seen restoring`,
    effect: { kind: 'garbage', body } as const,
    expect: adopted,
  })),
  ...GATEWAY.flatMap((status) =>
    (['service', 'gateway', 'html', 'empty'] as const).flatMap((body) => [
      {
        title: `${status} (${body}) without effect: ambiguous, repeated after settle`,
        effect: { kind: 'status', when: 'before', status, body } as const,
        expect: retried,
      },
      {
        title: `${status} (${body}) after the effect: ambiguous, adopted`,
        effect: { kind: 'status', when: 'after', status, body } as const,
        expect: adopted,
      },
    ]),
  ),
  ...([301, 302, 307] as const).flatMap((status) => [
    {
      title: `${status}: never followed, ambiguous, repeated after settle`,
      effect: { kind: 'status', when: 'before', status } as const,
      expect: retried,
    },
    {
      title: `${status} after the effect: ambiguous, adopted`,
      effect: { kind: 'status', when: 'after', status } as const,
      expect: adopted,
    },
  ]),
  ...(['html', 'empty'] as const).map((body) => ({
    title: `503 (${body}): nobody recognisable said no: ambiguous`,
    effect: { kind: 'status', when: 'before', status: 503, body } as const,
    expect: retried,
  })),
  { title: 'reset before the effect', effect: { kind: 'reset', when: 'before' }, expect: retried },
  { title: 'reset after the effect', effect: { kind: 'reset', when: 'after' }, expect: adopted },
  {
    title: 'no answer, without effect',
    effect: { kind: 'hang', when: 'before', for_ms: 90_000 },
    expect: retried,
  },
  {
    title: 'no answer, after the effect',
    effect: { kind: 'hang', when: 'after', for_ms: 90_000 },
    harness: { jobDurationMs: 300_000 },
    expect: adopted,
  },
  {
    title:
      'no answer, after the effect, and done long before the wait for the answer is over: seen meanwhile',
    effect: { kind: 'hang', when: 'after', for_ms: 90_000 },
    harness: { jobDurationMs: 10_000 },
    expect: adopted,
  },
  { title: 'an answer cut in the middle', effect: { kind: 'cut' }, expect: adopted },
  { title: 'an answer of a gigabyte', effect: { kind: 'huge', bytes: 1024 ** 3 }, expect: adopted },
  {
    title: '504, and the restore starts 100 s later: not repeated before settle, adopted',
    effect: { kind: 'late_start', after_ms: 100_000 },
    expect: adopted,
  },
  {
    title: '504 after the effect, and the job waits 60 s in the queue',
    effect: { kind: 'status', when: 'after', status: 504 },
    harness: { queueMs: 60_000 },
    expect: adopted,
  },
  ...([409, 429, 503] as const).flatMap((status) =>
    (['service', 'gateway'] as const).flatMap((body) => [
      {
        title: `${status} (${body}): rejected, repeated`,
        effect: { kind: 'status', when: 'before', status, body } as const,
        expect: retried,
      },
      {
        title: `${status} (${body}) for the second copy of a request that started it: adopted`,
        effect: { kind: 'status', when: 'after', status, body } as const,
        expect: adopted,
      },
      {
        title: `${status} (${body}) and a start 60 s later: no second POST before settle`,
        effect: { kind: 'late_start', after_ms: 60_000, answer: { status, body } } as const,
        expect: adopted,
      },
    ]),
  ),
  {
    title: 'a request delivered twice: the no to the second copy does not hide the first',
    effect: { kind: 'duplicate' },
    expect: adopted,
  },
  { title: '401: a new token, and again after settle', effect: { kind: 'token_expiry' }, expect: retried },
  ...(['gateway', 'service', 'keystone', 'html', 'empty'] as const).map((body) => ({
    title: `401 (${body}) for the second copy of a request that started it: adopted`,
    effect: { kind: 'status', when: 'after', status: 401, body } as const,
    expect: adopted,
  })),
  {
    title: '401 and a start 60 s later: no second POST before settle',
    effect: { kind: 'late_start', after_ms: 60_000, answer: { status: 401, body: 'gateway' } },
    expect: adopted,
  },
  {
    title: '401 again and again: given up, nothing touched',
    effect: { kind: 'status', when: 'before', status: 401, body: 'keystone' },
    times: 50,
    expect: { status: 'failed', starts: 0, attempts: 2, touched: 'no' },
  },
  ...['VolumeBackup.0089', 'VolumeBackup.0205', 'VolumeBackup.0206'].map((code) => ({
    title: `400 ${code}: not yet, waited for`,
    effect: { kind: 'status', when: 'before', status: 400, body: 'service', code } as const,
    times: 3,
    expect: { status: 'succeeded', starts: 1, attempts: 4, evidence: 'accepted', settled: true } as const,
  })),
  ...(
    [
      [400, 'VolumeBackup.0203'],
      [400, 'VolumeBackup.0208'],
      [400, 'VolumeBackup.0210'],
      [400, 'VolumeBackup.0211'],
      [403, 'VolumeBackup.0042'],
      [404, 'VolumeBackup.0111'],
    ] as const
  ).map(([status, code]) => ({
    title: `${status} ${code}: for good, disk not touched`,
    effect: { kind: 'status', when: 'before', status, body: 'service', code } as const,
    expect: { status: 'failed', starts: 0, attempts: 1, touched: 'no' } as const,
  })),
  ...([403, 404, 405, 406, 407, 413] as const).map((status) => ({
    title: `${status} without a known code: for good`,
    effect: { kind: 'status', when: 'before', status, body: 'gateway', code: 'APIGW.9999' } as const,
    expect: { status: 'failed', starts: 0, attempts: 1, touched: 'no' } as const,
  })),
  ...([400, 403, 404, 413] as const).map((status) => ({
    title: `${status} for good, and a start 60 s later: adopted, not called untouched`,
    effect: { kind: 'late_start', after_ms: 60_000, answer: { status, body: 'gateway' } } as const,
    expect: adopted,
  })),
  {
    title: '404 for good, although it started it: adopted, not called untouched',
    effect: { kind: 'status', when: 'after', status: 404, body: 'service', code: 'VolumeBackup.0111' },
    expect: adopted,
  },
];

describe('the answer table of the executor', () => {
  for (const row of ROWS) {
    it(row.title, async () => {
      const rule: FaultRule = { match: { route: 'restore' }, effect: row.effect, times: row.times ?? 1 };
      const harness = new ProgramHarness({ jobDurationMs: 60_000, ...row.harness, faults: [rule] });
      const spec = harness.spec(0);
      await harness.apply([spec]);
      const record = (await harness.state())?.records.get(spec.address);
      expect(harness.world.fault_log, 'the fault was injected').to.have.length.of.at.least(1);
      expect(record?.status).to.equal(row.expect.status);
      expect(harness.starts(0), 'true starts').to.equal(row.expect.starts);
      expect(record?.attempts, 'attempts').to.have.length(row.expect.attempts);
      if (record?.status === 'succeeded') expect(record.evidence).to.equal(row.expect.evidence);
      if (record?.status === 'failed') expect(record.touched).to.equal(row.expect.touched);
      if (row.expect.settled === undefined) return;
      const [first, second] = record?.attempts ?? [];
      const gap = Date.parse(second?.intended_at ?? '') - Date.parse(first?.answered_at ?? '');
      if (row.expect.settled) expect(gap).to.be.at.least(SETTLE_MS);
      else expect(gap).to.be.below(5_000);
    });
  }

  it('repeats a request without settle if the connection was refused', async () => {
    const harness = new ProgramHarness();
    const spec = harness.spec(0);
    const gone = { down: false };
    await harness.apply([spec], {
      onEvent: (event) => {
        if (event.type !== 'intended' || gone.down) return;
        gone.down = true;
        harness.network.down = true;
        harness.clock.at(harness.clock.monotonic() + 3_000, () => {
          harness.network.down = false;
        });
      },
    });
    const record = (await harness.state())?.records.get(spec.address);
    expect(record?.status).to.equal('succeeded');
    expect(record?.attempts[0]?.answer).to.equal('not_sent');
    expect(harness.starts(0)).to.equal(1);
    const [first, second] = record?.attempts ?? [];
    expect(Date.parse(second?.intended_at ?? '') - Date.parse(first?.intended_at ?? '')).to.be.below(60_000);
  });

  const comeBackAfter = (retry_after: number) =>
    ({
      match: { route: 'restore' },
      effect: { kind: 'status', when: 'before', status: 503, body: 'service', retry_after },
    }) as const;

  it('waits for Retry-After instead of the backoff', async () => {
    const harness = new ProgramHarness({ faults: [comeBackAfter(200)] });
    const spec = harness.spec(0);
    await harness.apply([spec]);
    const [first, second] = (await harness.state())?.records.get(spec.address)?.attempts ?? [];
    expect(Date.parse(second?.intended_at ?? '') - Date.parse(first?.answered_at ?? '')).to.be.at.least(
      200_000,
    );
  });

  it('waits at most max_retry_after for a Retry-After, and sends nothing after the timeout', async () => {
    const harness = new ProgramHarness({ faults: [comeBackAfter(400)] });
    const spec = harness.spec(0, { timeout_ms: 300_000 });
    const { outcome } = await harness.apply([spec]);
    // Whether the refused request did something can only be seen once the pause is over.
    expect(harness.clock.monotonic()).to.be.within(300_000, 301_000);
    const record = (await harness.state())?.records.get(spec.address);
    expect(record?.status === 'failed' && record.touched).to.equal('no');
    expect(record?.attempts).to.have.length(1);
    expect(outcome.summary.failed).to.equal(1);
  });

  it('gives up after give_up_after and calls the disk untouched, since each attempt was settled', async () => {
    for (const [status, touched] of [
      [409, 'no'],
      [504, 'no'],
    ] as const) {
      const effect = { kind: 'status', when: 'before', status, body: 'service' } as const;
      const harness = new ProgramHarness({
        faults: [{ match: { route: 'restore' }, effect, times: 'always' }],
      });
      const spec = harness.spec(0);
      await harness.apply([spec]);
      const record = (await harness.state())?.records.get(spec.address);
      expect(record?.status).to.equal('failed');
      expect(record?.status === 'failed' && record.touched, `after ${status}`).to.equal(touched);
      expect(harness.starts(0)).to.equal(0);
      expect(harness.clock.monotonic()).to.be.within(15 * 60_000, 21 * 60_000);
    }
  });

  it('ends an ambiguous restore as unknown if after_ambiguous is stop', async () => {
    const effect = { kind: 'status', when: 'before', status: 504 } as const;
    const harness = new ProgramHarness({ faults: [{ match: { route: 'restore' }, effect }] });
    const retry = { ...harness.settings.retry, after_ambiguous: 'stop' } as const;
    const strict = new ProgramHarness({
      faults: [{ match: { route: 'restore' }, effect }],
      settings: { retry },
    });
    const spec = strict.spec(0);
    const { outcome } = await strict.apply([spec]);
    expect(outcome.summary.unknown).to.equal(1);
    expect(strict.starts(0)).to.equal(0);
  });

  it('ends as unknown with its observations if the restore ran between two reads', async () => {
    const effect = { kind: 'status', when: 'after', status: 504 } as const;
    const harness = new ProgramHarness({
      jobDurationMs: 5,
      faults: [{ match: { route: 'restore' }, effect }],
    });
    const spec = harness.spec(0);
    await harness.apply([spec]);
    const record = (await harness.state())?.records.get(spec.address);
    expect(record?.status).to.equal('unknown');
    expect(record?.status === 'unknown' && record.observations.length).to.be.at.least(1);
    expect(harness.starts(0)).to.equal(1);
    const next = await harness.plan([spec]);
    expect(next.actions[0]?.kind).to.equal('blocked');
  });
});
