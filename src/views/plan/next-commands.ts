import { quotedWhole } from '../../domain/escape/quoted.ts';
import { hasChanges, type Plan, type PlanTotals, toNote, totals } from '../../domain/plan.ts';
import { positionText, remedyLines } from '../diagnostics.ts';
import { pairLines } from '../table.ts';
import { isKind, type PlanTextOptions } from './options.ts';
import { toGeneration } from './parts.ts';

/** The command to type next, and why. */
export function nextLines(plan: Plan, options: PlanTextOptions): string[] {
  const { style } = options;
  const count = totals(plan);
  return [
    ...pairLines(nextCommands(plan, count, options)).map((line) => style.accent(`→ ${line}`)),
    ...(hasChanges(plan) || plan.offline ? [] : repeatLines(plan, options)),
  ];
}

/** How to ask once more for what is done. */
export function repeatLines({ actions }: Plan, options: PlanTextOptions): string[] {
  const done = actions.filter(isKind('noop'));
  const [first] = done;
  if (!first) return [];
  const place = `${toGeneration(first)} at ${positionText(first.source)}`;
  return remedyLines(
    done.length === 1
      ? `to restore it again: raise generation${place}`
      : `to restore one again: raise its generation (${quotedWhole(first.address)}:${place})`,
    options,
  );
}

function nextCommands(
  plan: Plan,
  count: PlanTotals,
  {
    applyCommand: apply = 'vbsctl apply',
    initCommand: init = 'vbsctl init',
    waitCommand: wait = 'vbsctl wait',
  }: PlanTextOptions,
): [string, string][] {
  if (plan.notices.some(({ severity }) => severity === 'error'))
    return [['vbsctl plan', 'after you fix the errors above']];
  if (plan.offline) return [['vbsctl plan', 'without --offline, to read the cloud']];
  const start: [string, string][] = plan.state ? [] : [[init, 'creates the state']];
  if (!hasChanges(plan))
    return count.blocked > 0
      ? [['vbsctl plan', 'after you fix what is blocked']]
      : [['vbsctl state list', 'shows what was done']];
  if (count.blocked === 0 && isOnlyFollowed(plan, count))
    return [[wait, 'waits for running restores, and starts nothing']];
  if (count.blocked === 0) return [...start, [apply, '']];
  return [
    ...start,
    [apply, 'after you fix what is blocked'],
    [`${apply} --skip-blocked`, 'runs the others now'],
  ];
}

/** All that is left runs in the cloud already. */
function isOnlyFollowed(plan: Plan, { restore, resume }: PlanTotals): boolean {
  const running = plan.actions.filter(
    (one) => one.kind === 'resume' && one.record.status === 'running',
  ).length;
  return restore === 0 && resume > 0 && running === resume && plan.moves.length + toNote(plan) === 0;
}
