import type { CloudProject } from '../../src/domain/cloud-project.ts';
import { MultilineText } from '../../src/domain/diagnostic.ts';
import type { ApplyEvent, End } from '../../src/domain/events.ts';
import type { Action, BackupView, Identified, Plan, VolumeView } from '../../src/domain/plan.ts';
import type { RestoreRecord } from '../../src/domain/record.ts';
import { advance, type RecordEvent } from '../../src/domain/record-transitions.ts';
import type { PlanCommands } from '../../src/views/plan/next-commands.ts';
import type { RemedyOptions } from '../../src/views/record-text.ts';
import { makeStyle, type TextOptions } from '../../src/views/terminal.ts';

/** One night of a payments team, in which everything happens that a view has words for. */

export const NOW = Date.parse('2026-11-24T00:15:00Z');

/** In these nights no other record has a generation of the same disk and backup. */
export function at(width: number): TextOptions & RemedyOptions {
  return {
    style: makeStyle(false),
    width,
    now: NOW,
    nextGeneration: ({ generation }) => generation + 1,
  };
}

export const TARGET: CloudProject = {
  auth_url: 'https://iam.eu-de.otc.t-systems.com/v3',
  region: 'eu-de',
  project_id: '7f1e0c9d8b7a4f6e9d3b0c6a2f6f7f11',
  project_name: 'payments-prod',
};

const VOLUMES = {
  data: 'c96e4a94-927a-425c-8795-63f9964cfebd',
  log: '2748f2f2-4394-4e6e-af8d-8dd34496c024',
  wal: '5b1f8a30-6c1e-47a5-a4f2-0f3d5f0a9c11',
  app: '91d0c6b2-2a0f-4a57-8f1d-b0a1c2d3e4f5',
  web: 'e2f7a1c4-77aa-4b0e-9a55-1f2e3d4c5b6a',
  old: '0d9c8b7a-6f5e-4d3c-8b2a-190807060504',
  cache: '3c2b1a09-8f7e-4d6c-b5a4-938271605f4e',
};

const BACKUPS = {
  data: '0a5c1f5e-6a53-4b8e-9d3b-0c6a2f6f7f11',
  log: '77ab2c3d-4e5f-4a6b-8c7d-9e0f1a2b3c4d',
  wal: 'b4c5d6e7-f809-4a1b-9c2d-3e4f5a6b7c8d',
  app: 'd1e2f3a4-b5c6-4d7e-8f90-a1b2c3d4e5f6',
  web: 'f0e1d2c3-b4a5-4968-8776-655443322110',
};

const JOBS = { data: '70a583b2e1c94d7f8a6b5c4d3e2f1a09', web: '4010b39b5281d3590152874bfa3b1604' };

const REQUESTS = {
  data: 'req-5d1f2a8c-30b7-4e55-9a0e-6f7c8d9e0a1b',
  wal: 'req-77ab90ce-1b2d-4c3e-8f4a-5b6c7d8e9f0a',
};

function volume(
  key: keyof typeof VOLUMES,
  size: number,
  more: Partial<Omit<VolumeView, 'id'>> = {},
): Identified<VolumeView> {
  return { id: VOLUMES[key], name: `pay-${key}`, size, status: 'available', attachments: [], ...more };
}

function backup(
  key: keyof typeof BACKUPS,
  size: number,
  more: Partial<Omit<BackupView, 'id'>> = {},
): Identified<BackupView> {
  return {
    id: BACKUPS[key],
    name: `nightly-${key}-1123`,
    size,
    created_at: '2026-11-23T21:03:11.000Z',
    of_volume_id: VOLUMES[key],
    ...more,
  };
}

function source(line: number) {
  return { file: 'restores.yaml', line, column: 7 };
}

// ---- records, made by the only legal way

