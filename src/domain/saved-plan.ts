import { canonicalJson, canonicalJsonInSteps } from './canonical-json.ts';
import type { ChunkedWork } from './chunked-work.ts';
import type { CloudProject } from './cloud-project.ts';
import type { Policy } from './config.ts';
import type { Diagnostic } from './diagnostic.ts';
import { unreachable } from './errors.ts';
import { sanitize } from './escape/terminal.ts';
import type { BackupView, FieldChange, Identified, Plan, VolumeView } from './plan.ts';
import type { Waiver } from './policy.ts';
import type { RestoreRecord } from './record.ts';
import type { Address, ManifestFile, RestoreSpec } from './spec.ts';
import type { Move } from './state.ts';

/**
 * A plan that was written to a file to be approved, and is later applied unchanged. It holds no secret, no advice and
 * no record. What a restore resumes, what it waits for and what a person may do about it are derived from state and
 * cloud at apply. `apply` compares the file with them; `show` marks everything as the content of the file.
 */
export interface SavedPlan {
  readonly apiVersion: 'vbsctl.dev/v1';
  readonly kind: 'SavedPlan';
  /**
   * SHA-256 of everything except this field and the signature, as canonical JSON. It shows accidents and edits. It
   * proves nothing: whoever can write the file can write a matching digest.
   */
  readonly digest: string;
  /** Covers the same bytes. Absent: the plan is not signed. */
  readonly signature?: PlanSignature;
  readonly created_at: string;
  readonly tool_version: string;
  readonly target: CloudProject;
  readonly state: StateRef;
  readonly manifests: readonly ManifestFile[];
  /** The paths that `-f` named. `apply` looks for the same configs next to them. Empty: none was named. */
  readonly selection: readonly string[];
  /** The policy at plan time. `apply` checks every restore against this policy and against its own. */
  readonly policy: Policy;
  /** Waivers at plan time. `apply` needs them again. */
  readonly waivers: readonly Waiver[];
  readonly actions: readonly SavedAction[];
  /** Restores that the plan does not run and that are not done, but whose records are renamed. */
  readonly renamed: readonly Renamed[];
  /** Number of declared restores that `--target` leaves out. Absent: none. */
  readonly left_out?: number;
  /** The records that the plan starts from, resumes, replaces or renames. */
  readonly records: readonly PlannedRecord[];
  readonly notices: readonly SavedNotice[];
}

/**
 * Maximum length of a text in a plan; a path may be as long. `save` cuts names and sentences; a plan with a longer text
 * is refused.
 */
export const PLAN_TEXT_LENGTH_MAX = 4_096;

export type StateRef = NonNullable<Plan['state']>;

export interface PlanSignature {
  /** SHA-256 of the public key (SubjectPublicKeyInfo, DER), in hexadecimal. */
  readonly key: string;
  /** Ed25519, in base64. */
  readonly value: string;
}

/** Result of the check of a signature. `name`: file name of the trusted key, without `.pem`. */
export type SignatureFinding =
  | { readonly kind: 'unsigned' }
  | { readonly kind: 'valid'; readonly name: string }
  /** The key is trusted, but the signature does not match this content. */
  | { readonly kind: 'wrong'; readonly name: string }
  | { readonly kind: 'unknown_key'; readonly key: string }
  /** No trusted keys were given, so the signature was not checked. */
  | { readonly kind: 'unchecked'; readonly key: string };

/** Completes “it is …”. */
export function signatureText(signed: SignatureFinding): string {
  switch (signed.kind) {
    case 'unsigned':
      return 'not signed';
    case 'valid':
      return `signed by ${sanitize(signed.name)} (valid)`;
    case 'wrong':
      return `signed in the name of ${sanitize(signed.name)}, but the signature does not match: the file was changed after it was signed`;
    case 'unknown_key':
      return `signed with key ${signed.key.slice(0, KEY_CHARS_SHOWN)}…, which is not trusted`;
    case 'unchecked':
      return `signed with key ${signed.key.slice(0, KEY_CHARS_SHOWN)}…, which was not checked (--trusted-keys DIR checks it)`;
    default:
      return unreachable(signed);
  }
}

const KEY_CHARS_SHOWN = 16;

/**
 * Each field is what the reviewers see and `apply` derives again: it refuses the plan if one differs. What may change until
 * then, such as where the volume is attached, has no field.
 */
