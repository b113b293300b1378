import { hasChanges, type Plan, totals } from '../domain/plan.ts';

/** `plan --output json`: the whole plan and its totals. Without a target or a state, these are null. */
export function planJson(plan: Plan) {
  const { format, created_at, tool_version, offline, target = null, state = null, ...rest } = plan;
  return {
    format,
    created_at,
    tool_version,
    offline,
    target,
    state,
    totals: totals(plan),
    has_changes: hasChanges(plan),
    ...rest,
  };
}
