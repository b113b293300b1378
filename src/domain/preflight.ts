import {
  type Attachment,
  AVAILABLE,
  BACKUP_RESTORING,
  type Backup,
  describeAttachment,
  isErrorStatus,
  looksLikeId,
  VOLUME_RESTORING,
  type Volume,
} from './cloud.ts';
import type { CloudProject } from './cloud-project.ts';
import { type Diagnostic, error } from './diagnostic.ts';
import { shellOperand, shellWord } from './escape/shell-word.ts';
import type { Precondition } from './plan.ts';
import { isWithheld } from './secrets.ts';
import type { Expectation } from './spec.ts';

/**
 * The service's rules of a restore are of two kinds. Identity rules say whether this is the intended restore and whether it
 * can work at all: a violation blocks it. Preconditions may become true before the POST: the run waits for them. Both are
 * checked when the plan is made and again right before the POST.
 */

/** The project and region of the credentials. */
export type ProjectRegion = Pick<CloudProject, 'project_id' | 'region'>;

/** Why this volume must not be restored from this backup; empty if it may be. */
export function identityProblems(
  volume: Volume,
  backup: Backup,
  expect: Expectation,
  project: ProjectRegion,
): Diagnostic[] {
  return [
    ...volumeProblems(volume, project),
    ...backupProblems(backup, project),
    ...regionProblems(volume, backup, project),
    ...sizeProblems(volume, backup),
    ...expectationProblems(volume, expect),
  ];
}

/** What has to happen before the restore can start. `pendingBackups`: backups that are being made, as far as known. */
export function unmetPreconditions(
  volume: Volume,
  backup: Backup,
  pendingBackups: readonly Backup[] = [],
): Precondition[] {
  return [
    ...volumeWaits(volume),
    ...backupWaits(backup),
    ...otherBackupWaits(volume, backup, pendingBackups),
  ];
}

function volumeProblems(volume: Volume, { project_id }: ProjectRegion): Diagnostic[] {
  const problems: Diagnostic[] = [];
  if (volume.project_id !== undefined && volume.project_id !== project_id)
    problems.push(
      error(
        'volume-of-another-project',
        `disk ${volume.id} belongs to project ${volume.project_id}, not to ${project_id}`,
        {
          remedy: 'use the credentials of the project that owns the disk',
        },
      ),
    );
  if (isErrorStatus(volume.status))
    problems.push(
      error('volume-in-error', `disk ${volume.id} is in status ${volume.status}`, {
        detail: 'The service restores only into a disk that is available.',
        remedy: `find out why, then ask an administrator (on a public cloud: the support) to reset its status: openstack volume set --state available ${shellOperand(volume.id)}`,
      }),
    );
  if (volume.status === 'deleting')
    problems.push(
      error('volume-deleting', `disk ${volume.id} is being deleted`, { remedy: 'name another disk' }),
    );
  return problems;
}

function backupProblems(backup: Backup, { project_id }: ProjectRegion): Diagnostic[] {
  const problems: Diagnostic[] = [];
  if (backup.project_id !== undefined && backup.project_id !== project_id)
    problems.push(
      error('backup-shared', `backup ${backup.id} belongs to project ${backup.project_id}`, {
        detail:
          'A backup that was shared with a project can create new disks there, not be restored into one.',
        remedy: `name a backup of your own project; or create a new disk from this one: openstack volume create --backup ${shellWord(backup.id)} --size ${backup.size} NAME`,
      }),
    );
  if (isErrorStatus(backup.status) || backup.status === 'deleting')
    problems.push(
      error('backup-unusable', `backup ${backup.id} is in status ${backup.status}`, {
        ...(backup.fail_reason ? { detail: `Message of the service: ${backup.fail_reason}` } : {}),
        remedy: `name another backup of this disk: openstack volume backup list --volume ${shellWord(backup.volume_id)}`,
      }),
    );
  return problems;
}

/**
 * The service restores only within one region. Volume and backup have a zone, but no region. Many clouds name zones after
 * their region (`eu-de-01` in `eu-de`). So if only one of the two zones begins with the name of the region, the other thing was
 * read from an endpoint of another region.
 */
function regionProblems(volume: Volume, backup: Backup, { region }: ProjectRegion): Diagnostic[] {
  const zones = [volume.availability_zone, backup.availability_zone];
  if (zones.some((zone) => zone === undefined) || !zones.some((zone) => zone?.startsWith(region))) return [];
  return (['disk', 'backup'] as const).flatMap((what, index) =>
    zones[index]?.startsWith(region)
      ? []
      : error('another-region', `the ${what} is in zone ${zones[index]}, which is not of region ${region}`, {
          detail: 'The service restores only within one region.',
          remedy:
            'check the region and the endpoints that are overridden (region_name, *_endpoint_override): vbsctl auth show',
        }),
  );
}