export function recordOf(
  key: keyof typeof BACKUPS,
  events: readonly RecordEvent[],
  generation = 1,
): RestoreRecord {
  const address = `payments/${key}`;
  let record = advance(undefined, {
    type: 'intend',
    at: '2026-11-24T00:00:10.000Z',
    address,
    identity: { volume_id: VOLUMES[key], backup_id: BACKUPS[key], generation },
    names: {
      volume_name: `pay-${key}`,
      backup_name: `nightly-${key}-1123`,
      backup_created_at: '2026-11-23T21:03:11.000Z',
      size: 200,
    },
    baseline: {
      at: '2026-11-24T00:00:09.000Z',
      volume: { status: 'available', updated_at: '2026-11-23T23:58:01.000Z' },
      backup: { status: 'available', updated_at: '2026-11-23T21:40:00.000Z' },
    },
    api: 'vbs',
    settle_ms: 120_000,
  });
  for (const event of events) record = advance(record, event);
  return record;
}

const GATEWAY_TIMEOUT = {
  cause: 'status',
  message: 'The upstream server did not answer in time',
  status: 504,
  code: 'APIGW.0201',
  request_id: REQUESTS.wal,
} as const;

export const ACCEPTED: RecordEvent = {
  type: 'accept',
  at: '2026-11-24T00:00:12.000Z',
  job_id: JOBS.data,
  request_id: REQUESTS.data,
};

export const AMBIGUOUS: RecordEvent = {
  type: 'answer',
  at: '2026-11-24T00:01:10.000Z',
  outcome: { kind: 'ambiguous', failure: GATEWAY_TIMEOUT },
};

export const succeeded = recordOf('data', [ACCEPTED, { type: 'succeed', at: '2026-11-24T00:12:16.000Z' }]);
export const adopted = recordOf('web', [
  AMBIGUOUS,
  { type: 'adopt', at: '2026-11-24T00:01:12.000Z' },
  { type: 'succeed', at: '2026-11-24T00:09:00.000Z' },
]);
export const running = recordOf('log', [
  { type: 'accept', at: '2026-11-24T00:00:12.000Z', job_id: JOBS.web, request_id: REQUESTS.data },
]);
/** As a cloud without jobs says yes. */
export const runningWithoutJob = recordOf('log', [
  { type: 'accept', at: '2026-11-24T00:00:12.000Z', request_id: REQUESTS.data },
]);
export const intended = recordOf('log', []);
export const unknown = recordOf('wal', [
  AMBIGUOUS,
  {
    type: 'mark_unknown',
    at: '2026-11-24T00:05:03.000Z',
    reason: 'the disk changed since the attempt and is available again: it may have been restored',
    observations: [
      {
        at: '2026-11-24T00:01:11.000Z',
        volume: { status: 'available', updated_at: '2026-11-23T23:58:01.000Z' },
        backup: { status: 'available', updated_at: '2026-11-23T21:40:00.000Z' },
      },
      {
        at: '2026-11-24T00:03:00.000Z',
        volume: { status: 'restoring-backup', updated_at: '2026-11-24T00:02:40.000Z' },
        backup: { status: 'available', updated_at: '2026-11-23T21:40:00.000Z' },
      },
      {
        at: '2026-11-24T00:05:03.000Z',
        volume: { status: 'available', updated_at: '2026-11-24T00:04:48.000Z' },
        backup: { status: 'available', updated_at: '2026-11-23T21:40:00.000Z' },
      },
    ],
  },
]);
export const failedTouched = recordOf(
  'app',
  [
    { type: 'accept', at: '2026-11-24T00:00:12.000Z', job_id: JOBS.web, request_id: REQUESTS.data },
    {
      type: 'fail',
      at: '2026-11-24T00:07:40.000Z',
      reason: 'job FAIL: VolumeBackup.0200 restore failed: storage pool offline',
      volume_changed: true,
    },
  ],
  2,
);
export const failedUntouched = recordOf('app', [
  {
    type: 'answer',
    at: '2026-11-24T00:00:11.000Z',
    outcome: {
      kind: 'rejected',
      again: 'never',
      failure: {
        cause: 'status',
        status: 403,
        code: 'VolumeBackup.0042',
        message: 'No rights to restore',
        request_id: REQUESTS.data,
      },
    },
  },
  {
    type: 'settle',
    at: '2026-11-24T00:02:11.000Z',
    for_ms: 120_000,
    seen: {
      at: '2026-11-24T00:02:11.000Z',
      volume: { status: 'available', updated_at: '2026-11-23T23:58:01.000Z' },
      backup: { status: 'available', updated_at: '2026-11-23T21:40:00.000Z' },
    },
  },
  {
    type: 'fail',
    at: '2026-11-24T00:02:11.000Z',
    reason: 'VolumeBackup.0042 No rights to restore',
    volume_changed: false,
  },
]);
export const resolved = recordOf('wal', [
  AMBIGUOUS,
  { type: 'mark_unknown', at: '2026-11-24T00:05:03.000Z', reason: 'the disk is gone', observations: [] },
  {
    type: 'resolve',
    at: '2026-11-24T00:10:00.000Z',
    resolution: {
      as: 'not-started',
      reason: 'compared the first 64 MB with last night, unchanged',
      by: 'mira@pay-ops1',
      at: '2026-11-24T00:10:00.000Z',
    },
  },
]);

