import { abbreviate } from '../domain/abbreviate.ts';
import { isoTime } from '../domain/clock.ts';
import { type Diagnostic, warning } from '../domain/diagnostic.ts';
import { optional } from '../domain/optional.ts';
import type { Orphan, Plan } from '../domain/plan.ts';
import type { Address } from '../domain/spec.ts';
import type { State } from '../domain/state.ts';
import { checkPlanSize, policyCheck } from './check-policy.ts';
import { contextOf, type PlanInput } from './context.ts';
import { decide } from './decide.ts';
import { blockDependants, withDependencies } from './dependencies.ts';
import { differentMoments, foreignRestores, noticesOf } from './notices.ts';
import { resumedBy } from './open-records.ts';
import { assignRecords, type RecordAssignments } from './record-assignments.ts';
import { indexRecords } from './record-index.ts';
import { type ResolvedSpec, resolveSpec } from './resolve-spec.ts';
import { findSharedVolumes } from './shared-volumes.ts';

/**
 * Start here: makes the plan. Resolves each spec to a disk, a backup and its record, assigns the records to the
 * declarations, then decides about each restore. Pure and linear in specs and records. `records`: the index of the
 * state, if the caller has one.
 */
export function plan(input: PlanInput, records = indexRecords(input.state)): Plan {
  const { specs, state, policy } = input;
  const context = contextOf(input, records);
  const resolved = specs.map((spec) => resolveSpec(spec, context));
  // For all specs, also those that --target leaves out: a disk or a record may belong to them.
  const assignments = assignRecords(resolved, context.records);
  const sharedVolumes = findSharedVolumes(resolved, assignments, input.now);

  const wanted = input.only.length === 0 ? undefined : withDependencies(specs, input.only);
  const planned = wanted ? resolved.filter(({ spec }) => wanted.has(spec.address)) : resolved;
  const checkPolicy = policyCheck(resolved, assignments, context);
  const checked = planned.map((one) => ({ one, ...checkPolicy(one) }));
  const decisions = { ...context, assignments, sharedVolumes, resuming: resumedBy(planned, assignments) };
  const actions = blockDependants(checked.map(({ one, refused }) => decide(one, refused, decisions)));
  return {
    format: 1,
    created_at: isoTime(input.now),
    tool_version: input.toolVersion,
    offline: input.snapshot === undefined,
    ...optional('target', input.target ?? state?.target),
    ...optional('state', state && { lineage: state.lineage, serial: state.serial }),
    manifests: input.files,
    actions,
    ...optional('left_out', planned.length < specs.length ? specs.length - planned.length : undefined),
    orphans: orphans(state, assignments),
    // All renames, also of restores that --target leaves out: two records may exchange their addresses.
    moves: [...assignments.movedFrom].map(([to, from]) => ({ from, to })),
    notices: [
      ...checkPlanSize(actions, policy, context.waivers),
      ...foreignRestores(actions, state),
      ...differentMoments(actions),
      ...(wanted ? unknownLeftOut(resolved, wanted) : []),
      ...checked.flatMap(({ one, waived }, index) => {
        const action = actions[index];
        return action ? noticesOf(action, one, waived, context) : [];
      }),
    ],
  };
}

/** Unknown outcomes among the restores that `--target` leaves out: they still need to be resolved. */
function unknownLeftOut(resolved: readonly ResolvedSpec[], wanted: ReadonlySet<Address>): Diagnostic[] {
  const left = resolved.filter(
    ({ spec, found }) => found?.record.status === 'unknown' && !wanted.has(spec.address),
  );
  if (left.length === 0) return [];
  return [
    warning(
      'unknown-left-out',
      `--target leaves out ${left.length} declared ${left.length === 1 ? 'restore' : 'restores'} of unknown outcome: ${abbreviate(left, 3, ({ spec }) => spec.address)}`,
      { remedy: 'to see them: vbsctl status' },
    ),
  ];
}

function orphans(state: State | undefined, assignments: RecordAssignments): Orphan[] {
  return [...(state?.records.values() ?? [])]
    .filter((record) => !assignments.assigned.has(record.address))
    .map(({ address, status, volume_id, backup_id }) => ({ address, status, volume_id, backup_id }));
}
