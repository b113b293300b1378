import { sameJson } from '../domain/canonical-json.ts';
import { CLOCK_SKEW_MAX_MS } from '../domain/clock.ts';
import { type CloudProject, otherProjectProblem } from '../domain/cloud-project.ts';
import { type Diagnostic, error, MultilineText } from '../domain/diagnostic.ts';
import { formatDuration } from '../domain/duration.ts';
import { unreachable } from '../domain/errors.ts';
import { identityKey, identityText, type RestoreRecord, statusWord } from '../domain/record.ts';
import {
  type Hash,
  isSavedRunnable,
  movesOf,
  PLAN_AGAIN,
  recordVersion,
  type SavedPlan,
  type SavedRunnable,
} from '../domain/saved-plan.ts';
import type { Address } from '../domain/spec.ts';
import { addressesOf, recordsOfEntry, type State } from '../domain/state.ts';

/**
 * Whether a saved plan may still be applied: if so, what is done, what an earlier run of it left under way and what is
 * left to do; if not, what has changed and when. Changes by other plans to other restores of the state do not matter.
 * Pure.
 */
export type Staleness =
  | { readonly kind: 'stale'; readonly reasons: readonly Diagnostic[] }
  | {
      readonly kind: 'current';
      readonly progress: ReadonlyMap<Address, Progress>;
      readonly state: State;
      /** Its renames are in the state already. */
      readonly moved: boolean;
    };

/**
 * From the records that runs of this plan wrote. `to_repeat`: it failed without touching the disk. `ended`: it has an
 * outcome from which the plan cannot continue.
 */
export type Progress = 'to_do' | 'to_repeat' | 'under_way' | 'done' | 'ended';

interface StalenessContext {
  readonly state: State | undefined;
  /** Location of the state, for messages. */
  readonly location: string;
  /** The project of the credentials. */
  readonly target: CloudProject;
  /** Epoch ms. */
  readonly now: number;
  readonly maxAgeMs?: number;
}

export function stalenessOf(saved: SavedPlan, context: StalenessContext, hash: Hash): Staleness {
  const { state } = context;
  const elsewhere = otherProject(saved, context) ?? otherState(saved, context);
  if (elsewhere || !state) return stale(elsewhere ? [elsewhere] : []);
  const own = ownWork(saved, state);
  const runnable = saved.actions.filter(isSavedRunnable);
  const moves = movesOf(saved).length;
  const progress = new Map(
    runnable.map((action) => [action.declared.address, progressOf(own.records.get(key(action)))]),
  );
  const open = [...progress.values()].filter((one) => one !== 'done' && one !== 'ended').length;
  const openMoves = own.moved ? 0 : moves;
  if (open + openMoves === 0 && runnable.length + moves > 0)
    return stale([appliedBefore(runnable.length, own)]);
  const changed = changedRecords(saved, state, own.moved, hash);
  const reasons = [
    ...wrongAge(saved, state, context),
    ...changed,
    ...changedVolumes(saved, state, progress, changed),
  ];
  return reasons.length > 0 ? stale(reasons) : { kind: 'current', state, progress, moved: own.moved };
}

/** The error that a restore of the saved plan is stale. */
export function planStale(address: Address, summary: string): Diagnostic {
  return error('plan-stale', summary, { remedy: PLAN_AGAIN, where: { address } });
}

function stale(reasons: readonly Diagnostic[]): Staleness {
  return { kind: 'stale', reasons };
}

/** The name, too: approvers read it. If the credentials do not have it, it is that of the state. */
function otherProject(saved: SavedPlan, { target, state }: StalenessContext): Diagnostic | undefined {
  const known = { project_name: state?.target.project_name, ...target };
  if (sameJson({ ...known, ...saved.target }, known)) return undefined;
  const remedy = 'use credentials for the project of the plan, or make a plan for this one';
  return otherProjectProblem('plan-other-project', 'plan', saved.target, target, remedy);
}