// ---- a plan of every kind

const common = { generation: 1, expect: {}, depends_on: [] as string[] };

const ACTIONS: readonly Action[] = [
  {
    ...common,
    kind: 'restore',
    again: false,
    address: 'payments/data',
    volume: volume('data', 500, {
      status: 'in-use',
      attachments: [{ server_id: 'a1b2', server_name: 'pay-db1', device: '/dev/vdb' }],
    }),
    backup: backup('data', 500),
    source: source(9),
    changes: [],
    waits_for: [
      {
        what: 'the disk is attached to pay-db1 (/dev/vdb)',
        commands: [
          'openstack server stop 6c1d9d5e-1d65-44b3-8f2e-5d6a1b7c8e90',
          `openstack server remove volume 6c1d9d5e-1d65-44b3-8f2e-5d6a1b7c8e90 ${VOLUMES.data}`,
        ],
        server: 'pay-db1',
      },
    ],
    valid_until: '2026-11-24T05:00:00.000Z',
  },
  {
    ...common,
    kind: 'restore',
    again: true,
    address: 'payments/log',
    generation: 2,
    volume: volume('log', 100),
    backup: backup('log', 80, {
      selector: { as_of: '2026-11-23T21:00:00.000Z', within: '6h' },
    }),
    selector: { as_of: '2026-11-23T21:00:00.000Z', within: '6h' },
    depends_on: ['payments/data'],
    source: source(14),
    changes: [
      { field: 'backup_id', before: BACKUPS.web, after: BACKUPS.log },
      { field: 'backup', before: 'nightly-log-1122', after: 'nightly-log-1123' },
      { field: 'generation', before: '1', after: '2' },
      {
        field: 'last outcome',
        before: 'failed: job FAIL: VolumeBackup.0200 restore failed: storage pool offline',
        after: '',
      },
    ],
    waits_for: [],
  },
  {
    ...common,
    kind: 'restore',
    again: false,
    address: 'payments/cache',
    volume: volume('cache', 1200),
    backup: { ...backup('app', 40), of_volume_name: 'pay-app' },
    source: source(20),
    changes: [],
    waits_for: [],
  },
  {
    ...common,
    kind: 'resume',
    address: 'payments/web',
    volume: volume('web', 40, { status: 'restoring-backup' }),
    backup: backup('web', 40),
    source: source(26),
    record: recordOf('web', [ACCEPTED]) as RestoreRecord & { status: 'running' },
    policy_violations: [],
  },
  {
    ...common,
    kind: 'noop',
    address: 'payments/queue',
    volume: { id: VOLUMES.app, name: 'pay-queue' },
    backup: backup('app', 40),
    source: source(30),
    done_at: '2026-11-21T17:04:00.000Z',
    job_id: JOBS.web,
  },
  {
    ...common,
    kind: 'noop',
    address: 'payments/mail-spool',
    was: 'payments/mail',
    volume: { id: VOLUMES.app, name: 'pay-mail' },
    backup: backup('app', 40),
    source: source(34),
    done_at: '2026-11-23T22:00:00.000Z',
  },
  {
    ...common,
    kind: 'noop',
    address: 'payments/search',
    generation: 1,
    volume: { id: VOLUMES.old, name: 'pay-search' },
    backup: backup('app', 40),
    source: source(38),
    done_at: '2026-11-20T22:00:00.000Z',
    next_generation: 3,
    superseded_by: {
      address: 'payments/search',
      backup_id: BACKUPS.web,
      finished_at: '2026-11-22T08:00:00.000Z',
    },
  },
  {
    ...common,
    kind: 'blocked',
    address: 'payments/wal',
    volume: volume('wal', 200),
    backup: backup('wal', 200),
    source: source(42),
    reasons: [
      {
        severity: 'error',
        code: 'outcome-unknown',
        summary:
          'the outcome of its last attempt is unknown: the disk changed since the attempt and is available again',
        remedy: new MultilineText(
          'to see the evidence: vbsctl state show payments/wal',
          'check the disk, then: vbsctl resolve payments/wal --as succeeded|not-started|failed --reason "…"',
        ),
        where: { address: 'payments/wal' },
      },
    ],
  },
  {
    ...common,
    kind: 'expired',
    address: 'payments/report',
    volume: volume('old', 10),
    backup: backup('app', 10),
    source: source(50),
    valid_until: '2026-11-23T06:00:00.000Z',
  },
];

