import { resolve } from 'node:path';
import { Failure } from '../domain/errors.ts';
import { shellPath } from '../domain/escape/shell-word.ts';
import { isContent, LeadsOutError, locate } from '../files/checkout.ts';
import { checkoutsOf, type LoadedConfig, relativeToConfig } from './config-file.ts';
import { exists } from './find-configs.ts';
import { DEFAULT_MANIFESTS, type LoadIo, STDIN } from './load.ts';

/**
 * The manifests to load: those named with `-f`; otherwise `manifests:` of the config (relative to its file),
 * `restores.yaml` or `restores/`. Throws a Failure: `usage` if there are none, `refused` if a found config names files
 * outside of the checkout.
 */
export async function manifestPaths(
  named: readonly string[],
  loaded: Pick<LoadedConfig, 'config' | 'path' | 'named'>,
  io: Pick<LoadIo, 'cwd'>,
): Promise<readonly string[]> {
  const { config, path } = loaded;
  if (named.length > 0) return named;
  if (path !== undefined && config.manifests.length > 0) {
    // In a config, - is the name of a file. Only the command line can name standard input.
    const declared = config.manifests
      .map((manifest) => relativeToConfig(path, manifest))
      .map((manifest) => (manifest === STDIN ? `./${STDIN}` : manifest));
    if (!loaded.named) for (const each of declared) await assertInside(each, path, loaded, io);
    return declared;
  }
  for (const candidate of DEFAULT_MANIFESTS) if (await exists(resolve(io.cwd, candidate))) return [candidate];
  throw Failure.of('usage', 'no-manifests', `there is neither ${DEFAULT_MANIFESTS.join(' nor ')} here`, {
    detail:
      path === undefined
        ? `Looked in ${io.cwd}; there is no config.`
        : `Looked in ${io.cwd}; ${path} names no manifests.`,
    remedy: 'name a manifest: vbsctl plan -f FILE, or list it under manifests: in vbsctl.yaml',
  });
}

/** Messages quote manifests, so a pull request must not be able to list files of others. */
async function assertInside(
  manifest: string,
  configPath: string,
  loaded: Pick<LoadedConfig, 'path' | 'named'>,
  io: Pick<LoadIo, 'cwd'>,
): Promise<void> {
  const checkouts = checkoutsOf(loaded, io);
  const absolute = resolve(io.cwd, manifest);
  const leadsOut = await locate(absolute, checkouts).then(
    () => false,
    (cause: unknown) => cause instanceof LeadsOutError,
  );
  if (!leadsOut && checkouts.some((checkout) => isContent(absolute, checkout))) return;
  throw Failure.of(
    'refused',
    'manifest-outside',
    `this config lists a manifest outside of its directory: ${manifest}`,
    {
      detail: 'The config was found, and not named with --config, so a pull request may have written it.',
      remedy: `name the manifests yourself: -f FILE; or, if the config is yours, name it: --config ${shellPath(configPath)}`,
      where: { file: configPath },
    },
  );
}
