import { describeAttachment } from '../../domain/cloud.ts';
import { unreachable } from '../../domain/errors.ts';
import type {
  Action,
  BackupView,
  DescribedAction,
  Precondition,
  RestoreAction,
  ResumeAction,
  VolumeView,
} from '../../domain/plan.ts';
import { indentedRemedy, labelledDiagnostics, positionText } from '../diagnostics.ts';
import { progressSoFar } from '../record-text.ts';
import {
  labelled,
  type Paint,
  padEnd,
  padStart,
  sanitize,
  VALUE_COLUMN,
  widestOf,
  wrap,
} from '../terminal.ts';
import { selectorText, size, when } from '../words.ts';
import { changeLines } from './changes.ts';
import { nameOf, type PlanTextOptions } from './parts.ts';

/** From this width on, an id stands beside its name instead of below it. */
const WIDE_COLUMNS = 120;

/** The block of one restore that is not done. */
export function actionLines(action: DescribedAction, options: PlanTextOptions): string[] {
  const { style, width, now } = options;
  switch (action.kind) {
    case 'restore':
      return [
        action.again
          ? actionHeading('~', action, 'restore again', style.warn, options)
          : actionHeading('+', action, 'restore', style.good, options),
        ...diskAndBackupLines(action, options),
        ...changeLines(action.changes, options),
        ...runnableLines(action, options),
        ...action.waits_for.flatMap((wait) => preconditionLines(wait, options)),
      ];
    case 'resume':
      return [
        actionHeading('>', action, 'resume', style.accent, options),
        ...diskAndBackupLines(action, options),
        ...('record' in action
          ? labelled('so far', progressSoFar(action.record, options), style)
          : labelled('so far', wrap(RECORDED_LATER, width - VALUE_COLUMN), style)),
        ...runnableLines(action, options),
        ...('policy_violations' in action ? firstStepLines(action, options) : []),
      ];
    case 'blocked':
      return [
        actionHeading('!', action, 'blocked', style.bad, options),
        ...diskAndBackupLines(action, options),
        ...labelledDiagnostics(action.reasons, options, 'blocked'),
      ];
    case 'expired':
      return [
        actionHeading('x', action, `expired ${when(action.valid_until, now)}`, style.warn, options),
        ...indentedRemedy(
          `it never runs; to run it anyway: raise valid_until at ${positionText(action.source)}`,
          options,
        ),
      ];
    case 'noop':
      throw new Error('doneLines shows done restores');
    default:
      return unreachable(action);
  }
}

const RECORDED_LATER =
  'apply reads it from the state, and refuses the plan if the restore is not under way there';

function firstStepLines({ policy_violations: refused }: ResumeAction, options: PlanTextOptions): string[] {
  const step =
    refused.length === 0
      ? 'reads disk and backup before it sends anything'
      : 'reads disk and backup, and follows what was started; it is not sent again';
  return [...labelled('first', [step], options.style), ...labelledDiagnostics(refused, options, 'refused')];
}

function actionHeading(
  sign: string,
  { address, was, generation }: Pick<Action, 'address' | 'was' | 'generation'>,
  what: string,
  paint: Paint,
  { style }: PlanTextOptions,
): string {
  const more = [
    ...(generation > 1 ? [`generation ${generation}`] : []),
    ...(was === undefined ? [] : [`was ${sanitize(was)}`]),
  ];
  return `${paint(sign)} ${style.strong(sanitize(address))}  ${paint(what)}${more.length > 0 ? style.faint(`  (${more.join(', ')})`) : ''}`;
}

/** Disk and backup, with aligned names and sizes. */
function diskAndBackupLines(
  { volume, backup }: Pick<Action, 'volume' | 'backup'>,
  { style, width, now }: PlanTextOptions,
): string[] {
  const names = [nameOf(volume), nameOf(backup)] as const;
  const sizes = [size(volume.size), size(backup.size)] as const;
  const nameWidth = widestOf(names);
  const sizeWidth = widestOf(sizes);
  const row = (index: 0 | 1, { id: known, name }: VolumeView | BackupView, facts: readonly string[]) => {
    const id = name === undefined ? undefined : known;
    const inline = width >= WIDE_COLUMNS && id !== undefined;
    const cells = [
      padEnd(names[index], nameWidth),
      ...(sizeWidth > 0 ? [padStart(sizes[index], sizeWidth)] : []),
      ...(inline ? [style.faint(sanitize(id))] : []),
      ...facts,
    ];
    return [cells.join('  ').trimEnd(), ...(id === undefined || inline ? [] : [style.faint(sanitize(id))])];
  };
  const isOfOther = backup.of_volume_id !== undefined && backup.of_volume_id !== volume.id;
  return [
    ...labelled('disk', row(0, volume, volumeFacts(volume)), style),
    ...labelled(
      'backup',
      [
        ...row(1, backup, backup.created_at === undefined ? [] : [when(backup.created_at, now)]),
        ...(isOfOther ? [style.warn(`of another disk: ${sourceOf(backup)}`)] : []),
        ...(backup.selector
          ? wrap(`rule: ${selectorText(backup.selector)}`, width - VALUE_COLUMN).map(style.faint)
          : []),
      ],
      style,
    ),
  ];
}

function sourceOf({ of_volume_name: name, of_volume_id: id = '' }: BackupView): string {
  return name === undefined ? sanitize(id) : `${sanitize(name)} (${sanitize(id)})`;
}

function volumeFacts({ attachments, status }: VolumeView): string[] {
  if (attachments !== undefined && attachments.length > 0)
    return [`attached to ${attachments.map((each) => sanitize(describeAttachment(each))).join(', ')}`];
  return status === undefined || status === 'available' ? [] : [sanitize(status)];
}

function runnableLines(
  action: Pick<RestoreAction, 'depends_on' | 'valid_until' | 'protect'>,
  { style, now }: PlanTextOptions,
): string[] {
  const { depends_on, valid_until, protect } = action;
  return [
    ...(depends_on.length === 0 ? [] : labelled('after', depends_on.map(sanitize), style)),
    ...(valid_until === undefined ? [] : labelled('expires', [when(valid_until, now)], style)),
    ...(protect === undefined ? [] : labelled('protect', [protectText(protect)], style)),
  ];
}

function protectText(protect: boolean): string {
  return protect
    ? 'true: once it is done, no other restore into this disk'
    : 'false: once it is done, it does not protect this disk';
}

/** `not ready: the disk is attached to pay-db1 (/dev/vdb)`; `detachLines` has the commands of each server. */
function preconditionLines({ what, commands, server }: Precondition, { style }: PlanTextOptions): string[] {
  const shown = server === undefined ? commands : [];
  return labelled(
    'not ready',
    [style.warn(sanitize(what)), ...shown.map((command) => style.accent(sanitize(command)))],
    style,
  );
}