export const PLAN: Plan = {
  format: 1,
  created_at: '2026-11-24T00:15:00.000Z',
  tool_version: '0.1.0',
  offline: false,
  target: TARGET,
  state: { lineage: '0c1f3a52-9b1d-4f0e-8a77-2f4b6c8d0e1f', serial: 41 },
  manifests: [{ path: 'restores.yaml', sha256: '00' }],
  actions: ACTIONS,
  orphans: [
    { address: 'payments/legacy', status: 'succeeded', volume_id: VOLUMES.old, backup_id: BACKUPS.app },
    { address: 'billing/ledger', status: 'unknown', volume_id: VOLUMES.cache, backup_id: BACKUPS.web },
  ],
  moves: [{ from: 'payments/mail', to: 'payments/mail-spool' }],
  notices: [
    {
      severity: 'warning',
      code: 'capacity-falls-back',
      summary: 'the disk has 100 GB, the backup 80 GB: after the restore its file system spans 80 GB',
      remedy: 'grow the partition and file system again after the restore',
      where: { address: 'payments/log' },
    },
  ],
};

export const COMMANDS: PlanCommands = {
  plan: 'vbsctl plan',
  apply: 'vbsctl apply',
  saves: false,
};

export const EMPTY_PLAN: Plan = { ...PLAN, actions: [], orphans: [], moves: [], notices: [] };

export const DONE_PLAN: Plan = {
  ...EMPTY_PLAN,
  actions: Array.from({ length: 12 }, (_, index) => ({
    ...common,
    kind: 'noop' as const,
    address: `payments/disk-${index + 1}`,
    volume: { id: VOLUMES.app, name: `pay-disk-${index + 1}` },
    backup: backup('app', 40),
    source: source(index),
    done_at: '2026-11-24T00:10:00.000Z',
  })),
};

// ---- a run with faults

function stamped(time: string, event: DistributiveOmit<ApplyEvent, 'at'>): ApplyEvent {
  return { at: `2026-11-24T${time}.000Z`, ...event };
}

type DistributiveOmit<T, K extends PropertyKey> = T extends unknown ? Omit<T, K> : never;

function ended(time: string, address: string, end: End): ApplyEvent {
  return stamped(time, { type: 'ended', address, end });
}

