import { describedAction } from '../domain/described-action.ts';
import { quoted } from '../domain/escape/quoted.ts';
import { shellPath } from '../domain/escape/shell-word.ts';
import { grouped } from '../domain/grouped.ts';
import { optional } from '../domain/optional.ts';
import {
  movesOf,
  type SavedAction,
  type SavedPlan,
  type SignatureFinding,
  signatureText,
} from '../domain/saved-plan.ts';
import { positionText, remedyLines } from './diagnostics.ts';
import { actionLines } from './plan/action.ts';
import { doneLines, otherMoveLines } from './plan/done.ts';
import { headerLines, MANIFESTS_LISTED_MAX } from './plan/header.ts';
import { isKind, type PlanTextOptions } from './plan/parts.ts';
import { countsOf, summaryLines } from './plan/summary.ts';
import { joinLines, labelled, sanitize, type TextOptions, wrap } from './terminal.ts';
import { listed, plural, when } from './words.ts';

/**
 * `vbsctl show`: a saved plan as its file has it. Every word of it may be forged, so all of it is shown as data, the advice
 * contains nothing of it, and the text says that nothing was checked.
 */
export function savedPlanText(
  saved: SavedPlan,
  path: string,
  signed: SignatureFinding,
  options: PlanTextOptions,
): string {
  const { style, width } = options;
  const actions = saved.actions.map(describedAction);
  const outline = { actions, moves: movesOf(saved) };
  return joinLines([
    ...headingLines(saved, path, signed, options),
    ...wrap(
      'This is the content of the file. show does not compare it with the cloud and the state. vbsctl apply does, and refuses the plan if anything that it would do, or that it calls done, is not as shown here.',
      width,
    ).map(style.warn),
    '',
    ...headerLines({ ...saved, manifests: [], offline: false }, options),
    ...doneLines(actions.filter(isKind('noop')), options),
    ...otherMoveLines(outline, options),
    // One string for each block: a plan may have 100,000 of them.
    ...saved.actions
      .filter((action) => action.kind !== 'noop')
      .map((action) =>
        ['', ...actionLines(describedAction(action), options), ...sourceLines(action, options)].join('\n'),
      ),
    ...noticeLines(saved.notices, options),
    '',
    ...summaryLines(countsOf(outline), actions.filter(isKind('restore')), undefined, options),
    '',
    ...remedyLines(
      `vbsctl apply ${shellPath(path)}, which refuses the plan if it was applied before, is stale, or was forged`,
      { style, width },
    ),
  ]);
}

/** Stands above a saved plan that is applied: its file, its age and its signature. Ends with a blank line. */
export function savedPlanHeading(
  saved: SavedPlan,
  path: string,
  signed: SignatureFinding,
  options: TextOptions,
): string {
  return joinLines(headingLines(saved, path, signed, options));
}

function headingLines(
  saved: SavedPlan,
  path: string,
  signed: SignatureFinding,
  { style, width, now }: TextOptions,
): string[] {
  return [
    style.strong(`Plan ${sanitize(path)}`),
    style.faint(`digest ${sanitize(saved.digest)}`),
    ...wrap(signatureText(signed), width).map(signed.kind === 'valid' ? style.good : style.warn),
    ...wrap(madeText(saved, now), width).map(style.faint),
    '',
  ];
}

/**
 * What only the file says of itself. Quoted, because a forged file could otherwise advise to lift a limit. `apply`
 * itself names the limits in the way.
 */
function madeText(
  { created_at, tool_version, manifests, left_out, waivers }: SavedPlan,
  now: number,
): string {
  const paths = manifests.map(({ path }) => quoted(path));
  const flags = [...new Set(waivers)].map((waiver) => `“--allow-${waiver}”`);
  return [
    `the file says that it was made ${when(created_at, now)} by vbsctl ${sanitize(tool_version)}`,
    ...(paths.length === 0 ? [] : [`from ${listed(paths, MANIFESTS_LISTED_MAX)}`]),
    ...(left_out === undefined ? [] : [`without ${plural(left_out, 'other declared restore')} (--target)`]),
    ...(flags.length === 0 ? [] : [`with ${flags.join(', ')}; apply checks the current policy itself`]),
  ].join(' ');
}

function sourceLines({ declared }: SavedAction, { style }: PlanTextOptions): string[] {
  const { file, line } = declared.source;
  const position = positionText({ ...optional('file', file), ...optional('line', line) });
  return position === '' ? [] : labelled('declared', [style.faint(position)], style);
}

const NOTICES_LISTED_MAX = 20;

/** Quoted, because the sentences are those of the file. */
function noticeLines(notices: SavedPlan['notices'], { style, width }: PlanTextOptions): string[] {
  if (notices.length === 0) return [];
  const rest = notices.length - NOTICES_LISTED_MAX;
  return [
    '',
    ...wrap('Notes of the run that made the plan:', width),
    ...notices
      .slice(0, NOTICES_LISTED_MAX)
      .flatMap(({ code, summary, address }) =>
        wrap(
          `${address === undefined ? '' : `${sanitize(address)}: `}${code}: “${sanitize(summary)}”`,
          width - 4,
        ).map((line) => style.faint(`  | ${line}`)),
      ),
    ...(rest > 0 ? [`  and ${grouped(rest)} more`] : []),
  ];
}
