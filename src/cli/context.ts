import type { Config } from '../domain/config.ts';
import { type Diagnostic, hasErrors } from '../domain/diagnostic.ts';
import { Failure } from '../domain/errors.ts';
import { optional } from '../domain/optional.ts';
import type { ManifestFile, RestoreSpec } from '../domain/spec.ts';
import type { Checkouts } from '../files/checkout.ts';
import { refuseContent } from '../files/refuse-content.ts';
import { type ConfigSearch, checkoutsOf, type LoadedConfig, loadConfig } from '../manifest/config-file.ts';
import { manifestPaths } from '../manifest/default-paths.ts';
import { FOUND_LIMIT } from '../manifest/found-limits.ts';
import type { LoadIo } from '../manifest/load.ts';
import { loadManifests } from '../manifest/manifests.ts';
import { WRONG_VERSION } from '../manifest/required-version.ts';
import { VERSION } from '../version.ts';
import { type CloudFilesReader, cloudFilesReader } from './cloud-settings.ts';
import { ephemeralHost } from './ephemeral-host.ts';
import {
  cloudFileInCheckout,
  type FoundConfig,
  namedInCheckout,
  notNamed,
  pipelineProblems,
} from './found-config.ts';
import type { Io } from './io.ts';
import type { ManifestFlags } from './options/shared.ts';
import { noteOnce, showDiagnostics } from './print.ts';
import { isInCheckout } from './user-paths.ts';

/** The process, the options and the config of one command. */
export interface Context {
  readonly io: Io;
  readonly flags: ManifestFlags;
  readonly config: Config;
  readonly loaded: LoadedConfig;
  /** Directories that a pull request may write to. */
  readonly checkouts: Checkouts;
  readonly cloudFiles: CloudFilesReader;
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
  for (const variable of ['OS_CLIENT_CONFIG_FILE', 'OS_CLIENT_SECURE_FILE']) {
    const file = io.env[variable];
    if (file && (await isInCheckout(io, file))) noteOnce(io, cloudFileInCheckout(variable, file, host));
  }
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

/** The state that `--state`, else VBSCTL_STATE names. */
export function namedState({ io, flags }: Context): string | undefined {
  return flags.state ?? (io.env.VBSCTL_STATE || undefined);
}

export async function readManifests({
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
