import type { Diagnostic } from '../../domain/diagnostic.ts';
import { grouped } from '../../domain/grouped.ts';
import { type NoopAction, type Orphan, updatesRecord } from '../../domain/plan.ts';
import { statusWord } from '../../domain/record.ts';
import { indentedRemedy, labelledDiagnostics, positionText } from '../diagnostics.ts';
import { statusPaint } from '../record-text.ts';
import { pairLines } from '../table.ts';
import { indent, LABEL_INDENT, padEnd, sanitize, widestOf, wrap } from '../terminal.ts';
import { selectorText, when } from '../words.ts';
import { nameOf, type PlanOutline, type PlanTextOptions, toGeneration } from './parts.ts';

/** Blocks for what apply does not restore: done restores, records without a declaration, renames. */

/** If there are more done restores with nothing to report, they are only counted. */
const DONE_LISTED_MAX = 10;

export function doneLines(
  done: readonly NoopAction[],
  options: PlanTextOptions,
  noticesOf: (action: NoopAction) => readonly Diagnostic[] = () => [],
): string[] {
  const { style, now, width } = options;
  const isUneventful = (action: NoopAction) =>
    action.was === undefined &&
    action.superseded_by === undefined &&
    !updatesRecord(action) &&
    noticesOf(action).length === 0;
  const uneventful = done.filter(isUneventful).length;
  const collapse = options.showDone !== true && uneventful > DONE_LISTED_MAX;
  const shown = collapse ? done.filter((action) => !isUneventful(action)) : done;
  const addressWidth = widestOf(shown.map(({ address }) => sanitize(address)));
  const nameWidth = widestOf(shown.map(({ volume }) => nameOf(volume)));
  const lines = shown.flatMap((action) => {
    const { address, was, done_at, superseded_by: later, volume, new_selector, new_protect } = action;
    const text = [
      padEnd(sanitize(address), addressWidth),
      padEnd(nameOf(volume), nameWidth),
      `done ${when(done_at, now)}`,
    ].join('  ');
    const same = later?.backup_id === action.backup.id;
    const after =
      later &&
      `since then ${sanitize(later.address)} restored ${same ? 'the same backup' : `backup ${sanitize(later.backup_id)}`} into this disk, ${when(later.finished_at, now)}`;
    return [
      style.faint(`= ${text}`),
      ...(was === undefined ? [] : [`    was ${sanitize(was)}, the record is renamed`]),
      ...[
        new_selector &&
          `its new rule (${selectorText(new_selector)}) selects the backup that was restored. apply records the rule, so that a newer backup does not start another restore`,
        new_protect !== undefined && `${protectText(new_protect)}: apply records this`,
        after,
      ].flatMap((text) => (text ? indent(wrap(text, width - LABEL_INDENT), LABEL_INDENT) : [])),
      ...(after === undefined
        ? []
        : indentedRemedy(
            `${same ? 'to restore it once more' : 'to go back to this one'}: raise generation${toGeneration(action)} at ${positionText(action.source)}`,
            options,
          )),
      ...labelledDiagnostics(noticesOf(action), options),
    ];
  });
  const collapsed = collapse
    ? [
        style.faint(
          `= ${grouped(uneventful)} ${shown.length > 0 ? 'more ' : ''}done, nothing to do (--show-done lists them)`,
        ),
      ]
    : [];
  return lines.length + collapsed.length === 0 ? [] : ['', ...lines, ...collapsed];
}

function protectText(protect: boolean): string {
  return protect ? 'it protects its disk (protect: true)' : 'it no longer protects its disk (protect: false)';
}

export function orphanLines(orphans: readonly Orphan[], { style, width }: PlanTextOptions): string[] {
  if (orphans.length === 0) return [];
  const pairs = pairLines(
    orphans.map(({ address, status, volume_id }) => [
      sanitize(address),
      `${statusWord(status).padEnd(9)}  disk ${sanitize(volume_id)}`,
    ]),
  );
  return [
    '',
    ...wrap('No longer declared, not changed (vbsctl state show ADDRESS):', width),
    ...pairs.map((pair, index) => {
      const status = orphans[index]?.status ?? 'succeeded';
      const paint = status === 'succeeded' ? style.faint : statusPaint(status, style);
      return paint(`  ${pair}`);
    }),
  ];
}

/** Renames of restores that the plan does not show otherwise: it shows everything that apply writes. */
export function otherMoveLines({ actions, moves }: PlanOutline, { style, width }: PlanTextOptions): string[] {
  const shown = new Set(actions.flatMap(({ was, address }) => (was === undefined ? [] : [address])));
  const others = moves.filter(({ to }) => !shown.has(to));
  if (others.length === 0) return [];
  return [
    '',
    ...wrap('Also renamed (no disk is changed):', width),
    ...others.map(({ from, to }) => style.faint(`  ${sanitize(from)} → ${sanitize(to)}`)),
  ];
}
