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
  PLAN_AGAIN,
  type SavedAction,
  type SavedPlan,
  type SavedRunnable,
} from '../domain/saved-plan.ts';
import type { Address, RestoreSpec } from '../domain/spec.ts';
import type { Progress, Staleness } from './plan-staleness.ts';
import { indexBackups, pickBackup } from './select.ts';

/**
 * What a saved plan wants, as it is planned again: the disks and backups that were approved, and whatever has to be
 * there for the same records to be renamed.
 */
export function pinnedSpecs({ actions, renamed }: SavedPlan): RestoreSpec[] {
  return [
    ...actions
      .filter(isPlannedAgain)
      .map(({ declared, volume, backup }) => pinned(declared, volume.id, backup.id)),
    ...renamed.map(({ declared, volume_id, backup_id }) => pinned(declared, volume_id, backup_id)),
  ];
}

/** Of what `pinnedSpecs` gives, what is part of the plan. */
export function plannedAddresses({ actions }: SavedPlan): Address[] {
  return actions.filter(isPlannedAgain).map(({ declared }) => declared.address);
}

/** What was blocked or has expired is not done, but its record may be renamed. */
function isPlannedAgain(
  action: SavedAction,
): action is SavedAction & Pick<SavedRunnable, 'volume' | 'backup'> {
  if (isSavedRunnable(action) || action.kind === 'noop') return true;
  return action.was !== undefined && action.volume.id !== undefined && action.backup.id !== undefined;
}

function pinned(spec: RestoreSpec, volumeId: string, backupId: string): RestoreSpec {
  // Where it was declared is the file's word, and has no place in advice.
  return {
    ...spec,
    volume: { by: 'id', id: volumeId },
    backup: { by: 'id', id: backupId },
    source: { address: spec.address },
  };
}

export type Approved =
  | { readonly kind: 'refused'; readonly reasons: readonly Diagnostic[] }
  /** What is left of the approved plan, every word of it derived from state and cloud. */
  | { readonly kind: 'plan'; readonly plan: Plan };

/**
 * Holds what was approved against a plan of the same restores made now. The file only says which restores, and what
 * people saw of them: what a disk or backup *is* must be as they saw it; whether it is ready may differ, and is waited
 * for. An action of the file is done only where state and cloud lead to the same one.
 */
