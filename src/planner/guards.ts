import type { Backup, Volume } from '../domain/cloud.ts';
import type { Policy } from '../domain/config.ts';
import { type Diagnostic, error } from '../domain/diagnostic.ts';
import { formatDuration } from '../domain/duration.ts';
import type { Action } from '../domain/plan.ts';
import type { Waiver } from '../domain/policy.ts';
import type { RestoreSpec } from '../domain/spec.ts';
import type { Context } from './context.ts';
import { few } from './few.ts';
import { globMatches } from './glob.ts';
import type { Resolved } from './resolve.ts';

/** The operator's limits. Each refusal names the number, the limit, and the one edit or flag that lifts it. */

export interface Guarded {
  readonly refused: readonly Diagnostic[];
  /** What would be refused, had nobody allowed it for this run. */
  readonly waived: readonly Diagnostic[];
}

interface Refusal {
  readonly waiver: Waiver;
  readonly code: string;
  readonly summary: string;
  readonly edit: string;
}

/** What the policy, and restores that protect their disk, say of one restore. */
export function guardian(resolved: readonly Resolved[], context: Context): (one: Resolved) => Guarded {
  const shields = shieldsOf(resolved, context);
  const { policy, now, waivers } = context;
  return (one) => {
    const seen = factsOf(one, context);
    return sorted(
      [
        ...guardSpec(one.spec, policy),
        ...(seen ? guardFacts(seen.volume, seen.backup, policy, now) : []),
        ...guardShield(one, shields),
      ],
      waivers,
    );
  };
}

export function guardPlan(
  actions: readonly Action[],
  { max_restores }: Policy,
  waivers: ReadonlySet<Waiver>,
): readonly Diagnostic[] {
  const restores = actions.filter((action) => action.kind === 'restore').length;
  if (max_restores === undefined || restores <= max_restores) return [];
  const { refused, waived } = sorted(
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

function sorted(refusals: readonly Refusal[], waivers: ReadonlySet<Waiver>): Guarded {
  const refused: Diagnostic[] = [];
  const waived: Diagnostic[] = [];
  for (const { waiver, code, summary, edit } of refusals)
    if (waivers.has(waiver))
      waived.push({ severity: 'warning', code, summary: `${summary}: allowed by --allow-${waiver}` });
    else refused.push(error(code, summary, { remedy: `${edit}; or, for this once: --allow-${waiver}` }));
  return { refused, waived };
}

function guardSpec(spec: RestoreSpec, policy: Policy): Refusal[] {
  const refusals: Refusal[] = [];
  const { allowed_sets, require_labels = [] } = policy;
  if (allowed_sets && !allowed_sets.includes(spec.set))
    refusals.push({
      waiver: 'other-sets',
      code: 'set-not-allowed',
      summary:
        allowed_sets.length === 0
          ? `the set ${spec.set} may not run: no set may`
          : `the set ${spec.set} may not run, only ${few(allowed_sets, String)} may`,
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
      summary: 'it does not say what it expects of its disk, and the policy requires that',
      edit: 'add expect, such as expect: {volume_name: …}',
    });
  if (policy.require_valid_until && spec.valid_until === undefined)
    refusals.push({
      waiver: 'missing-valid-until',
      code: 'valid-until-missing',
      summary: `the set ${spec.set} does not say until when it is to be done, and the policy requires that`,
      edit: 'add spec.valid_until to the set',
    });
  return refusals;
}

function guardFacts(volume: Volume, backup: Backup, policy: Policy, now: number): Refusal[] {
  const refusals: Refusal[] = [];
  const pattern = policy.protected_volumes.find(
    (p) => p.toLowerCase() === volume.id.toLowerCase() || globMatches(p, volume.name),
  );
  if (pattern !== undefined)
    refusals.push({
      waiver: 'protected-volumes',
      code: 'protected-volume',
      summary: `disk ${volume.name || volume.id} is protected by ${pattern}`,
      edit: 'take it out of policy.protected_volumes in the operator’s vbsctl.yaml',
    });
  const age = now - Date.parse(backup.created_at);
  if (policy.max_backup_age_ms !== undefined && age > policy.max_backup_age_ms)
    refusals.push({
      waiver: 'old-backups',
      code: 'backup-too-old',
      summary: `backup ${backup.name || backup.id} is ${formatDuration(age)} old, the limit is ${formatDuration(policy.max_backup_age_ms)}`,
      edit: 'name a newer backup, or raise policy.max_backup_age in the operator’s vbsctl.yaml',
    });
  return refusals;
}

interface Shield {
  readonly address: string;
  readonly since: string;
}

/** Disks whose content is a done restore with `protect: true`. */
function shieldsOf(resolved: readonly Resolved[], { records }: Context): ReadonlyMap<string, Shield> {
  const shields = new Map<string, Shield>();
  for (const { spec, volume_id, found } of resolved) {
    if (!spec.protect || volume_id === undefined) continue;
    // With its generation raised, what it did before stands at its address.
    const record = [found?.record, records.at(spec.address)].find((r) => r?.status === 'succeeded');
    if (record?.status === 'succeeded' && record.volume_id === volume_id)
      shields.set(volume_id, { address: spec.address, since: record.finished_at });
  }
  return shields;
}

function guardShield({ volume_id }: Resolved, shields: ReadonlyMap<string, Shield>): Refusal[] {
  const shield = volume_id === undefined ? undefined : shields.get(volume_id);
  if (!shield) return [];
  return [
    {
      waiver: 'protected-restores',
      code: 'protected-restore',
      summary: `${shield.address} was restored into this disk at ${shield.since} and protects it`,
      edit: `take protect: true out of ${shield.address}`,
    },
  ];
}

function factsOf(
  { volume_id, backup_id }: Resolved,
  { observations }: Context,
): { volume: Volume; backup: Backup } | undefined {
  const volume = observations?.volumes.get(volume_id ?? '');
  const backup = observations?.backups.get(backup_id ?? '');
  return volume?.kind === 'found' && backup?.kind === 'found'
    ? { volume: volume.value, backup: backup.value }
    : undefined;
}
