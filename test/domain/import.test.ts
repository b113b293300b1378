import { expect } from 'chai';
import { advance, type RecordEvent } from '../../src/domain/record-transitions.ts';
import { AT, intendEvent, recordAfter } from '../state/samples.ts';

const { identity, names, baseline } = intendEvent('pay/a');
const BY_HAND: RecordEvent = {
  type: 'import',
  at: AT,
  address: 'pay/a',
  identity,
  names,
  baseline,
  finished_at: AT,
  job_id: 'job-1',
  resolution: { as: 'succeeded', reason: 'console', by: 'ada', at: AT },
};
const failed = () => recordAfter('pay/a', { type: 'fail', at: AT, reason: 'no', volume_changed: false });
const done = () =>
  recordAfter('pay/a', { type: 'accept', at: AT, job_id: 'job-0' }, { type: 'succeed', at: AT });

describe('the import of a restore that was done by hand', () => {
  it('makes a succeeded record without attempts', () => {
    for (const before of [undefined, failed()])
      expect(advance(before, BY_HAND)).to.deep.include({
        status: 'succeeded',
        evidence: 'imported',
        job_id: 'job-1',
        attempts: [],
      });
  });

  it('never replaces an open or succeeded record', () => {
    expect(() => advance(recordAfter('pay/a'), BY_HAND)).to.throw('still open');
    expect(() => advance(done(), BY_HAND)).to.throw('it is done');
    expect(() => advance(recordAfter('pay/b'), BY_HAND)).to.throw('another address');
  });
});
