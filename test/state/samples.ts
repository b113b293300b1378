import type { Clock } from '../../src/domain/clock.ts';
import type { CloudProject } from '../../src/domain/cloud-project.ts';
import type { RestoreRecord } from '../../src/domain/record.ts';
import { advance, type RecordEvent, writtenBy } from '../../src/domain/record-transitions.ts';
import {
  type Actor,
  type Change,
  emptyState,
  fold,
  type HistoryEntry,
  type State,
} from '../../src/domain/state.ts';
import type { Snapshot } from '../../src/state/codec.ts';
import { extendChain } from '../../src/state/history-chain.ts';

export const AT = '2026-11-23T22:00:00.000Z';
export const TARGET: CloudProject = {
  auth_url: 'https://iam.example/v3',
  region: 'eu-de',
  project_id: 'p1',
  project_name: 'demo',
};
export const ACTOR: Actor = {
  who: 'ada@bench',
  operation: 'apply',
  version: '0.1.0',
  git_commit: 'c'.repeat(40),
  plan_digest: 'a'.repeat(64),
  waivers: ['old-backups'],
};

/** As its holder told it. */
export const LOCK = {
  id: 'l-1',
  who: 'ada@bench',
  host: 'bench',
  pid: 42,
  operation: 'apply',
  since: '2026-11-23T22:00:00.000Z',
  version: '0.1.0',
};

export const SEEN = { status: 'available', updated_at: '2026-11-20T10:00:00Z' };
export const BASELINE = { at: AT, volume: SEEN, backup: SEEN };

export function intendEvent(address: string, generation = 1): RecordEvent & { type: 'intend' } {
  return {
    type: 'intend',
    at: AT,
    address,
    identity: { volume_id: `vol-${address}`, backup_id: `bak-${address}`, generation },
    names: { volume_name: 'data', backup_name: 'nightly', backup_created_at: AT, size: 10 },
    baseline: BASELINE,
    api: 'vbs',
    settle_ms: 120_000,
  };
}

export function recordAfter(address: string, ...events: readonly RecordEvent[]): RestoreRecord {
  return events.reduce<RestoreRecord>(advance, advance(undefined, intendEvent(address)));
}

/** One record of each kind, every optional field used somewhere. */
export function everyKind(): RestoreRecord[] {
  const failure = {
    cause: 'status',
    message: 'busy',
    status: 409,
    code: 'VBS.1',
    request_id: 'req-1',
    retry_after_ms: 5,
  } as const;
  const resolution = { as: 'failed', reason: 'seen by hand', by: 'ada@bench', at: AT } as const;
  const intended = advance(undefined, {
    ...intendEvent('pay/log'),
    attached_before: [{ server_id: 'srv-1', server_name: 'db1', device: '/dev/vdb' }, { server_id: 'srv-2' }],
    identity: {
      volume_id: 'v',
      backup_id: 'b',
      generation: 2,
      selector: { as_of: 'latest', within: '6h', of_volume: 'w', name: 'n' },
    },
  });
  const looked = [
    { type: 'answer', at: AT, outcome: { kind: 'rejected', failure, again: 'later' } },
    {
      type: 'observe',
      at: AT,
      history: {
        observations: [{ ...BASELINE, volume: { status: 'restoring-backup' }, confirmed: true }],
        contradiction: { at: AT, reason: 'the disk was being restored while this backup was available' },
      },
    },
    { type: 'settle', at: AT, for_ms: 120_000, seen: BASELINE },
  ] as const;
  return [
    looked.reduce<RestoreRecord>(advance, intended),
    writtenBy(
      recordAfter('pay/run', {
        type: 'accept',
        at: AT,
        job_id: 'job-1',
        request_id: 'req-2',
        written_late_ms: 7,
      }),
      'd'.repeat(64),
    ),
    recordAfter(
      'pay/done',
      { type: 'accept', at: AT, job_id: 'job-2' },
      {
        type: 'succeed',
        at: AT,
        observed: { at: AT, job: { id: 'job-2', status: 'SUCCESS' }, volume: SEEN, backup: SEEN },
      },
    ),
    recordAfter('pay/not', { type: 'fail', at: AT, reason: 'no "such" disk\n\u2028', volume_changed: true }),
    recordAfter('pay/what', {
      type: 'mark_unknown',
      at: AT,
      reason: 'gone',
      observations: [{ ...BASELINE, volume: { status: 'gone', src_backup_id: 's' } }],
    }),
    recordAfter(
      'pay/told',
      { type: 'mark_unknown', at: AT, reason: 'gone', observations: [] },
      { type: 'resolve', at: AT, resolution },
    ),
  ];
}

export function put(record: RestoreRecord): Change {
  return { type: 'record', record };
}

/** A change that is told apart from every other by its number. */
export function numbered(n: number): Change {
  return put(recordAfter(`set/r${n}`));
}

/** A whole state with records and history entries of every kind, and its chain; `serial` is at least 1. */
export function chained(lineage: string, serial: number): Snapshot {
  const changes: Change[] = [
    ...everyKind().map(put),
    { type: 'moved', moves: [{ from: 'pay/done', to: 'pay/past' }] },
    { type: 'removed', address: 'pay/told' },
  ];
  const folded = fold(emptyState(lineage, TARGET, AT), [{ serial: 1, at: AT, actor: ACTOR, changes }]);
  const fact = { serial: 1, at: AT, actor: ACTOR };
  const history: HistoryEntry[] = [
    ...folded.history,
    { type: 'pushed', over: { lineage: 'older', serial: 3 }, allowed: ['other-lineage'], ...fact },
    { type: 'pushed', ...fact },
  ];
  const state = { ...folded, serial, history };
  return { state, chain: extendChain(state, []) };
}

/** Time passes only by sleeping; a sleeper lets everything else go on first. */
export function fakeClock(): Clock {
  let time = Date.parse(AT);
  return {
    now: () => time,
    monotonic: () => time,
    async sleep(ms) {
      time += ms;
      await new Promise((resolve) => setImmediate(resolve));
    },
  };
}

let ids = 0;
export function newId(): string {
  ids += 1;
  return `id-${ids}`;
}

/** A record of each kind and a rename; its chain breaks nowhere. */
export function sample(): State {
  const changes: Change[] = [
    ...everyKind().map(put),
    { type: 'moved', moves: [{ from: 'pay/done', to: 'pay/renamed' }] },
  ];
  return fold(
    emptyState('line-1', TARGET, AT),
    changes.map((change, index) => ({ serial: index + 1, at: AT, actor: ACTOR, changes: [change] })),
  );
}
