import type { Clock } from '../domain/clock.ts';
import type { Config } from '../domain/config.ts';
import type { ApplyEvent, NotStarted, WithoutTime } from '../domain/events.ts';
import type { Waiver } from '../domain/policy.ts';
import type { RestoreRecord } from '../domain/record.ts';
import type { Address } from '../domain/spec.ts';
import type { Driver } from '../drivers/driver.ts';
import type { Lease } from '../state/backend.ts';
import type { PendingBackups } from './pending-backups.ts';
import type { RestorePoller } from './restore-poller.ts';
import type { SlowWrites } from './slow-writes.ts';

/**
 * How far a run goes. `finish`: starts restores and follows them to the end. `no_wait` (`--no-wait`): starts what is
 * ready, and ends once the cloud has accepted it. `follow`: follows restores that are under way to their end, and
 * starts nothing.
 */
export type RunMode = 'finish' | 'no_wait' | 'follow';

/** What the restores of one run share. */
export interface Run {
  readonly driver: Driver;
  readonly lease: Lease;
  readonly clock: Clock;
  /** In [0, 1). */
  readonly random: () => number;
  readonly settings: RunSettings;
  readonly mode: RunMode;
  readonly emit: (event: WithoutTime<ApplyEvent>) => void;
  /** Aborted on an interrupt of the user, or when the state can no longer be written: ends every wait. */
  readonly stop: AbortSignal;
  /** Aborted on an interrupt of the user only: then the run waits only a moment for the answer to a POST. */
  readonly interrupt: AbortSignal;
  /** Records that could not be written to the state. */
  readonly unsaved: Map<Address, RestoreRecord>;
  /** Why this run sends no further POST; undefined while it may. */
  readonly noNewStarts: () => { readonly code: NotStarted; readonly reason: string } | undefined;
  /** Claims a job id; false if another restore already has it. */
  readonly claimJob: (id: string) => boolean;
  /** Whether the restore at this address has succeeded, so that its dependants may start. */
  readonly isRestored: (address: Address) => boolean;
  readonly slowWrites: SlowWrites;
  /** `longestMs`: the longest time in this run between an accepted POST and the volume showing `restoring-backup`. */
  readonly lag: { longestMs: number };
  readonly restorePoller: RestorePoller;
  readonly pendingBackups: PendingBackups;
  /** Limits of the policy that the operator lifted for this run. */
  readonly waivers: ReadonlySet<Waiver>;
  /** Digest of the saved plan that is applied, if one is. */
  readonly planDigest: string | undefined;
}

export type RunSettings = Pick<Config, 'apply' | 'retry' | 'poll' | 'http' | 'policy'>;
