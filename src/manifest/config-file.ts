import { lstat, readdir, realpath, stat } from 'node:fs/promises';
import { dirname, isAbsolute, join, relative, resolve, sep } from 'node:path';
import { runInterruptibly } from '../domain/chunked-work.ts';
import { type Config, DEFAULT_CONFIG, type Policy } from '../domain/config.ts';
import { type Diagnostic, error } from '../domain/diagnostic.ts';
import { quotedWhole } from '../domain/escape/quoted.ts';
import { shellPath } from '../domain/escape/shell-word.ts';
import { type Loosening, tighten } from '../domain/policy.ts';
import { type Checkouts, isContent, isWithin } from '../files/checkout.ts';
import { placeOf, readDocuments } from './documents.ts';
import { foundConfigProblems } from './found-limits.ts';
import { checkKind } from './kinds.ts';
import { type Allowance, LIMITS, wholeAllowance } from './limits.ts';
import { CONFIG_FILE, DEFAULT_MANIFESTS, type LoadIo, loadTexts, STDIN } from './load.ts';
import { notRepeating } from './manifests.ts';
import { checkConfig, toConfig, writtenPolicy } from './read-config.ts';
import { wrongVersion } from './required-version.ts';
import type { SourceText } from './source.ts';

/** Where to look for the config, most binding first. */
export interface ConfigSearch {
  /** `--config` */
  readonly flag?: string;
  /** `VBSCTL_CONFIG`; empty counts as not set. */
  readonly environment?: string;
  /** The manifests named on the command line. */
  readonly manifests: readonly string[];
}

export interface LoadedConfig {
  /** DEFAULT_CONFIG where the file is silent or absent; usable only when `diagnostics` holds no error. */
  readonly config: Config;
  /** The file it came from; absent when there is none. Paths in it are relative to its directory. */
  readonly path?: string;
  /**
   * A flag or the environment named that file: it is trusted. One that was found lies where a pull request can write:
   * it does not decide where credentials go or which files outside of the checkout are used, and what it sets beyond
   * `FOUND_RULES` is an error (`FOUND_LIMIT`).
   */
  readonly named: boolean;
  readonly diagnostics: readonly Diagnostic[];
}

/**
 * The operator's settings: the config that is named; else the outermost `vbsctl.yaml` on the way from the working
 * directory to the manifests. Every other `vbsctl.yaml` around the manifests can only tighten the policy. What is
 * wrong or ignored is told in the diagnostics; throws for bugs only.
 */
export async function loadConfig(search: ConfigSearch, io: LoadIo): Promise<LoadedConfig> {
  const name = search.flag ?? (search.environment || undefined);
  if (name !== undefined)
    return tightened({ path: name, named: true, ...(await readConfig(name, true, io)) }, search, io);
  const [path, other] = await outermost(search.manifests, io);
  if (path === undefined)
    return tightened(
      {
        named: false,
        config: DEFAULT_CONFIG,
        written: { keys: [], policy: {}, beyondFound: [] },
        diagnostics: [],
      },
      search,
      io,
    );
  if (other !== undefined)
    return { config: DEFAULT_CONFIG, path, named: false, diagnostics: [severalConfigs(path, other)] };
  const read = await readConfig(path, false, io);
  const diagnostics = [...read.diagnostics, ...(read.written?.beyondFound ?? [])];
  return tightened({ path, named: false, ...read, diagnostics }, search, io);
}

