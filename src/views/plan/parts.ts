import type { Diagnostic } from '../../domain/diagnostic.ts';
import type { BackupView, NoopAction, VolumeView } from '../../domain/plan.ts';
import { remedyLines } from '../diagnostics.ts';
import { labelled, paragraphs, sanitize, VALUE_COLUMN, wrap } from '../terminal.ts';
import { plural } from '../words.ts';
import type { PlanTextOptions } from './options.ts';

/** What several of the blocks share. */

export function noteLines(notices: readonly Diagnostic[], { style, width }: PlanTextOptions): string[] {
  const room = width - VALUE_COLUMN;
  return notices.flatMap(({ severity, summary, detail, remedy }) =>
    labelled(
      severity,
      [
        ...wrap(sanitize(summary), room).map(severity === 'error' ? style.bad : style.warn),
        ...(detail === undefined ? [] : paragraphs(detail, room)),
        ...(remedy === undefined ? [] : remedyLines(remedy, { style, width: room })),
      ],
      style,
    ),
  );
}

/** A disk or backup without a name is known by its id alone. */
export function nameOf({ name, id }: VolumeView | BackupView): string {
  if (name !== undefined && name !== '') return sanitize(name);
  return id === undefined ? '(not resolved)' : '(no name)';
}

/** With --target a plan is about a part of what is declared, and says so. */
export function partialLines(leftOut: number | undefined, width: number): string[] {
  if (leftOut === undefined) return [];
  const others = plural(leftOut, 'other declared restore');
  return wrap(
    `Only a part: ${others} ${leftOut === 1 ? 'is' : 'are'} left out by --target and not checked.`,
    width,
  );
}

export function toNext({ next_generation: next }: NoopAction): string {
  return next === undefined ? '' : ` to ${next}`;
}
