import { canonicalJson, canonicalJsonInSteps } from './canonical-json.ts';
import type { ChunkedWork } from './chunked-work.ts';
import type { CloudProject } from './cloud-project.ts';
import type { Policy } from './config.ts';
import { type Diagnostic, error } from './diagnostic.ts';
import { unreachable } from './errors.ts';
import { sanitize } from './escape/terminal.ts';
import { optional } from './optional.ts';
import type {
  BackupView,
  BlockedAction,
  DescribedAction,
  ExpiredAction,
  FieldChange,
  Identified,
  Plan,
  VolumeView,
} from './plan.ts';
import type { Waiver } from './policy.ts';
import type { RestoreRecord } from './record.ts';
import { type Address, type ManifestFile, type RestoreSpec, selectorOf } from './spec.ts';
import type { Move } from './state.ts';

/**
 * A plan that was written down to be approved, and later applied as it is. Holds no secret, no advice and no record:
 * what a restore resumes, what it waits for and what a person may do about it is derived from state and cloud when it
 * is applied. What the file says is held against that, and is otherwise shown as what the file says.
 */
export interface SavedPlan {
  readonly apiVersion: 'vbsctl.dev/v1';
  readonly kind: 'SavedPlan';
  /**
   * SHA-256 of everything but itself and the signature, as canonical JSON. It shows accidents and edits; it vouches
   * for nothing: who can write the file can write a fitting digest.
   */
  readonly digest: string;
  /** Over the same bytes. Absent: not signed. */
  readonly signature?: PlanSignature;
  readonly created_at: string;
  readonly tool_version: string;
  readonly target: CloudProject;
  readonly state: StateRef;
  readonly manifests: readonly ManifestFile[];
  /** The paths that `-f` named: `apply` looks for the same configs around them. Empty: none was named. */
  readonly selection: readonly string[];
  /** That the plan was made under. `apply` holds every restore against it and against its own. */
  readonly policy: Policy;
  /** What was allowed when it was made; `apply` wants to be told again. */
  readonly waivers: readonly Waiver[];
  readonly actions: readonly SavedAction[];
  /** Restores that `--target` leaves out and whose records are renamed all the same. */
  readonly renamed: readonly Renamed[];
  /** Declared restores that `--target` leaves out; absent: none. */
  readonly left_out?: number;
  /** The records that the plan starts from, resumes, replaces or renames. */
  readonly records: readonly Touch[];
  readonly notices: readonly SavedNotice[];
}

/** Of a text in a plan; a path may be as long. `save` cuts names and sentences, and a plan with a longer one is not read. */
export const TEXT_LENGTH_MAX = 4_096;

export type StateRef = NonNullable<Plan['state']>;

export interface PlanSignature {
  /** SHA-256 of the public key (SubjectPublicKeyInfo, DER), in hexadecimal. */
  readonly key: string;
  /** Ed25519, in base64. */
  readonly value: string;
}

/** Result of the check of a signature. `name`: of the file of the trusted key, without `.pem`. */
export type SignatureFinding =
  | { readonly kind: 'unsigned' }
  | { readonly kind: 'valid'; readonly name: string }
  /** The key is trusted, but the signature is not one of this content. */
  | { readonly kind: 'wrong'; readonly name: string }
  | { readonly kind: 'unknown_key'; readonly key: string }
  /** No trusted keys were given. */
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

export type SavedAction = SavedRunnable | SavedNoop | SavedBlocked | SavedExpired;
export type SavedRunnable = SavedRestore | SavedResume;

interface SavedCommon {
  /** As the manifests had it; the rest is what it was resolved to. */
  readonly declared: RestoreSpec;
  readonly volume: VolumeView;
  readonly backup: Omit<BackupView, 'selector'>;
  /** The address that its record had. */
  readonly was?: Address;
}

/** Of what was planned to run, and of what was done: it had its ids. */
interface SavedPinned extends SavedCommon {
  readonly volume: Identified<VolumeView>;
  readonly backup: Identified<SavedCommon['backup']>;
}

export interface SavedRestore extends SavedPinned {
  readonly kind: 'restore';
  readonly cause: 'first' | 'again';
  readonly changes: readonly FieldChange[];
}

export interface SavedResume extends SavedPinned {
  readonly kind: 'resume';
}

export interface SavedNoop extends SavedPinned {
  readonly kind: 'noop';
  readonly done_at: string;
  /** The rule of the declaration is written down as done. */
  readonly notes_rule?: true;
  /** What the declaration says of `protect` is written down. */
  readonly notes_protect?: true;
}

