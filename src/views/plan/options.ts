import type { Action } from '../../domain/plan.ts';
import type { TextOptions } from '../terminal.ts';

export interface PlanTextOptions extends TextOptions {
  /** Lists every done restore; by default, more than a few are only counted. */
  readonly showDone?: boolean;
  /** Location of the state, or of the one to create. */
  readonly stateLocation?: string;
  /** The command that applies this plan, with its flags. Default: `vbsctl apply`. */
  readonly applyCommand?: string;
  /** The command that creates the state, with its flags. Default: `vbsctl init`. */
  readonly initCommand?: string;
  /** The command that waits for open restores, with its flags. Default: `vbsctl wait`. */
  readonly waitCommand?: string;
  /** How long apply waits for a restore to become ready, ms. Absent: it does not wait. */
  readonly waitTimeoutMs?: number;
}

export function isKind<K extends Action['kind']>(
  kind: K,
): (action: Action) => action is Extract<Action, { kind: K }> {
  return (action): action is Extract<Action, { kind: K }> => action.kind === kind;
}
