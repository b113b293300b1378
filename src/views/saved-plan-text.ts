import { unreachable } from '../domain/errors.ts';
import { shellPath } from '../domain/escape/shell-word.ts';
import { optional } from '../domain/optional.ts';
import { type RestoreAction, totals } from '../domain/plan.ts';
import {
  movesOf,
  type SavedAction,
  type SavedPlan,
  type SavedRestore,
  type SignatureFinding,
} from '../domain/saved-plan.ts';
import { positionText, remedyLines } from './diagnostics.ts';
import { actionLines, heading, runnableLines, subjectLines } from './plan/action.ts';
import { protectText } from './plan/done.ts';
import { headerLines } from './plan/header.ts';
import type { PlanTextOptions } from './plan/options.ts';
import { nameOf } from './plan/parts.ts';
import { type PlanCounts, summaryLines } from './plan/summary.ts';
import { indent, joinLines, LABEL_INDENT, labelled, sanitize, type TextOptions, wrap } from './terminal.ts';
import { grouped, when } from './words.ts';

/**
 * A saved plan as its file has it. Whoever could write the file chose every word of it: so all of it is shown as data,
 * advice is only what stands here, and that nothing was checked stands above it.
 */
export function savedPlanText(
  saved: SavedPlan,
  path: string,
  signed: SignatureFinding,
  options: PlanTextOptions,
): string {
  const { style, width } = options;
  const { actions, renamed, notices } = saved;
  const restores = actions.filter(isRestore);
  const command = `vbsctl apply ${shellPath(path)}`;
  return joinLines([
    ...headingLines(saved, path, signed, options),
    ...wrap(
      'This is the content of the file. vbsctl apply compares all of it with the cloud and the state, and refuses what differs.',
      width,
    ).map(style.warn),
    '',
    ...headerLines({ ...saved, offline: false }, options),
    ...doneLines(actions.filter(isNoop), options),
    ...(renamed.length === 0
      ? []
      : ['', ...wrap('Renamed as well, without being part of this plan:', width)]),
    ...renamed.map(({ declared, was }) => style.faint(`  ${sanitize(was)} → ${sanitize(declared.address)}`)),
    // One string each: a hundred thousand blocks of a dozen lines are a lot of lines to keep.
    ...actions
      .filter((one) => one.kind !== 'noop')
      .map((one) => ['', ...blockLines(one, options)].join('\n')),
    ...noticeLines(notices, options),
    '',
    ...summaryLines(countsOf(saved), restores.map(asAction), saved.left_out, options),
    '',
    ...remedyLines(`${command}, which refuses the plan if it was applied before, is stale, or was forged`, {
      style,
      width,
    }),
  ]);
}

/** What stands above a saved plan that is applied: which file, made when and by what, signed by whom. Ends with a blank line. */
export function savedPlanHeading(
  saved: SavedPlan,
  path: string,
  signed: SignatureFinding,
  options: TextOptions,
): string {
  return joinLines(headingLines(saved, path, signed, options));
}

function headingLines(
  { created_at, tool_version, digest, waivers }: SavedPlan,
  path: string,
  signed: SignatureFinding,
  { style, width, now }: TextOptions,
): string[] {
  return [
    `${style.strong(`Plan ${sanitize(path)}`)}, made ${when(created_at, now)} by vbsctl ${sanitize(tool_version)}`,
    style.faint(`digest ${sanitize(digest)}`),
    (signed.kind === 'valid' ? style.good : style.warn)(signatureText(signed)),
    ...(waivers.length === 0 ? [] : wrap(waiversText(waivers), width).map(style.faint)),
    '',
  ];
}

/** In quotes, and no advice: a file that was forged would talk people into lifting a limit. Which limits stand in the way, `apply` says. */
function waiversText(waivers: SavedPlan['waivers']): string {
  const flags = [...new Set(waivers)].map((waiver) => `“--allow-${waiver}”`);
  return `the file says that it was made with ${flags.join(', ')}; apply checks today’s policy itself`;
}

/** In one sentence without a full stop. */
export function signatureText(signed: SignatureFinding): string {
  switch (signed.kind) {
    case 'unsigned':
      return 'not signed';
    case 'valid':
      return `signed by ${sanitize(signed.name)} (valid)`;
    case 'wrong':
      return `signed in the name of ${sanitize(signed.name)}, and the signature does not fit`;
    case 'unknown_key':
      return `signed with key ${signed.key.slice(0, 16)}…, which is not among the trusted keys`;
    case 'unchecked':
      return `signed with key ${signed.key.slice(0, 16)}…, not checked (--trusted-keys DIR checks it)`;
    default:
      return unreachable(signed);
  }
}

