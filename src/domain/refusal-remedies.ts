/** Remedy for the replication of a disk, which the service refuses to overwrite. */
export const REPLICATION_OFF =
  'switch the protection of its group off first (Storage Disaster Recovery Service: disable protection), and on again afterwards';

/** Remedies for final refusals of VBS, by code. */
const REMEDIES: ReadonlyMap<string, string> = new Map([
  ['VolumeBackup.0041', 'ask the issuer of these credentials for the right to restore backups'],
  [
    'VolumeBackup.0042',
    'ask the issuer of these credentials for the right to restore backups; a backup that was only shared with the project cannot be restored',
  ],
  ['VolumeBackup.0111', 'correct backup_id or volume_id: both must be of this project and region'],
  ['VolumeBackup.0202', 'find out why the disk is in error, then have its status reset'],
  ['VolumeBackup.0207', 'correct volume_id: it must be of this project and region'],
  ['VolumeBackup.0209', 'extend the disk to the size of the backup: openstack volume set --size GB DISK'],
  ['VolumeBackup.0211', REPLICATION_OFF],
]);

/** The remedy for a request that the service finally refused, if one is known for its code. */
export function remedyOf(code: string | undefined): string | undefined {
  return code === undefined ? undefined : REMEDIES.get(code);
}
