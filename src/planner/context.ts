import type { CloudProject } from '../domain/cloud-project.ts';
import type { Policy } from '../domain/config.ts';
import type { Observations } from '../domain/observations.ts';
import type { Waiver } from '../domain/policy.ts';
import type { ProjectRegion } from '../domain/preflight.ts';
import type { RestoreRecord } from '../domain/record.ts';
import type { Address, ManifestFile, RestoreSpec } from '../domain/spec.ts';
import type { State } from '../domain/state.ts';
import type { RecordAssignments } from './record-assignments.ts';
import type { RecordIndex } from './record-index.ts';
import { type BackupIndex, indexBackups, indexVolumes, type VolumeIndex } from './select.ts';
import type { SharedVolumes } from './shared-volumes.ts';

/** The whole input of a plan. */
export interface PlanInput {
  readonly specs: readonly RestoreSpec[];
  readonly files: readonly ManifestFile[];
  /** Absent: there is no state yet. */
  readonly state?: State;
  /** Absent only offline. */
  readonly target?: CloudProject;
  /** Absent: offline. Otherwise all that `observationNeeds` asks for. */
  readonly observations?: Observations;
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
export interface Context {
  readonly records: RecordIndex;
  /** Absent: offline. */
  readonly observations: Observations | undefined;
  readonly volumesByName: VolumeIndex;
  readonly backups: BackupIndex;
  /** Backups for advice: `backups`, or those that were listed only for advice. */
  readonly advisable: BackupIndex;
  readonly project: ProjectRegion;
  readonly policy: Policy;
  /** Limits of the policy that the operator lifted for this run. */
  readonly waivers: ReadonlySet<Waiver>;
  /** Epoch ms. */
  readonly now: number;
}

/** A context after all specs were resolved. */
export interface DecisionContext extends Context {
  readonly assignments: RecordAssignments;
  readonly sharedVolumes: SharedVolumes;
  /** The open records that the plan resumes. */
  readonly resuming: ReadonlySet<RestoreRecord>;
}

export function contextOf(
  { state, target, observations, policy, waivers, now }: PlanInput,
  records: RecordIndex,
): Context {
  const project = target ?? state?.target ?? { project_id: '', region: '' };
  const backups = indexBackups(observations?.backup_list ?? [], project.project_id);
  const advice = observations?.advice?.backups;
  return {
    records,
    observations,
    volumesByName: indexVolumes(observations?.volume_list ?? []),
    backups,
    advisable: advice ? indexBackups(advice, project.project_id) : backups,
    project,
    policy,
    waivers: new Set(waivers),
    now,
  };
}
