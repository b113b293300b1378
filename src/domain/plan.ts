import type { Attachment } from './cloud.ts';
import type { CloudProject } from './cloud-project.ts';
import type { Diagnostic, SourcePosition } from './diagnostic.ts';
import type { RestoreRecord, UnderWay, Unknown } from './record.ts';
import type { Address, Expectation, ManifestFile, Selector } from './spec.ts';
import type { Move } from './state.ts';

/** What an apply would do, as data: `apply` executes it, the views show it, a file can store it. */
export interface Plan {
  readonly format: 1;
  readonly created_at: string;
  readonly tool_version: string;
  /** Made without reading the cloud; cannot be applied. */
  readonly offline: boolean;
  /** Absent only when made offline without a state. */
  readonly target?: CloudProject;
  /** Absent if there is no state yet. */
  readonly state?: { readonly lineage: string; readonly serial: number };
  readonly manifests: readonly ManifestFile[];
  readonly actions: readonly Action[];
  /** Number of declared restores that `--target` leaves out. Default: none. */
  readonly left_out?: number;
  /** Records that no manifest declares any more; apply does not change them. */
  readonly orphans: readonly Orphan[];
  /** Renames that apply commits. */
  readonly moves: readonly Move[];
  readonly notices: readonly Diagnostic[];
}

export type Action = RestoreAction | ResumeAction | NoopAction | BlockedAction | ExpiredAction;

/** An action of a plan or of a saved plan. A saved plan has no record for a resumed restore: only the state has it. */
export type DescribedAction = Action | Omit<ResumeAction, 'record' | 'policy_violations'>;

interface ActionCommon {
  readonly address: Address;
  readonly volume: VolumeView;
  readonly backup: BackupView;
  readonly generation: number;
  /** The address that its record has now. */
  readonly was?: Address;
  readonly source: SourcePosition;
}

/** The ids of its volume and backup are known. */
interface ActionWithIds extends ActionCommon {
  readonly volume: Identified<VolumeView>;
  readonly backup: Identified<BackupView>;
}

/** What both actions have that the executor runs. */
interface RunnableFields extends ActionWithIds {
  /** Present if a rule selected the backup. */
  readonly selector?: Selector;
  readonly expect: Expectation;
  readonly depends_on: readonly Address[];
  readonly timeout_ms?: number;
  readonly valid_until?: string;
}

/** Start it: baseline, intent, POST. */
export interface RestoreAction extends RunnableFields {
  readonly kind: 'restore';
  /** Whether its address has the record of another or an earlier restore. */
  readonly again: boolean;
  /** Differences from that record, and the protection that the restore lifts. */
  readonly changes: readonly FieldChange[];
  /** What must still happen before the POST; checked again right before it. */
  readonly waits_for: readonly Precondition[];
  /** Whether it protects the volume once it is done, as declared. */
  readonly protect?: boolean;
}

/** An earlier run began it: read the cloud first, never POST first. */
export interface ResumeAction extends RunnableFields {
  readonly kind: 'resume';
  readonly record: UnderWay;
  /**
   * Why today's policy forbids sending it again; empty if it does not. The restore is still followed, and adopted if an
   * earlier request started it.
   */
  readonly policy_violations: readonly Diagnostic[];
  /** The declaration protects the volume. What it lifts, it lifts once the restore is done. */
  readonly protect?: true;
}

export interface NoopAction extends ActionWithIds {
  readonly kind: 'noop';
  readonly done_at: string;
  /** The lowest generation that asks for this restore again. A saved plan does not have it. */
  readonly next_generation?: number;
  readonly job_id?: string;
  /**
   * A new rule of the manifest that selects the backup that was restored. `apply` records it, so that the rule counts as done,
   * and a newer backup does not start another restore.
   */
  readonly new_selector?: Selector;
  /** Whether the declaration protects the volume, if the record differs. `apply` commits it. */
  readonly new_protect?: boolean;
  /** A later restore into the same volume; to do this one again, raise `generation`. */
  readonly superseded_by?: {
    readonly address: Address;
    readonly backup_id: string;
    readonly finished_at: string;
  };
}

export interface BlockedAction extends ActionCommon {
  readonly kind: 'blocked';
  readonly reasons: readonly Diagnostic[];
  /** The record with an unknown outcome that blocks it: its own, or one of its address, volume or backup. */
  readonly unknown?: Unknown;
  /** An earlier run of the same saved plan ended it or its dependency; the rest of the plan continues. */
  readonly ended_before?: true;
}

export interface ExpiredAction extends ActionCommon {
  readonly kind: 'expired';
  readonly valid_until: string;
}

/** The actions that a run executes. */
export type RunnableAction = RestoreAction | ResumeAction;

export function isRunnable(action: Action): action is RunnableAction {
  return action.kind === 'restore' || action.kind === 'resume';
}

/** A view whose id is known. */
export type Identified<View extends { readonly id?: string }> = View & { readonly id: string };

/** A volume as manifest, record and (unless offline) cloud show it. */
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
  /** Known only if it is another volume than the one restored into. */
  readonly of_volume_name?: string;
  /** The rule of the manifest, if a rule selected it. */
  readonly selector?: Selector;
}

export interface FieldChange {
  readonly field: string;
  readonly before: string;
  readonly after: string;
}

/** A condition of a restore that is not met yet, with what the operator can do about it. */
export interface Precondition {
  readonly what: string;
  /** Commands of the OpenStack client. */
  readonly commands: readonly string[];
  /** The server from which the volume must be detached, if that is the condition. */
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

/** Whether the backup was made of another volume, and no rule of the manifest allows that. */
export function isOfAnotherVolume({ volume, backup }: Action): boolean {
  const { of_volume_id, selector } = backup;
  return of_volume_id !== undefined && of_volume_id !== volume.id && selector?.of_volume === undefined;
}

/** Whether applying the plan would start, continue or record anything. */
export function hasChanges(plan: Plan): boolean {
  const { restore, resume } = totals(plan);
  return restore + resume + plan.moves.length + recordUpdates(plan) > 0;
}

/** To how many records of done restores `apply` adds something. */
export function recordUpdates({ actions }: { readonly actions: readonly DescribedAction[] }): number {
  return actions.filter((action) => action.kind === 'noop' && updatesRecord(action)).length;
}

export function updatesRecord({ new_selector, new_protect }: NoopAction): boolean {
  return new_selector !== undefined || new_protect !== undefined;
}
