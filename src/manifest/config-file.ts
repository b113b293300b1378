import { lstat, readdir, realpath, stat } from 'node:fs/promises';
import { dirname, isAbsolute, join, relative, resolve, sep } from 'node:path';
import { runInterruptibly } from '../domain/chunked-work.ts';
import { type Config, DEFAULT_CONFIG, type Policy } from '../domain/config.ts';
import { type Diagnostic, error, note } from '../domain/diagnostic.ts';
import { Failure } from '../domain/errors.ts';
import { quotedWhole } from '../domain/escape/quoted.ts';
import { shellPath } from '../domain/escape/shell-word.ts';
import { type IgnoredValue, tighten } from '../domain/policy.ts';
import { type Checkouts, isWithin, locate } from '../files/checkout.ts';
import { placeOf, readDocuments } from './documents.ts';
import { foundConfigProblems } from './found-limits.ts';
import { checkKind } from './kinds.ts';
import { type Allowance, LIMITS, wholeAllowance } from './limits.ts';
import { CONFIG_FILE, checkoutsFor, DEFAULT_MANIFESTS, type LoadIo, loadTexts, STDIN } from './load.ts';
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
  const [path, other] = await outermost(search.manifests, io);
  if (path === undefined)
    return tightened({ named: false, written: NOTHING_WRITTEN, ...NO_CONFIG }, search, io);
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

const NO_CONFIG: ReadConfig = { config: DEFAULT_CONFIG, diagnostics: [] };
const NOTHING_WRITTEN: Written = { keys: [], policy: {}, beyondFound: [] };

async function readConfig(
  path: string,
  named: boolean,
  io: LoadIo,
  allowance: Allowance = wholeAllowance(),
): Promise<ReadConfig> {
  // As a directory of manifests it would be several configs, of which only the last one counts.
  if (await isDirectory(resolve(io.cwd, path)))
    return {
      config: DEFAULT_CONFIG,
      diagnostics: [
        error('unreadable-file', `${path} is a directory, not a config`, {
          remedy: named
            ? `name the file: --config ${shellPath(join(path, CONFIG_FILE))}`
            : 'put a file there, or remove it',
          where: { file: path },
        }),
      ],
    };
  const { texts, diagnostics: unreadable } = await loadTexts(
    [path],
    io,
    named ? 'named' : 'confined',
    LIMITS.configBytes,
  );
  const diagnostics = [...unreadable];
  let read = NO_CONFIG;
  for (const { source } of texts) {
    read = source.isRecognised ? await examine(source, allowance, io) : unrecognised(source);
    diagnostics.push(...read.diagnostics);
  }
  return { ...read, diagnostics };
}

/** The file may contain secrets, and other messages would repeat them. */
function unrecognised({ file, text }: SourceText): ReadConfig {
  return {
    config: DEFAULT_CONFIG,
    diagnostics: [
      error('not-a-config', 'this file is not a vbsctl config', {
        detail: `It has ${Buffer.byteLength(text)} bytes. Its content is not shown, because it may contain secrets.`,
        remedy: 'name the correct file; a config begins with apiVersion: vbsctl.dev/v1 and kind: Config',
        where: { file },
      }),
    ],
  };
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
  if (!document) return { config: DEFAULT_CONFIG, diagnostics };
  const other = await wrongVersion(document, version);
  if (other) return { config: DEFAULT_CONFIG, diagnostics: [other] };
  const found = checkKind(document, 'Config');
  const isConfig = !found.some(({ code }) => code === 'wrong-kind' || code === 'unknown-kind');
  if (isConfig) found.push(...checkConfig(document));
  diagnostics.push(...notRepeating(found, problems));
  if (found.length > 0) return { config: DEFAULT_CONFIG, diagnostics };
  const written = {
    keys: Object.keys(document.value as object),
    policy: writtenPolicy(document),
    beyondFound: foundConfigProblems(document),
  };
  return { config: toConfig(document), written, diagnostics };
}

/**
 * The configs without another one above them on the path from the working directory to the manifests. There may be
 * several if the manifests are in several places.
 */
async function outermost(manifests: readonly string[], io: LoadIo): Promise<readonly string[]> {
  const found: string[] = [];
  for (const path of manifests.length === 0 ? ['.'] : ['.', ...manifests.filter((each) => each !== STDIN)]) {
    const [first] = await existing(above(await directoryOf(path, io), io), io);
    if (first !== undefined && !found.includes(first)) found.push(first);
  }
  return found;
}

/** Every config from the working directory to the manifests, and below named directories; outermost first. */
async function configsAround(manifests: readonly string[], io: LoadIo): Promise<readonly string[]> {
  const directories: string[] = ['.'];
  for (const path of manifests) {
    if (path === STDIN) continue;
    const directory = await directoryOf(path, io);
    directories.push(...above(directory, io));
    if (directory === path) directories.push(...(await below(directory, io)));
  }
  return await existing(directories, io);
}

async function directoryOf(path: string, io: LoadIo): Promise<string> {
  return (await isDirectory(resolve(io.cwd, path))) ? path : dirname(path);
}

/** The directories from the working directory down to `directory`; only `directory` if it is elsewhere. */
function above(directory: string, { cwd }: LoadIo): readonly string[] {
  const absolute = resolve(cwd, directory);
  if (!isWithin(absolute, cwd)) return [directory];
  const names = relative(cwd, absolute).split(sep);
  return ['.', ...names.map((_, index) => join(...names.slice(0, index + 1)))];
}

/**
 * Descends like `loadTexts`: into no hidden directory and no link that leads out, into each directory once. A directory
 * that cannot be reached has none: it is refused where its manifests are read.
 */
async function below(directory: string, io: LoadIo): Promise<readonly string[]> {
  const root = resolve(io.cwd, directory);
  const checkouts = await checkoutsFor(root, io.cwd).catch(() => undefined);
  const seen = new Set<string>();
  const found: string[] = [];
  const enter = async (path: string, depth: number): Promise<void> => {
    const real = checkouts && (await locate(resolve(io.cwd, path), checkouts).catch(() => undefined))?.path;
    if (real === undefined || seen.has(real)) return;
    if (depth > LIMITS.directoryDepth || !(await isDirectory(real))) return;
    if (found.length > LIMITS.files) throw tooManyDirectories(directory);
    seen.add(real);
    found.push(path);
    for (const entry of await readdir(real, { withFileTypes: true }).catch(() => [])) {
      io.signal?.throwIfAborted();
      if (!entry.name.startsWith('.') && !entry.isFile()) await enter(join(path, entry.name), depth + 1);
    }
  };
  await enter(directory, 0);
  return found;
}

async function existing(directories: readonly string[], io: LoadIo): Promise<readonly string[]> {
  const seen = new Set<string>();
  const found: string[] = [];
  for (const directory of directories) {
    const path = join(directory, CONFIG_FILE);
    const absolute = resolve(io.cwd, path);
    if (seen.has(absolute)) continue;
    seen.add(absolute);
    if (await exists(absolute)) found.push(path);
  }
  return found;
}

/** Left out, the policy of one of them would not count. */
function tooManyDirectories(directory: string): Failure {
  return Failure.of(
    'invalid',
    'too-many-directories',
    `more than ${LIMITS.files} directories lie in this one`,
    {
      detail: `Each may hold a ${CONFIG_FILE} that tightens the policy, so all are looked at.`,
      remedy: 'remove some, or name fewer manifests at a time with -f',
      where: { file: directory },
    },
  );
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

/** True also for a dangling link: reading it then fails with a message. */
export async function exists(path: string): Promise<boolean> {
  try {
    await lstat(path);
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
