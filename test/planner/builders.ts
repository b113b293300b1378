import type { Backup, Reading, Volume } from '../../src/domain/cloud.ts';
import type { CloudSnapshot, SnapshotNeeds } from '../../src/domain/cloud-snapshot.ts';
import { DEFAULT_CONFIG } from '../../src/domain/config.ts';
import { optional } from '../../src/domain/optional.ts';
import type { Action, Plan } from '../../src/domain/plan.ts';
import type { Resolution, RestoreRecord } from '../../src/domain/record.ts';
import { advance, type RecordEvent } from '../../src/domain/record-transitions.ts';
import type { RestoreSpec, Selector } from '../../src/domain/spec.ts';
import { type Change, emptyState, fold, type Move, type State } from '../../src/domain/state.ts';
import type { PlanInput } from '../../src/planner/context.ts';
import { plan } from '../../src/planner/planner.ts';
import { indexRecords } from '../../src/planner/record-index.ts';
import { snapshotNeeds } from '../../src/planner/resolve-spec.ts';

/** Short names for what plans are made of: `v1` is a disk of 10 GB, `b1` a backup of `v1`. */

export const NOW = Date.parse('2026-11-24T00:00:00Z');
export const TARGET = { auth_url: 'https://iam.example/v3', region: 'eu-de', project_id: 'p1' };
const ACTOR = { who: 'ada@bench', operation: 'apply', version: '0.1.0' };
const EPOCH = Date.parse('2026-11-20T00:00:00Z');

export function iso(ms: number): string {
  return new Date(ms).toISOString();
}

// ---- the cloud

export function volume(id: string, more: Partial<Volume> = {}): Volume {
  return {
    id,
    name: `disk-${id}`,
    status: 'available',
    size: 10,
    attachments: [],
    project_id: 'p1',
    ...more,
  };
}

export function backup(id: string, of: string, more: Partial<Backup> = {}): Backup {
  return {
    id,
    name: `nightly-${id}`,
    status: 'available',
    size: 10,
    volume_id: of,
    created_at: '2026-11-23T00:00:00Z',
    project_id: 'p1',
    ...more,
  };
}

export interface Cloud {
  readonly volumes: readonly Volume[];
  readonly backups: readonly Backup[];
  /** Ids that answer, but not with what they should. */
  readonly unreadable?: { readonly [id: string]: { readonly retryable: boolean } };
}

/** Disks v1…v4, each with backups b<n>, c<n> and d<n>, a day apart; d is the newest. */
export const CLOUD: Cloud = {
  volumes: ['1', '2', '3', '4'].map((n) => volume(`v${n}`)),
  backups: ['1', '2', '3', '4'].flatMap((n) => [
    backup(`b${n}`, `v${n}`, { created_at: '2026-11-21T00:00:00Z' }),
    backup(`c${n}`, `v${n}`, { created_at: '2026-11-22T00:00:00Z' }),
    backup(`d${n}`, `v${n}`, { created_at: '2026-11-23T00:00:00Z' }),
  ]),
};

/** Exactly what was asked for, so that a plan that reads more than it asked for fails. */
export function observe(cloud: Cloud, needs: SnapshotNeeds): CloudSnapshot {
  return {
    volumes: readings(cloud.volumes, needs.volume_ids, needs.all_volumes, cloud),
    backups: readings(cloud.backups, needs.backup_ids, needs.all_backups, cloud),
    ...(needs.all_volumes ? { volume_list: cloud.volumes } : {}),
    ...(needs.all_backups ? { backup_list: cloud.backups } : {}),
  };
}

function readings<T extends { readonly id: string }>(
  there: readonly T[],
  ids: ReadonlySet<string>,
  all: boolean,
  { unreadable = {} }: Cloud,
): Map<string, Reading<T>> {
  const byId = new Map(there.map((value) => [value.id, value]));
  const map = new Map<string, Reading<T>>();
  for (const id of all ? new Set([...ids, ...byId.keys()]) : ids) {
    const value = byId.get(id);
    const failure = { cause: 'status', message: 'no luck', status: 500, request_id: 'req-1' } as const;
    const trouble = unreadable[id];
    if (trouble) map.set(id, { kind: 'unreadable', failure, retryable: trouble.retryable });
    else map.set(id, value ? { kind: 'found', value } : { kind: 'gone', failure });
  }
  return map;
}

