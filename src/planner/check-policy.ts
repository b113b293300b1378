import { abbreviate } from '../domain/abbreviate.ts';
import type { Policy } from '../domain/config.ts';
import type { Diagnostic } from '../domain/diagnostic.ts';
import { quoted } from '../domain/escape/quoted.ts';
import { shellWord } from '../domain/escape/shell-word.ts';
import type { Action } from '../domain/plan.ts';
import type { Waiver } from '../domain/policy.ts';
import { breachesOf, type PolicyBreach, type PolicyResult, withWaivers } from '../domain/policy-check.ts';
import type { RestoreSpec } from '../domain/spec.ts';
import { foundVolumeAndBackup } from './checks.ts';
import type { PlanContext } from './context.ts';
import type { RecordAssignments } from './record-assignments.ts';
import type { ResolvedSpec } from './resolve-spec.ts';

/** The operator's limits, as a plan is held against them. */

/** Checks one restore against the policy and against restores that protect their disk. */
export function policyCheck(
  resolved: readonly ResolvedSpec[],
  assignments: RecordAssignments,
  context: PlanContext,
): (one: ResolvedSpec) => PolicyResult {
  const protectionFrom = findProtections(resolved, assignments, context);
  const { policy, now, waivers } = context;
  return (one) => {
    const read = foundVolumeAndBackup(one, context);
    return withWaivers(
      [
        ...specBreaches(one.spec, policy),
        ...(read ? breachesOf(read.volume, read.backup, policy, now) : []),
        ...protectionBreaches(one, protectionFrom),
      ],
      waivers,
    );
  };
}

export function checkPlanSize(
  actions: readonly Action[],
  { max_restores }: Policy,
  waivers: ReadonlySet<Waiver>,
): readonly Diagnostic[] {
  // What is under way counts as long as its request may be sent again.
  const restores = actions.filter(
    (action) =>
      action.kind === 'restore' || (action.kind === 'resume' && action.record.status === 'intended'),
  ).length;
  if (max_restores === undefined || restores <= max_restores) return [];
  const { refused, waived } = withWaivers(
    [
      {
        waiver: 'more-restores',
        code: 'too-many-restores',
        summary: `the plan has ${restores} restores, the limit is ${max_restores}`,
        edit: 'apply a part with --target, or raise policy.max_restores in the operator’s vbsctl.yaml',
      },
    ],
    waivers,
  );
  return [...refused, ...waived];
}

function specBreaches(spec: RestoreSpec, policy: Policy): PolicyBreach[] {
  const refusals: PolicyBreach[] = [];
  const { allowed_sets, require_labels = [] } = policy;
  if (allowed_sets && !allowed_sets.includes(spec.set))
    refusals.push({
      waiver: 'other-sets',
      code: 'set-not-allowed',
      summary:
        allowed_sets.length === 0
          ? `the set ${spec.set} may not run: no set may`
          : `the set ${spec.set} may not run, only ${abbreviate(allowed_sets, 3, String)} may`,
      edit: 'add it to policy.allowed_sets in the operator’s vbsctl.yaml',
    });
  const missing = require_labels.filter(
    (label) => !Object.hasOwn(spec.labels, label) || spec.labels[label] === '',
  );
  if (missing.length > 0)
    refusals.push({
      waiver: 'missing-labels',
      code: 'label-missing',
      summary: `the set ${spec.set} lacks ${missing.length} of ${require_labels.length} required labels: ${missing.join(', ')}`,
      edit: 'add them under metadata.labels of the set',
    });
  if (policy.require_expect && Object.keys(spec.expect).length === 0)
    refusals.push({
      waiver: 'missing-expect',
      code: 'expect-missing',
      summary: 'expect is missing, and the policy requires it (require_expect)',
      edit: 'add expect, such as expect: {volume_name: …}',
    });
  if (policy.require_valid_until && spec.valid_until === undefined)
    refusals.push({
      waiver: 'missing-valid-until',
      code: 'valid-until-missing',
      summary: `the set ${spec.set} has no valid_until, and the policy requires it (require_valid_until)`,
      edit: 'add spec.valid_until to the set',
    });
  return refusals;
}

interface Protection {
  readonly address: string;
  readonly since: string;
}

/**
 * What protects the disk of a restore: another done restore with `protect: true`, in the state or in a declaration. What the
 * state protects, only the state lifts, for a later plan; a declaration frees no restore but its own.
 */
function findProtections(
  resolved: readonly ResolvedSpec[],
  { movedFrom }: RecordAssignments,
  { records }: PlanContext,
): (one: ResolvedSpec) => Protection | undefined {
  const declared = new Map<string, Protection>();
  for (const { spec, volume_id, found } of resolved) {
    if (!spec.protect) continue;
    // After its generation was raised, the earlier restore is the record at its address.
    const record = [found?.record, records.at(spec.address)].find((r) => r?.status === 'succeeded');
    if (record?.status === 'succeeded' && record.volume_id === volume_id)
      declared.set(volume_id, { address: spec.address, since: record.finished_at });
  }
  const leaving = new Set(movedFrom.values());
  return ({ spec, volume_id = '' }) => {
    const liftsItsOwn = spec.protect === false && !leaving.has(spec.address);
    const record = records
      .protecting(volume_id)
      .find(({ address }) => !(liftsItsOwn && address === spec.address));
    return declared.get(volume_id) ?? (record && { address: record.address, since: record.finished_at });
  };
}

function protectionBreaches(
  one: ResolvedSpec,
  protectionFrom: (one: ResolvedSpec) => Protection | undefined,
): PolicyBreach[] {
  const protection = protectionFrom(one);
  if (!protection) return [];
  const { address, since } = protection;
  return [
    {
      waiver: 'protected-restores',
      code: 'protected-restore',
      summary: `${address} was restored into this disk at ${since} and protects it`,
      edit: `declare ${quoted(address)} with protect: false, and apply that by itself before this: vbsctl apply --target ${shellWord(address)}`,
    },
  ];
}
