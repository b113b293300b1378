import type { Backup } from '../domain/cloud.ts';
import { type Diagnostic, error } from '../domain/diagnostic.ts';
import { unreachable } from '../domain/errors.ts';
import { optional } from '../domain/optional.ts';
import {
  type Action,
  type BlockedAction,
  isRunnable,
  type NoopAction,
  type Plan,
  type RestoreAction,
} from '../domain/plan.ts';
import {
  blockedAction,
  expiredAction,
  isSavedRunnable,
  movesOf,
  type SavedAction,
  type SavedPlan,
  type SavedRunnable,
} from '../domain/saved-plan.ts';
import { type Address, type RestoreSpec, selectorOf } from '../domain/spec.ts';
import { type Progress, planStale, type Staleness } from './plan-staleness.ts';
import { indexBackups, pickBackup } from './select.ts';

/**
 * The specs to plan again for a saved plan: the disks and backups that were approved, and the specs that are needed for
 * the same renames.
 */
export function pinnedSpecs({ actions, renamed }: SavedPlan): RestoreSpec[] {
  return [
    ...actions
      .filter(isPlannedAgain)
      .map(({ declared, volume, backup }) => pinned(declared, volume.id, backup.id)),
    ...renamed.map(({ declared, volume_id, backup_id }) => pinned(declared, volume_id, backup_id)),
  ];
}

/** The addresses of `pinnedSpecs` that are part of the plan. */
export function plannedAddresses({ actions }: SavedPlan): Address[] {
  return actions.filter(isPlannedAgain).map(({ declared }) => declared.address);
}

