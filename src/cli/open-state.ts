import { randomUUID } from 'node:crypto';
import { lstatSync } from 'node:fs';
import { note } from '../domain/diagnostic.ts';
import { formatDuration } from '../domain/duration.ts';
import { Failure, usage } from '../domain/errors.ts';
import { shellOperand } from '../domain/escape/shell-word.ts';
import { isUrl } from '../domain/shown-location.ts';
import { refuseContent } from '../files/refuse-content.ts';
import { relativeToConfig } from '../manifest/config-file.ts';
import type { Backend, Lease } from '../state/backend.ts';
import { announcingWait, mapLease, stoppableBackend } from '../state/backend-decorators.ts';
import { unmigratedBackend } from '../state/migrated-state.ts';
import { openBackend } from '../state/open-backend.ts';
import { addCredentials } from './cloud-settings.ts';
import { type Context, foundConfig, namedState } from './context.ts';
import { refuseEphemeralState } from './ephemeral-host.ts';
import { foundStateProblem, secondState, stateConflict } from './found-config.ts';
import type { Io } from './io.ts';
import { refuseUnsafeFiles } from './library-files.ts';
import { noteOnce, showDiagnostics } from './print.ts';
import { faultCheckedBackend, type StateUse } from './state-check.ts';
import { systemClock } from './system.ts';
import { absolute, refuseLinkedState } from './user-paths.ts';

const DEFAULT_STATE = 'vbsctl.state.json';

/** Throws a Failure (`refused`) if a config that was only found names a state outside of its checkout. */
export function stateLocation(context: Context): string {
  const { io, flags, config, loaded } = context;
  const named = namedState(context);
  if (named !== undefined) {
    if (flags.state === undefined && !isUrl(named)) refuseContent('VBSCTL_STATE', named, io.cwd);
    return named;
  }
  if (config.state === undefined) {
    // A variable of Terraform. It only counts if nothing else names a state.
    const address = io.env.TF_HTTP_ADDRESS;
    if (address && !isUrl(address))
      throw usage(
        'TF_HTTP_ADDRESS is not a URL; its value is not repeated',
        'write it as https://host/path; for a state in a file: --state FILE',
      );
    if (address) return address;
    // Beside the named config, where a pull request cannot write. A state in the working directory may be forged.
    return loaded.named && loaded.path !== undefined
      ? relativeToConfig(loaded.path, DEFAULT_STATE)
      : DEFAULT_STATE;
  }
  // A path in the config is relative to the config, so that the command works from every directory.
  const location =
    isUrl(config.state) || loaded.path === undefined
      ? config.state
      : relativeToConfig(loaded.path, config.state);
  const found = foundConfig(context);
  const problem = found && foundStateProblem(found);
  if (problem) throw new Failure('refused', problem);
  if (found && io.env.TF_HTTP_ADDRESS) throw new Failure('refused', stateConflict(found.path, location));
  return location;
}

/**
 * Opens the state. The backend refuses to read or lock a state that was migrated, or that fails its checks. Each of these wraps
 * the one below, and a call passes them from top to bottom:
 *
 * 1. `faultCheckedBackend`: checks the state, and remembers what it has seen.
 * 2. `unmigratedBackend`: refuses a state that was migrated.
 * 3. `noteLockId`, for a URL: prints the ID of a lock that never expires.
 * 4. `announcingWait`: says that it waits for the lock of another run.
 * 5. `stoppableBackend`: a stop ends the wait for a server.
 * 6. `refusingSecrets` (`state/open-url.ts`), for a URL: refuses a state that contains a known secret.
 * 7. The backend of the location (`state/open-backend.ts`). Its `lock` returns a `StateLease`.
 *
 * `openUncheckedState` is 3 to 7.
 */
export async function openState(context: Context, use: StateUse): Promise<Backend> {
  return faultCheckedBackend(context, unmigratedBackend(await openUncheckedState(context, use)), use);
}

/** Opens the state without these checks, for the commands that show or repair it. */
export async function openUncheckedState(context: Context, use: StateUse): Promise<Backend> {
  const { io, flags } = context;
  const location = stateLocation(context);
  refuseSecondState(context, location);
  if (use === 'write') refuseEphemeralState(io, location, flags.state !== undefined);
  return await openLocation(context, location);
}

/** A config that was only found must not replace a state that exists at the default location. */
function refuseSecondState(context: Context, location: string): void {
  const { io } = context;
  const found = foundConfig(context);
  if (found?.config.state === undefined || namedState(context) !== undefined) return;
  const usual = absolute(io, DEFAULT_STATE);
  if (absolute(io, location) !== usual && lstatSync(usual, { throwIfNoEntry: false }))
    throw new Failure('refused', secondState(found.path, location, DEFAULT_STATE));
}

export async function openLocation(context: Context, location: string): Promise<Backend> {
  const { io, config, checkouts } = context;
  if (isUrl(location)) {
    await refuseUnsafeFiles(io, location);
    await addCredentials(context);
  } else await refuseLinkedState(io, location, checkouts);
  const opened = await openBackend(location, {
    clock: systemClock,
    newId: randomUUID,
    settleMs: config.retry.settle_ms,
    env: io.env,
    secrets: io.secrets,
    onNote: (setting) => noteOnce(io, setting),
  });
  const backend = announcingWait(stoppableBackend(opened, io.stop), ({ diagnostics: [refusal] }, waitMs) => {
    const summary = `waiting up to ${formatDuration(waitMs)}: ${refusal?.summary ?? 'the state is locked'}`;
    showDiagnostics(io, [note('lock-waits', summary, refusal?.detail ? { detail: refusal.detail } : {})]);
  });
  return isUrl(location) ? mapLease(backend, (lease) => noteLockId(io, lease)) : backend;
}

/** A lock that never expires outlives a killed process. Some servers do not show its ID, so the log must have it. */
function noteLockId(io: Io, lease: Lease): Lease {
  if (lease.lock.ttlMs === Number.POSITIVE_INFINITY)
    showDiagnostics(io, [
      note('lock-never-expires', `the state is locked for this run by lock ${lease.lock.info.id}`, {
        remedy: `if it is killed: vbsctl unlock ${shellOperand(lease.lock.info.id)}`,
      }),
    ]);
  return lease;
}
