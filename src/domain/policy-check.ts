import type { Backup, Volume } from './cloud.ts';
import type { Policy } from './config.ts';
import { type Diagnostic, error, warning } from './diagnostic.ts';
import { formatDuration } from './duration.ts';
import { globMatches } from './glob.ts';
import type { Waiver } from './policy.ts';
import { type SignatureFinding, signatureText } from './saved-plan.ts';
import { isWithheld } from './secrets.ts';

/** A limit of the policy that a restore violates, with the edit and the flag that lift it. */
export interface PolicyBreach {
  readonly waiver: Waiver;
  readonly code: string;
  readonly summary: string;
  readonly edit: string;
}

export interface PolicyResult {
  readonly refused: readonly Diagnostic[];
  /** What the operator allowed for this run. */
  readonly waived: readonly Diagnostic[];
}

/** Each refusal names the number, the limit, and the one edit or flag that lifts it. */
export function withWaivers(breaches: readonly PolicyBreach[], waivers: ReadonlySet<Waiver>): PolicyResult {
  const refused: Diagnostic[] = [];
  const waived: Diagnostic[] = [];
  for (const { waiver, code, summary, edit } of breaches)
    if (waivers.has(waiver)) waived.push(warning(code, `${summary}: allowed by --allow-${waiver}`));
    else refused.push(error(code, summary, { remedy: `${edit}; or, for this run only: --allow-${waiver}` }));
  return { refused, waived };
}

/** A pattern of this form is an id, not a name. */
const ID = /^[0-9a-f]{32}$/;

/** The id in lower case, without dashes, braces and `urn:uuid:`. */
function normalizedId(id: string): string {
  return id.toLowerCase().replace(/^urn:uuid:|[{}-]/g, '');
}

/**
 * The limits that volume and backup violate as they are now. Checked when the plan is made, and again right before each
 * request, because a volume can be renamed and a backup grows older while a restore waits. `now`: epoch ms.
 */
export function breachesOf(volume: Volume, backup: Backup, policy: Policy, now: number): PolicyBreach[] {
  const breaches: PolicyBreach[] = [];
  const withheld = isWithheld(volume.name);
  const isItsId = (p: string) => normalizedId(p) === normalizedId(volume.id);
  // Normalized, because a letter with an accent may be one character or two, which look the same.
  const matches = (p: string) => isItsId(p) || globMatches(p.normalize(), volume.name.normalize());
  const pattern =
    policy.protected_volumes.find(matches) ??
    policy.protected_volumes.find((p) => withheld && !ID.test(normalizedId(p)));
  if (pattern !== undefined)
    breaches.push({
      waiver: 'protected-volumes',
      code: 'protected-volume',
      ...(withheld && !isItsId(pattern)
        ? {
            summary: `disk ${volume.id} may be protected by ${pattern}: its name holds a credential and is not known here`,
            edit: 'rename the disk, or name disks by their ids in policy.protected_volumes of the operator’s vbsctl.yaml',
          }
        : {
            summary: `disk ${volume.name || volume.id} is protected by ${pattern}`,
            edit: 'remove it from policy.protected_volumes in the operator’s vbsctl.yaml',
          }),
    });
  const age = now - Date.parse(backup.created_at);
  if (policy.max_backup_age_ms !== undefined && age > policy.max_backup_age_ms)
    breaches.push({
      waiver: 'old-backups',
      code: 'backup-too-old',
      summary: `backup ${backup.name || backup.id} is ${formatDuration(age)} old, the limit is ${formatDuration(policy.max_backup_age_ms)}`,
      edit: 'name a newer backup, or raise policy.max_backup_age in the operator’s vbsctl.yaml',
    });
  return breaches;
}

/** `signed`: the signature of the saved plan; absent if manifests are applied directly. */
export function signatureBreaches(policy: Policy, signed?: SignatureFinding): PolicyBreach[] {
  if (policy.require_signed_plans !== true || signed?.kind === 'valid') return [];
  return [
    {
      waiver: 'unsigned-plans',
      code: 'unsigned-plan',
      summary: `policy.require_signed_plans allows only plans that are signed by a trusted key, and ${
        signed ? `it is ${signatureText(signed)}` : 'this is not a saved plan'
      }`,
      edit:
        signed?.kind === 'unchecked'
          ? 'add the directory of trusted public keys: --trusted-keys DIR'
          : 'vbsctl plan --out plan.json --sign KEY, then: vbsctl apply plan.json --trusted-keys DIR',
    },
  ];
}
