import { expect } from 'chai';
import { Lab } from '../simulation/lab.ts';
import { noSpace } from '../simulation/memory-disk.ts';

describe('a restore in one run', () => {
  it('starts once, succeeds and is found done', async () => {
    const lab = new Lab();
    const specs = [lab.spec(0), lab.spec(1)];
    const { outcome } = await lab.apply(specs);
    expect(outcome.summary).to.include({ started: 2, succeeded: 2, failed: 0, unknown: 0 });
    expect([lab.starts(0), lab.starts(1)]).to.deep.equal([1, 1]);
    const again = await lab.plan(specs);
    expect(again.actions.map((action) => action.kind)).to.deep.equal(['noop', 'noop']);
  });

  const lost = { kind: 'status', when: 'before', status: 504 } as const;

  it('is not repeated when the disk moved between the last probe and the request', async () => {
    const lab = new Lab({ faults: [{ match: { route: 'restore' }, effect: lost }] });
    const spec = lab.spec(0);
    const [volume_id = ''] = Object.keys(lab.world.volumes);
    await lab.apply([spec], {
      onEvent: (event) => {
        if (event.type !== 'not_started') return;
        lab.operate({ action: 'attach', volume_id, server: 'somebody' });
        lab.operate({ action: 'detach', volume_id });
      },
    });
    const record = (await lab.state())?.records.get(spec.address);
    expect(record?.status).to.equal('unknown');
    expect(record?.attempts).to.have.length(1);
  });

  it('tells an outcome only after it is stored', async () => {
    const MARKS = {
      adopted: '"evidence":"adopted"',
      not_started: '"settled":',
      ended: '"status":"succeeded"',
    };
    const taken = { kind: 'status', when: 'after', status: 504 } as const;
    const told: string[] = [];
    for (const effect of [taken, lost]) {
      const lab = new Lab({
        jobDurationMs: 60_000,
        faults: [{ match: { route: 'restore' }, times: 1, effect }],
      });
      await lab.apply([lab.spec(0)], {
        onEvent: ({ type }) => {
          if (!(type in MARKS)) return;
          const stored = [...lab.disk.files.values()]
            .map((bytes) => new TextDecoder().decode(bytes))
            .join('');
          expect(stored, type).to.include(MARKS[type as keyof typeof MARKS]);
          told.push(type);
        },
      });
    }
    expect(told).to.deep.equal(['adopted', 'ended', 'not_started', 'ended']);
  });

  it('is unknown when it cannot be told within the timeout', async () => {
    const lab = new Lab({ faults: [{ match: { route: 'restore' }, effect: lost }] });
    const spec = lab.spec(0);
    const [volume_id = ''] = Object.keys(lab.world.volumes);
    await lab.apply([spec], {
      onEvent: (event) => {
        if (event.type === 'answered') lab.operate({ action: 'set-status', volume_id, status: 'extending' });
      },
    });
    const record = (await lab.state())?.records.get(spec.address);
    expect(record?.status === 'unknown' && record.reason).to.contain('not determined within the timeout');
    expect(lab.starts(0)).to.equal(0);
  });

  it('keeps the job of a yes although what was seen meanwhile could not be written', async () => {
    const slow = { kind: 'slow', delay_ms: 30_000 } as const;
    const lab = new Lab({ jobDurationMs: 600_000, faults: [{ match: { route: 'restore' }, effect: slow }] });
    const spec = lab.spec(0);
    const [volume_id = ''] = Object.keys(lab.world.volumes);
    const { outcome } = await lab.apply([spec], {
      onEvent: ({ type }) => {
        if (type !== 'intended') return;
        lab.clock.at(lab.clock.monotonic() + 1_000, () => {
          // The disk is seen in another state than before: that is to be written, and cannot be.
          lab.operate({ action: 'set-status', volume_id, status: 'extending' });
          lab.disk.broken = noSpace();
        });
      },
    });
    const [job] = lab.audit().restores;
    expect(job?.job_id).to.be.a('string');
    expect(outcome.fatal?.unsaved.map((record) => 'job_id' in record && record.job_id)).to.deep.equal([
      job?.job_id,
    ]);
  });
});