function isRestore(action: SavedAction): action is SavedRestore {
  return action.kind === 'restore';
}

function isNoop(action: SavedAction): action is SavedAction & { readonly kind: 'noop' } {
  return action.kind === 'noop';
}

function countsOf(saved: SavedPlan): PlanCounts {
  const note = saved.actions.filter(
    (action) => action.kind === 'noop' && (action.notes_rule ?? action.notes_protect),
  ).length;
  return { ...totals(saved), rename: movesOf(saved).length, note };
}

/** For views of plans; what it waits for is not in the file. */
function asAction({ declared, volume, backup, was, cause, changes }: SavedRestore): RestoreAction {
  const { address, generation, expect, depends_on, valid_until, source } = declared;
  const rule = declared.backup.by === 'selector' ? declared.backup.selector : undefined;
  return {
    kind: 'restore',
    address,
    volume,
    backup: { ...backup, ...optional('selector', rule) },
    generation,
    source,
    cause,
    changes,
    waits_for: [],
    expect,
    depends_on,
    ...optional('was', was),
    ...optional('valid_until', valid_until),
    ...optional('selector', rule),
  };
}

function blockLines(action: SavedAction, options: PlanTextOptions): string[] {
  const { style, width, now } = options;
  const { declared, volume, backup, was } = action;
  const { address, generation, source } = declared;
  const head = (sign: string, what: string, paint: (text: string) => string) =>
    heading(sign, { address, generation, ...optional('was', was) }, what, paint, options);
  const at = positionText({ ...optional('file', source.file), ...optional('line', source.line) });
  const declaredAt = at === '' ? [] : labelled('declared', [style.faint(at)], style);
  switch (action.kind) {
    case 'restore':
      return [...actionLines(asAction(action), options), ...declaredAt];
    case 'resume':
      return [
        head('>', 'resume', style.accent),
        ...subjectLines({ volume, backup }, options),
        ...runnableLines(declared, options),
        ...declaredAt,
        ...labelled(
          'so far',
          wrap(
            'as recorded in the state when the plan is applied; otherwise the plan is refused',
            width - 15,
          ),
          style,
        ),
      ];
    case 'blocked':
      return [
        head('!', 'blocked', style.bad),
        ...subjectLines({ volume, backup }, options),
        ...declaredAt,
        ...labelled('because', [style.bad(action.reasons.slice(0, 5).join(', '))], style),
        ...indent(
          remedyLines('this plan does not run it; to see whether it is still blocked: vbsctl plan', {
            style,
            width,
          }),
          LABEL_INDENT,
        ),
      ];
    case 'expired':
      return [head('x', `expired ${when(declared.valid_until ?? '', now)}`, style.warn), ...declaredAt];
    case 'noop':
      throw new Error('done restores are told by doneLines');
    default:
      return unreachable(action);
  }
}

const DONE_LISTED_MAX = 10;

function doneLines(
  done: readonly (SavedAction & { readonly kind: 'noop' })[],
  { style, now, showDone = false }: PlanTextOptions,
): string[] {
  const shown =
    showDone || done.length <= DONE_LISTED_MAX
      ? done
      : done.filter(({ was, notes_rule, notes_protect }) => was ?? notes_rule ?? notes_protect);
  const rest = done.length - shown.length;
  const lines = [
    ...shown.flatMap(({ declared, volume, was, done_at, notes_rule, notes_protect }) => [
      style.faint(`= ${sanitize(declared.address)}  ${nameOf(volume)}  done ${when(done_at, now)}`),
      ...(was === undefined ? [] : [`    was ${sanitize(was)}, the record is renamed`]),
      ...(notes_rule ? ['    its new rule selects the backup that was restored: recorded'] : []),
      ...(notes_protect ? [`    ${protectText(declared.protect === true)}: recorded`] : []),
    ]),
    ...(rest > 0 ? [style.faint(`= ${grouped(rest)} done, nothing to do (--show-done lists them)`)] : []),
  ];
  return lines.length === 0 ? [] : ['', ...lines];
}

const NOTICES_LISTED_MAX = 20;

/** In quotes: these are sentences of the file. */
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
