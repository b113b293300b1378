/**
 * The documented error codes of a restore, with the HTTP status of each.
 *
 * Codes and meanings: VBS API reference, "Error Codes". The reference does not assign statuses to codes. Here,
 * malformed or untimely requests are 400, missing rights 403, missing resources 404, and errors of the service 500.
 */
export interface Refusal {
  status: number;
  code: RefusalCode;
  message: string;
}

const REFUSALS = {
  'common.0011': [404, 'Failed to query the task.'],
  'VolumeBackup.0014': [500, 'Failed to submit the task.'],
  'VolumeBackup.0042': [403, 'You do not have the rights to perform this operation.'],
  'VolumeBackup.0089': [400, 'The backup is not in the available state.'],
  'VolumeBackup.0111': [404, 'The disk or the backup does not exist.'],
  'VolumeBackup.0200': [500, 'Failed to restore the backup.'],
  'VolumeBackup.0202': [400, 'The disk to be restored is in the error state.'],
  'VolumeBackup.0203': [400, 'The backup_id is empty.'],
  'VolumeBackup.0204': [400, 'The backup_id is malformed.'],
  'VolumeBackup.0205': [400, 'The disk to be restored is not in the available state.'],
  'VolumeBackup.0206': [400, 'A backup of the disk to be restored is being created.'],
  'VolumeBackup.0207': [404, 'The disk to be restored does not exist.'],
  'VolumeBackup.0208': [400, 'The volume_id is malformed.'],
  'VolumeBackup.0209': [400, 'The disk to be restored is smaller than the backup.'],
  'VolumeBackup.0210': [400, 'The request body is malformed.'],
  'VolumeBackup.0211': [400, 'The disk to be restored is at a disaster-recovery site.'],
} as const;

export type RefusalCode = keyof typeof REFUSALS;

/** What the service answers for a code. */
export function refusal(code: RefusalCode): Refusal {
  const [status, message] = REFUSALS[code];
  return { status, code, message };
}
