import { expect } from 'chai';
import type { Job, Reading } from '../../src/domain/cloud.ts';
import { Failure } from '../../src/domain/errors.ts';
import type { Resolution, RestoreRecord } from '../../src/domain/record.ts';
import type { Driver } from '../../src/drivers/driver.ts';
import { refuseAgainstJob } from '../../src/executor/refuse-against-job.ts';

const DECISIONS = ['succeeded', 'not-started', 'failed'] as const;
const FAILURE = { cause: 'status', message: 'no' } as const;

describe('a resolution that the job of the restore contradicts', () => {
  for (const [reading, refused] of [
    [job('init'), DECISIONS],
    [job('running'), DECISIONS],
    [job('unrecognised'), ['not-started']],
    [job('success'), ['not-started']],
    [job('fail'), ['succeeded']],
    [job('init', { volume_id: 'another' }), []],
    [{ kind: 'gone', failure: FAILURE }, []],
    [{ kind: 'unreadable', failure: FAILURE, retryable: true }, ['not-started']],
  ] as const)
    it(`is refused for ${refused.join(', ') || 'no decision'} if the job is ${named(reading)}`, async () => {
      for (const as of DECISIONS)
        expect(await isRefused(reading, as), as).to.equal((refused as readonly string[]).includes(as));
    });

  it('needs no job read if the record has no job id', async () => {
    const record = { status: 'intended', address: 'set/a' } as RestoreRecord;
    const asked = refuseAgainstJob({} as Driver, record, 'not-started', new AbortController().signal);
    expect(await asked).to.equal(undefined);
  });
});

async function isRefused(reading: Reading<Job>, as: Resolution['as']): Promise<boolean> {
  const record = {
    status: 'unknown',
    address: 'set/a',
    volume_id: 'disk',
    backup_id: 'backup',
    job_id: 'j1',
  } as RestoreRecord;
  const driver = { job: async () => reading } as unknown as Driver;
  try {
    await refuseAgainstJob(driver, record, as, new AbortController().signal);
    return false;
  } catch (cause) {
    expect(cause).to.be.instanceOf(Failure).and.include({ kind: 'refused' });
    return true;
  }
}

function job(status: Job['status'], more: Partial<Job> = {}): Reading<Job> {
  const raw_status = status.toUpperCase();
  return {
    kind: 'found',
    value: { id: 'j1', status, raw_status, volume_id: 'disk', backup_id: 'backup', reasons: [], ...more },
  };
}

function named(reading: Reading<Job>): string {
  if (reading.kind !== 'found') return `a job that is ${reading.kind}`;
  const { status, volume_id } = reading.value;
  return `a job that is ${status}${volume_id === 'disk' ? '' : ' and of another disk'}`;
}
