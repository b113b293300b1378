import { blockedAction, expiredAction } from '../domain/described-action.ts';
import type { Diagnostic } from '../domain/diagnostic.ts';
import { unreachable } from '../domain/errors.ts';
import { optional } from '../domain/optional.ts';
import { type Action, type BlockedAction, isRunnable, type Plan } from '../domain/plan.ts';
import {
  isSavedPinned,
  movesOf,
  type SavedAction,
  type SavedPlan,
  type SavedRunnable,
} from '../domain/saved-plan.ts';
import { type Address, type RestoreSpec, selectorOf } from '../domain/spec.ts';
import type { State } from '../domain/state.ts';
import { noopDifferences, restoreDifferences } from './plan-differences.ts';
import { type Progress, planStale, type Staleness } from './plan-staleness.ts';

/**
 * The specs to plan again for a saved plan: the disks and backups that were approved, and the specs that are needed for
 * the same renames.
 */
export function pinnedSpecs({ actions, renamed }: SavedPlan): RestoreSpec[] {
  return [
    ...actions
      .filter(isSavedPinned)
      .map(({ declared, volume, backup }) => pinned(declared, volume.id, backup.id)),
    ...renamed.map(({ declared, volume_id, backup_id }) => pinned(declared, volume_id, backup_id)),
  ];
}

/** The addresses of `pinnedSpecs` that are part of the plan. */
export function plannedAddresses({ actions }: SavedPlan): Address[] {
  return actions.filter(isSavedPinned).map(({ declared }) => declared.address);
}

function pinned(spec: RestoreSpec, volumeId: string, backupId: string): RestoreSpec {
  // The file could name any position, and advice would repeat it.
  return {
    ...spec,
    volume: { by: 'id', id: volumeId },
    backup: { by: 'id', id: backupId },
    source: { address: spec.address },
  };
}

type Approved =
  | { readonly kind: 'refused'; readonly reasons: readonly Diagnostic[] }
  /** What is left to do of the approved plan, derived entirely from state and cloud. */
  | { readonly kind: 'plan'; readonly plan: Plan };

/**
 * Compares a saved plan with a new plan of the same restores. The file only says which restores, and what the approvers
 * saw: disk and backup must still be the same; whether they are ready may differ, because apply waits for that. An
 * action of the file runs only if state and cloud lead to the same action.
 */
export function reconcile(
  saved: SavedPlan,
  { state, progress, moved }: Staleness & { readonly kind: 'current' },
  fresh: Plan,
): Approved {
  const now = new Map(fresh.actions.map((action) => [action.address, action]));
  const limits = fresh.notices.filter(({ severity }) => severity === 'error');
  // If a limit is exceeded, the cloud was not read.
  if (limits.length > 0) return { kind: 'refused', reasons: limits };
  const reasons: Diagnostic[] = [];
  if (!moved) reasons.push(...moveMismatches(saved, fresh));
  const fromOtherVolume = new Set(
    saved.actions
      .filter(({ declared }) => selectorOf(declared)?.of_volume !== undefined)
      .map(({ declared }) => declared.address),
  );
  // Planned again by id, a backup that a rule took from another disk would look like a mistake.
  const isIntended = ({ code, where }: Diagnostic) =>
    code === 'backup-of-another-volume' && fromOtherVolume.has(where?.address ?? '');
  const notices: Diagnostic[] = fresh.notices.filter((one) => !isIntended(one));
  const actions: Action[] = [];
  for (const action of saved.actions) {
    const one = approvedAction(action, now.get(action.declared.address), { saved, state, progress, moved });
    if (one.kind === 'differs') reasons.push(...one.reasons);
    else actions.push(one.action);
  }
  if (reasons.length > 0) return { kind: 'refused', reasons };
  // Of the manifests and of what --target left out, only the file tells.
  const { left_out, ...rest } = fresh;
  return {
    kind: 'plan',
    plan: {
      ...rest,
      created_at: saved.created_at,
      manifests: [],
      actions,
      moves: moved ? [] : fresh.moves,
      notices,
      orphans: [],
    },
  };
}

