import { diffWordsWithSpace } from 'diff';
import { formatDuration } from '../../domain/duration.ts';
import type { FieldChange } from '../../domain/plan.ts';
import {
  displayWidth,
  labelled,
  type Paint,
  padEnd,
  type Style,
  sanitize,
  VALUE_COLUMN,
  widestOf,
  wrap,
} from '../terminal.ts';
import type { PlanTextOptions } from './parts.ts';

/** With more changed words a diff is slow and hard to read: both values are shown whole. */
const CHANGED_WORDS_MAX = 100;

/** The changes against the record at the address: `field  before → after`, long values below each other. */
export function changeLines(changes: readonly FieldChange[], { style, width }: PlanTextOptions): string[] {
  if (changes.length === 0) return [];
  const fieldWidth = widestOf(changes.map(({ field }) => sanitize(field)));
  const room = width - VALUE_COLUMN - fieldWidth - 2;
  const lines = changes.flatMap((change) => {
    const field = padEnd(sanitize(change.field), fieldWidth);
    return [...valueChange(change, room, style), ...newerLines(change)].map(
      (text, index) => `${index === 0 ? field : ' '.repeat(fieldWidth)}  ${text}`,
    );
  });
  return labelled('changed', lines, style);
}

/** How much newer the backup is: reviewers ask that, and the two times do not show it at a glance. */
function newerLines({ field, before, after }: FieldChange): string[] {
  const ms = Date.parse(after) - Date.parse(before);
  if (field !== 'backup_created_at' || Number.isNaN(ms) || ms === 0) return [];
  return [`the backup is ${formatDuration(Math.abs(ms))} ${ms > 0 ? 'newer' : 'older'}`];
}

function valueChange(
  { before: rawBefore, after: rawAfter }: FieldChange,
  room: number,
  style: Style,
): string[] {
  const before = sanitize(rawBefore);
  const after = sanitize(rawAfter);
  if (after === '') return wrap(before, room);
  if (before === '') return wrap(after, room);
  if (displayWidth(before) + displayWidth(after) + 3 <= room)
    return [`${style.faint(before)} → ${style.strong(after)}`];
  const words =
    before.includes(' ') && after.includes(' ')
      ? diffWordsWithSpace(before, after, { maxEditLength: CHANGED_WORDS_MAX })
      : undefined; // ids have no words: shown whole
  if (!words?.some(({ added, removed }) => !added && !removed))
    return [style.bad(`- ${before}`), style.good(`+ ${after}`)];
  const side = (sign: string, keep: 'added' | 'removed', paint: Paint) =>
    paint(`${sign} `) +
    words
      .filter((part) => part[keep] || (!part.added && !part.removed))
      .map((part) => (part[keep] ? paint(part.value) : style.faint(part.value)))
      .join('');
  return [side('-', 'removed', style.bad), side('+', 'added', style.good)];
}
