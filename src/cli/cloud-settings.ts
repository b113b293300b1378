import { Failure } from '../domain/errors.ts';
import type { CloudFiles } from '../drivers/auth/cloud-files.ts';
import type { SettingsOptions } from '../drivers/auth/credentials.ts';
import { proxySecrets } from '../network/proxy.ts';
import type { Context } from './context.ts';
import { ephemeralHost } from './ephemeral-host.ts';

/** `--cloud emulator`: a cloud in this process. A file keeps its volumes for the next command. */
export const EMULATOR_CLOUD = 'emulator';

/** Where the settings of the cloud are looked for. */
export function settingsOptions({ io, flags, config, loaded, cloudFiles }: Context): SettingsOptions {
  return {
    cloudName: flags.cloud ?? config.cloud,
    cloudNamedBy: flags.cloud === undefined ? `cloud of ${loaded.path ?? 'the config'}` : '--cloud',
    env: io.env,
    files: cloudFiles,
  };
}

/** Reads clouds.yaml and its companions at most once, because one of them may be a pipe. */
export function cloudFilesReader({ io, loaded }: Pick<Context, 'io' | 'loaded'>): () => Promise<CloudFiles> {
  let files: Promise<CloudFiles> | undefined;
  const read = async () => {
    const { readCloudFiles } = await import('../drivers/auth/cloud-files.ts');
    // Not clouds.yaml in the working directory in a pipeline, where a pull request may have written it, and not if the
    // operator keeps the config elsewhere.
    const readsCwd = !loaded.named && ephemeralHost(io.env) === undefined;
    return readCloudFiles({ env: io.env, cwd: io.cwd, home: io.home, readsCwd, signal: io.stop });
  };
  return () => {
    files ??= read();
    return files;
  };
}

/**
 * Adds the credentials of the cloud to the known secrets before a state of a server is read, so that a state that repeats
 * one is refused by every command, whether it connects later or never.
 */
export async function addCredentials(context: Context): Promise<void> {
  const { io } = context;
  const options = settingsOptions(context);
  io.secrets.add(...proxySecrets(io.env));
  if (options.cloudName === EMULATOR_CLOUD) return;
  const { readCredentials } = await import('../drivers/auth/credentials.ts');
  try {
    io.secrets.add(...(await readCredentials(options)));
  } catch (cause) {
    // A command that connects reports it.
    if (!(cause instanceof Failure)) throw cause;
  }
}
