import { Failure } from '../domain/errors.ts';
import type { CloudFile, CloudFiles, UserFiles } from '../drivers/auth/cloud-files.ts';
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
    files: cloudFiles.used,
  };
}

/** Reads clouds.yaml and its companions, each at most once, because one of them may be a pipe. */
export interface CloudFilesReader {
  /** Those of the user: nothing in the working directory changes what is read, or that it can be read. */
  readonly own: () => Promise<UserFiles>;
  /** Those that are used. */
  readonly used: () => Promise<CloudFiles>;
}

export function cloudFilesReader({ io, loaded }: Pick<Context, 'io' | 'loaded'>): CloudFilesReader {
  // Not clouds.yaml in the working directory in a pipeline, where a pull request may have written it, and not if the
  // operator keeps the config elsewhere.
  const readsCwd = !loaded.named && ephemeralHost(io.env) === undefined;
  const options = { env: io.env, cwd: io.cwd, home: io.home, readsCwd, signal: io.stop };
  const own = once(async () => {
    const { readUserFiles } = await import('../drivers/auth/cloud-files.ts');
    return readUserFiles(options);
  });
  const used = once(async () => {
    const { readCloudFiles } = await import('../drivers/auth/cloud-files.ts');
    return readCloudFiles(options, await own());
  });
  return { own, used };
}

function once<T>(read: () => Promise<T>): () => Promise<T> {
  let result: Promise<T> | undefined;
  return () => {
    result ??= read();
    return result;
  };
}

/**
 * Adds the credentials of the cloud to the known secrets before a state of a server is read, so that a state that repeats
 * one is refused by every command, whether it connects later or never. What the working directory holds cannot prevent it:
 * the secrets are taken from the variables and the user's own files even if others are used, or none can be.
 *
 * Throws a Failure if a file of the user cannot be read.
 */
export async function addCredentials({ io, flags, config, loaded, cloudFiles }: Context): Promise<void> {
  const { secretsOfFile, secretsOfVariables } = await import('../drivers/auth/credentials.ts');
  io.secrets.add(...proxySecrets(io.env), ...secretsOfVariables(io.env));
  // A config that was only found may name another cloud than the one in use.
  const named = [flags.cloud, io.env.OS_CLOUD, loaded.named ? config.cloud : undefined];
  const names = named.flatMap((name) => name || []);
  const add = (files: readonly (CloudFile | undefined)[]) => {
    for (const file of files) if (file) io.secrets.add(...secretsOfFile(file, names));
  };
  try {
    const { clouds, secure, vendors } = await cloudFiles.own();
    add([clouds, secure, vendors]);
  } catch (cause) {
    if (!(cause instanceof Failure)) throw cause;
    const needed = 'A state on a server that repeats a credential of this file would have to be refused.';
    throw new Failure(
      cause.kind,
      cause.diagnostics.map((each) => ({ detail: needed, ...each })),
      { cause },
    );
  }
  try {
    const { clouds, secure, checkout } = await cloudFiles.used();
    if (checkout !== undefined) add([clouds, secure]);
  } catch (cause) {
    // It is a file of the working directory, and a command that connects reports it.
    if (!(cause instanceof Failure)) throw cause;
  }
}
