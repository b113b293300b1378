import type { Backup, Volume } from '../domain/cloud.ts';
import type { Policy } from '../domain/config.ts';
import { type Diagnostic, error } from '../domain/diagnostic.ts';
import { formatDuration } from '../domain/duration.ts';
import type { Action } from '../domain/plan.ts';
import { globMatches } from './glob.ts';

/** The operator's limits. Each refusal names the number, the limit and the edit that lifts it. */

export function guardRestore(volume: Volume, backup: Backup, policy: Policy, now: number): Diagnostic[] {
  const refusals: Diagnostic[] = [];
  const pattern = policy.protected_volumes.find((p) => p === volume.id || globMatches(p, volume.name));
  if (pattern !== undefined)
    refusals.push(
      error('protected-volume', `disk ${volume.name || volume.id} is protected by ${pattern}`, {
        remedy: 'take it out of policy.protected_volumes in the operator’s vbsctl.yaml',
      }),
    );
  const age = now - Date.parse(backup.created_at);
  if (policy.max_backup_age_ms !== undefined && age > policy.max_backup_age_ms)
    refusals.push(
      error(
        'backup-too-old',
        `backup ${backup.name || backup.id} is ${formatDuration(age)} old, the limit is ${formatDuration(policy.max_backup_age_ms)}`,
        { remedy: 'name a newer backup, or raise policy.max_backup_age in the operator’s vbsctl.yaml' },
      ),
    );
  return refusals;
}

export function guardPlan(actions: readonly Action[], policy: Policy): Diagnostic[] {
  const restores = actions.filter((action) => action.kind === 'restore').length;
  if (policy.max_restores === undefined || restores <= policy.max_restores) return [];
  return [
    error('too-many-restores', `the plan has ${restores} restores, the limit is ${policy.max_restores}`, {
      remedy: 'apply a part with --target, or raise policy.max_restores in the operator’s vbsctl.yaml',
    }),
  ];
}
