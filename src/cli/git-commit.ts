// Own code, not git or a library that runs it: a repository can name programs that git starts.
import { realpath } from 'node:fs/promises';
import { dirname, join, resolve } from 'node:path';
import { isWithin } from '../files/checkout.ts';
import { readRegularFile } from '../files/read-file.ts';
import type { Io } from './io.ts';

/** The variables that CI services set to the commit: GitHub, GitLab, Azure Pipelines, Jenkins, Bitbucket, CircleCI, … */
const VARIABLES = [
  'GITHUB_SHA',
  'CI_COMMIT_SHA',
  'BUILD_SOURCEVERSION',
  'GIT_COMMIT',
  'BITBUCKET_COMMIT',
  'CIRCLE_SHA1',
  'BUILDKITE_COMMIT',
  'DRONE_COMMIT_SHA',
  'CODEBUILD_RESOLVED_SOURCE_VERSION',
] as const;

const COMMIT = /^[0-9a-f]{40}(?:[0-9a-f]{24})?$/;
const COMMIT_LENGTH_MAX = 64;

/**
 * The commit of `folder`, for the history: from the CI service, else from `.git` there or above; undefined if neither has
 * it. Does not run git, because a repository can name programs that git would start. Whatever `.git` contains, this neither
 * fails nor waits, reads nothing outside of it, and resolves with 40 or 64 hexadecimal digits.
 */
export async function gitCommit({ env }: Pick<Io, 'env'>, folder: string): Promise<string | undefined> {
  for (const name of VARIABLES) {
    const value = env[name]?.toLowerCase();
    if (value !== undefined && COMMIT.test(value)) return value;
  }
  try {
    const git = await gitFolder(resolve(folder));
    return git && (await headOf(git));
  } catch {
    return undefined;
  }
}

/** The folder to read, and the `.git` that no link may lead out of. Both paths are without links. */
interface GitFolder {
  readonly path: string;
  readonly root: string;
}

/**
 * `.git` of the folder, or the nearest one above. In a submodule or worktree it is a file that names a folder. Such a file is
 * followed only into the `.git` of a folder above, where submodules are; otherwise it is ignored.
 */
async function gitFolder(from: string): Promise<GitFolder | undefined> {
  for (let folder = from; ; folder = dirname(folder)) {
    const git = join(folder, '.git');
    const root = await realpath(git).catch(() => undefined);
    if (root !== undefined && root === join(await realpath(folder), '.git')) {
      if ((await firstLine({ path: root, root }, 'HEAD')) !== undefined) return { path: root, root };
      const pointer = /^gitdir: (.+)$/.exec(lineOf(await contents(root, FILE_BYTES_MAX)) ?? '')?.[1];
      if (pointer !== undefined) return await pointedTo(resolve(folder, pointer), folder);
    }
    if (dirname(folder) === folder) return undefined;
  }
}

async function pointedTo(target: string, from: string): Promise<GitFolder | undefined> {
  const path = await realpath(target);
  for (let folder = from; ; folder = dirname(folder)) {
    const root = join(await realpath(folder), '.git');
    if (isWithin(path, root) && path !== root) return { path, root };
    if (dirname(folder) === folder) return undefined;
  }
}

async function headOf(git: GitFolder): Promise<string | undefined> {
  const head = (await firstLine(git, 'HEAD')) ?? '';
  if (COMMIT.test(head)) return head;
  const ref = /^ref: (refs\/[^\s\\]+)$/.exec(head)?.[1];
  if (ref === undefined || ref.split('/').includes('..')) return undefined;
  // The branches of a worktree are stored in its repository.
  const shared = { ...git, path: resolve(git.path, (await firstLine(git, 'commondir')) ?? '.') };
  for (const folder of [git, shared]) {
    const commit = (await firstLine(folder, ref)) ?? '';
    if (COMMIT.test(commit)) return commit;
  }
  const packed = await inside(shared, 'packed-refs', PACKED_BYTES_MAX);
  return packed && packedCommit(packed, ref);
}

/** Each line is `<commit> <ref>`; other lines are ignored. Searches the bytes, because there may be a million lines. */
function packedCommit(packed: Buffer, ref: string): string | undefined {
  const end = ` ${ref}\n`;
  for (let at = packed.indexOf(end); at >= 0; at = packed.indexOf(end, at + 1)) {
    const start = packed.lastIndexOf('\n', at) + 1;
    const commit = at - start > COMMIT_LENGTH_MAX ? '' : packed.toString('latin1', start, at);
    if (COMMIT.test(commit)) return commit;
  }
  return undefined;
}

async function firstLine(git: GitFolder, name: string): Promise<string | undefined> {
  return lineOf(await inside(git, name, FILE_BYTES_MAX));
}

function lineOf(bytes: Buffer | undefined): string | undefined {
  return bytes?.toString().split('\n', 1)[0]?.trim();
}

/** A file in the folder; undefined if there is none, or if a link or a name leads out of `root`. */
async function inside(
  { path, root }: GitFolder,
  name: string,
  bytesMax: number,
): Promise<Buffer | undefined> {
  const real = await realpath(join(path, name)).catch(() => undefined);
  return real !== undefined && isWithin(real, root) ? await contents(real, bytesMax) : undefined;
}

/** About 200,000 refs. Large repositories have some megabytes. */
const PACKED_BYTES_MAX = 16 * 1024 * 1024;
/** Maximum size of a file with one line: a commit, the name of a branch, a path. */
const FILE_BYTES_MAX = 16 * 1024;

async function contents(path: string, bytesMax: number): Promise<Buffer | undefined> {
  return readRegularFile(path, bytesMax).catch(() => undefined);
}
