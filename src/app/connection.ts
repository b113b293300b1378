import type { Driver } from '../drivers/driver.ts';

/** The way to the cloud that flags, config and environment name. */
export interface Connection {
  readonly driver: Driver;
  /** By our clock, epoch ms: then the token ends and nothing here can renew it. Absent: no such end. */
  readonly endsAtMs?: number;
  /** Lets go of what was opened for it; the in-process emulator, if any, ends. */
  close(): Promise<void>;
}
