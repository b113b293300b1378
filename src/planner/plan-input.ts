import type { CloudProject } from '../domain/cloud-project.ts';
import type { Policy } from '../domain/config.ts';
import type { Observations } from '../domain/observations.ts';
import type { Waiver } from '../domain/policy.ts';
import type { Address, ManifestFile, RestoreSpec } from '../domain/spec.ts';
import type { State } from '../domain/state.ts';

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
