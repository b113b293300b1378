import type { BackupView, NoopAction, VolumeView } from '../../domain/plan.ts';
import { sanitize, wrap } from '../terminal.ts';
import { plural } from '../words.ts';

export function nameOf({ name, id }: VolumeView | BackupView): string {
  if (name !== undefined && name !== '') return sanitize(name);
  return id === undefined ? '(not resolved)' : '(no name)';
}

/** Says that `--target` restricts the plan. */
export function leftOutLines(leftOut: number | undefined, width: number): string[] {
  if (leftOut === undefined) return [];
  const others = plural(leftOut, 'other declared restore');
  return wrap(
    `Only a part: ${others} ${leftOut === 1 ? 'is' : 'are'} left out by --target and not checked.`,
    width,
  );
}

/** ` to 3`; empty if the plan does not have it. */
export function toGeneration({ next_generation: next }: NoopAction): string {
  return next === undefined ? '' : ` to ${next}`;
}
