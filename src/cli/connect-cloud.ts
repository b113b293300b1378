import type { Connection } from '../app/ports.ts';
import { ADD_EMULATOR } from '../app/refusals.ts';
import { EMULATOR_AUTH_URL, isEmulator } from '../domain/cloud-project.ts';
import { Failure } from '../domain/errors.ts';
import { optional } from '../domain/optional.ts';
import { isUrl } from '../domain/shown-location.ts';
import type { ConnectOptions } from '../drivers/connect.ts';
import { VERSION } from '../version.ts';
import { emulatorWorld, unusableWorld } from './emulator-world.ts';
import { ephemeralHost } from './ephemeral-host.ts';
import { cloudConflict } from './found-config.ts';
import type { Io } from './io.ts';
import { refuseUnsafeFiles } from './library-files.ts';
import type { CommonFlags } from './options/shared.ts';
import { noteOnce, showDiagnostics } from './print.ts';
import { foundConfig, openLocation, type Settings, stateLocation } from './setup.ts';
import { systemClock } from './system.ts';

/** `--cloud emulator`: a cloud inside this command, its world kept in a file so that the next command finds it again. */
export const EMULATOR_CLOUD = 'emulator';

export async function connectCloud(io: Io, flags: CommonFlags, settings: Settings): Promise<Connection> {
  const [{ openCloud, skewWarning }, cloud] = await Promise.all([
    import('../drivers/connect.ts'),
    cloudOptions(io, flags, settings),
  ]);
  try {
    const { driver, endsAtMs, cloudClock } = await openCloud(cloud.options);
    const skew = skewWarning(cloudClock);
    if (skew) showDiagnostics(io, [skew]);
    return { driver, ...optional('endsAtMs', endsAtMs), close: cloud.close };
  } catch (cause) {
    await cloud.close();
    throw (await emulatorHint(io, flags, settings, cause)) ?? cause;
  }
}

/**
 * Who named no cloud, and has a state that `--cloud emulator` began, has most likely left it out. A hint and no more:
 * what a state says never chooses where credentials go.
 */
async function emulatorHint(
  io: Io,
  flags: CommonFlags,
  settings: Settings,
  cause: unknown,
): Promise<Failure | undefined> {
  if (!(cause instanceof Failure) || !cause.diagnostics.some(({ code }) => code === 'no-cloud'))
    return undefined;
  // What is wrong with the state is told by commands that need it.
  const found = await readLocalState(io, flags, settings).catch(() => undefined);
  if (!found?.state || !isEmulator(found.state.target)) return undefined;
  return Failure.of(
    'invalid',
    'no-cloud',
    `no cloud is named, and the state ${found.location} belongs to the built-in emulator`,
    {
      remedy: ADD_EMULATOR,
    },
  );
}

async function readLocalState(io: Io, flags: CommonFlags, settings: Settings) {
  const location = stateLocation(io, flags, settings);
  if (isUrl(location)) return undefined;
  return { location, state: await (await openLocation(io, location, settings)).read() };
}

/**
 * Whether the working directory may say how to reach a cloud (clouds.yaml): not where its writer may be a stranger, in
 * a pipeline, and not where an operator keeps the config elsewhere.
 */
export function trustsCwd({ env }: Pick<Io, 'env'>, { loaded }: Settings): boolean {
  return !loaded.named && ephemeralHost(env) === undefined;
}

/** The environment is the user's, a config that was merely found is not. */
async function refuseConflict(io: Io, settings: Settings): Promise<void> {
  const found = foundConfig(io, settings);
  const cloud = found?.config.cloud;
  if (!found || cloud === undefined || io.env.OS_CLOUD === cloud) return;
  const { cloudOfEnvironment } = await import('../drivers/auth/sources.ts');
  const other = cloudOfEnvironment(io.env);
  if (other !== undefined) throw new Failure('refused', cloudConflict(found.path, cloud, other));
}

/** What a cloud is opened with, and what has to be closed afterwards. */
export interface CloudOptions {
  readonly options: ConnectOptions;
  close(): Promise<void>;
}

export async function cloudOptions(io: Io, flags: CommonFlags, settings: Settings): Promise<CloudOptions> {
  const { config, loaded } = settings;
  const name = flags.cloud ?? config.cloud;
  if (flags.cloud === undefined) await refuseConflict(io, settings);
  const options: ConnectOptions = {
    cloudName: name,
    cloudNamedBy: flags.cloud === undefined ? `cloud of ${loaded.path ?? 'the config'}` : '--cloud',
    env: io.env,
    secrets: io.secrets,
    cwd: io.cwd,
    readsCwd: trustsCwd(io, settings),
    home: io.home,
    api: config.api,
    onNote: (note) => noteOnce(io, note),
    http: config.http,
    retry: config.retry,
    requestsPerSecond: config.apply.requests_per_second,
    clock: systemClock,
    stop: io.stop,
    random: Math.random,
    version: VERSION,
  };
  if (name !== EMULATOR_CLOUD) {
    await refuseUnsafeFiles(io);
    return { options, close: async () => {} };
  }
  const { startEmulator } = await import('../emulator/index.ts');
  const worldFile = emulatorWorld(io);
  const emulator = await startEmulator({ worldFile, signal: io.stop }).catch((cause: unknown) => {
    throw unusableWorld(cause, 'name another directory for it: XDG_STATE_HOME');
  });
  return {
    options: {
      ...options,
      cloudName: undefined,
      env: emulator.env(),
      envOf: 'the built-in emulator',
      // Its port is another one each time; the world is what a state is bound to.
      boundTo: `${EMULATOR_AUTH_URL}${emulator.worldId}`,
    },
    close: () => emulator.close(),
  };
}
