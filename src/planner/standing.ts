import { type Diagnostic, error } from '../domain/diagnostic.ts';
import { formatDuration } from '../domain/duration.ts';
import { unreachable } from '../domain/errors.ts';
import type { RestoreAction, ResumeAction } from '../domain/plan.ts';
import type { Record } from '../domain/record.ts';
import { type Hash, recordVersion, type SavedPlan } from '../domain/saved-plan.ts';
import type { Address } from '../domain/spec.ts';
import { addressesOf, type State } from '../domain/state.ts';
import { describeTarget, sameTarget, type Target } from '../domain/target.ts';
import { isRunnable } from './save.ts';

/**
 * Where a saved plan stands: what of it is done, what an earlier run of it left under way, what is still to be
 * done; or why it must not be applied, as sentences that say what moved and when. Pure. What other plans did
 * elsewhere in the state does not matter.
 */
export type Standing =
  | { readonly kind: 'stale'; readonly reasons: readonly Diagnostic[] }
  | {
      readonly kind: 'current';
      readonly progress: ReadonlyMap<Address, Progress>;
      /** Its renames are written down already. */
      readonly moved: boolean;
    };

/** `ended`: by this very plan, with an outcome that it cannot go on from. */
export type Progress = 'to_do' | 'under_way' | 'done' | 'ended';

export interface Ground {
  readonly state: State | undefined;
  /** Where the state is looked for, for messages. */
  readonly location: string;
  /** What the credentials lead to. */
  readonly target: Target;
  /** Epoch ms. */
  readonly now: number;
  readonly maxAgeMs?: number;
}

export function standingOf(saved: SavedPlan, ground: Ground, hash: Hash): Standing {
  const { state } = ground;
  const [elsewhere] = [...otherTarget(saved, ground), ...otherState(saved, ground)];
  if (elsewhere || !state) return stale(elsewhere ? [elsewhere] : []);
  const own = ownWork(saved, state);
  const runnable = saved.plan.actions.filter(isRunnable);
  const progress = new Map(
    runnable.map((action) => [action.address, progressOf(own.records.get(key(action)))]),
  );
  const open = [...progress.values()].filter((one) => one === 'to_do' || one === 'under_way').length;
  const openMoves = own.moved ? 0 : saved.plan.moves.length;
  if (open + openMoves === 0 && runnable.length + saved.plan.moves.length > 0)
    return stale([appliedBefore(runnable.length, own)]);
  const reasons = [
    ...tooOld(saved, ground),
    ...changedRecords(saved, state, own.moved, hash),
    ...changedDisks(saved, state, progress),
  ];
  return reasons.length > 0 ? stale(reasons) : { kind: 'current', progress, moved: own.moved };
}

function stale(reasons: readonly Diagnostic[]): Standing {
  return { kind: 'stale', reasons };
}

export const PLAN_AGAIN = 'plan again and have that approved: vbsctl plan --out plan.json';

// ---- where

function otherTarget({ plan }: SavedPlan, { target }: Ground): Diagnostic[] {
  if (sameTarget(plan.target, target)) return [];
  return [
    error('plan-other-target', 'the plan was made for another cloud project than the credentials lead to', {
      detail: `The plan: ${describeTarget(plan.target)}\nThe credentials: ${describeTarget(target)}`,
      remedy: 'use the credentials of the plan’s project, or plan for this one',
    }),
  ];
}

function otherState({ plan }: SavedPlan, { state, location }: Ground): Diagnostic[] {
  const made = `the plan was made at ${plan.created_at} over lineage ${plan.state.lineage}, serial ${plan.state.serial}`;
  if (!state)
    return [
      error('no-state', `there is no state at ${location}, and ${made}`, {
        detail: 'Without it nobody can tell what was restored since.',
        remedy: 'name the state with --state, or bring it back from its last copy',
      }),
    ];
  if (state.lineage !== plan.state.lineage)
    return [
      error(
        'plan-other-lineage',
        `the state at ${location} has lineage ${state.lineage}, created at ${state.created_at}, and ${made}`,
        {
          remedy: `name the plan’s own state with --state; or ${PLAN_AGAIN}`,
        },
      ),
    ];
  if (state.serial < plan.state.serial)
    return [
      error('state-went-back', `the state at ${location} is at serial ${state.serial}, and ${made}`, {
        detail: 'It is an older copy: what was restored since is not in it.',
        remedy: 'bring back the newest copy of the state',
      }),
    ];
  return [];
}

function tooOld({ plan }: SavedPlan, { now, maxAgeMs }: Ground): Diagnostic[] {
  const age = now - Date.parse(plan.created_at);
  if (maxAgeMs === undefined || age <= maxAgeMs) return [];
  return [
    error(
      'plan-too-old',
      `the plan was made at ${plan.created_at}, ${formatDuration(age)} ago, and --max-age is ${formatDuration(maxAgeMs)}`,
      {
        remedy: PLAN_AGAIN,
      },
    ),
  ];
}

