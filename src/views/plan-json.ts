import { hasChanges, type Plan, type PlanTotals, totals } from '../domain/plan.ts';

/** `plan --output json`: the plan whole, with its totals. Absent is null at the top level, for those who use jq. */
export interface PlanJson extends Omit<Plan, 'target' | 'state'> {
  readonly format: 1;
  readonly target: Plan['target'] | null;
  readonly state: Plan['state'] | null;
  readonly totals: PlanTotals;
  readonly has_changes: boolean;
}

export function planJson(plan: Plan): PlanJson {
  const { format, created_at, tool_version, offline, manifests, actions, orphans, moves, notices } = plan;
  return {
    format,
    created_at,
    tool_version,
    offline,
    target: plan.target ?? null,
    state: plan.state ?? null,
    manifests,
    totals: totals(plan),
    has_changes: hasChanges(plan),
    actions,
    ...(plan.left_out === undefined ? {} : { left_out: plan.left_out }),
    orphans,
    moves,
    notices,
  };
}