/** The policy of each config around the manifests added; none of them can loosen what holds above it. */
async function tightened(
  main: LoadedConfig & ReadConfig,
  { manifests }: ConfigSearch,
  io: LoadIo,
): Promise<LoadedConfig> {
  const { written, ...loaded } = main;
  if (!written) return loaded;
  const own =
    loaded.path === undefined
      ? undefined
      : await realpath(resolve(io.cwd, loaded.path)).catch(() => undefined);
  // Shared: a hundred of them, each as large as one may be, would take minutes.
  const allowance = wholeAllowance();
  let policy = loaded.config.policy;
  const diagnostics = [...loaded.diagnostics];
  const around = await configsAround(meant(manifests, loaded), io);
  if (around.length > LIMITS.configs)
    return { ...loaded, diagnostics: [...diagnostics, tooManyConfigs(around.length)] };
  for (const path of around) {
    if (own !== undefined && (await realpath(resolve(io.cwd, path)).catch(() => undefined)) === own) continue;
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

/** As `manifestPaths` takes them; one that is not there does no harm here. */
function meant(named: readonly string[], { path, config }: LoadedConfig): readonly string[] {
  if (named.length > 0) return named;
  if (path !== undefined && config.manifests.length > 0)
    return config.manifests.map((manifest) => relativeToConfig(path, manifest));
  return DEFAULT_MANIFESTS;
}

const COUNTS_BESIDE: ReadonlySet<string> = new Set(['apiVersion', 'kind', 'required_version', 'policy']);

/** Which configs apply: somebody who put a file there must not believe that more of it counts. */
function counts(file: string, main: string | undefined, keys: readonly string[]): Diagnostic {
  const lost = keys.filter((key) => !COUNTS_BESIDE.has(key));
  const above = main === undefined ? 'only its policy counts here' : `${main} counts`;
  const ignored = `${lost.join(', ')} of this file ${lost.length === 1 ? 'is' : 'are'} ignored: ${above}, and only the policy can be tightened here`;
  const applied = keys.includes('policy')
    ? `the policy of this file applies, too, where it is tighter${main === undefined ? '' : ` than that of ${main}`}`
    : `this file changes nothing: ${above}, and only the policy can be tightened here`;
  return {
    severity: 'note',
    code: lost.length > 0 ? 'config-ignored' : 'config-nested',
    summary: lost.length > 0 ? ignored : applied,
    where: { file },
  };
}

function notLoosened(file: string, main: string | undefined, loosening: readonly Loosening[]): Diagnostic[] {
  const keeper = main ?? 'a config above it';
  return loosening.map(({ field, wanted, kept }) => ({
    severity: 'note',
    code: 'policy-not-loosened',
    summary: `policy.${field} ${wanted} of this file is ignored: it would loosen ${kept} of ${keeper}`,
    remedy: `whoever keeps ${main === undefined ? keeper : quotedWhole(main)} can change it there`,
    where: { file },
  }));
}

/** A path written in the config: relative to its file. */
export function relativeToConfig(configPath: string, path: string): string {
  return isAbsolute(path) ? path : join(dirname(configPath), path);
}

/** Where a stranger may have written: the working directory, and that of a config which was found elsewhere. */
export function checkoutsOf(
  { path, named }: Pick<LoadedConfig, 'path' | 'named'>,
  { cwd }: Pick<LoadIo, 'cwd'>,
): Checkouts {
  return named || path === undefined ? [cwd] : [cwd, dirname(resolve(cwd, path))];
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
  /** Errors if it is the config that counts and nobody named it. */
  readonly beyondFound: readonly Diagnostic[];
}

async function readConfig(
  path: string,
  named: boolean,
  io: LoadIo,
  allowance: Allowance = wholeAllowance(),
): Promise<ReadConfig> {
  if (named && (await isDirectory(resolve(io.cwd, path))))
    return {
      config: DEFAULT_CONFIG,
      diagnostics: [
        error('unreadable-file', `${path} is a directory, not a config`, {
          remedy: `name the file: --config ${shellPath(join(path, CONFIG_FILE))}`,
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
  let read: ReadConfig = { config: DEFAULT_CONFIG, diagnostics: [] };
  for (const { source } of texts) {
    read = looksLikeOurs(source) ? await examine(source, allowance, io) : unrecognised(source);
    diagnostics.push(...read.diagnostics);
  }
  return { ...read, diagnostics };
}

/** One of the two lines that every file of ours has, in YAML or JSON; or nothing at all, which repeats nothing. */
function looksLikeOurs({ text }: SourceText): boolean {
  return text.trim() === '' || OUR_LINE.test(text);
}

/** No blanks across lines: a file of nothing else must not cost a square of its size. */
const OUR_LINE =
  /^[ \t{"',]*(?:apiVersion["']?[ \t]*:[ \t]*["']?vbsctl\.dev\/|kind["']?[ \t]*:[ \t]*["']?(?:Config|RestoreSet|SavedPlan)\b)/m;

/** Whatever it is, it may hold secrets: messages about what is wrong in it would repeat them. */
function unrecognised({ file, text }: SourceText): ReadConfig {
  return {
    config: DEFAULT_CONFIG,
    diagnostics: [
      error('not-a-config', 'this file is not a vbsctl config', {
        detail: `It has ${Buffer.byteLength(text)} bytes. Nothing of it is repeated here: it may be something else, with secrets in it.`,
        remedy: 'name the right file; a config begins with apiVersion: vbsctl.dev/v1 and kind: Config',
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
 * The configs that have none above them on the way from the working directory to the manifests; more than one when
 * manifests lie in several places.
 */
async function outermost(manifests: readonly string[], io: LoadIo): Promise<readonly string[]> {
  const found: string[] = [];
  for (const path of manifests.length === 0 ? ['.'] : ['.', ...manifests.filter((each) => each !== STDIN)]) {
    const [first] = await existing(above(await directoryOf(path, io), io), io);
    if (first !== undefined && !found.includes(first)) found.push(first);
  }
  return found;
}

/** Every config from the working directory to the manifests, and below directories that are named; outermost first. */
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

/** From the working directory down to it; of one that lies elsewhere, itself. */
function above(directory: string, { cwd }: LoadIo): readonly string[] {
  const absolute = resolve(cwd, directory);
  if (!isWithin(absolute, cwd)) return [directory];
  const names = relative(cwd, absolute).split(sep);
  return ['.', ...names.map((_, index) => join(...names.slice(0, index + 1)))];
}

/** As `loadTexts` goes down: no hidden directory, no link that leads out, each directory once. */
async function below(directory: string, io: LoadIo): Promise<readonly string[]> {
  const root = await realpath(resolve(io.cwd, directory));
  const seen = new Set<string>([root]);
  const found: string[] = [];
  const walk = async (path: string, depth: number): Promise<void> => {
    const entries = await readdir(resolve(io.cwd, path), { withFileTypes: true }).catch(() => []);
    for (const entry of entries) {
      io.signal?.throwIfAborted();
      if (entry.name.startsWith('.') || entry.isFile() || found.length >= LIMITS.files) continue;
      const next = join(path, entry.name);
      const real = await realpath(resolve(io.cwd, next)).catch(() => undefined);
      if (real === undefined || seen.has(real) || ![root, io.cwd].some((top) => isContent(real, top)))
        continue;
      if (depth > LIMITS.directoryDepth || !(await isDirectory(real))) continue;
      seen.add(real);
      found.push(next);
      await walk(next, depth + 1);
    }
  };
  await walk(directory, 1);
  return found;
}

/** The configs in these directories, each once. */
async function existing(directories: readonly string[], io: LoadIo): Promise<readonly string[]> {
  const found = new Map<string, string>();
  for (const directory of directories) {
    const path = join(directory, CONFIG_FILE);
    const absolute = resolve(io.cwd, path);
    if (!found.has(absolute) && (await exists(absolute))) found.set(absolute, path);
  }
  return [...found.values()];
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
    `both ${first} and ${second} lie around the manifests, and neither above the other`,
    {
      remedy: `say which one counts: --config ${shellPath(first)}`,
      where: { file: second },
    },
  );
}

/** Also of a link to nothing: what stands there was meant to be read. */
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
