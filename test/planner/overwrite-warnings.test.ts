import { expect } from 'chai';
import { overwriteWarnings } from '../../src/planner/overwrite-warnings.ts';

describe('the warnings before a disk is overwritten', () => {
  const codes = (volume: object) =>
    overwriteWarnings({ size: 10, ...volume }, { size: 10 }).map(({ code }) => code);
  for (const [name, volume, expected] of [
    ['a disk as large as its backup', {}, []],
    ['a disk extended since', { size: 20 }, ['capacity-falls-back']],
    ['a disk that takes part in replication', { replication_status: 'active' }, ['volume-replicated']],
    ['a disk whose replication is paused', { replication_status: 'active-stopped' }, ['volume-replicated']],
    ['a disk whose replication is off', { replication_status: 'disabled' }, []],
  ] as const)
    it(name, () => expect(codes(volume)).to.deep.equal(expected));

  it('say what to do after the restore of an extended disk', () => {
    const [warning] = overwriteWarnings({ size: 20 }, { size: 10 });
    expect(warning?.summary).to.contain('20 GB').and.to.contain('10 GB');
    expect(warning?.remedy).to.contain('growpart').and.to.contain('resize2fs').and.to.contain('xfs_growfs');
  });
});