export type SavedAction = SavedPinned | SavedBlocked | SavedExpired;
/** The actions whose volume and backup are known. */
type SavedPinned = SavedRunnable | SavedNoop;
export type SavedRunnable = SavedRestore | SavedResume;

export interface SavedCommon {
  /** As declared in the manifests. The other fields hold what it was resolved to. */
  readonly declared: RestoreSpec;
}

interface PinnedCommon extends SavedCommon {
  readonly volume: { readonly id: string };
  readonly backup: { readonly id: string };
  /** The address that its record had before. */
  readonly was?: Address;
}

export type SavedVolume = Identified<Pick<VolumeView, 'id' | 'name' | 'size'>>;
export type SavedBackup = Identified<Omit<BackupView, 'selector' | 'of_volume_name'>>;

interface RunnableCommon extends PinnedCommon {
  readonly volume: SavedVolume;
  readonly backup: SavedBackup;
}

export interface SavedRestore extends RunnableCommon {
  readonly kind: 'restore';
  readonly again: boolean;
  readonly changes: readonly FieldChange[];
}

export interface SavedResume extends RunnableCommon {
  readonly kind: 'resume';
}

export interface SavedNoop extends PinnedCommon {
  readonly kind: 'noop';
  readonly done_at: string;
  /** The plan records that the rule of the declaration is done. */
  readonly records_selector?: true;
  /** The plan records the `protect` of the declaration. */
  readonly records_protect?: true;
}

export interface SavedBlocked extends SavedCommon {
  readonly kind: 'blocked';
  /** Codes of the reasons that blocked it. */
  readonly reasons: readonly string[];
}

export interface SavedExpired extends SavedCommon {
  readonly kind: 'expired';
}

export interface Renamed {
  readonly declared: RestoreSpec;
  readonly volume_id: string;
  readonly backup_id: string;
  readonly was: Address;
}

export interface PlannedRecord {
  readonly address: Address;
  /** Version of the record at plan time. Absent: there was none. */
  readonly sha256?: string;
}

/** A notice of the plan, without its advice. */
export interface SavedNotice extends Pick<Diagnostic, 'code' | 'summary'> {
  readonly severity: 'warning' | 'note';
  readonly address?: Address;
}

export function isSavedRunnable(action: SavedAction): action is SavedRunnable {
  return action.kind === 'restore' || action.kind === 'resume';
}

export function isSavedPinned(action: SavedAction): action is SavedPinned {
  return isSavedRunnable(action) || action.kind === 'noop';
}

/** All renames that the plan records. */
export function movesOf({ actions, renamed }: Pick<SavedPlan, 'actions' | 'renamed'>): Move[] {
  return [...actions.filter(isSavedPinned), ...renamed].flatMap(({ declared, was }) =>
    was === undefined ? [] : [{ from: was, to: declared.address }],
  );
}

/** The addresses of the records that the plan depends on, without duplicates. */
export function recordAddresses(saved: Pick<SavedPlan, 'actions' | 'renamed'>): Address[] {
  return [
    ...new Set([
      ...saved.actions
        .filter((action) => isSavedRunnable(action) || (action.kind === 'noop' && action.records_protect))
        .map(({ declared }) => declared.address),
      ...movesOf(saved).flatMap(({ from, to }) => [from, to]),
    ]),
  ];
}

/** SHA-256 of a text, in hexadecimal; passed in. */
export type Hash = (text: string) => string;

/** The text that digest and signature cover: all of a plan file except those two. */
export function* signedText(saved: object): ChunkedWork<string> {
  const { digest, signature, ...rest } = saved as { readonly digest?: unknown; readonly signature?: unknown };
  return yield* canonicalJsonInSteps(rest);
}

export function* planDigest(saved: object, hash: Hash): ChunkedWork<string> {
  return hash(yield* signedText(saved));
}

/** Records with the same version are equal, even at different addresses. */
export function recordVersion(record: RestoreRecord, hash: Hash): string {
  const { address, ...rest } = record;
  return hash(canonicalJson(rest));
}

/** `0.3` of `0.3.1`. Only releases with the same major and minor version read each other's plans. */
export function minorOf(version: string): string {
  return version.split('.', 2).join('.');
}

/** Remedy for a plan that can no longer be applied. */
export const PLAN_AGAIN = 'make a new plan and have it approved: vbsctl plan --out plan.json';