type ApprovedAction =
  | { readonly kind: 'same'; readonly action: Action }
  | { readonly kind: 'differs'; readonly reasons: readonly Diagnostic[] };

interface Comparison {
  readonly saved: SavedPlan;
  readonly state: State;
  readonly progress: ReadonlyMap<Address, Progress>;
  readonly moved: boolean;
}

/** What is left to do of one action of the file. `today`: as planned again; undefined for one that does not run. */
function approvedAction(
  action: SavedAction,
  today: Action | undefined,
  comparison: Comparison,
): ApprovedAction {
  const { saved, state } = comparison;
  const { address } = action.declared;
  if (action.kind === 'blocked') {
    const record = state.records.get(address);
    const unknown = record?.status === 'unknown' ? record : undefined;
    return same({ ...blockedAction(action), ...optional('unknown', unknown) });
  }
  if (action.kind === 'expired') return same(expiredAction(action));
  if (!today) throw new Error(`${address} was not planned again`);
  if (action.kind !== 'noop') return approvedRestore(action, today, comparison);
  const reasons = noopDifferences(action, today, saved, state);
  if (reasons.length > 0 || today.kind !== 'noop') return { kind: 'differs', reasons };
  return same({
    ...today,
    ...optional('new_selector', action.records_selector && selectorOf(action.declared)),
  });
}

function approvedRestore(
  action: SavedRunnable,
  today: Action,
  { saved, progress, moved }: Comparison,
): ApprovedAction {
  const { address } = action.declared;
  const reached = progress.get(address);
  switch (reached) {
    case 'to_do':
    case 'to_repeat':
    case 'under_way': {
      if (today.kind === 'blocked' && isStuck(today)) return same({ ...today, ended_before: true });
      const reasons = restoreDifferences(action, today, reached, moved, saved);
      return reasons.length > 0 ? { kind: 'differs', reasons } : same(withRule(action.declared, today));
    }
    case 'done':
      return same(today);
    case 'ended':
      // The plan is not stale: it cannot continue with this restore, but with the others.
      if (today.kind === 'blocked') return same({ ...today, ended_before: true });
      if (today.kind === 'noop') return same(today);
      return {
        kind: 'differs',
        reasons: [planStale(address, 'an earlier run of the plan ended it, but it would start again')],
      };
    case undefined:
      throw new Error(`the progress of ${address} is not known`);
    default:
      return unreachable(reached);
  }
}

function same(action: Action): ApprovedAction {
  return { kind: 'same', action };
}

/** The pinned spec has no rule; the record keeps the declared one. */
function withRule(declared: RestoreSpec, today: Action): Action {
  const selector = selectorOf(declared);
  if (!selector || !isRunnable(today)) return today;
  return { ...today, backup: { ...today.backup, selector }, selector, expect: declared.expect };
}

/** Each rename must follow from declarations and records. */
function moveMismatches(saved: SavedPlan, { moves }: Plan): Diagnostic[] {
  const derived = new Map(moves.map(({ from, to }) => [to, from]));
  const planned = movesOf(saved);
  const shown = new Set(planned.map(({ to }) => to));
  return [
    ...planned
      .filter(({ from, to }) => derived.get(to) !== from)
      .map(({ from, to }) =>
        planStale(to, `the plan renames ${from} to ${to}, but the state has no such record to rename`),
      ),
    ...moves
      .filter(({ to }) => !shown.has(to))
      .map(({ from, to }) =>
        planStale(to, `its record is now at ${from}, and the plan does not show that rename`),
      ),
  ];
}

/** A dependency failed in an earlier run of this plan; the plan is not stale. */
function isStuck({ reasons }: BlockedAction): boolean {
  return reasons.length === 1 && reasons[0]?.code === 'dependency-stuck';
}
