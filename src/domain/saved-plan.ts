import { canonicalJson } from './canonical-json.ts';
import type { Plan } from './plan.ts';
import type { Waiver } from './policy.ts';
import type { Record } from './record.ts';
import type { Address, RestoreSpec } from './spec.ts';
import type { Target } from './target.ts';

/** A plan that was written down to be approved, and later applied as it is. Holds no secret. */
export interface SavedPlan {
  readonly apiVersion: 'vbsctl.dev/v1';
  readonly kind: 'SavedPlan';
  /**
   * SHA-256 of everything else, as canonical JSON. It shows accidents and edits; it is no signature: who can
   * write the file can write a fitting digest. Therefore `apply` trusts nothing in here: target, state and
   * policy are its own, and the cloud is looked at again.
   */
  readonly digest: string;
  readonly plan: BoundPlan;
  /** Of the policy that the plan was made under; `apply` holds everything against its own. */
  readonly policy_sha256: string;
  /** What was allowed when it was made; `apply` wants to be told again. */
  readonly waivers: readonly Waiver[];
  /** What the restores and resumptions of the plan were declared as, in the plan's order. */
  readonly declared: readonly RestoreSpec[];
  /** The records that the plan starts from, resumes, replaces or renames. */
  readonly touches: readonly Touch[];
}

/** Made with a look at the cloud and over a state. */
export type BoundPlan = Plan & { readonly offline: false; readonly target: Target; readonly state: StateRef };
export type StateRef = NonNullable<Plan['state']>;

export interface Touch {
  readonly address: Address;
  /** Of the record that stood there; absent: none did. */
  readonly sha256?: string;
}

/** SHA-256 of a text, in hexadecimal; passed in. */
export type Hash = (text: string) => string;

/** Over whatever a plan file holds, but for its digest. */
export function planDigest(saved: object, hash: Hash): string {
  const { digest, ...rest } = saved as { readonly digest?: unknown };
  return hash(canonicalJson(rest));
}

/** Two records with the same version are the same record, under whatever address. */
export function recordVersion(record: Record, hash: Hash): string {
  const { address, ...rest } = record;
  return hash(canonicalJson(rest));
}

/** `0.3` of `0.3.1`: releases that differ in more than this read each other's plans. */
export function minorOf(version: string): string {
  return version.split('.', 2).join('.');
}
