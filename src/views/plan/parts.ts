import type { Action, BackupView, DescribedAction, NoopAction, Plan, VolumeView } from '../../domain/plan.ts';
import { sanitize, type TextOptions, wrap } from '../terminal.ts';
import { plural } from '../words.ts';

export interface PlanTextOptions extends TextOptions {
  /** Lists every done restore; by default, more than a few are only counted. */
  readonly showDone?: boolean;
  /** Location of the state, or of the one to create. */
  readonly stateLocation?: string;
  /** How long apply waits for a restore to become ready, ms. Absent: it does not wait. */
  readonly waitTimeoutMs?: number;
}

/** What plans and saved plans have in common. */
export type PlanOutline = Pick<Plan, 'moves'> & { readonly actions: readonly DescribedAction[] };

export function isKind<K extends Action['kind']>(
  kind: K,
): <A extends DescribedAction>(action: A) => action is Extract<A, { kind: K }> {
  return (action): action is Extract<typeof action, { kind: K }> => action.kind === kind;
}

/** Its id if the name is not known. */
export function nameOf({ name, id }: VolumeView | BackupView): string {
  if (name === undefined) return id === undefined ? '(not resolved)' : sanitize(id);
  return name === '' ? '(no name)' : sanitize(name);
}

/** Says that `--target` restricts the plan. */
export function leftOutLines(leftOut: number | undefined, width: number): string[] {
  if (leftOut === undefined) return [];
  const others = plural(leftOut, 'other declared restore');
  return wrap(`--target leaves out ${others}, which ${leftOut === 1 ? 'is' : 'are'} not checked.`, width);
}

/** ` to 3`; empty if the plan does not have it. */
export function toGeneration({ next_generation: next }: NoopAction): string {
  return next === undefined ? '' : ` to ${next}`;
}
