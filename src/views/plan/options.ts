import type { Action } from '../../domain/plan.ts';
import type { TextOptions } from '../terminal.ts';

export interface PlanTextOptions extends TextOptions {
  /** List every done restore; otherwise more than a few are only counted. */
  readonly showDone?: boolean;
  /** Where the state lies, or would lie. */
  readonly stateLocation?: string;
  /** What applies this plan, as the user would type it. */
  readonly applyCommand?: string;
  /** What creates the state, flags included. */
  readonly initCommand?: string;
  /** What follows open restores to their end, flags included. */
  readonly waitCommand?: string;
  /** How long apply waits for what a restore waits for, ms. Absent: it does not. */
  readonly patienceMs?: number;
}

export function isKind<K extends Action['kind']>(
  kind: K,
): (action: Action) => action is Extract<Action, { kind: K }> {
  return (action): action is Extract<Action, { kind: K }> => action.kind === kind;
}