function otherState(saved: SavedPlan, { state, location }: StalenessContext): Diagnostic | undefined {
  const made = `the plan was made at ${saved.created_at} from serial ${saved.state.serial} of lineage ${saved.state.lineage}`;
  if (!state)
    return error('no-state', `there is no state at ${location}, but ${made}`, {
      detail: 'Without it, vbsctl cannot tell what was restored since then.',
      remedy: 'name the state with --state, or put its last copy back: vbsctl state push FILE',
    });
  if (state.lineage !== saved.state.lineage)
    return error(
      'plan-other-lineage',
      `the state at ${location} has lineage ${state.lineage}, created at ${state.created_at}, but ${made}`,
      { remedy: `name the plan’s own state with --state; or ${PLAN_AGAIN}` },
    );
  if (state.serial < saved.state.serial)
    return error(
      'state-older-than-plan',
      `the state at ${location} is at serial ${state.serial}, but ${made}`,
      {
        detail: 'It is an older copy and lacks what was restored since then.',
        remedy: 'put the newest copy of the state back: vbsctl state push FILE',
      },
    );
  return undefined;
}

/**
 * Anybody who can write the file can choose its `created_at`. It is checked against this machine’s clock and against
 * the state: the plan cannot be younger than the first change after the serial that it names. While the state has not
 * changed since, an edited time is not noticed; only a signature prevents that.
 */
function wrongAge(saved: SavedPlan, state: State, { now, maxAgeMs }: StalenessContext): Diagnostic[] {
  const { created_at } = saved;
  const made = Date.parse(created_at);
  const clocks = 'compare the clocks of the two machines; otherwise ';
  if (made > now + CLOCK_SKEW_MAX_MS)
    return [
      error('plan-from-future', `the plan says that it was made at ${created_at}, which is in the future`, {
        remedy: `${clocks}${PLAN_AGAIN}`,
      }),
    ];
  const next = state.history.find(({ serial }) => serial > saved.state.serial);
  if (next && made > Date.parse(next.at) + CLOCK_SKEW_MAX_MS)
    return [
      error(
        'plan-misdated',
        `the plan says that it was made at ${created_at} from serial ${saved.state.serial}, but the state has had serial ${next.serial} since ${next.at}`,
        { remedy: `${clocks}${PLAN_AGAIN}` },
      ),
    ];
  const age = now - Math.min(made, next ? Date.parse(next.at) : made);
  if (maxAgeMs === undefined || age <= maxAgeMs) return [];
  return [
    error(
      'plan-too-old',
      `the plan was made at ${created_at}, ${formatDuration(age)} ago, and --max-age is ${formatDuration(maxAgeMs)}`,
      { remedy: PLAN_AGAIN },
    ),
  ];
}

interface OwnWork {
  /** Identity → the newest record that a run of this plan wrote. */
  readonly records: ReadonlyMap<string, RestoreRecord>;
  readonly moved: boolean;
  /** The last run of the plan that ended a restore. */
  readonly last: { readonly at: string; readonly who: string } | undefined;
}

function ownWork({ digest }: SavedPlan, state: State): OwnWork {
  const records = new Map<string, RestoreRecord>();
  let moved = false;
  let last: OwnWork['last'];
  for (const entry of state.history) {
    const ran = entry.actor.plan_digest === digest;
    const own = entry.type === 'closed' && entry.record.plan_digest === digest;
    if (ran || own) last = { at: entry.at, who: entry.actor.who };
    if (ran && entry.type === 'moved') moved = true;
    if (entry.type === 'closed' && own) records.set(identityKey(entry.record), entry.record);
  }
  for (const record of state.records.values())
    if (record.plan_digest === digest) records.set(identityKey(record), record);
  return { records, moved, last };
}

function key({ declared, volume, backup }: SavedRunnable): string {
  const { generation } = declared;
  return identityKey({ volume_id: volume.id ?? '', backup_id: backup.id ?? '', generation });
}