export interface SavedBlocked extends SavedCommon {
  readonly kind: 'blocked';
  /** The codes of what blocked it. */
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

export interface Touch {
  readonly address: Address;
  /** Of the record that stood there; absent: none did. */
  readonly sha256?: string;
}

/** What the plan noted, without what it advised. */
export interface SavedNotice extends Pick<Diagnostic, 'code' | 'summary'> {
  readonly severity: 'warning' | 'note';
  readonly address?: Address;
}

export function isSavedRunnable(action: SavedAction): action is SavedRunnable {
  return action.kind === 'restore' || action.kind === 'resume';
}

/** The saved action as an action. Its source is its address: the position in the file must not get into advice. */
export function describedAction(saved: SavedAction): DescribedAction {
  const { kind, declared } = saved;
  switch (kind) {
    case 'restore': {
      const { cause, changes } = saved;
      return { kind, ...runnable(saved), cause, changes, waits_for: [] };
    }
    case 'resume':
      return { kind, ...runnable(saved) };
    case 'noop':
      return {
        kind,
        ...common(saved),
        done_at: saved.done_at,
        ...optional('note_rule', saved.notes_rule && selectorOf(declared)),
        ...optional('note_protect', saved.notes_protect && declared.protect),
      };
    case 'blocked':
      return blockedAction(saved);
    case 'expired':
      return expiredAction(saved);
    default:
      return unreachable(kind);
  }
}

const REASONS_LISTED_MAX = 5;

export function blockedAction(saved: SavedBlocked): BlockedAction {
  const codes = saved.reasons.slice(0, REASONS_LISTED_MAX).join(', ');
  const reason = error('blocked-in-plan', `it was blocked when the plan was made (${codes})`, {
    remedy:
      'a saved plan does not run what it shows as blocked; to see whether it is still blocked: vbsctl plan',
  });
  return { kind: 'blocked', ...common(saved), reasons: [reason] };
}

export function expiredAction(saved: SavedExpired): ExpiredAction {
  return { kind: 'expired', ...common(saved), valid_until: saved.declared.valid_until ?? '' };
}

function common<V, B>({
  declared,
  volume,
  backup,
  was,
}: SavedCommon & { readonly volume: V; readonly backup: B }) {
  const { address, generation } = declared;
  return {
    address,
    generation,
    source: { address },
    volume,
    backup: { ...backup, ...optional('selector', selectorOf(declared)) },
    ...optional('was', was),
  };
}

function runnable(saved: SavedRunnable) {
  const { expect, depends_on, valid_until } = saved.declared;
  return {
    ...common(saved),
    expect,
    depends_on,
    ...optional('valid_until', valid_until),
    ...optional('selector', selectorOf(saved.declared)),
  };
}

/** All renames that the plan writes down. */
export function movesOf({ actions, renamed }: Pick<SavedPlan, 'actions' | 'renamed'>): Move[] {
  return [...actions, ...renamed].flatMap(({ declared, was }) =>
    was === undefined ? [] : [{ from: was, to: declared.address }],
  );
}

/** The addresses whose records the plan is bound to, each once. */
export function touchedBy(saved: Pick<SavedPlan, 'actions' | 'renamed'>): Address[] {
  return [
    ...new Set([
      ...saved.actions
        .filter((action) => isSavedRunnable(action) || (action.kind === 'noop' && action.notes_protect))
        .map(({ declared }) => declared.address),
      ...movesOf(saved).flatMap(({ from, to }) => [from, to]),
    ]),
  ];
}

/** SHA-256 of a text, in hexadecimal; passed in. */
export type Hash = (text: string) => string;

/** What digest and signature are made over: whatever a plan file holds, but for the two. */
export function* signedText(saved: object): ChunkedWork<string> {
  const { digest, signature, ...rest } = saved as { readonly digest?: unknown; readonly signature?: unknown };
  return yield* canonicalJsonInSteps(rest);
}

export function* planDigest(saved: object, hash: Hash): ChunkedWork<string> {
  return hash(yield* signedText(saved));
}

/** Two records with the same version are the same record, under whatever address. */
export function recordVersion(record: RestoreRecord, hash: Hash): string {
  const { address, ...rest } = record;
  return hash(canonicalJson(rest));
}

/** `0.3` of `0.3.1`. Only releases with the same major and minor version read each other's plans. */
export function minorOf(version: string): string {
  return version.split('.', 2).join('.');
}

/** The remedy for a plan that cannot be applied any more. */
export const PLAN_AGAIN = 'make a new plan and have it approved: vbsctl plan --out plan.json';
