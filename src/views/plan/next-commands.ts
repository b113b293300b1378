import { quotedWhole } from '../../domain/escape/quoted.ts';
import { hasChanges, type Plan, type PlanTotals, recordUpdates, totals } from '../../domain/plan.ts';
import { positionText, remedyLines } from '../diagnostics.ts';
import { pairLines } from '../table.ts';
import { isKind, type PlanTextOptions, toGeneration } from './parts.ts';

/** The commands of this plan, with the restores that it selects: `vbsctl apply --target payments/db-data`. */
export interface PlanCommands {
  readonly plan: string;
  readonly apply: string;
  /** The plan is to be saved, which needs a state: `apply` names its file. */
  readonly saves: boolean;
}

/** `→ vbsctl apply`, with the reason where it is not obvious. */
export function nextLines(plan: Plan, options: PlanTextOptions, commands: PlanCommands): string[] {
  const { accent, complete } = options.style;
  const pairs = nextCommands(plan, commands).map(([command, reason]) => [complete(command), reason] as const);
  return [
    ...pairLines(pairs).map((line) => accent(`→ ${line}`)),
    ...(hasChanges(plan) || plan.offline ? [] : repeatLines(plan, options)),
  ];
}

/** How to repeat a restore that is done. */
export function repeatLines({ actions }: Plan, options: PlanTextOptions): string[] {
  const done = actions.filter(isKind('noop'));
  const [first] = done;
  if (!first) return [];
  const position = `${toGeneration(first)} at ${positionText(first.source)}`;
  return remedyLines(
    done.length === 1
      ? `to restore it again: raise generation${position}`
      : `to restore one of them again: raise its generation (for ${quotedWhole(first.address)}:${position})`,
    options,
  );
}

function nextCommands(plan: Plan, commands: PlanCommands): [command: string, reason: string][] {
  const { apply } = commands;
  const count = totals(plan);
  if (plan.notices.some(({ severity }) => severity === 'error'))
    return [[commands.plan, 'after you fix the errors above']];
  if (plan.offline) return [[commands.plan, 'without --offline, to read the cloud']];
  const start: [string, string][] = plan.state ? [] : [['vbsctl init', 'creates the state']];
  if (!hasChanges(plan))
    return count.blocked > 0
      ? [[commands.plan, 'after you fix what is blocked']]
      : [['vbsctl state list', 'shows what was done']];
  if (count.blocked === 0 && isOnlyFollowed(plan, count))
    return [['vbsctl wait', 'waits for running restores, and starts nothing']];
  if (commands.saves && !plan.state) return [...start, [commands.plan, 'saves the plan']];
  if (count.blocked === 0) return [...start, [apply, '']];
  return [
    ...start,
    [apply, 'after you fix what is blocked'],
    [`${apply} --skip-blocked`, 'runs the others now'],
  ];
}

/** Whether all that is left runs in the cloud already. */
function isOnlyFollowed(plan: Plan, { restore, resume }: PlanTotals): boolean {
  const running = plan.actions.filter(
    (action) => action.kind === 'resume' && action.record.status === 'running',
  ).length;
  return restore === 0 && resume > 0 && running === resume && plan.moves.length + recordUpdates(plan) === 0;
}
