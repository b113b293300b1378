import { expect } from 'chai';
import { UnexpectedShape } from '../../src/drivers/fields.ts';
import { parseJob } from '../../src/drivers/vbs-job.ts';

describe('jobs', () => {
  for (const [raw, status] of [
    ['INIT', 'init'],
    ['RUNNING', 'running'],
    ['SUCCESS', 'success'],
    ['FAIL', 'fail'],
    ['PAUSED', 'unrecognised'],
    ['success', 'unrecognised'],
  ])
    it(`in status ${raw} are ${status}`, () => {
      expect(parseJob('j', { job_id: 'j', status: raw })).to.deep.equal({
        id: 'j',
        status,
        raw_status: raw,
        reasons: [],
      });
    });

  it('tell what they are about', () => {
    const entities = { backup_id: 'b', volume_id: 'v', snapshot_id: 's' };
    expect(parseJob('j', { job_id: 'J', status: 'SUCCESS', entities })).to.include({
      backup_id: 'b',
      volume_id: 'v',
    });
    expect(parseJob('j', { job_id: 'j', status: 'SUCCESS', job_type: 'bksCreateBackup' })).to.include({
      type: 'bksCreateBackup',
    });
  });

  it('tell why they failed, their parts last', () => {
    const job = {
      job_id: 'j',
      status: 'FAIL',
      error_code: 'VolumeBackup.0200',
      fail_reason: 'restore failed',
      sub_jobs: [
        { status: 'FAIL', error_code: null, fail_reason: 'part\u0007 failed', sub_jobs: null },
        {
          status: 'FAIL',
          error_code: 'EVS.1',
          fail_reason: '',
          sub_jobs: [{ status: 'FAIL', fail_reason: 'x' }],
        },
        { status: 'FAIL', fail_reason: 'x' },
      ],
    };
    expect(parseJob('j', job).reasons).to.deep.equal([
      'VolumeBackup.0200: restore failed',
      'part failed',
      'EVS.1',
      'x',
    ]);
  });

  it('are read to a bounded depth and breadth', () => {
    let deep: Record<string, unknown> = { job_id: 'j', status: 'FAIL', fail_reason: 'bottom' };
    for (let i = 0; i < 100; i++)
      deep = { job_id: 'j', status: 'FAIL', fail_reason: `level ${i}`, sub_jobs: [deep] };
    expect(parseJob('j', deep).reasons).to.have.length(6);
    const sub_jobs = Array.from({ length: 100 }, (_, i) => ({ fail_reason: `part ${i}` }));
    expect(parseJob('j', { job_id: 'j', status: 'FAIL', sub_jobs }).reasons).to.have.length(20);
  });

  for (const [name, job] of [
    ['without a status', { job_id: 'j' }],
    ['with a status that is no text', { job_id: 'j', status: 1 }],
    ['with entities that are none', { job_id: 'j', status: 'FAIL', entities: 'x' }],
    ['with parts that are no list', { job_id: 'j', status: 'FAIL', sub_jobs: {} }],
    ['with a part that is no object', { job_id: 'j', status: 'FAIL', sub_jobs: [1] }],
    ['without the id that was asked for', { status: 'SUCCESS' }],
    ['with the id of another job', { job_id: 'k', status: 'SUCCESS' }],
    ['with an id that is no text', { job_id: 1, status: 'SUCCESS' }],
  ] as const)
    it(`${name} are not understood`, () => {
      expect(() => parseJob('j', job)).to.throw(UnexpectedShape);
    });
});
