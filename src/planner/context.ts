import type { CloudProject } from '../domain/cloud-project.ts';
import type { CloudSnapshot } from '../domain/cloud-snapshot.ts';
import type { Policy } from '../domain/config.ts';
import type { Waiver } from '../domain/policy.ts';
import type { ProjectRegion } from '../domain/preflight.ts';
import type { RestoreRecord } from '../domain/record.ts';
import type { Address, ManifestFile, RestoreSpec } from '../domain/spec.ts';
import type { State } from '../domain/state.ts';
import type { RecordAssignments } from './record-assignments.ts';
import type { RecordIndex } from './record-index.ts';
import {
  type BackupIndex,
  indexBackups,
  indexVolumes,
  type UnusableBackups,
  unusableBackups,
  type VolumeIndex,
} from './select.ts';
import type { SharedVolumes } from './shared-volumes.ts';

/** The whole input of a plan. */
export interface PlanInput {
  readonly specs: readonly RestoreSpec[];
  readonly files: readonly ManifestFile[];
  /** Absent: there is no state yet. */
  readonly state?: State;
  /** Absent only offline. */
  readonly target?: CloudProject;
  /** Absent: offline. Otherwise all that `snapshotNeeds` asks for. */
  readonly snapshot?: CloudSnapshot;
  readonly policy: Policy;
  /** Limits of the policy that the operator lifts for this run. */
  readonly waivers?: readonly Waiver[];
  /** Only these and their dependencies are planned; empty: all. */
  readonly only: readonly Address[];
  /** Epoch ms. */
  readonly now: number;
  readonly toolVersion: string;
}

/** The input of a plan, indexed for the decisions about each restore. */
export interface PlanContext {
  readonly records: RecordIndex;
  /** Absent: offline. */
  readonly snapshot: CloudSnapshot | undefined;
  readonly volumesByName: VolumeIndex;
  readonly unusable: UnusableBackups;
  readonly backups: BackupIndex;
  /** Backups for advice: `backups`, or those that were listed only for advice. */
  readonly suggestableBackups: BackupIndex;
  readonly project: ProjectRegion;
  readonly policy: Policy;
  /** Limits of the policy that the operator lifted for this run. */
  readonly waivers: ReadonlySet<Waiver>;
  /** Epoch ms. */
  readonly now: number;
}

/** A context after all specs were resolved. */
export interface DecisionContext extends PlanContext {
  readonly assignments: RecordAssignments;
  readonly sharedVolumes: SharedVolumes;
  /** The open records that the plan resumes. */
  readonly resuming: ReadonlySet<RestoreRecord>;
}

export function contextOf(
  { state, target, snapshot, policy, waivers, now }: PlanInput,
  records: RecordIndex,
): PlanContext {
  const project = target ?? state?.target ?? { project_id: '', region: '' };
  const backups = indexBackups(snapshot?.backup_list ?? [], project.project_id);
  const advice = snapshot?.advice?.backups;
  return {
    records,
    snapshot,
    volumesByName: indexVolumes(snapshot?.volume_list ?? []),
    backups,
    unusable: unusableBackups(snapshot?.backup_list ?? [], project.project_id),
    suggestableBackups: advice ? indexBackups(advice, project.project_id) : backups,
    project,
    policy,
    waivers: new Set(waivers),
    now,
  };
}
