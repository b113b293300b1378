import type { Policy } from './config.ts';
import { formatDuration } from './duration.ts';

/** A limit that an operator may lift for one run by a flag (`--allow-…`). The history has the lifted ones. */
export type Waiver =
  | 'more-restores'
  | 'old-backups'
  | 'protected-volumes'
  | 'protected-restores'
  | 'missing-labels'
  | 'missing-expect'
  | 'missing-valid-until'
  | 'other-sets'
  | 'unsigned-plans';

/** The help text of each flag. */
export const WAIVERS: Readonly<Record<Waiver, string>> = {
  'more-restores': 'start more restores than policy.max_restores',
  'old-backups': 'restore backups older than policy.max_backup_age',
  'protected-volumes': 'restore into volumes of policy.protected_volumes',
  'protected-restores': 'restore into volumes that an earlier restore with protect: true protects',
  'missing-labels': 'allow sets without the labels of policy.require_labels',
  'missing-expect': 'allow restores without expect (policy.require_expect)',
  'missing-valid-until': 'allow sets without valid_until (policy.require_valid_until)',
  'other-sets': 'allow sets that policy.allowed_sets does not name',
  'unsigned-plans': 'apply without a signed plan (policy.require_signed_plans)',
};

/** A value of a second policy that would loosen the operator's, and the value that is kept. */
export interface IgnoredValue {
  readonly field: string;
  readonly wanted: string;
  readonly kept: string;
}

/**
 * The operator's policy, tightened by a second one, which a pull request may be able to change. The result allows nothing that
 * the operator's does not: values of the second one that would loosen it are ignored and returned in `loosening`.
 */
export function tighten(
  operator: Policy,
  second: Partial<Policy>,
): { readonly policy: Policy; readonly loosening: readonly IgnoredValue[] } {
  const loosening: IgnoredValue[] = [];
  const report = (field: string, wanted: unknown, kept: unknown) =>
    loosening.push({ field, wanted: text(wanted), kept: text(kept) });

  const minOf = (
    field: 'max_restores' | 'max_backup_age_ms',
    name: string,
    show: (value: number) => string,
  ) => {
    const kept = operator[field];
    const wanted = second[field];
    if (kept !== undefined && wanted !== undefined && wanted > kept) report(name, show(wanted), show(kept));
    const values = [kept, wanted].filter((value) => value !== undefined);
    return values.length === 0 ? {} : { [field]: Math.min(...values) };
  };
  const anyOf = (field: 'require_expect' | 'require_valid_until' | 'require_signed_plans') => {
    if (operator[field] === true && second[field] === false) report(field, false, true);
    const value = operator[field] === true || second[field] === true;
    return value || operator[field] !== undefined ? { [field]: value } : {};
  };
  const union = (field: 'protected_volumes' | 'require_labels') => {
    const kept = operator[field] ?? [];
    const wanted = second[field];
    // A list adds to the operator's. Only an empty one shows that its author wanted to remove values.
    if (wanted?.length === 0 && kept.length > 0) report(field, wanted, kept);
    const values = [...new Set([...kept, ...(wanted ?? [])])];
    return field === 'protected_volumes' || values.length > 0 ? { [field]: values } : {};
  };
  const intersection = () => {
    const kept = operator.allowed_sets;
    const wanted = second.allowed_sets;
    if (kept === undefined || wanted === undefined) {
      const only = kept ?? wanted;
      return only === undefined ? {} : { allowed_sets: only };
    }
    const more = wanted.filter((name) => !kept.includes(name));
    if (more.length > 0) report('allowed_sets', more, kept);
    return { allowed_sets: kept.filter((name) => wanted.includes(name)) };
  };

  const policy = {
    ...minOf('max_restores', 'max_restores', String),
    ...minOf('max_backup_age_ms', 'max_backup_age', formatDuration),
    ...union('protected_volumes'),
    ...union('require_labels'),
    ...anyOf('require_expect'),
    ...anyOf('require_valid_until'),
    ...anyOf('require_signed_plans'),
    ...intersection(),
  } as Policy;
  return { policy, loosening };
}

function text(value: unknown): string {
  return typeof value === 'string' ? value : JSON.stringify(value);
}