function sizeProblems(volume: Volume, backup: Backup): Diagnostic[] {
  if (volume.size >= backup.size) return [];
  return [
    error('volume-too-small', `disk ${volume.id} has ${volume.size} GB, the backup needs ${backup.size} GB`, {
      remedy: `extend it first: openstack volume set --size ${backup.size} ${shellOperand(volume.id)}`,
    }),
  ];
}

function expectationProblems(volume: Volume, expect: Expectation): Diagnostic[] {
  const problems: Diagnostic[] = [];
  const differs = (field: string, expected: string, actual: string) =>
    problems.push(
      error('expectation-not-met', `expected ${field} ${expected}, but it is ${actual}`, {
        remedy: `correct volume_id, or expect.${field.replace(' ', '_')}`,
      }),
    );
  if (expect.volume_name !== undefined && isWithheld(volume.name))
    problems.push(
      error(
        'expectation-not-met',
        `whether disk ${volume.id} is named ${expect.volume_name} is not known here`,
        {
          detail: 'Its name holds a credential, and is never shown or kept.',
          remedy: 'rename the disk, or remove expect.volume_name',
        },
      ),
    );
  else if (expect.volume_name !== undefined && expect.volume_name !== volume.name)
    differs('volume name', expect.volume_name, volume.name || '(none)');
  if (expect.size !== undefined && expect.size !== volume.size)
    differs('size', `${expect.size} GB`, `${volume.size} GB`);
  // Compared only while the volume is attached: it must be detached for the restore, and then it names no server.
  const { server } = expect;
  if (server !== undefined && volume.attachments.length > 0) {
    const known = volume.attachments.some(
      (a) =>
        a.server_id === server || (a.server_name === server && !isWithheld(server) && !looksLikeId(server)),
    );
    // Without names from the cloud, a server given by name cannot be compared.
    const comparable = volume.attachments.every((a) => a.server_name !== undefined) || looksLikeId(server);
    if (!known && comparable)
      differs('server', server, volume.attachments.map(describeAttachment).join(', '));
  }
  return problems;
}

/** Busy statuses of a volume in EVS and Cinder, and what each says. */
const BUSY: ReadonlyMap<string, string> = new Map([
  ['creating', 'the disk is being created'],
  ['attaching', 'the disk is being attached'],
  ['detaching', 'the disk is being detached'],
  ['reserved', 'a server is about to attach the disk'],
  [VOLUME_RESTORING, 'another restore into the disk is running'],
  ['backing-up', 'a backup of the disk is being made'],
  ['uploading', 'an image of the disk is being made'],
  ['downloading', 'an image is being written to the disk'],
  ['extending', 'the disk is being extended'],
  ['rollbacking', 'the disk is being rolled back to a snapshot'],
  ['awaiting-transfer', 'a transfer of the disk to another project is pending'],
]);

function volumeWaits(volume: Volume): Precondition[] {
  if (volume.status === AVAILABLE) return [];
  const attached = volume.status === 'detaching' ? [] : volume.attachments.map((one) => detach(volume, one));
  if (volume.status === 'in-use' && attached.length > 0) return attached;
  return [busy(volume), ...attached];
}

function busy({ id, status }: Volume): Precondition {
  const what = BUSY.get(status) ?? `the status of the disk is ${status}`;
  if (status === 'awaiting-transfer')
    return {
      what,
      commands: [
        'openstack volume transfer request list',
        'openstack volume transfer request delete REQUEST',
      ],
    };
  // In use, but the list does not say by what; the details may.
  return { what, commands: status === 'in-use' ? [`openstack volume show ${shellOperand(id)}`] : [] };
}

function detach(volume: Volume, attachment: Attachment): Precondition {
  const server = shellOperand(attachment.server_id);
  return {
    what: `the disk is attached to ${describeAttachment(attachment)}`,
    commands: [
      `openstack server stop ${server}`,
      `openstack server remove volume ${server} ${shellOperand(volume.id)}`,
    ],
    server: attachment.server_name ?? attachment.server_id,
  };
}

function backupWaits({ status }: Backup): Precondition[] {
  switch (status) {
    case AVAILABLE:
      return [];
    case 'creating':
      return [{ what: 'the backup is being made', commands: [] }];
    case BACKUP_RESTORING:
      return [{ what: 'another restore from the backup is running', commands: [] }];
    default:
      return [{ what: `the status of the backup is ${status}`, commands: [] }];
  }
}

/** VBS refuses a volume of which a backup is being made (VolumeBackup.0206), whatever the status of the volume. */
function otherBackupWaits(volume: Volume, backup: Backup, pendingBackups: readonly Backup[]): Precondition[] {
  if (volume.status === 'backing-up') return [];
  return pendingBackups
    .filter(
      ({ id, volume_id, status }) => volume_id === volume.id && id !== backup.id && status === 'creating',
    )
    .map(({ id, name }) => ({ what: `backup ${name || id} of the disk is being made`, commands: [] }));
}
