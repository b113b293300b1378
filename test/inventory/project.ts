import type { Backup, Server, Volume } from '../../src/domain/cloud.ts';
import type { CloudProject } from '../../src/domain/cloud-project.ts';

/** A small project: two servers, one disk detached, one disk never backed up. */

export const PROJECT_ID = 'p1';
export const TARGET: CloudProject = {
  auth_url: 'https://iam.example',
  region: 'eu-de',
  project_id: PROJECT_ID,
};
export const NOW = Date.parse('2026-11-23T22:00:00Z');

export const SERVERS: readonly Server[] = [
  { id: 'server-1', name: 'pay-db1', status: 'ACTIVE' },
  { id: 'server-2', name: 'idle1', status: 'SHUTOFF' },
];

export function volume(n: number, more: Partial<Volume> = {}): Volume {
  return {
    id: `00000000-0000-4000-8000-00000000000${n}`,
    name: `disk-${n}`,
    status: 'available',
    size: 10 * n,
    attachments: [],
    project_id: PROJECT_ID,
    ...more,
  };
}

export function backup(of: number, day: number, more: Partial<Backup> = {}): Backup {
  return {
    id: `${of}0000000-0000-4000-8000-0000000000${day}`,
    name: `disk-${of}-${day}`,
    status: 'available',
    size: 10 * of,
    volume_id: volume(of).id,
    created_at: `2026-11-${day}T01:00:00.000Z`,
    project_id: PROJECT_ID,
    ...more,
  };
}

export const VOLUMES: readonly Volume[] = [
  volume(2, { attachments: [{ server_id: 'server-1', device: '/dev/vdb' }], status: 'in-use' }),
  volume(1, { attachments: [{ server_id: 'server-1', device: '/dev/vda' }], status: 'in-use' }),
  volume(3),
  volume(4, { attachments: [{ server_id: 'server-9', device: '/dev/vda' }], status: 'in-use' }),
];

export const BACKUPS: readonly Backup[] = [
  backup(1, 21),
  backup(1, 23),
  backup(1, 22),
  backup(2, 22),
  backup(2, 23, { status: 'error', fail_reason: 'no snapshot' }),
  backup(3, 20),
  backup(9, 19),
  backup(3, 18, { project_id: 'other' }),
];