// ---- manifests

type SpecParts = Partial<Omit<RestoreSpec, 'volume' | 'backup'>> & {
  readonly volume?: RestoreSpec['volume'] | string;
  readonly backup?: RestoreSpec['backup'] | string;
};

/** `spec('s/a', 'v1', 'b1')`; a text is an id. */
export function spec(
  address: string,
  volume: RestoreSpec['volume'] | string,
  backup: RestoreSpec['backup'] | string,
  more: SpecParts = {},
): RestoreSpec {
  const [set = '', name = ''] = address.split('/');
  return {
    address,
    set,
    name,
    labels: {},
    generation: 1,
    expect: {},
    depends_on: [],
    source: { file: 'restores.yaml', line: 1 },
    ...more,
    volume: typeof volume === 'string' ? { by: 'id', id: volume } : volume,
    backup: typeof backup === 'string' ? { by: 'id', id: backup } : backup,
  };
}

export function rule(more: Partial<Selector> = {}): RestoreSpec['backup'] {
  return { by: 'selector', selector: { as_of: 'latest', ...more } };
}

export function named(name: string): RestoreSpec['volume'] {
  return { by: 'name', name };
}

// ---- the state

export type End =
  | 'intended'
  | 'running'
  | 'succeeded'
  | 'failed no'
  | 'failed maybe'
  | 'unknown'
  | `resolved ${Resolution['as']}`;

interface What {
  readonly volume: string;
  readonly backup: string;
  readonly generation?: number;
  readonly selector?: Selector;
  readonly protect?: boolean;
}

const NO = { cause: 'status', message: 'no', status: 400 } as const;

const seen = { status: 'available', updated_at: '2026-11-19T00:00:00Z' };

function events(end: End, at: string): RecordEvent[] {
  const accept: RecordEvent = { type: 'accept', at, job_id: 'job-1' };
  const lose: RecordEvent = { type: 'mark_unknown', at, reason: 'the disk moved', observations: [] };
  switch (end) {
    case 'intended':
      return [];
    case 'running':
      return [accept];
    case 'succeeded':
      return [accept, { type: 'succeed', at }];
    case 'failed no':
      return [
        { type: 'answer', at, outcome: { kind: 'rejected', failure: NO, again: 'never' } },
        { type: 'settle', at, for_ms: 120_000, seen: { at, volume: seen, backup: seen } },
        { type: 'fail', at, reason: 'the service said no', volume_changed: false },
      ];
    case 'failed maybe':
      return [accept, { type: 'fail', at, reason: 'the job failed', volume_changed: true }];
    case 'unknown':
      return [lose];
    default: {
      const as = end.slice('resolved '.length) as Resolution['as'];
      return [lose, { type: 'resolve', at, resolution: { as, reason: 'looked', by: 'ada', at } }];
    }
  }
}

/** Every record that a restore leaves on its way to its end, from the intent on. */
export function recordsOf(
  address: string,
  what: What,
  end: End,
  at: string,
  before?: RestoreRecord,
): RestoreRecord[] {
  const intended = advance(before, {
    type: 'intend',
    api: 'vbs',
    settle_ms: 120_000,
    at,
    address,
    identity: {
      volume_id: what.volume,
      backup_id: what.backup,
      generation: what.generation ?? 1,
      ...(what.selector ? { selector: what.selector } : {}),
    },
    names: {
      volume_name: `disk-${what.volume}`,
      backup_name: `nightly-${what.backup}`,
      backup_created_at: '2026-11-23T00:00:00Z',
      size: 10,
    },
    baseline: { at, volume: seen, backup: seen },
    ...optional('protect', what.protect),
  });
  const all = [intended];
  let record: RestoreRecord = intended;
  for (const event of events(end, at)) {
    record = advance(record, event);
    // Written together with what it leads to.
    if (event.type !== 'settle') all.push(record);
  }
  return all;
}

/** A state written by legal commits only, a minute apart. */
export class Book {
  #state: State = emptyState('line', TARGET, iso(EPOCH));

  get state(): State {
    return this.#state;
  }

