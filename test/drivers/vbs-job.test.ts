import { expect } from 'chai';
import { UnexpectedShape } from '../../src/drivers/fields.ts';
import { parseJob } from '../../src/drivers/vbs-job.ts';

describe('a job of VBS', () => {
  for (const [raw, status] of [
    ['INIT', 'init'],
    ['RUNNING', 'running'],
    ['SUCCESS', 'success'],
    ['FAIL', 'fail'],
    ['PAUSED', 'unrecognised'],
    ['success', 'unrecognised'],
  ])
    it(`is ${status} in status ${raw}`, () => {
      expect(parseJob('j', { job_id: 'j', status: raw })).to.deep.equal({
        id: 'j',
        status,
        raw_status: raw,
        reasons: [],
      });
    });

  it('names its disk and backup', () => {
    const entities = { backup_id: 'b', volume_id: 'v', snapshot_id: 's' };
    expect(parseJob('j', { job_id: 'J', status: 'SUCCESS', entities })).to.include({
      backup_id: 'b',
      volume_id: 'v',
    });
    expect(parseJob('j', { job_id: 'j', status: 'SUCCESS', job_type: 'bksCreateBackup' })).to.include({
      type: 'bksCreateBackup',
    });
  });

  it('gives the reason of its failure, its sub-jobs last', () => {
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

  for (const [name, more, reasons] of [
    ['an empty text for its parts', { sub_jobs: '' }, []],
    ['an object for its parts', { sub_jobs: {} }, []],
    ['a part that is null, and one that is a number', { sub_jobs: [null, 1, { fail_reason: 'x' }] }, ['x']],
    ['a code that is a number', { error_code: 1001, fail_reason: 'x' }, ['1001: x']],
    ['a reason that is an object', { error_code: 'EVS.1', fail_reason: {} }, ['EVS.1']],
    ['an empty list for its entities', { entities: [] }, []],
    ['a type that is a number', { job_type: 7 }, []],
    ['its reason in code and message', { code: 'EVS.2', message: 'no space' }, ['EVS.2: no space']],
  ] as const)
    it(`with ${name} has its own status`, () => {
      for (const [raw, status] of [
        ['SUCCESS', 'success'],
        ['FAIL', 'fail'],
      ])
        expect(parseJob('j', { job_id: 'j', status: raw, ...more })).to.deep.include({ status, reasons });
    });

  it('is read to a limited depth and breadth', () => {
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
    ['without the id that was asked for', { status: 'SUCCESS' }],
    ['with the id of another job', { job_id: 'k', status: 'SUCCESS' }],
    ['with an id that is no text', { job_id: 1, status: 'SUCCESS' }],
  ] as const)
    it(`is not understood with ${name}`, () => {
      expect(() => parseJob('j', job)).to.throw(UnexpectedShape);
    });
});
