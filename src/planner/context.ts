import type { CloudProject } from '../domain/cloud-project.ts';
import type { Policy } from '../domain/config.ts';
import type { Observations } from '../domain/observations.ts';
import type { Waiver } from '../domain/policy.ts';
import type { ProjectRegion } from '../domain/preflight.ts';
import type { Address, ManifestFile, RestoreSpec } from '../domain/spec.ts';
import type { State } from '../domain/state.ts';
import type { RecordIndex } from './record-index.ts';
import { type BackupIndex, indexBackups, indexVolumes, type VolumeIndex } from './select.ts';

/** All that a plan is made of; nothing else flows in. */
export interface PlanInput {
  readonly specs: readonly RestoreSpec[];
  readonly files: readonly ManifestFile[];
  /** Absent: nothing was initialised yet. */
  readonly state?: State;
  /** Absent only offline. */
  readonly target?: CloudProject;
  /** Absent: offline; nothing is said about the cloud. Else all that `observationNeeds` asks for. */
  readonly observations?: Observations;
  readonly policy: Policy;
  /** Limits of the policy that a person lifts for this run. */
  readonly waivers?: readonly Waiver[];
  /** Plan only these and what they depend on; empty: all. */
  readonly only: readonly Address[];
  /** Epoch ms. */
  readonly now: number;
  readonly toolVersion: string;
}

/** What every restore of one plan is judged by, made ready for looking things up. */
export interface Context {
  readonly records: RecordIndex;
  /** Absent: offline. */
  readonly observations: Observations | undefined;
  readonly volumesByName: VolumeIndex;
  readonly backups: BackupIndex;
  /** For advice: those, or what was listed only for it. */
  readonly advisable: BackupIndex;
  readonly project: ProjectRegion;
  readonly policy: Policy;
  /** Limits of the policy that a person lifted for this run. */
  readonly waivers: ReadonlySet<Waiver>;
  /** Epoch ms. */
  readonly now: number;
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
