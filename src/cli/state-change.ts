import type { ChangeRequest, StatePorts } from '../app/ports.ts';
import type { Backend } from '../state/backend.ts';
import type { Io } from './io.ts';
import { lockRequest } from './lock-request.ts';
import type { CommonFlags } from './options/shared.ts';
import { backUp } from './state-backup.ts';
import { remember, type StateUse } from './state-check.ts';
import { systemClock } from './system.ts';

/** What the commands that change the state itself share. */

export interface ChangeFlags extends CommonFlags {
  readonly dryRun?: boolean;
  /** The file to save the previous state to. */
  readonly backup?: string;
  /** Milliseconds. */
  readonly lockTimeout: number;
}

export const NOTHING_CHANGED = 'Nothing was changed: this was a dry run.\n';

export function backupText(path: string): string {
  return `Backup of the previous state: ${path}\n`;
}

export function changeRequest(io: Io, operation: string, flags: ChangeFlags): ChangeRequest {
  return { ...lockRequest(io, operation, flags), dryRun: flags.dryRun === true };
}

export function stateUse({ dryRun }: ChangeFlags): StateUse {
  return dryRun ? 'read' : 'write';
}

export function statePorts(io: Io, { backup }: ChangeFlags, backend: Backend): StatePorts {
  return {
    backend,
    clock: systemClock,
    stop: io.stop,
    backUp: ({ location }, snapshot) => backUp(io, location, snapshot, backup),
    remember: (changed, snapshot, how) => remember(io, changed, snapshot, how),
  };
}
