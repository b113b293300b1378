import { expect } from 'chai';
import { remedyOf } from '../../src/domain/refusal-remedies.ts';

describe('the remedy for an error code of the service', () => {
  for (const [code, expected] of [
    ['VolumeBackup.0042', 'right to restore'],
    ['VolumeBackup.0111', 'project and region'],
    ['VolumeBackup.0202', 'status reset'],
    ['VolumeBackup.0207', 'correct volume_id'],
    ['VolumeBackup.0209', 'openstack volume set --size'],
    ['VolumeBackup.0211', 'Storage Disaster Recovery Service'],
  ] as const)
    it(code, () => expect(remedyOf(code)).to.contain(expected));
  it('is missing for unknown codes', () => {
    expect(remedyOf('VolumeBackup.9999')).to.equal(undefined);
    expect(remedyOf(undefined)).to.equal(undefined);
  });
});