export function reconcile(
  saved: SavedPlan,
  { state, progress, moved }: Staleness & { readonly kind: 'current' },
  fresh: Plan,
): Approved {
  const now = new Map(fresh.actions.map((action) => [action.address, action]));
  const limits = fresh.notices.filter(({ severity }) => severity === 'error');
  // Beyond a limit nobody looked at the cloud.
  if (limits.length > 0) return { kind: 'refused', reasons: limits };
  const reasons: Diagnostic[] = [];
  if (!moved) reasons.push(...otherMoves(saved, fresh));
  const meant = new Set(
    saved.actions
      .filter(
        ({ declared }) =>
          declared.backup.by === 'selector' && declared.backup.selector.of_volume !== undefined,
      )
      .map(({ declared }) => declared.address),
  );
  // Planned again by its id, what a rule took of another disk looks like a mistake.
  const isMeant = ({ code, where }: Diagnostic) =>
    code === 'backup-of-another-disk' && meant.has(where?.address ?? '');
  const notices: Diagnostic[] = fresh.notices.filter((one) => !isMeant(one));
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
      if (today.kind !== 'noop') reasons.push(notDone(action));
      else {
        // Noted, it counts as done by this rule, too.
        if (today.note_protect !== undefined && !action.notes_protect) reasons.push(notesProtect(action));
        if (action.notes_rule) reasons.push(...notOfTheRule(action.declared, today, saved));
        actions.push(noted(action, today));
      }
      continue;
    }
    const stands = progress.get(address);
    switch (stands) {
      case 'to_do':
      case 'to_repeat':
      case 'under_way': {
        if (today.kind === 'blocked' && isStuck(today)) {
          actions.push({ ...today, ended_before: true });
          break;
        }
        const differs = [
          ...anotherKind(action, today, stands),
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
        // Nothing about the plan is stale: it cannot go on with this one, and goes on with the others.
        if (today.kind === 'blocked') actions.push({ ...today, ended_before: true });
        else if (today.kind === 'noop') actions.push(today);
        else reasons.push(stale(address, 'an earlier run of the plan ended it, and it would start again'));
        break;
      case undefined:
        throw new Error(`nobody knows how ${address} stands`);
      default:
        return unreachable(stands);
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

/** A pin hides the rule that picked it; the record keeps it. */
function withRule({ backup, expect }: RestoreSpec, today: Action): Action {
  if (backup.by !== 'selector' || !isRunnable(today)) return today;
  const { selector } = backup;
  return { ...today, backup: { ...today.backup, selector }, selector, expect };
}

/** Nothing is written down that the plan did not show. */
function noted(
  { declared, notes_rule }: SavedAction & { readonly kind: 'noop' },
  today: NoopAction,
): NoopAction {
  return {
    ...today,
    ...(notes_rule && declared.backup.by === 'selector' ? { note_rule: declared.backup.selector } : {}),
  };
}

function notesProtect({ declared }: SavedAction & { readonly kind: 'noop' }): Diagnostic {
  return stale(
    declared.address,
    'it would change whether its disk is protected, and the plan does not show that',
  );
}

function stale(address: Address, summary: string): Diagnostic {
  return error('plan-stale', summary, { remedy: PLAN_AGAIN, where: { address } });
}

function notDone({ declared }: SavedAction & { readonly kind: 'noop' }): Diagnostic {
  return stale(declared.address, 'the plan has it as done, and the state does not');
}

/** Every rename follows from declarations and records, or it is not written down. */
function otherMoves(saved: SavedPlan, { moves }: Plan): Diagnostic[] {
  const derived = new Map(moves.map(({ from, to }) => [to, from]));
  const told = movesOf(saved);
  const shown = new Set(told.map(({ to }) => to));
  return [
    ...told
      .filter(({ from, to }) => derived.get(to) !== from)
      .map(({ from, to }) =>
        stale(to, `the plan renames ${from} to ${to}, and the state has no such record to rename`),
      ),
    ...moves
      .filter(({ to }) => !shown.has(to))
      .map(({ from, to }) =>
        stale(to, `its record stands at ${from} by now, and the plan does not show that it is renamed`),
      ),
  ];
}

/** A start that the file calls a resumption, or the other way round; what runs of this plan did since is no surprise. */
function anotherKind({ kind, declared }: SavedRunnable, today: Action, progress: Progress): Diagnostic[] {
  if (kind === 'resume' && today.kind === 'restore' && progress !== 'to_repeat')
    return [
      stale(
        declared.address,
        'the plan goes on with what is under way, and the state has nothing under way there',
      ),
    ];
  if (kind === 'restore' && today.kind === 'resume' && progress !== 'under_way')
    return [stale(declared.address, 'the plan starts it, and by now it was begun without this plan')];
  return [];
}

/** The executor resumes what stands at the address: a record that was renamed meanwhile must not be missed. */
function recordElsewhere(saved: SavedRunnable, { was }: Action, moved: boolean): Diagnostic[] {
  if (was === (moved ? undefined : saved.was)) return [];
  const { address } = saved.declared;
  return [stale(address, `its record stands at ${was ?? address} by now`)];
}

function differences(saved: SavedRunnable, today: Action, plan: SavedPlan): Diagnostic[] {
  const { created_at: approvedAt } = plan;
  const where = { address: saved.declared.address };
  const differ = (what: string) =>
    error('plan-stale', `${what}, which differs from the plan approved at ${approvedAt}`, {
      remedy: PLAN_AGAIN,
      where,
    });
  switch (today.kind) {
    case 'resume':
      return [];
    case 'restore': {
      const { volume, backup } = saved;
      return [
        ...renamed(`disk ${volume.id}`, volume.name, today.volume.name).map(differ),
        ...renamed(`backup ${backup.id}`, backup.name, today.backup.name).map(differ),
        ...(backup.of_volume_id === today.backup.of_volume_id
          ? []
          : [
              differ(
                `backup ${backup.id} is of disk ${today.backup.of_volume_id}, not of ${backup.of_volume_id}`,
              ),
            ]),
        ...(backup.size === today.backup.size
          ? []
          : [differ(`backup ${backup.id} has ${today.backup.size} GB, not ${backup.size} GB`)]),
        ...(backup.created_at === today.backup.created_at
          ? []
          : [
              differ(
                `backup ${backup.id} was created at ${today.backup.created_at}, not ${backup.created_at}`,
              ),
            ]),
        ...((today.volume.size ?? 0) >= (volume.size ?? 0)
          ? []
          : [differ(`disk ${volume.id} has ${today.volume.size} GB, not ${volume.size} GB`)]),
        ...notOfTheRule(saved.declared, today, plan),
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

/** The rule is what the manifest said; a pin that it could not have picked is nobody's wish. */
function notOfTheRule(
  { address, backup: rule }: RestoreSpec,
  { volume, backup }: RestoreAction | NoopAction,
  { created_at }: SavedPlan,
): Diagnostic[] {
  if (rule.by !== 'selector' || volume.id === undefined) return [];
  // Of what is done, the record does not tell whose backup it was.
  const source = rule.selector.of_volume ?? volume.id;
  const { id = '', name = '', size = 0, created_at: taken = '', of_volume_id = source } = backup;
  const seen: Backup = { id, name, size, created_at: taken, volume_id: of_volume_id, status: 'available' };
  const picked = pickBackup(rule.selector, volume.id, indexBackups([seen], ''), Date.parse(created_at));
  if (picked.kind === 'picked') return [];
  return [stale(address, `its rule does not pick backup ${id}, which the plan has for it`)];
}

/** People approve names: who gave a disk another one meant something by it. */
function renamed(what: string, approved: string | undefined, now: string | undefined): string[] {
  return approved === now ? [] : [`${what} is called ${now || 'nothing'}, not ${approved || 'nothing'}`];
}

/** What it depends on ended badly in an earlier run of this plan: nothing about the plan is stale. */
function isStuck({ reasons }: BlockedAction): boolean {
  return reasons.length === 1 && reasons[0]?.code === 'dependency-stuck';
}
