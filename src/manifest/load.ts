import { hash } from 'node:crypto';
import type { Dirent, Stats } from 'node:fs';
import { lstat, readdir, stat } from 'node:fs/promises';
import { dirname, join, resolve } from 'node:path';
import type { Diagnostic } from '../domain/diagnostic.ts';
import { type Checkouts, EVERY_REPOSITORY, isWithin, locate, repositoryAround } from '../files/checkout.ts';
import { readNamedFile, readRegularFile, readStream, UnfitFileError } from '../files/read-file.ts';
import { LIMITS } from './limits.ts';
import { SourceText } from './source.ts';
import { decodeUtf8, Unreadable, unreadable } from './unreadable.ts';

/** What loading needs from the process. */
export interface LoadIo {
  readonly cwd: string;
  /** Read at most once, if a path is `-`. */
  readonly stdin: AsyncIterable<Uint8Array>;
  /** Version of this vbsctl; a config may require another one. */
  readonly version: string;
  /** When aborted, loading stops and rejects with the reason of the signal. */
  readonly signal?: AbortSignal;
}

export const STDIN = '-';
export const CONFIG_FILE = 'vbsctl.yaml';
const STATE_FILE = 'vbsctl.state.json';
/** Defaults if neither the command line nor a config names manifests: the first of these that exists. */
export const DEFAULT_MANIFESTS = ['restores.yaml', 'restores/'];

export interface LoadedText {
  readonly source: SourceText;
  /** Of the bytes, in hexadecimal. */
  readonly sha256: string;
}

interface LoadedTexts {
  readonly texts: readonly LoadedText[];
  readonly diagnostics: readonly Diagnostic[];
}

/**
 * Which symbolic links are followed. `confined`: a pull request can write links, and messages quote the files that they lead
 * to, so links stay where the named path lies, in the working directory or in their repository. `named`: links outside of the
 * working directory are the operator’s own.
 */
type LinkPolicy = 'confined' | 'named';

/**
 * Reads files, directories (recursively, sorted, `*.yaml`, `*.yml` and `*.json`) and standard input (`-`). A file that
 * is reached twice is read once. What cannot be read is a diagnostic.
 */
export async function loadTexts(
  paths: readonly string[],
  io: LoadIo,
  linkPolicy: LinkPolicy = 'confined',
  bytesMax: number = LIMITS.bytes,
): Promise<LoadedTexts> {
  const loader = new Loader(io, linkPolicy, bytesMax);
  for (const path of paths) await loader.add(path);
  return loader;
}

class Loader implements LoadedTexts {
  readonly texts: LoadedText[] = [];
  readonly diagnostics: Diagnostic[] = [];
  readonly #io: LoadIo;
  readonly #linkPolicy: LinkPolicy;
  /** Links in these directories must not lead out of them. */
  #checkouts: Checkouts = [];
  readonly #seen = new Set<string>();
  readonly #bytesMax: number;
  #bytesLeft: number;
  /** Manifests met in the directory that is being read, by their names; they may be unreadable. */
  #manifestsMet = 0;

  constructor(io: LoadIo, linkPolicy: LinkPolicy, bytesMax: number) {
    this.#io = io;
    this.#linkPolicy = linkPolicy;
    this.#bytesMax = bytesMax;
    this.#bytesLeft = bytesMax;
  }

  async add(path: string): Promise<void> {
    await this.#attempt(path, async () => {
      if (path === STDIN) return await this.#stdin();
      if (this.#linkPolicy === 'named')
        return await this.#take(path, (bytesMax) => this.#readNamed(this.#absolute(path), bytesMax));
      this.#checkouts = await checkoutsFor(this.#absolute(path), this.#io.cwd);
      const { real, found } = await this.#look(path);
      if (!found.isDirectory()) return await this.#file(path, real, found.isFile());
      this.#manifestsMet = 0;
      await this.#directory(path, real, []);
      if (this.#manifestsMet === 0)
        throw new Unreadable(
          'no-manifests',
          'there is no *.yaml, *.yml or *.json file in this directory',
          { file: path },
          'put a manifest there, or name another path with -f',
        );
    });
  }

