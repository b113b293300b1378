import { dirname } from 'node:path';
import type { LockRequest } from '../app/ports.ts';
import { optional } from '../domain/optional.ts';
import type { ManifestFile } from '../domain/spec.ts';
import type { Actor } from '../domain/state.ts';
import { VERSION } from '../version.ts';
import { gitCommit } from './git-commit.ts';
import type { Io } from './io.ts';
import { absolute } from './user-paths.ts';

/** `more`: what else the history records of the run. */
export function lockRequest(
  { who }: Io,
  operation: string,
  { lockTimeout }: { readonly lockTimeout: number },
  { waivers = [], ...more }: Partial<Pick<Actor, 'git_commit' | 'plan_digest' | 'waivers'>> = {},
): LockRequest {
  const waived = optional('waivers', waivers.length > 0 ? waivers : undefined);
  return { actor: { who, operation, version: VERSION, ...more, ...waived }, lockTimeoutMs: lockTimeout };
}

/** The commit of the manifests, for the history; empty if it cannot be found. */
export async function commitOf(
  io: Io,
  files: readonly Pick<ManifestFile, 'path'>[],
): Promise<Pick<Actor, 'git_commit'>> {
  const path = files.find((file) => file.path !== '-')?.path ?? '.';
  return optional('git_commit', await gitCommit(io, dirname(absolute(io, path))));
}