/** A blocked or expired restore does not run, but its record may be renamed. */
function isPlannedAgain(
  action: SavedAction,
): action is SavedAction & Pick<SavedRunnable, 'volume' | 'backup'> {
  if (isSavedRunnable(action) || action.kind === 'noop') return true;
  return action.was !== undefined && action.volume.id !== undefined && action.backup.id !== undefined;
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
    const { address } = action.declared;
    if (action.kind === 'blocked') {
      const record = state.records.get(address);
      actions.push({
        ...blockedAction(action),
        ...optional('unknown', record?.status === 'unknown' ? record : undefined),
      });
      continue;
    }
    if (action.kind === 'expired') {
      actions.push(expiredAction(action));
      continue;
    }
    const today = now.get(address);
    if (!today) throw new Error(`${address} was not planned again`);
    if (action.kind === 'noop') {
      if (today.kind !== 'noop')
        reasons.push(planStale(address, 'the plan shows it as done, but the state does not'));
      else {
        // The record would then count as done by this rule, too.
        if (today.new_protect !== undefined && !action.records_protect)
          reasons.push(
            planStale(
              address,
              'it would change whether its disk is protected, and the plan does not show that',
            ),
          );
        if (action.records_selector) reasons.push(...ruleMismatch(action.declared, today, saved));
        // Changes nothing in the record that the plan did not show.
        actions.push({
          ...today,
          ...optional('new_selector', action.records_selector && selectorOf(action.declared)),
        });
      }
      continue;
    }
    const reached = progress.get(address);
    switch (reached) {
      case 'to_do':
      case 'to_repeat':
      case 'under_way': {
        if (today.kind === 'blocked' && isStuck(today)) {
          actions.push({ ...today, ended_before: true });
          break;
        }
        const differs = [
          ...anotherKind(action, today, reached),
          ...recordElsewhere(action, today, moved),
          ...differences(action, today, saved),
        ];
        if (differs.length > 0) reasons.push(...differs);
        else actions.push(withRule(action.declared, today));
        break;
      }
      case 'done':
        actions.push(today);
        break;
      case 'ended':
        // The plan is not stale: it cannot continue with this restore, but with the others.
        if (today.kind === 'blocked') actions.push({ ...today, ended_before: true });
        else if (today.kind === 'noop') actions.push(today);
        else
          reasons.push(planStale(address, 'an earlier run of the plan ended it, but it would start again'));
        break;
      case undefined:
        throw new Error(`the progress of ${address} is not known`);
      default:
        return unreachable(reached);
    }
  }
  if (reasons.length > 0) return { kind: 'refused', reasons };
  const { left_out, ...rest } = fresh;
  return {
    kind: 'plan',
    plan: {
      ...rest,
      created_at: saved.created_at,
      actions,
      ...optional('left_out', saved.left_out),
      moves: moved ? [] : fresh.moves,
      notices,
      orphans: [],
    },
  };
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
  const told = movesOf(saved);
  const shown = new Set(told.map(({ to }) => to));
  return [
    ...told
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

/**
 * A start that the plan shows as a resumption, or the reverse. Runs of the same plan since then may explain the
 * difference.
 */
function anotherKind({ kind, declared }: SavedRunnable, today: Action, progress: Progress): Diagnostic[] {
  if (kind === 'resume' && today.kind === 'restore' && progress !== 'to_repeat')
    return [planStale(declared.address, 'the plan resumes it, but the state has nothing under way there')];
  if (kind === 'restore' && today.kind === 'resume' && progress !== 'under_way')
    return [planStale(declared.address, 'the plan starts it, but it was started without this plan since')];
  return [];
}

/** The executor resumes the record at the address, so it must not miss one that was renamed since. */
function recordElsewhere(saved: SavedRunnable, { was }: Action, moved: boolean): Diagnostic[] {
  if (was === (moved ? undefined : saved.was)) return [];
  const { address } = saved.declared;
  return [planStale(address, `its record is now at ${was ?? address}`)];
}

function differences(saved: SavedRunnable, today: Action, plan: SavedPlan): Diagnostic[] {
  const { created_at: approvedAt } = plan;
  const { address } = saved.declared;
  const where = { address };
  const differ = (what: string) =>
    planStale(address, `${what}, which differs from the plan approved at ${approvedAt}`);
  switch (today.kind) {
    case 'resume':
      return [];
    case 'restore': {
      const { volume, backup } = saved;
      const now = today.backup;
      const changes = [
        renamed(`disk ${volume.id}`, volume.name, today.volume.name),
        renamed(`backup ${backup.id}`, backup.name, now.name),
        now.of_volume_id !== backup.of_volume_id &&
          `backup ${backup.id} is of disk ${now.of_volume_id}, not of ${backup.of_volume_id}`,
        now.size !== backup.size && `backup ${backup.id} has ${now.size} GB, not ${backup.size} GB`,
        now.created_at !== backup.created_at &&
          `backup ${backup.id} was created at ${now.created_at}, not ${backup.created_at}`,
        (today.volume.size ?? 0) < (volume.size ?? 0) &&
          `disk ${volume.id} has ${today.volume.size} GB, not ${volume.size} GB`,
      ];
      return [
        ...changes.filter((change) => change !== false).map(differ),
        ...ruleMismatch(saved.declared, today, plan),
      ];
    }
    case 'blocked':
      return today.reasons.map((reason) => ({
        ...reason,
        summary: `${reason.summary}; the plan made at ${approvedAt} does not have it as blocked`,
        where,
      }));
    case 'expired':
      return [
        error('plan-expired', `it expired at ${today.valid_until}`, {
          remedy: 'to run it anyway: raise valid_until in the manifest, make a new plan and have it approved',
          where,
        }),
      ];
    case 'noop':
      return [differ(`it was done at ${today.done_at}`)];
    default:
      return unreachable(today);
  }
}

/** The rule is from the manifest: a backup that it could not have picked was not intended. */
function ruleMismatch(
  { address, backup: rule }: RestoreSpec,
  { volume, backup }: RestoreAction | NoopAction,
  { created_at }: SavedPlan,
): Diagnostic[] {
  if (rule.by !== 'selector' || volume.id === undefined) return [];
  // The record of a done restore does not say which disk its backup is of.
  const source = rule.selector.of_volume ?? volume.id;
  const { id = '', name = '', size = 0, created_at: taken = '', of_volume_id = source } = backup;
  const seen: Backup = { id, name, size, created_at: taken, volume_id: of_volume_id, status: 'available' };
  const picked = pickBackup(rule.selector, volume.id, indexBackups([seen], ''), Date.parse(created_at));
  if (picked.kind === 'picked') return [];
  return [planStale(address, `its rule does not pick backup ${id}, which the plan has for it`)];
}

/** Approvers read names: a changed name may change what they meant. */
function renamed(what: string, approved: string | undefined, now: string | undefined): string | false {
  return approved !== now && `${what} is called ${now || 'nothing'}, not ${approved || 'nothing'}`;
}

/** A dependency failed in an earlier run of this plan; the plan is not stale. */
function isStuck({ reasons }: BlockedAction): boolean {
  return reasons.length === 1 && reasons[0]?.code === 'dependency-stuck';
}
