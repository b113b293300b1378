import { realpath } from 'node:fs/promises';
import { dirname, isAbsolute, join, resolve } from 'node:path';
import { runInterruptibly } from '../domain/chunked-work.ts';
import { type Config, DEFAULT_CONFIG, type Policy } from '../domain/config.ts';
import { type Diagnostic, error, note } from '../domain/diagnostic.ts';
import { quotedWhole } from '../domain/escape/quoted.ts';
import { shellPath } from '../domain/escape/shell-word.ts';
import { type IgnoredValue, tighten } from '../domain/policy.ts';
import { type Checkouts, locate } from '../files/checkout.ts';
import { placeOf, readDocuments } from './documents.ts';
import { configsAround, isDirectory, outermostConfigs } from './find-configs.ts';
import { foundConfigProblems } from './found-limits.ts';
import { checkKind } from './kinds.ts';
import { type Allowance, LIMITS, wholeAllowance } from './limits.ts';
import { CONFIG_FILE, checkoutsFor, DEFAULT_MANIFESTS, type LoadIo, loadTexts } from './load.ts';
import { notRepeating } from './manifests.ts';
import { checkConfig, toConfig, writtenPolicy } from './read-config.ts';
import { wrongVersion } from './required-version.ts';
import type { SourceText } from './source.ts';

/** Where to look for the config, in order of precedence. */
export interface ConfigSearch {
  /** `--config` */
  readonly flag?: string;
  /** `VBSCTL_CONFIG`; empty counts as not set. */
  readonly environment?: string;
  /** Manifests named on the command line. */
  readonly manifests: readonly string[];
}

export interface LoadedConfig {
  /** DEFAULT_CONFIG for what the file does not set, or without a file. Usable only if `diagnostics` has no error. */
  readonly config: Config;
  /** Absent: there is no config. Paths in the config are relative to its directory. */
  readonly path?: string;
  /**
   * A flag or the environment named that file, so it is trusted. A found config may be written by a pull request: it
   * does not decide where credentials are sent or which files outside of the checkout are used, and what it sets beyond
   * `FOUND_RULES` is an error (`FOUND_LIMIT`).
   */
  readonly named: boolean;
  readonly diagnostics: readonly Diagnostic[];
}

/**
 * Loads the named config; otherwise the outermost `vbsctl.yaml` on the path from the working directory to the
 * manifests. Every other `vbsctl.yaml` around the manifests can only tighten the policy. The diagnostics say what is
 * wrong or ignored; throws only for bugs.
 */
export async function loadConfig(search: ConfigSearch, io: LoadIo): Promise<LoadedConfig> {
  const name = search.flag ?? (search.environment || undefined);
  if (name !== undefined)
    return tightened({ path: name, named: true, ...(await readConfig(name, true, io)) }, search, io);
  const [path, other] = await outermostConfigs(search.manifests, io);
  if (path === undefined)
    return tightened({ named: false, written: NOTHING_WRITTEN, ...withoutConfig() }, search, io);
  if (other !== undefined)
    return { config: DEFAULT_CONFIG, path, named: false, diagnostics: [severalConfigs(path, other)] };
  const read = await readConfig(path, false, io);
  const diagnostics = [...read.diagnostics, ...(read.written?.beyondFound ?? [])];
  return tightened({ path, named: false, ...read, diagnostics }, search, io);
}

/** Adds the policy of each config around the manifests. None of them can loosen the policy above it. */
async function tightened(
  main: LoadedConfig & ReadConfig,
  { manifests }: ConfigSearch,
  io: LoadIo,
): Promise<LoadedConfig> {
  const { written, ...loaded } = main;
  if (!written) return loaded;
  const realPathOf = (path: string) => realpath(resolve(io.cwd, path)).catch(() => undefined);
  const own = loaded.path === undefined ? undefined : await realPathOf(loaded.path);
  // Shared by all: a hundred configs of the maximum size each would take minutes.
  const allowance = wholeAllowance();
  let policy = loaded.config.policy;
  const diagnostics = [...loaded.diagnostics];
  const around = await configsAround(manifestsOf(manifests, loaded), io);
  if (around.length > LIMITS.configs)
    return { ...loaded, diagnostics: [...diagnostics, tooManyConfigs(around.length)] };
  for (const path of around) {
    if (own !== undefined && (await realPathOf(path)) === own) continue;
    const nested = await readConfig(path, false, io, allowance);
    diagnostics.push(...nested.diagnostics);
    if (!nested.written) continue;
    const result = tighten(policy, nested.written.policy);
    policy = result.policy;
    diagnostics.push(
      counts(path, loaded.path, nested.written.keys),
      ...notLoosened(path, loaded.path, result.loosening),
    );
  }
  return { ...loaded, config: { ...loaded.config, policy }, diagnostics };
}

/** The same paths as `manifestPaths`, but they need not exist. */
function manifestsOf(named: readonly string[], { path, config }: LoadedConfig): readonly string[] {
  if (named.length > 0) return named;
  if (path !== undefined && config.manifests.length > 0)
    return config.manifests.map((manifest) => relativeToConfig(path, manifest));
  return DEFAULT_MANIFESTS;
}

const NESTED_KEYS: ReadonlySet<string> = new Set(['apiVersion', 'kind', 'required_version', 'policy']);

