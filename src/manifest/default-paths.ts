import { resolve } from 'node:path';
import { error } from '../domain/diagnostic.ts';
import { Failure } from '../domain/errors.ts';
import { besideConfig, exists, type LoadedConfig } from './config-file.ts';
import type { LoadIo } from './load.ts';

const DEFAULT_FILE = 'restores.yaml';
const DEFAULT_DIRECTORY = 'restores/';

/**
 * Which manifests are meant: those named (`-f`), else `manifests:` of the config (relative to its file), else
 * `restores.yaml`, else `restores/`. Throws a Failure (`usage`) that says what was looked for.
 */
export async function manifestPaths(
  named: readonly string[],
  { config, path }: Pick<LoadedConfig, 'config' | 'path'>,
  io: Pick<LoadIo, 'cwd'>,
): Promise<readonly string[]> {
  if (named.length > 0) return named;
  if (path !== undefined && config.manifests.length > 0)
    return config.manifests.map((manifest) => besideConfig(path, manifest));
  for (const candidate of [DEFAULT_FILE, DEFAULT_DIRECTORY])
    if (await exists(resolve(io.cwd, candidate))) return [candidate];
  throw new Failure(
    'usage',
    error('no-manifests', `there is neither ${DEFAULT_FILE} nor ${DEFAULT_DIRECTORY} here`, {
      detail:
        path === undefined
          ? `Looked in ${io.cwd}; there is no config.`
          : `Looked in ${io.cwd}; ${path} names no manifests.`,
      remedy: 'name a manifest: vbsctl plan -f FILE, or list it under manifests: in vbsctl.yaml',
    }),
  );
}
