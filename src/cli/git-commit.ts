import { open } from 'node:fs/promises';
import { dirname, join, resolve } from 'node:path';
import type { Io } from './io.ts';

/**
 * Where a CI tells the commit that it checked out. GitHub, GitLab, Azure Pipelines, Jenkins, Bitbucket, CircleCI,
 * Buildkite, Drone, Woodpecker, AWS CodeBuild; each under its own name.
 */
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

/**
 * The commit of what lies in `folder`, for the history: what the CI says, else what `.git` there or above says.
 * Undefined when neither tells. Runs no git: a repository can name programs that git would start.
 */
export async function gitCommit({ env }: Pick<Io, 'env'>, folder: string): Promise<string | undefined> {
  for (const name of VARIABLES) {
    const value = env[name]?.toLowerCase();
    if (value !== undefined && COMMIT.test(value)) return value;
  }
  const git = await gitFolder(resolve(folder));
  return git === undefined ? undefined : await headOf(git);
}

/** `.git` of the folder or the nearest one above: a folder, or (worktree, submodule) a file that names one. */
async function gitFolder(from: string): Promise<string | undefined> {
  for (let folder = from; ; folder = dirname(folder)) {
    const git = join(folder, '.git');
    if ((await firstLine(join(git, 'HEAD'))) !== undefined) return git;
    const pointer = /^gitdir: (.+)$/.exec((await firstLine(git)) ?? '')?.[1];
    if (pointer !== undefined) return resolve(folder, pointer);
    if (dirname(folder) === folder) return undefined;
  }
}

async function headOf(git: string): Promise<string | undefined> {
  const head = (await firstLine(join(git, 'HEAD'))) ?? '';
  if (COMMIT.test(head)) return head;
  const ref = /^ref: (refs\/[^\s\\]+)$/.exec(head)?.[1];
  if (ref === undefined || ref.split('/').includes('..')) return undefined;
  // the branches of a worktree are its repository's
  const shared = resolve(git, (await firstLine(join(git, 'commondir'))) ?? '.');
  for (const folder of [git, shared]) {
    const commit = (await firstLine(join(folder, ref))) ?? '';
    if (COMMIT.test(commit)) return commit;
  }
  const packed = (await beginning(join(shared, 'packed-refs'))) ?? '';
  return packed
    .split('\n')
    .find((line) => line.slice(41) === ref || line.slice(65) === ref)
    ?.split(' ')[0];
}

async function firstLine(path: string): Promise<string | undefined> {
  return (await beginning(path))?.split('\n')[0]?.trim();
}

/** Whoever wrote the repository must not make this read without end. */
const BYTES_MAX = 4 * 1024 * 1024;

async function beginning(path: string): Promise<string | undefined> {
  try {
    const file = await open(path, 'r');
    try {
      const { size } = await file.stat();
      const { buffer, bytesRead } = await file.read(Buffer.alloc(Math.min(size, BYTES_MAX)));
      return buffer.toString('utf8', 0, bytesRead);
    } finally {
      await file.close();
    }
  } catch {
    return undefined;
  }
}