/** Says which part of a nested config applies, so that its author does not rely on the rest. */
function counts(file: string, main: string | undefined, keys: readonly string[]): Diagnostic {
  const lost = keys.filter((key) => !NESTED_KEYS.has(key));
  const above = main === undefined ? 'only its policy counts here' : `${main} counts`;
  const ignored = `${lost.join(', ')} of this file ${lost.length === 1 ? 'is' : 'are'} ignored: ${above}, and only the policy can be tightened here`;
  const applied = keys.includes('policy')
    ? `the policy of this file applies, too, where it is tighter${main === undefined ? '' : ` than that of ${main}`}`
    : `this file changes nothing: ${above}, and only the policy can be tightened here`;
  return note(lost.length > 0 ? 'config-ignored' : 'config-nested', lost.length > 0 ? ignored : applied, {
    where: { file },
  });
}

function notLoosened(
  file: string,
  main: string | undefined,
  loosening: readonly IgnoredValue[],
): Diagnostic[] {
  const keeper = main ?? 'a config above it';
  return loosening.map(({ field, wanted, kept }) =>
    note(
      'policy-not-loosened',
      `policy.${field} ${wanted} of this file is ignored: it would loosen ${kept} of ${keeper}`,
      {
        remedy: `the owner of ${main === undefined ? keeper : quotedWhole(main)} can change it there`,
        where: { file },
      },
    ),
  );
}

/** Resolves a path of the config relative to its directory. */
export function relativeToConfig(configPath: string, path: string): string {
  return isAbsolute(path) ? path : join(dirname(configPath), path);
}

/** Directories that a pull request can change: the working directory, and that of a config found elsewhere. */
export function checkoutsOf(
  { path, named }: Pick<LoadedConfig, 'path' | 'named'>,
  { cwd }: Pick<LoadIo, 'cwd'>,
): Checkouts {
  return named || path === undefined ? [cwd] : [cwd, dirname(resolve(cwd, path))];
}

interface ReadConfig {
  readonly config: Config;
  /** What the file sets itself; absent if the file has a problem. */
  readonly written?: Written;
  readonly diagnostics: readonly Diagnostic[];
}

interface Written {
  readonly keys: readonly string[];
  readonly policy: Partial<Policy>;
  /** Errors that apply if this is the main config and nobody named it. */
  readonly beyondFound: readonly Diagnostic[];
}

function withoutConfig(...diagnostics: readonly Diagnostic[]): ReadConfig {
  return { config: DEFAULT_CONFIG, diagnostics };
}

const NOTHING_WRITTEN: Written = { keys: [], policy: {}, beyondFound: [] };

async function readConfig(
  path: string,
  named: boolean,
  io: LoadIo,
  allowance: Allowance = wholeAllowance(),
): Promise<ReadConfig> {
  // As a directory of manifests it would be several configs, of which only the last one counts.
  const absolute = resolve(io.cwd, path);
  const checkouts = await checkoutsFor(absolute, io.cwd);
  const real = await locate(absolute, checkouts).catch(() => undefined);
  if (real !== undefined && (await isDirectory(real.path)))
    return withoutConfig(
      error('unreadable-file', `${path} is a directory, not a config`, {
        remedy: named
          ? `name the file: --config ${shellPath(join(path, CONFIG_FILE))}`
          : 'put a file there, or remove it',
        where: { file: path },
      }),
    );
  const { texts, diagnostics: unreadable } = await loadTexts(
    [path],
    io,
    named ? 'named' : 'confined',
    LIMITS.configBytes,
  );
  const diagnostics = [...unreadable];
  let read = withoutConfig();
  for (const { source } of texts) {
    read = source.isRecognised ? await examine(source, allowance, io) : unrecognised(source);
    diagnostics.push(...read.diagnostics);
  }
  return { ...read, diagnostics };
}

/** The file may contain secrets, and other messages would repeat them. */
function unrecognised({ file, text }: SourceText): ReadConfig {
  return withoutConfig(
    error('not-a-config', 'this file is not a vbsctl config', {
      detail: `It has ${Buffer.byteLength(text)} bytes. Its content is not shown, because it may contain secrets.`,
      remedy: 'name the correct file; a config begins with apiVersion: vbsctl.dev/v1 and kind: Config',
      where: { file },
    }),
  );
}

async function examine(
  source: SourceText,
  allowance: Allowance,
  { version, signal }: LoadIo,
): Promise<ReadConfig> {
  const { documents, problems } = await runInterruptibly(readDocuments(source, allowance), signal);
  const diagnostics = [...problems];
  const [document, second] = documents;
  if (second)
    diagnostics.push(
      error('several-documents', 'a config must be one YAML document, and a second one begins here', {
        remedy: 'keep one of them; put manifests into files of their own',
        where: placeOf(second, []),
      }),
    );
  if (!document) return withoutConfig(...diagnostics);
  const other = await wrongVersion(document, version);
  if (other) return withoutConfig(other);
  const found = checkKind(document, 'Config');
  const isConfig = !found.some(({ code }) => code === 'wrong-kind' || code === 'unknown-kind');
  if (isConfig) found.push(...checkConfig(document));
  diagnostics.push(...notRepeating(found, problems));
  if (found.length > 0) return withoutConfig(...diagnostics);
  const written = {
    keys: Object.keys(document.value as object),
    policy: writtenPolicy(document),
    beyondFound: foundConfigProblems(document),
  };
  return { config: toConfig(document), written, diagnostics };
}

function tooManyConfigs(count: number): Diagnostic {
  return error('too-many-configs', `there are ${count} files ${CONFIG_FILE} around the manifests`, {
    detail: `Each can tighten the policy, and at most ${LIMITS.configs} are read.`,
    remedy: 'remove some, or name fewer manifests at a time with -f',
  });
}

function severalConfigs(first: string, second: string): Diagnostic {
  return error(
    'several-configs',
    `both ${first} and ${second} apply to the manifests, and neither is above the other`,
    {
      remedy: `name the one to use: --config ${shellPath(first)}`,
      where: { file: second },
    },
  );
}
