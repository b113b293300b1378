import type { Diagnostic } from '../../domain/diagnostic.ts';
import { type Action, isNoted, isRunnable, type NoopAction, type Plan } from '../../domain/plan.ts';
import { diagnosticLines } from '../diagnostics.ts';
import { joinLines } from '../terminal.ts';
import { actionLines } from './action.ts';
import { doneLines, orphanLines, otherMoveLines } from './done.ts';
import { headerLines, stateWarningLines } from './header.ts';
import { nextLines } from './next-commands.ts';
import { isKind, type PlanTextOptions } from './options.ts';
import { noteLines } from './parts.ts';
import { countsOf, detachLines, summaryLines } from './summary.ts';

/** What `vbsctl plan` shows: the plan, and what to type next. Linear in the actions. Ends with a line break. */
export function planText(plan: Plan, options: PlanTextOptions): string {
  return joinLines([...bodyLines(plan, options), '', ...nextLines(plan, options)]);
}

/** The plan without what to type next: `apply` shows it and then asks. */
export function planBody(plan: Plan, options: PlanTextOptions): string {
  return joinLines(bodyLines(plan, options));
}

function bodyLines(plan: Plan, options: PlanTextOptions): string[] {
  const { actions, notices } = plan;
  const beside = new Map<string, Diagnostic[]>();
  const addresses = new Set(actions.map((action) => action.address));
  const general: Diagnostic[] = [];
  for (const notice of notices) {
    const address = notice.where?.address;
    if (address === undefined || !addresses.has(address)) general.push(notice);
    else beside.set(address, [...(beside.get(address) ?? []), notice]);
  }
  const about = (action: Action) => beside.get(action.address) ?? [];
  // One string each: a hundred thousand blocks of a dozen lines are a lot of lines to keep.
  const block = (action: Action) =>
    ['', ...actionLines(action, options), ...noteLines(about(action), options)].join('\n');

  const isQuiet = (action: NoopAction) =>
    action.was === undefined &&
    action.superseded_by === undefined &&
    !isNoted(action) &&
    about(action).length === 0;

  // What needs a person stands last, next to the summary: that is what a full screen ends with.
  return [
    ...stateWarningLines(plan, options),
    ...headerLines(plan, options),
    ...doneLines(actions.filter(isKind('noop')), isQuiet, about, options),
    ...orphanLines(plan.orphans, options),
    ...otherMoveLines(plan, options),
    ...actions.filter(isRunnable).map(block),
    ...actions.filter(isKind('expired')).map(block),
    ...actions.filter(isKind('blocked')).map(block),
    ...general.flatMap((notice) => ['', ...diagnosticLines(notice, options)]),
    ...detachLines(actions.filter(isKind('restore')), options),
    '',
    ...summaryLines(countsOf(plan), actions.filter(isKind('restore')), plan.left_out, options),
  ];
}