function progressOf(own: RestoreRecord | undefined): Progress {
  if (!own) return 'to_do';
  switch (own.status) {
    case 'intended':
    case 'running':
      return 'under_way';
    case 'succeeded':
      return 'done';
    case 'unknown':
      return 'ended';
    case 'failed':
      return own.touched === 'no' ? 'to_repeat' : 'ended';
    default:
      return unreachable(own);
  }
}

function appliedBefore(restores: number, { records, last }: OwnWork): Diagnostic {
  const by = last ? ` at ${last.at} by ${last.who}` : '';
  const outcomes = [...records.values()].map(({ address, status }) => `${address} ${status}`);
  return error('plan-applied', `the plan was already applied${by}`, {
    ...(restores > 0 ? { detail: new MultilineText(...outcomes.slice(0, 20)) } : {}),
    remedy:
      'to restore the same backup again: raise generation in the manifest, make a new plan and have it approved',
  });
}

function changedRecords(saved: SavedPlan, state: State, moved: boolean, hash: Hash): Diagnostic[] {
  const expected = new Map(saved.records.map(({ address, sha256 }) => [address, sha256]));
  if (moved) {
    const before = new Map(expected);
    const moves = movesOf(saved);
    for (const { from } of moves) expected.set(from, undefined);
    for (const { from, to } of moves) expected.set(to, before.get(from));
  }
  return [...expected].flatMap(([address, sha256]) => {
    const record = state.records.get(address);
    if (record?.plan_digest === saved.digest) return [];
    if ((record && recordVersion(record, hash)) === sha256) return [];
    return [recordChanged(address, record, saved, state)];
  });
}

function recordChanged(
  address: Address,
  record: RestoreRecord | undefined,
  saved: SavedPlan,
  state: State,
): Diagnostic {
  const entry = state.history.findLast(
    (fact) => fact.serial > saved.state.serial && addressesOf(fact).includes(address),
  );
  const who = entry ? ` by ${entry.actor.who} (${entry.actor.operation})` : '';
  const now = record
    ? `since ${record.updated_at} it is ${statusWord(record.status)}, ${identityText(record)}`
    : entry?.type === 'moved'
      ? `at ${entry.at} it was renamed to ${entry.to}`
      : entry?.type === 'removed'
        ? `at ${entry.at} it was removed from the state`
        : 'it is gone';
  return planStale(
    address,
    `the record of ${address} has changed since the plan was made at ${saved.created_at}: ${now}${who}`,
  );
}

/** Disks that were restored since, under any address, also if its record is gone. `known`: the changes of records. */
function changedVolumes(
  saved: SavedPlan,
  { history }: State,
  progress: ReadonlyMap<Address, Progress>,
  known: readonly Diagnostic[],
): Diagnostic[] {
  const planned = new Map(
    saved.actions
      .filter(isSavedRunnable)
      .filter(
        ({ declared }) => !['under_way', 'done', 'ended'].includes(progress.get(declared.address) ?? ''),
      )
      .map(({ declared, volume }) => [volume.id, declared]),
  );
  const reported = new Set(known.map(({ where }) => where?.address));
  const reasons: Diagnostic[] = [];
  for (let index = history.length - 1; index >= 0; index--) {
    const entry = history[index];
    if (!entry || entry.serial <= saved.state.serial) break;
    // What was removed was restored before.
    if (entry.type === 'removed') continue;
    for (const record of recordsOfEntry(entry)) {
      const declared = planned.get(record.volume_id);
      if (!declared || record.plan_digest === saved.digest || reported.has(record.address)) continue;
      reported.add(record.address);
      const { who, operation } = entry.actor;
      reasons.push(
        planStale(
          declared.address,
          `the disk of ${declared.address} was restored by ${record.address} since the plan was made at ${saved.created_at}: ${record.status} at ${record.updated_at}, run by ${who} (${operation})`,
        ),
      );
    }
  }
  return reasons;
}