/** Recorded in the order told; `at` is what a replay's clock shows. */
export const RUN: readonly ApplyEvent[] = [
  stamped('00:00:08', { type: 'run_started', restores: 8, parallelism: 4 }),
  stamped('00:00:08', { type: 'preparing', address: 'payments/data', resumed: false }),
  stamped('00:00:08', { type: 'preparing', address: 'payments/wal', resumed: false }),
  stamped('00:00:08', { type: 'preparing', address: 'payments/web', resumed: true }),
  stamped('00:00:08', { type: 'preparing', address: 'payments/app', resumed: false }),
  stamped('00:00:09', {
    type: 'waiting',
    address: 'payments/data',
    reason: 'the disk is attached to pay-db1 (/dev/vdb)',
  }),
  stamped('00:00:10', { type: 'intended', address: 'payments/wal', attempt: 1 }),
  stamped('00:00:10', { type: 'intended', address: 'payments/app', attempt: 1 }),
  stamped('00:00:12', {
    type: 'accepted',
    address: 'payments/app',
    job_id: JOBS.web,
    request_id: REQUESTS.data,
  }),
  stamped('00:00:14', {
    type: 'adopted',
    address: 'payments/web',
    reason: 'disk and backup are restoring, and were not before',
  }),
  stamped('00:00:40', { type: 'intended', address: 'payments/data', attempt: 1 }),
  stamped('00:00:42', {
    type: 'answered',
    address: 'payments/data',
    attempt: 1,
    answer: 'rejected',
    failure: {
      cause: 'status',
      status: 429,
      code: 'APIGW.0308',
      message: 'Throttled',
      retry_after_ms: 10_000,
      request_id: REQUESTS.data,
    },
    next: 'probe',
  }),
  stamped('00:00:52', {
    type: 'not_started',
    address: 'payments/data',
    reason: 'the disk did not change for 2m: it did not start',
  }),
  stamped('00:00:52', { type: 'intended', address: 'payments/data', attempt: 2 }),
  stamped('00:00:53', {
    type: 'accepted',
    address: 'payments/data',
    job_id: JOBS.data,
    request_id: REQUESTS.data,
  }),
  stamped('00:01:10', {
    type: 'answered',
    address: 'payments/wal',
    attempt: 1,
    answer: 'ambiguous',
    failure: GATEWAY_TIMEOUT,
    next: 'probe',
  }),
  stamped('00:01:11', {
    type: 'checking',
    address: 'payments/wal',
    reason: 'the disk has not changed so far; the restore may still start within 2m',
  }),
  stamped('00:01:21', {
    type: 'checking',
    address: 'payments/wal',
    reason: 'disk or backup cannot be read',
  }),
  stamped('00:02:40', {
    type: 'progress',
    address: 'payments/data',
    job: 'running',
    note: `job ${JOBS.data} is RUNNING`,
  }),
  ended('00:05:03', 'payments/wal', { kind: 'recorded', record: unknown }),
  ended('00:07:40', 'payments/app', { kind: 'recorded', record: failedTouched }),
  ended('00:09:00', 'payments/web', { kind: 'recorded', record: adopted }),
  stamped('00:09:00', { type: 'preparing', address: 'payments/log', resumed: false }),
  ended('00:12:16', 'payments/data', { kind: 'recorded', record: succeeded }),
  stamped('00:12:16', {
    type: 'halted',
    failures: 2,
    reason: '2 restores failed or are unknown, max_failures is 2',
  }),
  ended('00:12:16', 'payments/log', { kind: 'recorded', record: running }),
  ended('00:12:16', 'payments/cache', {
    kind: 'not_started',
    code: 'halted',
    reason: '2 restores failed or are unknown, max_failures is 2',
  }),
  ended('00:12:16', 'payments/batch', {
    kind: 'not_started',
    code: 'halted',
    reason: '2 restores failed or are unknown, max_failures is 2',
  }),
  ended('00:12:16', 'payments/stage', {
    kind: 'not_started',
    code: 'dependency',
    reason: 'a restore that it depends on did not succeed',
  }),
  stamped('00:12:16', {
    type: 'run_ended',
    summary: {
      started: 3,
      adopted: 1,
      succeeded: 2,
      failed: 1,
      unknown: 1,
      unsaved: 0,
      not_started: 3,
      blocked: 0,
      running: 1,
      intended: 0,
      duration_ms: 728_000,
      requests: 143,
      slowdowns: 0,
    },
  }),
];

/** What the run above ran. */
export const RUN_PLAN: Plan = {
  ...EMPTY_PLAN,
  actions: (['data', 'log', 'wal', 'app', 'web', 'cache', 'batch', 'stage'] as const).map((name, index) => ({
    ...common,
    kind: 'restore' as const,
    again: false,
    address: `payments/${name}`,
    volume: { id: VOLUMES.data, name: `pay-${name}`, size: 200 },
    backup: backup('data', 200),
    source: source(9 + 6 * index),
    changes: [],
    waits_for: [],
  })),
};

export const ADDRESSES = [...new Set(RUN.flatMap((event) => ('address' in event ? [event.address] : [])))];
