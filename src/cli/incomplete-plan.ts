import { Failure } from '../domain/errors.ts';
import type { Plan } from '../domain/plan.ts';

/**
 * A plan for which the cloud could not be read says nothing of some of its restores: exit 1, whatever else it says, so that
 * no pipeline takes it for a review. Throws a Failure (`cloud`); nothing is saved of it.
 */
export function refuseIncomplete({ actions }: Plan): void {
  const unread = actions.filter(
    (action) => action.kind === 'blocked' && action.reasons.some(({ code }) => code === 'unreadable'),
  );
  if (unread.length === 0) return;
  throw Failure.of(
    'cloud',
    'incomplete-plan',
    `the plan is not complete: ${unread.length} of ${actions.length} restores could not be checked`,
    {
      detail: 'Their disks or backups could not be read; the plan says why.',
      remedy: 'plan again once the cloud can be read',
    },
  );
}
