import { randomUUID } from 'node:crypto';
import { existsSync } from 'node:fs';
import { dirname } from 'node:path';
import type { LockRequest } from '../app/ports.ts';
import type { Config } from '../domain/config.ts';
import { type Diagnostic, hasErrors, note } from '../domain/diagnostic.ts';
import { formatDuration } from '../domain/duration.ts';
import { Failure, usage } from '../domain/errors.ts';
import { shellOperand } from '../domain/escape/shell-word.ts';
import { optional } from '../domain/optional.ts';
import { isUrl } from '../domain/shown-location.ts';
import type { ManifestFile, RestoreSpec } from '../domain/spec.ts';
import type { Actor } from '../domain/state.ts';
import type { CloudFiles } from '../drivers/auth/cloud-files.ts';
import type { Checkouts } from '../files/checkout.ts';
import { refuseContent } from '../files/refuse-content.ts';
import {
  type ConfigSearch,
  checkoutsOf,
  type LoadedConfig,
  loadConfig,
  relativeToConfig,
} from '../manifest/config-file.ts';
import { manifestPaths } from '../manifest/default-paths.ts';
import { FOUND_LIMIT } from '../manifest/found-limits.ts';
import type { LoadIo } from '../manifest/load.ts';
import { loadManifests } from '../manifest/manifests.ts';
import { WRONG_VERSION } from '../manifest/required-version.ts';
import type { Backend, Lease } from '../state/backend.ts';
import { announcingWait, mapLease, stoppableBackend } from '../state/backend-decorators.ts';
import { unmigratedBackend } from '../state/migrated-state.ts';
import { openBackend } from '../state/open-backend.ts';
import { VERSION } from '../version.ts';
import { addCredentials, cloudFilesReader } from './cloud-settings.ts';
import { ephemeralHost, refuseEphemeralState } from './ephemeral-host.ts';
import {
  type FoundConfig,
  foundStateProblem,
  namedInCheckout,
  notNamed,
  pipelineProblems,
  secondState,
  stateConflict,
} from './found-config.ts';
import { gitCommit } from './git-commit.ts';
import type { Io } from './io.ts';
import { refuseUnsafeFiles } from './library-files.ts';
import type { ManifestFlags } from './options/shared.ts';
import { noteOnce, showDiagnostics } from './print.ts';
import { faultCheckedBackend, type StateUse } from './state-check.ts';
import { systemClock } from './system.ts';
import { absolute, isInCheckout, refuseLinkedState } from './user-paths.ts';

/** What most commands need before they begin: context, manifests, state. */

/** The process, the options and the config of one command. */
export interface Context {
  readonly io: Io;
  readonly flags: ManifestFlags;
  readonly config: Config;
  readonly loaded: LoadedConfig;
  /** Directories that a pull request may write to. */
  readonly checkouts: Checkouts;
  /** Reads clouds.yaml and its companions, if they have not been read yet. */
  readonly cloudFiles: () => Promise<CloudFiles>;
}

export async function loadContext(io: Io, flags: ManifestFlags): Promise<Context> {
  const loaded = await loadConfig(configSearch(io, flags), loadIo(io));
  if (loaded.diagnostics.some(({ code }) => code === WRONG_VERSION || code === FOUND_LIMIT))
    throw new Failure('refused', loaded.diagnostics);
  refuseErrors(io, loaded.diagnostics);
  const context = {
    io,
    flags,
    config: loaded.config,
    loaded,
    checkouts: checkoutsOf(loaded, io),
    cloudFiles: cloudFilesReader({ io, loaded }),
  };
  await checkInPipeline(context);
  return context;
}

/**
 * In a pipeline, a config that was only found may choose neither the cloud nor a remote state. Warns of a config that a
 * pull request could change.
 */
async function checkInPipeline(context: Context): Promise<void> {
  const { io, flags, loaded } = context;
  const { named, path } = loaded;
  const host = ephemeralHost(io.env);
  if (host === undefined) return;
  if (named) {
    if (path !== undefined && (await isInCheckout(io, path))) noteOnce(io, namedInCheckout(path, host));
    return;
  }
  const found = foundConfig(context);
  const isNamed = { cloud: flags.cloud !== undefined, state: namedState(context) !== undefined };
  const problems = found ? pipelineProblems(found, host, isNamed) : [];
  if (problems.length > 0) throw new Failure('refused', problems);
  showDiagnostics(io, [notNamed(path, host)]);
}

/** The config, if it was only found: neither --config nor VBSCTL_CONFIG names it. */
export function foundConfig({ io, loaded }: Context): FoundConfig | undefined {
  const { path, named, config } = loaded;
  return named || path === undefined ? undefined : { path, config, cwd: io.cwd };
}

function namedState({ io, flags }: Context): string | undefined {
  return flags.state ?? (io.env.VBSCTL_STATE || undefined);
}

export async function manifests({
  io,
  flags,
  loaded,
}: Context): Promise<{ specs: readonly RestoreSpec[]; files: readonly ManifestFile[] }> {
  const paths = await manifestPaths(flags.filename ?? [], loaded, loadIo(io));
  const { specs, files, diagnostics } = await loadManifests(paths, loadIo(io));
  refuseErrors(io, diagnostics);
  return { specs, files };
}

export function configSearch(io: Io, flags: ManifestFlags): ConfigSearch {
  const environment = flags.config === undefined ? io.env.VBSCTL_CONFIG || undefined : undefined;
  if (environment !== undefined) refuseContent('VBSCTL_CONFIG', environment, io.cwd);
  return {
    ...optional('flag', flags.config),
    ...optional('environment', environment),
    manifests: flags.filename ?? [],
  };
}

export function loadIo(io: Io): LoadIo {
  return {
    cwd: io.cwd,
    // Node opens it when it is first asked for.
    get stdin() {
      return io.stdin.bytes;
    },
    version: VERSION,
    signal: io.stop,
  };
}

/** Errors end the command, with all diagnostics. Warnings and notes are only shown. */
function refuseErrors(io: Io, diagnostics: readonly Diagnostic[]): void {
  if (hasErrors(diagnostics)) throw new Failure('invalid', diagnostics);
  showDiagnostics(io, diagnostics);
}

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

/** Opens the state. The backend refuses to read or lock a state that was migrated, or that fails its checks. */
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
  if (absolute(io, location) !== usual && existsSync(usual))
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

/** `more`: what else the history records of the run. */
export function lockRequest(
  { who }: Io,
  operation: string,
  { lockTimeout }: { readonly lockTimeout: number },
  { waivers = [], ...more }: Partial<Pick<Actor, 'git_commit' | 'plan_digest' | 'waivers'>> = {},
): LockRequest {
  const waived = optional('waivers', waivers.length > 0 ? waivers : undefined);
  return { actor: { who, operation, version: VERSION, ...more, ...waived }, lockTimeoutMs: lockTimeout };
}

/** The commit of the manifests, for the history; empty if it cannot be found. */
export async function commitOf(
  io: Io,
  files: readonly Pick<ManifestFile, 'path'>[],
): Promise<Pick<Actor, 'git_commit'>> {
  const path = files.find((file) => file.path !== '-')?.path ?? '.';
  return optional('git_commit', await gitCommit(io, dirname(absolute(io, path))));
}
