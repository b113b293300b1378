import {
  type Attachment,
  AVAILABLE,
  type Backup,
  isErrorStatus,
  VOLUME_RESTORING,
  type Volume,
} from './cloud.ts';
import { type Diagnostic, error } from './diagnostic.ts';
import type { Wait } from './plan.ts';
import type { Expectation } from './spec.ts';

/**
 * The service's rules of a restore, in two kinds. Identity facts say whether this is the restore that was
 * meant and whether it can ever work: they block. Readiness facts are expected to change until the POST:
 * they are waited for. Both are checked when the plan is made and again right before the POST.
 */

/** Why this disk must not be restored from this backup; empty when nothing speaks against it. */
export function identityProblems(
  volume: Volume,
  backup: Backup,
  expect: Expectation,
  projectId: string,
): Diagnostic[] {
  return [
    ...volumeProblems(volume, projectId),
    ...backupProblems(backup, projectId),
    ...sizeProblems(volume, backup),
    ...expectationProblems(volume, expect),
  ];
}

/** What has to happen before the restore can start. */
export function waitsFor(volume: Volume, backup: Backup): Wait[] {
  return [...volumeWaits(volume), ...backupWaits(backup)];
}

export function describeAttachment(attachment: Attachment): string {
  const server = attachment.server_name ?? attachment.server_id;
  return attachment.device ? `${server} (${attachment.device})` : server;
}

function volumeProblems(volume: Volume, projectId: string): Diagnostic[] {
  const problems: Diagnostic[] = [];
  if (volume.project_id !== undefined && volume.project_id !== projectId)
    problems.push(
      error(
        'volume-of-another-project',
        `disk ${volume.id} belongs to project ${volume.project_id}, not to ${projectId}`,
        {
          remedy: 'use the credentials of the project that owns the disk',
        },
      ),
    );
  if (isErrorStatus(volume.status))
    problems.push(
      error('volume-in-error', `disk ${volume.id} is in status ${volume.status}`, {
        detail: 'The service restores only into a disk that is available.',
        remedy: `find out why; an administrator can reset it: openstack volume set --state available ${volume.id}`,
      }),
    );
  if (volume.status === 'deleting')
    problems.push(
      error('volume-deleting', `disk ${volume.id} is being deleted`, { remedy: 'name another disk' }),
    );
  return problems;
}

function backupProblems(backup: Backup, projectId: string): Diagnostic[] {
  const problems: Diagnostic[] = [];
  if (backup.project_id !== undefined && backup.project_id !== projectId)
    problems.push(
      error('backup-shared', `backup ${backup.id} belongs to project ${backup.project_id}`, {
        detail:
          'A backup that was shared with a project can create new disks there, not be restored into one.',
        remedy: 'name a backup of your own project',
      }),
    );
  if (isErrorStatus(backup.status) || backup.status === 'deleting')
    problems.push(
      error('backup-unusable', `backup ${backup.id} is in status ${backup.status}`, {
        ...(backup.fail_reason ? { detail: `The service says: ${backup.fail_reason}` } : {}),
        remedy: 'name another backup of this disk',
      }),
    );
  return problems;
}

function sizeProblems(volume: Volume, backup: Backup): Diagnostic[] {
  if (volume.size >= backup.size) return [];
  return [
    error('volume-too-small', `disk ${volume.id} has ${volume.size} GB, the backup needs ${backup.size} GB`, {
      remedy: `extend it first: openstack volume set --size ${backup.size} ${volume.id}`,
    }),
  ];
}

function expectationProblems(volume: Volume, expect: Expectation): Diagnostic[] {
  const problems: Diagnostic[] = [];
  const differs = (field: string, expected: string, actual: string) =>
    problems.push(
      error('unexpected', `expected ${field} ${expected}, but it is ${actual}`, {
        remedy: `correct volume_id, or expect.${field.replace(' ', '_')}`,
      }),
    );
  if (expect.volume_name !== undefined && expect.volume_name !== volume.name)
    differs('volume name', expect.volume_name, volume.name || '(none)');
  if (expect.size !== undefined && expect.size !== volume.size)
    differs('size', `${expect.size} GB`, `${volume.size} GB`);
  // A detached disk says nothing about its server; that it is detached is what a restore needs.
  const { server } = expect;
  if (server !== undefined && volume.attachments.length > 0) {
    const known = volume.attachments.some((a) => a.server_id === server || a.server_name === server);
    // Without a name from the cloud, a server given by name cannot be told from another one.
    const tellable = volume.attachments.every((a) => a.server_name !== undefined) || isUuid(server);
    if (!known && tellable) differs('server', server, volume.attachments.map(describeAttachment).join(', '));
  }
  return problems;
}

function isUuid(text: string): boolean {
  return /^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/i.test(text);
}

function volumeWaits(volume: Volume): Wait[] {
  if (volume.status === AVAILABLE) return [];
  if (volume.attachments.length > 0)
    return volume.attachments.map((attachment) => ({
      what: `detach from ${describeAttachment(attachment)}`,
      commands: [
        `openstack server stop ${attachment.server_id}`,
        `openstack server remove volume ${attachment.server_id} ${volume.id}`,
      ],
    }));
  if (volume.status === VOLUME_RESTORING)
    return [{ what: 'another restore into this disk to end', commands: [] }];
  return [{ what: `disk to become available (it is ${volume.status})`, commands: [] }];
}

function backupWaits(backup: Backup): Wait[] {
  return backup.status === AVAILABLE
    ? []
    : [{ what: `backup to become available (it is ${backup.status})`, commands: [] }];
}
