import { type Diagnostic, error } from '../domain/diagnostic.ts';
import type { Action, Plan } from '../domain/plan.ts';

/**
 * What is left of a plan that is refused: what is under way is followed, which can only help; nothing new starts,
 * and nothing is renamed or noted. Undefined when nothing is under way. For a run in mode `follow`.
 */
export function onlyFollowing(plan: Plan, why: readonly Diagnostic[]): Plan | undefined {
  if (!plan.actions.some(({ kind }) => kind === 'resume')) return undefined;
  return { ...plan, moves: [], actions: plan.actions.map((action) => followed(action, why)) };
}

function followed(action: Action, why: readonly Diagnostic[]): Action {
  switch (action.kind) {
    case 'resume': {
      // Its record stays where it stands.
      const { was, protect, ...rest } = action;
      return { ...rest, address: was ?? action.address };
    }
    case 'restore': {
      const { address, volume, backup, generation, source } = action;
      const reason = error(
        'plan-refused',
        `nothing new is started: ${why.map(({ summary }) => summary).join('; ')}`,
      );
      return { kind: 'blocked', address, volume, backup, generation, source, reasons: [reason] };
    }
    case 'noop': {
      const { note_rule, note_protect, ...rest } = action;
      return rest;
    }
    default:
      return action;
  }
}
