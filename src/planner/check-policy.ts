import type { Policy } from '../domain/config.ts';
import type { Diagnostic } from '../domain/diagnostic.ts';
import { quoted } from '../domain/escape/quoted.ts';
import type { Action } from '../domain/plan.ts';
import type { Waiver } from '../domain/policy.ts';
import { breachesOf, type PolicyBreach, type PolicyResult, withWaivers } from '../domain/policy-check.ts';
import type { RestoreSpec } from '../domain/spec.ts';
import { abbreviate } from './abbreviate.ts';
import { foundVolumeAndBackup } from './checks.ts';
import type { PlanContext } from './context.ts';
import type { ResolvedSpec } from './resolve-spec.ts';

/** The operator's limits, as a plan is held against them. */

/** Checks one restore against the policy and against restores that protect their disk. */
export function policyCheck(
  resolved: readonly ResolvedSpec[],
  planned: readonly ResolvedSpec[],
  context: PlanContext,
): (one: ResolvedSpec) => PolicyResult {
  const protectionOf = findProtections(resolved, new Set(planned), context);
  const { policy, now, waivers } = context;
  return (one) => {
    const read = foundVolumeAndBackup(one, context);
    return withWaivers(
      [
        ...specBreaches(one.spec, policy),
        ...(read ? breachesOf(read.volume, read.backup, policy, now) : []),
        ...protectionBreaches(one, protectionOf),
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
          : `the set ${spec.set} may not run, only ${abbreviate(allowed_sets, String)} may`,
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
 * Finds the disks into which a restore with `protect: true` was done. The declaration or the record may say `protect`.
 * Only a declaration at the address of the record lifts what the record says, whatever was restored since.
 */
function findProtections(
  resolved: readonly ResolvedSpec[],
  planned: ReadonlySet<ResolvedSpec>,
  { records }: PlanContext,
): (volumeId: string) => Protection | undefined {
  /** Of each disk that a declaration names. */
  const protections = new Map<string, Protection | undefined>();
  const lifted = new Set<string>();
  const recorded = (volumeId: string) => {
    const record = records.protecting(volumeId).find(({ address }) => !lifted.has(`${volumeId} ${address}`));
    return record && { address: record.address, since: record.finished_at };
  };
  for (const one of resolved) {
    const { spec, volume_id, found } = one;
    if (spec.protect === undefined || volume_id === undefined) continue;
    if (!spec.protect) {
      if (planned.has(one)) lifted.add(`${volume_id} ${spec.address}`);
      continue;
    }
    // After its generation was raised, the earlier restore is the record at its address.
    const record = [found?.record, records.at(spec.address)].find((r) => r?.status === 'succeeded');
    if (record?.status === 'succeeded' && record.volume_id === volume_id)
      protections.set(volume_id, { address: spec.address, since: record.finished_at });
  }
  return (volumeId) => {
    // Once for each disk: thousands of declarations and records may be about one.
    if (!protections.has(volumeId)) protections.set(volumeId, recorded(volumeId));
    return protections.get(volumeId);
  };
}

function protectionBreaches(
  { volume_id }: ResolvedSpec,
  protectionOf: (volumeId: string) => Protection | undefined,
): PolicyBreach[] {
  const protection = volume_id === undefined ? undefined : protectionOf(volume_id);
  if (!protection) return [];
  return [
    {
      waiver: 'protected-restores',
      code: 'protected-restore',
      summary: `${protection.address} was restored into this disk at ${protection.since} and protects it`,
      edit: `declare ${quoted(protection.address)} with protect: false, and apply that first or together with this`,
    },
  ];
}
