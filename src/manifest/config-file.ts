import { access, realpath, stat } from 'node:fs/promises';
import { dirname, isAbsolute, join, resolve } from 'node:path';
import { type Config, DEFAULT_CONFIG, type Policy } from '../domain/config.ts';
import { type Diagnostic, error } from '../domain/diagnostic.ts';
import { type Loosening, tighten } from '../domain/policy.ts';
import { checkConfig, toConfig, writtenPolicy } from './config.ts';
import { placeOf, readDocuments } from './documents.ts';
import { checkKind } from './kinds.ts';
import { wholeAllowance } from './limits.ts';
import { CONFIG_FILE, type LoadIo, loadTexts, STDIN } from './load.ts';
import { notRepeating } from './manifests.ts';
import { wrongVersion } from './required-version.ts';
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

/**
 * The operator's settings. One that is named wins: a `vbsctl.yaml` beside the manifests then lies within a pull
 * request's reach, and can only tighten the policy. What is wrong or ignored is told in the diagnostics; throws
 * for bugs only.
 */
export async function loadConfig(search: ConfigSearch, io: LoadIo): Promise<LoadedConfig> {
  const named = search.flag ?? (search.environment || undefined);
  if (named !== undefined) return tightened(named, await readConfig(named, true, io), search, io);
  const [path, other] = await besideManifests(search.manifests, io);
  if (path === undefined) return { config: DEFAULT_CONFIG, diagnostics: [] };
  if (other !== undefined)
    return { config: DEFAULT_CONFIG, path, diagnostics: [severalConfigs(path, other)] };
  const { config, diagnostics } = await readConfig(path, false, io);
  return { path, config, diagnostics };
}

async function tightened(
  path: string,
  operator: ReadConfig,
  { manifests }: ConfigSearch,
  io: LoadIo,
): Promise<LoadedConfig> {
  if (!operator.written) return { path, config: operator.config, diagnostics: operator.diagnostics };
  const declared = operator.config.manifests.map((manifest) => besideConfig(path, manifest));
  const beside = await besideManifests(manifests.length > 0 ? manifests : declared, io);
  const own = await realpath(resolve(io.cwd, path)).catch(() => undefined);
  let policy = operator.config.policy;
  const diagnostics = [...operator.diagnostics];
  for (const second of beside) {
    if ((await realpath(resolve(io.cwd, second))) === own) continue;
    const { written, diagnostics: found } = await readConfig(second, false, io);
    diagnostics.push(...found);
    if (!written) continue;
    const result = tighten(policy, written.policy);
    policy = result.policy;
    diagnostics.push(...ignored(second, path, written.keys), ...notLoosened(second, path, result.loosening));
  }
  return { path, config: { ...operator.config, policy }, diagnostics };
}

const COUNTS_BESIDE: ReadonlySet<string> = new Set(['apiVersion', 'kind', 'required_version', 'policy']);

function ignored(file: string, operator: string, keys: readonly string[]): Diagnostic[] {
  const lost = keys.filter((key) => !COUNTS_BESIDE.has(key));
  if (lost.length === 0) return [];
  return [
    {
      severity: 'note',
      code: 'config-ignored',
      summary: `${lost.join(', ')} of this file ${lost.length === 1 ? 'is' : 'are'} ignored: ${operator} counts, and only the policy can be tightened here`,
      where: { file },
    },
  ];
}

function notLoosened(file: string, operator: string, loosening: readonly Loosening[]): Diagnostic[] {
  return loosening.map(({ field, wanted, kept }) => ({
    severity: 'note',
    code: 'policy-not-loosened',
    summary: `policy.${field} ${wanted} of this file is ignored: it would loosen ${kept} of ${operator}`,
    remedy: `whoever keeps ${operator} can change it there`,
    where: { file },
  }));
}

/** A path written in the config: relative to its file. */
export function besideConfig(configPath: string, path: string): string {
  return isAbsolute(path) ? path : join(dirname(configPath), path);
}

interface ReadConfig {
  readonly config: Config;
  /** What it writes itself; absent when there was something wrong with it. */
  readonly written?: Written;
  readonly diagnostics: readonly Diagnostic[];
}

interface Written {
  readonly keys: readonly string[];
  readonly policy: Partial<Policy>;
}

async function readConfig(path: string, named: boolean, io: LoadIo): Promise<ReadConfig> {
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
  const { texts, diagnostics: unreadable } = await loadTexts([path], io, named ? 'anywhere' : 'confined');
  const diagnostics = [...unreadable];
  let read: ReadConfig = { config: DEFAULT_CONFIG, diagnostics: [] };
  for (const { source } of texts) {
    read = await examine(source, io.version);
    diagnostics.push(...read.diagnostics);
  }
  return { ...read, diagnostics };
}

async function examine(source: SourceText, version: string): Promise<ReadConfig> {
  const { documents, problems } = readDocuments(source, wholeAllowance());
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
  const other = await wrongVersion(document, version);
  if (other) return { config: DEFAULT_CONFIG, diagnostics: [other] };
  const found = checkKind(document, 'Config');
  const isConfig = !found.some(({ code }) => code === 'wrong-kind' || code === 'unknown-kind');
  if (isConfig) found.push(...checkConfig(document));
  diagnostics.push(...notRepeating(found, problems));
  if (found.length > 0) return { config: DEFAULT_CONFIG, diagnostics };
  const written = { keys: Object.keys(document.value as object), policy: writtenPolicy(document) };
  return { config: toConfig(document), written, diagnostics };
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
