import { randomUUID } from 'node:crypto';
import { resolve as resolvePath } from 'node:path';
import type { Config } from '../domain/config.ts';
import { type Diagnostic, error, hasErrors } from '../domain/diagnostic.ts';
import { Failure } from '../domain/errors.ts';
import type { Waiver } from '../domain/policy.ts';
import { optional } from '../domain/record.ts';
import type { ManifestFile, RestoreSpec } from '../domain/spec.ts';
import type { Actor, State } from '../domain/state.ts';
import { describeTarget, sameTarget, type Target } from '../domain/target.ts';
import {
  besideConfig,
  type ConfigSearch,
  type LoadedConfig,
  type LoadIo,
  loadConfig,
  loadManifests,
  manifestPaths,
} from '../manifest/index.ts';
import type { Backend } from '../state/backend.ts';
import { openBackend } from '../state/open-backend.ts';
import { VERSION } from '../version.ts';
import type { CommonFlags, ManifestFlags } from './flags.ts';
import type { Io } from './io.ts';
import { showDiagnostics } from './show.ts';
import { systemClock } from './system.ts';

/** What most commands need before they begin: settings, manifests, state. */

export interface Settings {
  readonly config: Config;
  readonly loaded: LoadedConfig;
  /** The config was named by `--config` or `VBSCTL_CONFIG`: it, and not what lies in the working directory, is trusted. */
  readonly named: boolean;
}

export async function settings(io: Io, flags: ManifestFlags): Promise<Settings> {
  const search = configSearch(io, flags);
  const loaded = await loadConfig(search, loadIo(io));
  refuseErrors(io, loaded.diagnostics);
  return { config: loaded.config, loaded, named: (search.flag ?? search.environment) !== undefined };
}

export async function manifests(
  io: Io,
  flags: ManifestFlags,
  { loaded }: Settings,
): Promise<{ specs: readonly RestoreSpec[]; files: readonly ManifestFile[] }> {
  const paths = await manifestPaths(flags.filename ?? [], loaded, loadIo(io));
  const { specs, files, diagnostics } = await loadManifests(paths, loadIo(io));
  refuseErrors(io, diagnostics);
  return { specs, files };
}

export function configSearch(io: Io, flags: ManifestFlags): ConfigSearch {
  return {
    ...optional('flag', flags.config),
    ...optional('environment', io.env.VBSCTL_CONFIG || undefined),
    manifests: flags.filename ?? [],
  };
}

export function loadIo(io: Io): LoadIo {
  return { cwd: io.cwd, stdin: io.stdin.bytes };
}

/** Errors end the command, all of them at once; warnings and notes are shown and it goes on. */
function refuseErrors(io: Io, diagnostics: readonly Diagnostic[]): void {
  if (hasErrors(diagnostics)) throw new Failure('invalid', diagnostics);
  showDiagnostics(io, diagnostics);
}

export const DEFAULT_STATE = 'vbsctl.state.json';

export function stateLocation(
  io: Io,
  flags: CommonFlags,
  { config, loaded, named: isNamed }: Settings,
): string {
  const named = flags.state ?? (io.env.VBSCTL_STATE || undefined);
  if (named !== undefined) return named;
  if (config.state === undefined)
    // Beside a config that is named, out of a pull request's reach: what it finds here may be forged.
    return isNamed && loaded.path !== undefined ? besideConfig(loaded.path, DEFAULT_STATE) : DEFAULT_STATE;
  // A path in a file is relative to that file, so that the command works from every directory.
  const isUrl = /^[a-z][a-z0-9+.-]*:\/\//i.test(config.state);
  return isUrl || loaded.path === undefined ? config.state : besideConfig(loaded.path, config.state);
}

export function backend(io: Io, flags: CommonFlags, given: Settings): Promise<Backend> {
  return openBackend(stateLocation(io, flags, given), { clock: systemClock, newId: randomUUID });
}

/** `more`: what else of the run belongs into the history. */
export function actor(
  io: Io,
  operation: string,
  more: { readonly plan_digest?: string; readonly waivers?: readonly Waiver[] } = {},
): Actor {
  const { plan_digest, waivers = [] } = more;
  return {
    who: io.who,
    operation,
    version: VERSION,
    ...optional('plan_digest', plan_digest),
    ...optional('waivers', waivers.length > 0 ? waivers : undefined),
  };
}

export function refuseOtherTarget(state: State, target: Target): void {
  if (sameTarget(state.target, target)) return;
  throw new Failure(
    'refused',
    error('other-target', 'the state belongs to another cloud project than the credentials', {
      detail: `The state: ${describeTarget(state.target)}\nThe credentials: ${describeTarget(target)}`,
      remedy: 'use the credentials of the state’s project, or another state: --state FILE',
    }),
  );
}

/** Restores that `--target` names must be declared. */
export function refuseUnknownAddresses(addresses: readonly string[], specs: readonly RestoreSpec[]): void {
  const known = new Set(specs.map((spec) => spec.address));
  const unknown = addresses.filter((address) => !known.has(address));
  if (unknown.length === 0) return;
  throw new Failure(
    'usage',
    unknown.map((address) =>
      error('unknown-target', `no restore is declared as ${address}`, {
        detail: `Declared: ${[...known].slice(0, 20).join(', ')}${known.size > 20 ? ', …' : ''}`,
        remedy: 'give --target as set/name',
      }),
    ),
  );
}

export function absolute(io: Io, path: string): string {
  return resolvePath(io.cwd, path);
}
