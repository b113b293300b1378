import { Lines } from '../domain/diagnostic.ts';
import { Failure } from '../domain/errors.ts';
import type { Plan } from '../domain/plan.ts';

/** Why apply would start nothing new, if so: 3 when an outcome is unknown, else 5. */
export function refusal(plan: Plan, skipBlocked: boolean): Failure | undefined {
  const blocked = plan.actions.flatMap((action) =>
    action.kind === 'blocked' && !action.ended_before ? [action] : [],
  );
  const kind = blocked.some(({ unknown }) => unknown !== undefined) ? 'outcome_unknown' : 'refused';
  const limits = plan.notices.filter((notice) => notice.severity === 'error');
  if (limits.length > 0) return new Failure(kind, limits);
  if (blocked.length === 0 || skipBlocked) return undefined;
  return Failure.of(
    kind,
    'blocked',
    `${blocked.length} of ${plan.actions.length} restores are blocked, so nothing new is started`,
    {
      detail: new Lines(
        ...blocked.slice(0, NAMED_MAX).map(({ address, reasons }) => `${address}: ${reasons[0]?.summary}`),
        blocked.length > NAMED_MAX ? `and ${blocked.length - NAMED_MAX} more` : undefined,
      ),
      remedy: 'fix what blocks them, or leave them out: the same command with --skip-blocked',
    },
  );
}

const NAMED_MAX = 10;
