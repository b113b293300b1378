import { access, stat } from 'node:fs/promises';
import { dirname, isAbsolute, join, resolve } from 'node:path';
import { type Config, DEFAULT_CONFIG } from '../domain/config.ts';
import { type Diagnostic, error } from '../domain/diagnostic.ts';
import { checkConfig, toConfig } from './config.ts';
import { placeOf, readDocuments } from './documents.ts';
import { checkKind } from './kinds.ts';
import { LIMITS } from './limits.ts';
import { CONFIG_FILE, type LoadIo, loadTexts, STDIN } from './load.ts';
import { notRepeating } from './manifests.ts';
import type { SourceText } from './source.ts';

/** Where to look for the config, most binding first. */
export interface ConfigSearch {
  /** `--config` */
  readonly flag?: string;
  /** `VBSCTL_CONFIG`; empty counts as not set. */
  readonly environment?: string;
  /** The manifests named on the command line: `vbsctl.yaml` beside them, else in the current directory. */
  readonly manifests: readonly string[];
}

export interface LoadedConfig {
  /** DEFAULT_CONFIG where the file is silent or absent; usable only when `diagnostics` holds no error. */
  readonly config: Config;
  /** The file it came from; absent when there is none. Paths in it are relative to its directory. */
  readonly path?: string;
  readonly diagnostics: readonly Diagnostic[];
}

/** The operator's settings. What is wrong with them is told in the diagnostics; throws for bugs only. */
export async function loadConfig(search: ConfigSearch, io: LoadIo): Promise<LoadedConfig> {
  const named = search.flag ?? (search.environment || undefined);
  const found = named === undefined ? await besideManifests(search.manifests, io) : [named];
  const [path, other] = found;
  if (path === undefined) return { config: DEFAULT_CONFIG, diagnostics: [] };
  if (other !== undefined)
    return { config: DEFAULT_CONFIG, path, diagnostics: [severalConfigs(path, other)] };
  return { path, ...(await readConfig(path, named !== undefined, io)) };
}

/** A path written in the config: relative to its file. */
export function besideConfig(configPath: string, path: string): string {
  return isAbsolute(path) ? path : join(dirname(configPath), path);
}

async function readConfig(path: string, named: boolean, io: LoadIo): Promise<Omit<LoadedConfig, 'path'>> {
  if (named && (await isDirectory(resolve(io.cwd, path))))
    return {
      config: DEFAULT_CONFIG,
      diagnostics: [
        error('unreadable-file', `${path} is a directory, not a config`, {
          remedy: `name the file: --config ${join(path, CONFIG_FILE)}`,
          where: { file: path },
        }),
      ],
    };
  const { texts, diagnostics: unreadable } = await loadTexts([path], io);
  const diagnostics = [...unreadable];
  let config = DEFAULT_CONFIG;
  for (const { source } of texts) {
    const read = examine(source);
    diagnostics.push(...read.diagnostics);
    config = read.config;
  }
  return { config, diagnostics };
}

function examine(source: SourceText): Omit<LoadedConfig, 'path'> {
  const { documents, problems } = readDocuments(source, { values: LIMITS.values });
  const diagnostics = [...problems];
  const [document, second] = documents;
  if (second)
    diagnostics.push(
      error('several-documents', 'a config is one document, and here a second one begins', {
        remedy: 'keep one of them; put manifests into files of their own',
        where: placeOf(second, []),
      }),
    );
  if (!document) return { config: DEFAULT_CONFIG, diagnostics };
  const found = checkKind(document, 'Config');
  const isConfig = !found.some(({ code }) => code === 'wrong-kind' || code === 'unknown-kind');
  if (isConfig) found.push(...checkConfig(document));
  diagnostics.push(...notRepeating(found, problems));
  return { config: found.length === 0 ? toConfig(document) : DEFAULT_CONFIG, diagnostics };
}

/** The `vbsctl.yaml` files beside the manifests, each once; else the one in the current directory. */
async function besideManifests(manifests: readonly string[], io: LoadIo): Promise<readonly string[]> {
  const candidates: string[] = [];
  for (const path of manifests) {
    if (path === STDIN) continue;
    const directory = (await isDirectory(resolve(io.cwd, path))) ? path : dirname(path);
    candidates.push(join(directory, CONFIG_FILE));
  }
  const beside = await existing(candidates, io);
  return beside.length > 0 ? beside : await existing([CONFIG_FILE], io);
}

async function existing(candidates: readonly string[], io: LoadIo): Promise<readonly string[]> {
  const found = new Map<string, string>();
  for (const path of candidates) {
    const absolute = resolve(io.cwd, path);
    if (!found.has(absolute) && (await exists(absolute))) found.set(absolute, path);
  }
  return [...found.values()];
}

function severalConfigs(first: string, second: string): Diagnostic {
  return error('several-configs', `both ${first} and ${second} lie beside the manifests`, {
    remedy: `say which one counts: --config ${first}`,
    where: { file: second },
  });
}

export async function exists(path: string): Promise<boolean> {
  try {
    await access(path);
    return true;
  } catch {
    return false;
  }
}

async function isDirectory(path: string): Promise<boolean> {
  try {
    return (await stat(path)).isDirectory();
  } catch {
    return false;
  }
}
