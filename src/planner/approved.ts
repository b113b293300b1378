import { type Diagnostic, error } from '../domain/diagnostic.ts';
import { unreachable } from '../domain/errors.ts';
import { shellOperand } from '../domain/escape/shell-word.ts';
import {
  type Action,
  type BlockedAction,
  isOfAnotherDisk,
  type Plan,
  type RestoreAction,
  type ResumeAction,
} from '../domain/plan.ts';
import type { SavedPlan } from '../domain/saved-plan.ts';
import type { Address, RestoreSpec } from '../domain/spec.ts';
import { isRunnable } from './save.ts';
import { PLAN_AGAIN, type Standing } from './standing.ts';

/** The restores of a saved plan as they are planned again: of the disks and backups that were approved. */
export function pinnedSpecs({ plan, declared }: SavedPlan): RestoreSpec[] {
  const pins = new Map(plan.actions.filter(isRunnable).map((action) => [action.address, action]));
  return declared.map((spec) => {
    const pin = pins.get(spec.address);
    if (pin?.volume.id === undefined || pin.backup.id === undefined)
      throw new Error(`${spec.address} is not pinned`);
    return {
      ...spec,
      volume: { by: 'id', id: pin.volume.id },
      backup: { by: 'id', id: pin.backup.id },
      generation: pin.generation,
    };
  });
}

export type Approved =
  | { readonly kind: 'refused'; readonly reasons: readonly Diagnostic[] }
  /** What is left of the approved plan, in its own words, with what is waited for as it is now. */
  | { readonly kind: 'plan'; readonly plan: Plan };

/**
 * Holds what was approved against a plan of the same restores made now. What a disk or backup *is* must be as
 * approved; whether it is ready may differ, and is waited for.
 */
export function approved(
  saved: SavedPlan,
  { progress, moved }: Standing & { readonly kind: 'current' },
  fresh: Plan,
): Approved {
  const now = new Map(fresh.actions.map((action) => [action.address, action]));
  const reasons: Diagnostic[] = fresh.notices.filter(({ severity }) => severity === 'error');
  const meant = new Set(saved.plan.actions.filter((one) => !isOfAnotherDisk(one)).map((one) => one.address));
  // Planned again by its id, what a rule took of another disk looks like a mistake.
  const isMeant = ({ code, where }: Diagnostic) =>
    code === 'backup-of-another-disk' && meant.has(where?.address ?? '');
  const notices: Diagnostic[] = fresh.notices.filter((one) => one.severity !== 'error' && !isMeant(one));
  const actions: Action[] = [];
  for (const action of saved.plan.actions) {
    if (!isRunnable(action)) {
      actions.push(action);
      continue;
    }
    const today = now.get(action.address);
    if (!today) throw new Error(`${action.address} was not planned again`);
    const state = progress.get(action.address);
    switch (state) {
      case 'to_do':
      case 'under_way': {
        const stuck = stuckBehind(today);
        if (stuck) {
          notices.push(stuck);
          break;
        }
        const differs = [
          ...recordElsewhere(action, today, moved),
          ...differences(action, today, saved.plan.created_at),
        ];
        if (differs.length > 0) reasons.push(...differs);
        else actions.push(asApproved(action, today));
        break;
      }
      case 'done':
        actions.push(today);
        break;
      case 'ended':
        notices.push(endedBefore(action.address));
        break;
      case undefined:
        throw new Error(`nobody knows how ${action.address} stands`);
      default:
        return unreachable(state);
    }
  }
  if (reasons.length > 0) return { kind: 'refused', reasons };
  const { state } = fresh;
  const moves = moved ? [] : saved.plan.moves;
  return {
    kind: 'plan',
    plan: { ...saved.plan, actions, moves, notices, ...(state ? { state } : {}) },
  };
}

/** The saved action, its pins and its rule, with what the cloud shows today of what may have changed. */
function asApproved(saved: RestoreAction | ResumeAction, today: Action): Action {
  if (today.kind === 'resume') return { ...today, ...ruleOf(saved), expect: saved.expect };
  if (saved.kind !== 'restore' || today.kind !== 'restore') return today;
  return { ...saved, volume: today.volume, waits_for: today.waits_for };
}

function ruleOf({ selector }: RestoreAction | ResumeAction) {
  return selector ? { selector } : {};
}

/** The executor resumes what stands at the address: a record that was renamed meanwhile must not be missed. */
function recordElsewhere(saved: RestoreAction | ResumeAction, { was }: Action, moved: boolean): Diagnostic[] {
  if (was === (moved ? undefined : saved.was)) return [];
  return [
    error('plan-stale', `its record stands at ${was ?? saved.address} by now`, {
      remedy: PLAN_AGAIN,
      where: { address: saved.address },
    }),
  ];
}

function differences(saved: RestoreAction | ResumeAction, today: Action, approvedAt: string): Diagnostic[] {
  const where = { address: saved.address };
  const differ = (what: string) =>
    error('plan-stale', `${what}, and at ${approvedAt} it was approved otherwise`, {
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
      ];
    }
    case 'blocked':
      return today.reasons.map((reason) => ({
        ...reason,
        summary: `${reason.summary}; when it was approved, at ${approvedAt}, that did not stand in its way`,
        where,
      }));
    case 'expired':
      return [
        error('plan-expired', `it was to be done until ${today.valid_until}`, {
          remedy: 'to want it still: raise valid_until in the manifest, plan and have that approved',
          where,
        }),
      ];
    case 'noop':
      return [differ(`it was done at ${today.done_at}`)];
    default:
      return unreachable(today);
  }
}

/** People approve names: who gave a disk another one meant something by it. */
function renamed(what: string, approved: string | undefined, now: string | undefined): string[] {
  return approved === now ? [] : [`${what} is called ${now || 'nothing'}, not ${approved || 'nothing'}`];
}

/** What it depends on ended badly in an earlier run of this plan: nothing about the plan is stale. */
function stuckBehind(today: Action): Diagnostic | undefined {
  if (today.kind !== 'blocked') return undefined;
  const [reason] = today.reasons.filter(isStuck);
  if (!reason || today.reasons.length > 1) return undefined;
  return {
    ...reason,
    severity: 'warning',
    summary: `left out: ${reason.summary}`,
    where: { address: today.address },
  };
}

function isStuck({ code }: BlockedAction['reasons'][number]): boolean {
  return code === 'dependency-stuck';
}

function endedBefore(address: Address): Diagnostic {
  return {
    severity: 'warning',
    code: 'ended-before',
    summary: `left out: ${address} ended in an earlier run of this plan`,
    remedy: `see how: vbsctl state show ${shellOperand(address)}`,
    where: { address },
  };
}
