import type { Connection } from '../app/ports.ts';
import { ADD_EMULATOR } from '../app/refusals.ts';
import { EMULATOR_AUTH_URL, isEmulator } from '../domain/cloud-project.ts';
import { note } from '../domain/diagnostic.ts';
import { Failure } from '../domain/errors.ts';
import { optional } from '../domain/optional.ts';
import { isUrl } from '../domain/shown-location.ts';
import type { ConnectOptions } from '../drivers/connect.ts';
import { VERSION } from '../version.ts';
import { EMULATOR_CLOUD, settingsOptions } from './cloud-settings.ts';
import { type Context, foundConfig } from './context.ts';
import { emulatorWorld, unusableWorld } from './emulator-world.ts';
import { cloudConflict } from './found-config.ts';
import { refuseUnsafeFiles } from './library-files.ts';
import { openLocation, stateLocation } from './open-state.ts';
import { noteOnce, showDiagnostics } from './print.ts';
import { systemClock } from './system.ts';

export async function connectCloud(context: Context): Promise<Connection> {
  const [{ openCloud, skewWarning }, cloud] = await Promise.all([
    import('../drivers/connect.ts'),
    cloudOptions(context),
  ]);
  try {
    const { driver, expiresAtMs, cloudClock } = await openCloud(cloud.options);
    const skew = skewWarning(cloudClock);
    if (skew) showDiagnostics(context.io, [skew]);
    return { driver, ...optional('expiresAtMs', expiresAtMs), close: cloud.close };
  } catch (cause) {
    await cloud.close();
    throw (await emulatorHint(context, cause)) ?? cause;
  }
}

/**
 * If no cloud is named and the state belongs to the emulator, the user has most likely forgotten `--cloud emulator`. It is
 * only a hint, because the content of a state must not choose where credentials go.
 */
async function emulatorHint(context: Context, cause: unknown): Promise<Failure | undefined> {
  if (!(cause instanceof Failure) || !cause.diagnostics.some(({ code }) => code === 'no-cloud'))
    return undefined;
  const location = stateLocation(context);
  if (isUrl(location)) return undefined;
  // Commands that need the state report what is wrong with it.
  const state = await openLocation(context, location)
    .then((backend) => backend.read())
    .catch(() => undefined);
  if (!state || !isEmulator(state.target)) return undefined;
  return Failure.of(
    'invalid',
    'no-cloud',
    `no cloud is named, and the state ${location} belongs to the built-in emulator`,
    { remedy: ADD_EMULATOR },
  );
}

/** The user has set the environment, but not a config that was only found. */
async function refuseConflict(context: Context): Promise<void> {
  const { env } = context.io;
  const found = foundConfig(context);
  const cloud = found?.config.cloud;
  if (!found || cloud === undefined || env.OS_CLOUD === cloud) return;
  const { cloudOfEnvironment } = await import('../drivers/auth/sources.ts');
  const other = cloudOfEnvironment(env);
  if (other !== undefined) throw new Failure('refused', cloudConflict(found.path, cloud, other));
}

export interface CloudOptions {
  readonly options: ConnectOptions;
  /** Ends the emulator, if there is one. */
  close(): Promise<void>;
}

export async function cloudOptions(context: Context): Promise<CloudOptions> {
  const { io, flags, config } = context;
  if (flags.cloud === undefined) await refuseConflict(context);
  const options: ConnectOptions = {
    ...settingsOptions(context),
    secrets: io.secrets,
    cwd: io.cwd,
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
  if (options.cloudName !== EMULATOR_CLOUD) {
    await refuseUnsafeFiles(io);
    return { options, close: async () => {} };
  }
  // A pull request may have put it in place of the user's cloud, and the run would succeed.
  const found = flags.cloud === undefined ? foundConfig(context) : undefined;
  if (found)
    noteOnce(
      io,
      note(
        'emulator-chosen',
        `${found.path} chooses the built-in emulator: no disk of a real cloud is restored`,
        {
          remedy: 'to use your cloud: --cloud NAME',
        },
      ),
    );
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
      envOwner: 'the built-in emulator',
      // Its port differs each time, so a state is bound to the ID of its world.
      targetAuthUrl: `${EMULATOR_AUTH_URL}${emulator.worldId}`,
    },
    close: () => emulator.close(),
  };
}
