import { type Plan, toNote, totals } from '../domain/plan.ts';

/** What a yes would do. */
export interface Consent {
  /** Restores that are started. */
  readonly restore: number;
  /** Restores under way that the run goes on with. */
  readonly resume: number;
  /** Those of `resume` that are not known to run: what the cloud has not begun is sent again. */
  readonly may_be_sent_again: number;
}

/**
 * Undefined where nothing is sent and nothing but outcomes is written down: to follow what runs already needs no
 * yes.
 */
export function consentFor(plan: Plan): Consent | undefined {
  const { restore, resume } = totals(plan);
  const may_be_sent_again = plan.actions.filter(
    (one) => one.kind === 'resume' && one.record.status === 'intended' && one.refused.length === 0,
  ).length;
  if (restore + may_be_sent_again + plan.moves.length + toNote(plan) === 0) return undefined;
  return { restore, resume, may_be_sent_again };
}