  /** Time of the next commit. */
  get at(): string {
    return iso(EPOCH + (this.#state.serial + 1) * 60_000);
  }

  /** A restore from its intent to `end`. */
  put(
    address: string,
    volume: string,
    backup: string,
    end: End,
    more: Omit<What, 'volume' | 'backup'> = {},
  ): this {
    const before = this.#state.records.get(address);
    for (const record of recordsOf(address, { volume, backup, ...more }, end, this.at, before))
      this.commit({ type: 'record', record });
    return this;
  }

  /** What a person found out later. */
  resolve(address: string, as: Resolution['as']): this {
    const standing = this.#state.records.get(address);
    const { at } = this;
    const resolution = { as, reason: 'looked', by: 'ada', at };
    return this.commit({ type: 'record', record: advance(standing, { type: 'resolve', at, resolution }) });
  }

  /** A later rule picks what is done. */
  note(address: string, selector: Selector): this {
    const { at } = this;
    const record = advance(this.#state.records.get(address), { type: 'record_selector', at, selector });
    return this.commit({ type: 'record', record });
  }

  moves(moves: readonly Move[]): this {
    return this.commit({ type: 'moved', moves });
  }

  commit(change: Change): this {
    const serial = this.#state.serial + 1;
    this.#state = fold(this.#state, [{ serial, at: this.at, actor: ACTOR, changes: [change] }]);
    return this;
  }
}

export function book(): Book {
  return new Book();
}

// ---- plans

export type Given = Partial<Omit<PlanInput, 'specs' | 'state'>> & {
  readonly state?: State | Book;
  readonly cloud?: Cloud;
  readonly offline?: boolean;
};

export function planOf(specs: readonly RestoreSpec[], given: Given = {}): Plan {
  const { state: told, cloud = CLOUD, offline = false, ...more } = given;
  const state = told instanceof Book ? told.state : told;
  return plan({
    specs,
    files: [],
    ...(state ? { state } : {}),
    target: TARGET,
    ...(offline || more.snapshot
      ? {}
      : { snapshot: observe(cloud, snapshotNeeds(specs, indexRecords(state))) }),
    policy: DEFAULT_CONFIG.policy,
    only: [],
    now: NOW,
    toolVersion: 'test',
    ...more,
  });
}

/** A plan in a few words, for tables: `{'s/a': 'noop was s/b', moves: 's/b>s/a', orphans: 's/x running'}`. */
export function story(made: Plan): { [what: string]: string } {
  const told: { [what: string]: string } = {};
  for (const action of made.actions) told[action.address] = words(action);
  if (made.moves.length > 0) told.moves = made.moves.map(({ from, to }) => `${from}>${to}`).join(' ');
  if (made.orphans.length > 0)
    told.orphans = made.orphans.map(({ address, status }) => `${address} ${status}`).join(', ');
  if (made.notices.length > 0) told.notices = made.notices.map(({ code }) => code).join(' ');
  return told;
}

function words(action: Action): string {
  const was = action.was === undefined ? '' : ` was ${action.was}`;
  switch (action.kind) {
    case 'restore':
      return `restore ${action.again ? 'again' : 'first'}${was}`;
    case 'blocked':
      return `blocked ${action.reasons.map(({ code }) => code).join(' ')}${was}`;
    case 'noop':
      return `noop${was}${action.new_selector ? ' and notes its rule' : ''}${action.new_protect === undefined ? '' : ` and notes protect: ${action.new_protect}`}${action.superseded_by ? ` superseded by ${action.superseded_by.address}` : ''}`;
    case 'resume':
    case 'expired':
      return action.kind + was;
  }
}

/** The one action of this address, of this kind. */
export function action<K extends Action['kind']>(
  made: Plan,
  address: string,
  kind: K,
): Extract<Action, { kind: K }> {
  const found = made.actions.find((each) => each.address === address);
  if (found?.kind !== kind) throw new Error(`${address} is ${found?.kind ?? 'not planned'}, not ${kind}`);
  return found as Extract<Action, { kind: K }>;
}

/** Every sentence of what blocks it. */
export function said(made: Plan, address: string): string {
  return action(made, address, 'blocked')
    .reasons.map(({ summary, detail, remedy }) => [summary, detail, remedy].join(' · '))
    .join('\n');
}
