import type { CloudProject } from './cloud-project.ts';
import type { Diagnostic } from './diagnostic.ts';

/** The settings of a cloud, as `auth show` reports them. */
export interface SettingsReport {
  /** `OS_* variables`, `cloud otc of /home/ann/.config/openstack/clouds.yaml`. */
  readonly source: string;
  /** Why this source: `named by OS_CLOUD`, `no cloud is named`. */
  readonly chosen_by: string;
  readonly values: readonly ShownSetting[];
  /** Settings of the source that vbsctl ignores. */
  readonly unused: readonly string[];
  /** Why no request can be sent with these settings. */
  readonly problems: readonly Diagnostic[];
}

export interface ShownSetting {
  /** As in clouds.yaml: `username`. */
  readonly key: string;
  /** Absent for a secret. */
  readonly value?: string;
  readonly secret: boolean;
  /** `OS_USERNAME`, `auth.username of /c/clouds.yaml`. */
  readonly from: string;
}

/** The steps of `auth check`, in order. */
export const ACCESS_STEPS = [
  'settings',
  'connection',
  'credentials',
  'project',
  'catalog',
  'region',
  'endpoints',
  'backups',
  'disks',
  'clock',
] as const;
export type AccessStep = (typeof ACCESS_STEPS)[number];

export interface StepReport {
  readonly step: AccessStep;
  /** `skipped`: an earlier step failed. */
  readonly outcome: 'ok' | 'warning' | 'failed' | 'skipped';
  /** The result, for display. */
  readonly result: string;
  readonly diagnostics: readonly Diagnostic[];
}

export interface AccessReport {
  readonly ok: boolean;
  readonly target?: CloudProject;
  readonly steps: readonly StepReport[];
}
