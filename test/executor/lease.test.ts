import { expect } from 'chai';
import { DEFAULT_CONFIG } from '../../src/domain/config.ts';
import { Failure } from '../../src/domain/errors.ts';
import { s3Backend } from '../../src/state/s3/s3-backend.ts';
import { ProgramHarness } from '../simulation/program-harness.ts';
import { memoryObjects } from '../state/s3/memory-objects.ts';
import { newId } from '../state/samples.ts';

/** A request to the cloud may take 60 s. */
function bucket(harness: ProgramHarness, ttl_ms: number, writeMs = 0) {
  const objects = memoryObjects({ ifNoneMatch: true, ifMatch: true });
  return s3Backend({
    location: 's3://b/state.json',
    s3: { bucket: 'b', key: 'state.json', path_style: true, ttl_ms },
    clock: harness.clock,
    settleMs: 1_000,
    newId,
    objects: {
      ...objects,
      async put(key, text, condition) {
        if (writeMs > 0) await harness.clock.sleep(writeMs);
        return objects.put(key, text, condition);
      },
    },
  });
}

describe('a run whose lock is a lease', () => {
  it('is refused before it starts if the lease is shorter than a request', async () => {
    const harness = new ProgramHarness();
    const { outcome } = await harness.apply([harness.spec(0)], { backend: bucket(harness, 50_000) });
    const error = outcome.fatal?.error;
    expect(error instanceof Failure && error.diagnostics[0]?.code).to.equal('lease-too-short');
    expect(harness.starts(0)).to.equal(0);
  });

  it('starts nothing more while the failure that reaches max_failures is written', async () => {
    const [, disk = ''] = Object.keys(new ProgramHarness().world.volumes);
    const harness = new ProgramHarness({
      settings: {
        apply: { ...DEFAULT_CONFIG.apply, max_failures: 1 },
        // So that the refusal is told while the other restore is about to begin.
        retry: { ...DEFAULT_CONFIG.retry, settle_ms: 2_000 },
      },
      faults: [
        {
          name: 'no',
          match: { route: 'restore' },
          effect: { kind: 'status', when: 'before', status: 403, body: 'service' },
        },
        {
          name: 'slow',
          match: { route: 'volume', volume_id: disk },
          after: 1,
          times: 1,
          effect: { kind: 'slow', delay_ms: 9_500 },
        },
      ],
    });
    const { outcome } = await harness.apply([harness.spec(0), harness.spec(1)], {
      backend: bucket(harness, 120_000, 2_000),
    });
    expect(harness.network.log.filter((line) => line === 'POST restore')).to.have.length(1);
    expect(outcome.summary).to.include({ failed: 1, started: 0 });
    const second = outcome.ends.get('set/disk-1');
    expect(second?.kind === 'recorded' && second.record.attempts.map(({ answer }) => answer)).to.deep.equal([
      'not_sent',
    ]);
  });

  it('continues with a lease that is long enough, even if its renewal is due at that moment', async () => {
    const harness = new ProgramHarness({
      faults: [
        {
          name: 'slow',
          match: { route: 'volume' },
          after: 0,
          times: 1,
          effect: { kind: 'slow', delay_ms: 15_000 },
        },
      ],
    });
    const { outcome } = await harness.apply([harness.spec(0)], { backend: bucket(harness, 70_000) });
    expect(outcome.fatal).to.equal(undefined);
    expect(outcome.summary.succeeded).to.equal(1);
    expect(harness.starts(0)).to.equal(1);
  });
});
