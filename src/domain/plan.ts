import type { Attachment } from './cloud.ts';
import type { CloudProject } from './cloud-project.ts';
import type { Diagnostic, SourcePosition } from './diagnostic.ts';
import type { RestoreRecord, UnderWay, Unknown } from './record.ts';
import type { Address, Expectation, ManifestFile, Selector } from './spec.ts';
import type { Move } from './state.ts';

/** What would be done, as data: `apply` executes it, the views show it, a file can keep it. */
export interface Plan {
  readonly format: 1;
  readonly created_at: string;
  readonly tool_version: string;
  /** Made without a look at the cloud; cannot be applied. */
  readonly offline: boolean;
  /** Absent only when made offline without a state. */
  readonly target?: CloudProject;
  /** Absent: there is no state yet. */
  readonly state?: { readonly lineage: string; readonly serial: number };
  readonly manifests: readonly ManifestFile[];
  readonly actions: readonly Action[];
  /** Declared restores that `--target` leaves out; absent: none. */
  readonly left_out?: number;
  /** Records that no manifest declares any more; they are left alone. */
  readonly orphans: readonly Orphan[];
  /** Renames to write down. */
  readonly moves: readonly Move[];
  readonly notices: readonly Diagnostic[];
}

export type Action = RestoreAction | ResumeAction | NoopAction | BlockedAction | ExpiredAction;

/** An action of a plan or of a saved plan. A saved plan has no record for a resumed restore: only the state has it. */
export type DescribedAction = Action | Omit<ResumeAction, 'record' | 'refused'>;

interface ActionCommon {
  readonly address: Address;
  readonly volume: VolumeView;
  readonly backup: BackupView;
  readonly generation: number;
  /** The address that its record has now. */
  readonly was?: Address;
  readonly source: SourcePosition;
}

/** Its disk and backup are known by their ids. */
interface Pinned extends ActionCommon {
  readonly volume: Identified<VolumeView>;
  readonly backup: Identified<BackupView>;
}

/** What both carry that the executor runs. */
interface Runnable extends Pinned {
  /** Present when a rule picked the backup. */
  readonly selector?: Selector;
  readonly expect: Expectation;
  readonly depends_on: readonly Address[];
  readonly timeout_ms?: number;
  readonly valid_until?: string;
  readonly protect?: boolean;
}

/** Start it: baseline, intent, POST. */
export interface RestoreAction extends Runnable {
  readonly kind: 'restore';
  readonly cause: 'first' | 'again';
  /** Against the record that stands at the address, when `again`. */
  readonly changes: readonly FieldChange[];
  /** What must still happen before the POST; it is checked again right before. */
  readonly waits_for: readonly Precondition[];
}

/** An earlier run began it: look first, never POST first. */
export interface ResumeAction extends Runnable {
  readonly kind: 'resume';
  readonly record: UnderWay;
  /**
   * Why today's policy forbids to send it again; empty: it may be. It is followed all the same, and adopted if an
   * earlier request started it.
   */
  readonly refused: readonly Diagnostic[];
}

export interface NoopAction extends Pinned {
  readonly kind: 'noop';
  readonly done_at: string;
  /** The lowest generation that asks for this restore again. Absent in a plan of an earlier release. */
  readonly next_generation?: number;
  readonly job_id?: string;
  /**
   * A rule that was never done itself and picks what is done. `apply` writes it down, so that the rule counts as
   * done from then on and does not pick another backup tomorrow.
   */
  readonly note_rule?: Selector;
  /** The declaration protects the disk and the record does not, or the other way round. `apply` writes it down. */
  readonly note_protect?: boolean;
  /** Something was done on the disk since; to do this one again, raise `generation`. */
  readonly superseded_by?: {
    readonly address: Address;
    readonly backup_id: string;
    readonly finished_at: string;
  };
}

export interface BlockedAction extends ActionCommon {
  readonly kind: 'blocked';
  readonly reasons: readonly Diagnostic[];
  /** The record whose unknown outcome is in its way: its own, else one at its address, on its disk or of its backup. */
  readonly unknown?: Unknown;
  /** An earlier run of the same saved plan ended it, or what it depends on; the rest of the plan goes on. */
  readonly ended_before?: true;
}

export interface ExpiredAction extends ActionCommon {
  readonly kind: 'expired';
  readonly valid_until: string;
}

/** What a run of the plan works on: it has its ids. */
export type PinnedAction = RestoreAction | ResumeAction;

export function isRunnable(action: Action): action is PinnedAction {
  return action.kind === 'restore' || action.kind === 'resume';
}

/** Surely known by its id. */
export type Identified<View extends { readonly id?: string }> = View & { readonly id: string };

/** As far as the manifest, the record and (not offline) the cloud tell. */
export interface VolumeView {
  readonly id?: string;
  readonly name?: string;
  readonly size?: number;
  readonly status?: string;
  readonly attachments?: readonly Attachment[];
}

export interface BackupView {
  readonly id?: string;
  readonly name?: string;
  readonly size?: number;
  readonly created_at?: string;
  readonly of_volume_id?: string;
  /** Known only where it is another disk than the one restored into. */
  readonly of_volume_name?: string;
  /** How the manifest asked for it, when by a rule. */
  readonly selector?: Selector;
}

export interface FieldChange {
  readonly field: string;
  readonly before: string;
  readonly after: string;
}

/** A readiness fact that does not hold yet, with what a person can do about it. */
export interface Precondition {
  readonly what: string;
  /** Commands of the OpenStack client. */
  readonly commands: readonly string[];
  /** The server that the disk is attached to, when that is what is waited for. */
  readonly server?: string;
}

export interface Orphan {
  readonly address: Address;
  readonly status: RestoreRecord['status'];
  readonly volume_id: string;
  readonly backup_id: string;
}

export interface PlanTotals {
  readonly restore: number;
  readonly resume: number;
  readonly noop: number;
  readonly blocked: number;
  readonly expired: number;
}

/** Works for plans and for saved plans. */
export function totals({ actions }: { readonly actions: readonly Pick<Action, 'kind'>[] }): PlanTotals {
  const count = { restore: 0, resume: 0, noop: 0, blocked: 0, expired: 0 };
  for (const { kind } of actions) count[kind] += 1;
  return count;
}

/** Whether the backup was made of another disk, and no rule of the manifest says that this is meant. */
export function isOfAnotherDisk({ volume, backup }: Action): boolean {
  const { of_volume_id, selector } = backup;
  return of_volume_id !== undefined && of_volume_id !== volume.id && selector?.of_volume === undefined;
}

/** Whether applying the plan would start, continue or write down anything. */
export function hasChanges(plan: Plan): boolean {
  const { restore, resume } = totals(plan);
  return restore + resume + plan.moves.length + toNote(plan) > 0;
}

/** Of what is done, how many records `apply` adds something to. */
export function toNote({ actions }: { readonly actions: readonly DescribedAction[] }): number {
  return actions.filter((action) => action.kind === 'noop' && isNoted(action)).length;
}

export function isNoted({ note_rule, note_protect }: NoopAction): boolean {
  return note_rule !== undefined || note_protect !== undefined;
}
