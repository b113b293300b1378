import type { Diagnostic } from '../domain/diagnostic.ts';
import type { Driver } from '../drivers/driver.ts';
import { VERSION } from '../version.ts';
import type { CommonFlags } from './flags.ts';
import type { Io } from './io.ts';
import { absolute, type Settings } from './setup.ts';
import { showDiagnostics } from './show.ts';
import { systemClock } from './system.ts';

/** The way to the cloud that flags, config and environment name. */
export interface Connection {
  readonly driver: Driver;
  /** Lets go of what was opened for it; the in-process emulator, if any, ends. */
  close(): Promise<void>;
}

/** `--cloud emulator`: a cloud inside this command, its world kept in a file so that the next command finds it again. */
export const EMULATOR_CLOUD = 'emulator';
export const EMULATOR_WORLD = '.vbsctl/emulator.json';

export async function connectCloud(io: Io, flags: CommonFlags, given: Settings): Promise<Connection> {
  const name = flags.cloud ?? given.config.cloud;
  if (name === EMULATOR_CLOUD) return connectEmulator(io, given);
  const { connect } = await import('../drivers/connect.ts');
  const driver = await connect({ ...connectOptions(io, given), cloudName: name });
  return { driver, close: async () => {} };
}

async function connectEmulator(io: Io, given: Settings): Promise<Connection> {
  const [{ connect }, { startEmulator }] = await Promise.all([
    import('../drivers/connect.ts'),
    import('../emulator/index.ts'),
  ]);
  const emulator = await startEmulator({ worldFile: absolute(io, EMULATOR_WORLD) });
  try {
    const driver = await connect({
      ...connectOptions(io, given),
      env: emulator.env(),
      // Its port is another one each time; the world is what a state is bound to.
      boundTo: `emulator:${emulator.worldId}`,
    });
    return { driver, close: () => emulator.close() };
  } catch (cause) {
    await emulator.close();
    throw cause;
  }
}

function connectOptions(io: Io, { config, named }: Settings) {
  return {
    env: io.env,
    ...(named ? {} : { cwd: io.cwd }),
    home: io.home,
    api: config.api,
    onNote: (note: Diagnostic) => showDiagnostics(io, [note]),
    http: config.http,
    retry: config.retry,
    requestsPerSecond: config.apply.requests_per_second,
    clock: systemClock,
    stop: io.stop,
    random: Math.random,
    version: VERSION,
  };
}
