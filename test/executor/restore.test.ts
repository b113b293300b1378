import { expect } from 'chai';
import { noSpace } from '../simulation/memory-disk.ts';
import { ProgramHarness } from '../simulation/program-harness.ts';

describe('a restore within one run', () => {
  it('starts once, succeeds, and is a noop in the next plan', async () => {
    const harness = new ProgramHarness();
    const specs = [harness.spec(0), harness.spec(1)];
    const { outcome } = await harness.apply(specs);
    expect(outcome.summary).to.include({ started: 2, succeeded: 2, failed: 0, unknown: 0 });
    expect([harness.starts(0), harness.starts(1)]).to.deep.equal([1, 1]);
    const again = await harness.plan(specs);
    expect(again.actions.map((action) => action.kind)).to.deep.equal(['noop', 'noop']);
  });

  const lost = { kind: 'status', when: 'before', status: 504 } as const;

  it('is not repeated if the disk changed between the last probe and the request', async () => {
    const harness = new ProgramHarness({ faults: [{ match: { route: 'restore' }, effect: lost }] });
    const spec = harness.spec(0);
    const [volume_id = ''] = Object.keys(harness.world.volumes);
    await harness.apply([spec], {
      onEvent: (event) => {
        if (event.type !== 'not_started') return;
        harness.operate({ action: 'attach', volume_id, server: 'somebody' });
        harness.operate({ action: 'detach', volume_id });
      },
    });
    const record = (await harness.state())?.records.get(spec.address);
    expect(record?.status).to.equal('unknown');
    expect(record?.attempts).to.have.length(1);
  });

  it('emits an outcome only after its record is durable', async () => {
    const MARKS = {
      adopted: '"evidence":"adopted"',
      not_started: '"settled":',
      ended: '"status":"succeeded"',
    };
    const taken = { kind: 'status', when: 'after', status: 504 } as const;
    const told: string[] = [];
    for (const effect of [taken, lost]) {
      const harness = new ProgramHarness({
        jobDurationMs: 60_000,
        faults: [{ match: { route: 'restore' }, times: 1, effect }],
      });
      await harness.apply([harness.spec(0)], {
        onEvent: ({ type }) => {
          if (!(type in MARKS)) return;
          const stored = [...harness.disk.files.values()]
            .map((bytes) => new TextDecoder().decode(bytes))
            .join('');
          expect(stored, type).to.include(MARKS[type as keyof typeof MARKS]);
          told.push(type);
        },
      });
    }
    expect(told).to.deep.equal(['adopted', 'ended', 'not_started', 'ended']);
  });

  it('ends as unknown if the probe decides nothing within the timeout', async () => {
    const harness = new ProgramHarness({ faults: [{ match: { route: 'restore' }, effect: lost }] });
    const spec = harness.spec(0);
    const [volume_id = ''] = Object.keys(harness.world.volumes);
    await harness.apply([spec], {
      onEvent: (event) => {
        if (event.type === 'answered')
          harness.operate({ action: 'set-status', volume_id, status: 'extending' });
      },
    });
    const record = (await harness.state())?.records.get(spec.address);
    expect(record?.status === 'unknown' && record.reason).to.contain('not determined within the timeout');
    expect(harness.starts(0)).to.equal(0);
  });

  it('keeps the job id of an accepting answer if an observation could not be written meanwhile', async () => {
    const slow = { kind: 'slow', delay_ms: 30_000 } as const;
    const harness = new ProgramHarness({
      jobDurationMs: 600_000,
      faults: [{ match: { route: 'restore' }, effect: slow }],
    });
    const spec = harness.spec(0);
    const [volume_id = ''] = Object.keys(harness.world.volumes);
    const { outcome } = await harness.apply([spec], {
      onEvent: ({ type }) => {
        if (type !== 'intended') return;
        harness.clock.at(harness.clock.monotonic() + 1_000, () => {
          // The disk is seen in another state than before: that is to be written, and cannot be.
          harness.operate({ action: 'set-status', volume_id, status: 'extending' });
          harness.disk.broken = noSpace();
        });
      },
    });
    const [job] = harness.audit().restores;
    expect(job?.job_id).to.be.a('string');
    expect(outcome.fatal?.unsaved.map((record) => 'job_id' in record && record.job_id)).to.deep.equal([
      job?.job_id,
    ]);
  });
});
