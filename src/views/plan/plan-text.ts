import { append } from '../../domain/append.ts';
import type { Diagnostic } from '../../domain/diagnostic.ts';
import { type Action, isRunnable, type Plan } from '../../domain/plan.ts';
import { diagnosticLines, labelledDiagnostics } from '../diagnostics.ts';
import { joinLines } from '../terminal.ts';
import { actionLines } from './action.ts';
import { doneLines, orphanLines, otherMoveLines } from './done.ts';
import { headerLines, stateWarningLines } from './header.ts';
import { nextLines, type PlanCommands } from './next-commands.ts';
import { isKind, type PlanTextOptions } from './parts.ts';
import { countsOf, detachLines, summaryLines } from './summary.ts';

/** `vbsctl plan`: the plan and the next commands. Ends with a line break. */
export function planText(plan: Plan, options: PlanTextOptions, commands: PlanCommands): string {
  return joinLines([
    ...stateWarningLines(plan, options),
    ...bodyLines(plan, options),
    '',
    ...nextLines(plan, options, commands),
  ]);
}

/** The plan without the next commands, as `apply` shows it before it asks for confirmation. */
export function planBody(plan: Plan, options: PlanTextOptions): string {
  return joinLines(bodyLines(plan, options));
}

function bodyLines(plan: Plan, options: PlanTextOptions): string[] {
  const { actions, notices } = plan;
  const byAddress = new Map<string, Diagnostic[]>();
  const addresses = new Set(actions.map((action) => action.address));
  const general: Diagnostic[] = [];
  for (const notice of notices) {
    const address = notice.where?.address;
    if (address === undefined || !addresses.has(address)) general.push(notice);
    else append(byAddress, address, notice);
  }
  const noticesOf = (action: Action) => byAddress.get(action.address) ?? [];
  // One string for each block: a plan may have 100,000 of them.
  const block = (action: Action) =>
    ['', ...actionLines(action, options), ...labelledDiagnostics(noticesOf(action), options)].join('\n');

  // Blocked restores and notices stand next to the summary: the end of a long plan stays on the screen.
  return [
    ...headerLines(plan, options),
    ...doneLines(actions.filter(isKind('noop')), options, noticesOf),
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
