import type { CloudProject } from './cloud-project.ts';
import type { Diagnostic } from './diagnostic.ts';

/** What `auth show` and `auth check` tell: which settings a cloud is reached with, and how far one gets with them. */

export interface SettingsReport {
  /** `OS_* variables`, `cloud otc of /home/ann/.config/openstack/clouds.yaml`. */
  readonly source: string;
  /** What made it this one: `named by OS_CLOUD`, `no cloud is named`. */
  readonly chosen_by: string;
  readonly values: readonly ShownSetting[];
  /** Set there, and not looked at. */
  readonly unused: readonly string[];
  /** Why nothing could be called with these settings. */
  readonly problems: readonly Diagnostic[];
}

export interface ShownSetting {
  /** As in clouds.yaml: `username`. */
  readonly key: string;
  /** Absent for a secret, of which nothing is told. */
  readonly value?: string;
  readonly secret: boolean;
  /** `OS_USERNAME`, `auth.username of /c/clouds.yaml`. */
  readonly from: string;
}

/** The way into a cloud, in the order in which it is gone. */
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
  /** What came of it, for people. */
  readonly said: string;
  readonly diagnostics: readonly Diagnostic[];
}

export interface AccessReport {
  readonly ok: boolean;
  readonly target?: CloudProject;
  readonly steps: readonly StepReport[];
}