// ---- what this plan did itself

interface OwnWork {
  /** By identity, the newest record that a run of this plan wrote. */
  readonly records: ReadonlyMap<string, Record>;
  readonly moved: boolean;
  /** When a run of it last closed something, and who ran it. */
  readonly last: { readonly at: string; readonly who: string } | undefined;
}

function ownWork({ digest }: SavedPlan, state: State): OwnWork {
  const records = new Map<string, Record>();
  let moved = false;
  let last: OwnWork['last'];
  for (const entry of state.history) {
    const ran = entry.actor.plan_digest === digest;
    const own = entry.type === 'closed' && entry.record.plan_digest === digest;
    if (ran || own) last = { at: entry.at, who: entry.actor.who };
    if (ran && entry.type === 'moved') moved = true;
    if (entry.type === 'closed' && own) records.set(key(entry.record), entry.record);
  }
  for (const record of state.records.values())
    if (record.plan_digest === digest) records.set(key(record), record);
  return { records, moved, last };
}

function key(of: Record | RestoreAction | ResumeAction): string {
  const [volume, backup] = 'volume_id' in of ? [of.volume_id, of.backup_id] : [of.volume.id, of.backup.id];
  return `${volume} from ${backup} #${of.generation}`;
}

function progressOf(own: Record | undefined): Progress {
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
      return own.touched === 'no' ? 'to_do' : 'ended';
    default:
      return unreachable(own);
  }
}

function appliedBefore(restores: number, { records, last }: OwnWork): Diagnostic {
  const by = last ? ` at ${last.at} by ${last.who}` : '';
  const outcomes = [...records.values()].map(({ address, status }) => `${address} ${status}`);
  return error('plan-applied', `the plan was applied to its end before${by}`, {
    ...(restores > 0 ? { detail: outcomes.slice(0, 20).join('\n') } : {}),
    remedy: 'to restore the same again: raise generation in the manifest, plan and have that approved',
  });
}

// ---- what others did

function changedRecords(saved: SavedPlan, state: State, moved: boolean, hash: Hash): Diagnostic[] {
  const expected = new Map(saved.touches.map(({ address, sha256 }) => [address, sha256]));
  if (moved) {
    const before = new Map(expected);
    for (const { from } of saved.plan.moves) expected.set(from, undefined);
    for (const { from, to } of saved.plan.moves) expected.set(to, before.get(from));
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
  record: Record | undefined,
  { plan }: SavedPlan,
  state: State,
): Diagnostic {
  const entry = state.history.findLast(
    (fact) => fact.serial > plan.state.serial && addressesOf(fact).includes(address),
  );
  const who = entry ? ` by ${entry.actor.who} (${entry.actor.operation})` : '';
  const now = record
    ? `since ${record.updated_at} it is ${record.status}, disk ${record.volume_id} from backup ${record.backup_id}, generation ${record.generation}`
    : entry?.type === 'moved'
      ? `at ${entry.at} it was renamed to ${entry.to}`
      : entry?.type === 'removed'
        ? `at ${entry.at} it was removed from the state`
        : 'it is gone';
  return error(
    'plan-stale',
    `the record of ${address} has changed since the plan was made at ${plan.created_at}: ${now}${who}`,
    {
      remedy: PLAN_AGAIN,
      where: { address },
    },
  );
}

/** A disk that was restored meanwhile under an address that the plan does not name. */
function changedDisks(
  saved: SavedPlan,
  { history }: State,
  progress: ReadonlyMap<Address, Progress>,
): Diagnostic[] {
  const planned = new Map(
    saved.plan.actions
      .filter(isRunnable)
      .filter(({ address }) => progress.get(address) === 'to_do')
      .map((action) => [action.volume.id, action]),
  );
  const told = new Set(saved.touches.map(({ address }) => address));
  const reasons: Diagnostic[] = [];
  for (let index = history.length - 1; index >= 0; index--) {
    const entry = history[index];
    if (!entry || entry.serial <= saved.plan.state.serial) break;
    if (entry.type !== 'closed' || entry.record.plan_digest === saved.digest) continue;
    const { record, actor } = entry;
    const action = planned.get(record.volume_id);
    if (!action || told.has(record.address)) continue;
    told.add(record.address);
    reasons.push(
      error(
        'plan-stale',
        `the disk of ${action.address} has been worked on since the plan was made at ${saved.plan.created_at}: ${record.address} ${record.status} at ${record.updated_at}, run by ${actor.who} (${actor.operation})`,
        { remedy: PLAN_AGAIN, where: { address: action.address } },
      ),
    );
  }
  return reasons;
}