  /** Looks at nothing outside through a link: whether a file is there is nobody's business, either. */
  async #look(path: string): Promise<{ readonly real: string; readonly found: Stats }> {
    const { path: real } = await locate(this.#absolute(path), this.#checkouts);
    return { real, found: await stat(this.#absolute(path)) };
  }

  async #directory(path: string, real: string, ancestors: readonly string[]): Promise<void> {
    if (ancestors.includes(real))
      throw new Unreadable(
        'symlink-loop',
        'this link leads back to a directory it lies in',
        { file: path },
        'remove the link',
      );
    if (this.#seen.has(real)) return;
    this.#seen.add(real);
    if (ancestors.length > LIMITS.directoryDepth)
      throw new Unreadable(
        'too-deep',
        `this lies more than ${LIMITS.directoryDepth} directories deep`,
        { file: path },
        'name it itself with -f',
      );
    const entries = await readdir(real, { withFileTypes: true });
    for (const entry of entries.sort(byName)) {
      const below = join(path, entry.name);
      if (!entry.name.startsWith('.'))
        await this.#attempt(below, () => this.#entry(below, entry.name, [...ancestors, real]));
    }
  }

  async #entry(path: string, name: string, ancestors: readonly string[]): Promise<void> {
    if (isManifestName(name)) this.#manifestsMet++;
    const { real, found } = await this.#look(path);
    if (found.isDirectory()) await this.#directory(path, real, ancestors);
    else if (isManifestName(name)) await this.#file(path, real, true);
  }

  /** A file that is not `regular` was named, such as a pipe: `-f <(command)`. Links to it are confined like others. */
  async #file(path: string, real: string, regular: boolean): Promise<void> {
    if (this.#seen.has(real)) return;
    this.#seen.add(real);
    if (this.texts.length === LIMITS.files)
      throw new Unreadable(
        'too-many-files',
        `more than ${LIMITS.files} files`,
        { file: path },
        'name fewer at a time with -f',
      );
    await this.#take(path, (bytesMax) =>
      regular ? readRegularFile(real, bytesMax) : this.#readNamed(this.#absolute(path), bytesMax),
    );
  }

  #readNamed(absolute: string, bytesMax: number): Promise<Buffer> {
    const { cwd, signal } = this.#io;
    return readNamedFile(absolute, { checkouts: [cwd], bytesMax, signal });
  }

  async #stdin(): Promise<void> {
    if (this.#seen.has(STDIN)) return;
    this.#seen.add(STDIN);
    const { stdin, signal } = this.#io;
    await this.#take(STDIN, (bytesMax) => readStream(stdin, bytesMax, signal));
  }

  /** Reads and decodes a text, within the limit for all files together. */
  async #take(path: string, read: (bytesMax: number) => Promise<Buffer>): Promise<void> {
    try {
      const bytes = await read(this.#bytesLeft);
      this.#bytesLeft -= bytes.length;
      this.texts.push({
        source: new SourceText(path, decodeUtf8(path, bytes)),
        sha256: hash('sha256', bytes),
      });
    } catch (cause) {
      if (!(cause instanceof UnfitFileError) || cause.code !== 'TOO_LARGE') throw cause;
      this.#bytesLeft = 0;
      throw new Unreadable(
        'too-large',
        this.#bytesMax === LIMITS.bytes
          ? `the files of one run together are larger than ${mebibytes(LIMITS.bytes)}`
          : `this file is larger than ${mebibytes(this.#bytesMax)}`,
        { file: path },
        this.#bytesMax === LIMITS.bytes ? 'name fewer at a time with -f' : 'keep it smaller',
      );
    }
  }

  async #attempt(path: string, work: () => Promise<void>): Promise<void> {
    this.#io.signal?.throwIfAborted();
    try {
      await work();
    } catch (cause) {
      this.diagnostics.push(unreadable(path, cause));
    }
  }

  #absolute(path: string): string {
    return resolve(this.#io.cwd, path);
  }
}

/**
 * Where links confine what a named path holds: besides the working directory and every repository, the directory that was
 * named if no repository holds it. Links of the system (`/dev/stdin`, `/dev/fd/3`) confine nothing.
 */
export async function checkoutsFor(absolute: string, cwd: string): Promise<Checkouts> {
  const found = await lstat(absolute).catch(() => undefined);
  const directory = found?.isDirectory() ? absolute : dirname(absolute);
  if (isWithin(directory, '/dev') || isWithin(directory, '/proc')) return [EVERY_REPOSITORY, cwd];
  const repository = await repositoryAround(directory);
  return [EVERY_REPOSITORY, cwd, repository ?? directory];
}

function mebibytes(bytes: number): string {
  return `${bytes / 1024 / 1024} MiB`;
}

/** The config and the state may be among the manifests, but are not manifests. */
function isManifestName(name: string): boolean {
  return /\.(?:yaml|yml|json)$/.test(name) && name !== CONFIG_FILE && name !== STATE_FILE;
}

/** By code unit, independent of the locale. */
function byName(a: Dirent, b: Dirent): number {
  return a.name < b.name ? -1 : 1;
}
