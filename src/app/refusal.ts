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
    { remedy: 'fix what blocks them (see above), or run the others: vbsctl apply --skip-blocked' },
  );
}
