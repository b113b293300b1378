import { hash } from 'node:crypto';
import { lstat, unlink } from 'node:fs/promises';
import { runInterruptibly } from '../domain/chunked-work.ts';
import { Failure, refused, usage } from '../domain/errors.ts';
import { shellWord } from '../domain/escape/shell-word.ts';
import type { Hash, SavedPlan } from '../domain/saved-plan.ts';
import { readRegularFile, UnfitFileError } from '../files/read-file.ts';
import { replaceFile } from '../files/replace-file.ts';
import { plainReason } from '../files/system-error.ts';
import { decodePlan, encodePlan, PLAN_BYTES_MAX } from '../state/plan-codec.ts';
import { VERSION } from '../version.ts';
import type { Io } from './io.ts';
import { absolute, checkoutPath, readUserFile } from './user-paths.ts';

const OUT = 'vbsctl plan --out';

export const sha256: Hash = (text) => hash('sha256', text);

/**
 * Removes the plan of an earlier run before anything else is done: if this run fails, the old plan must not be taken for its
 * result. Refuses any other file. Terraform keeps the old file, but does not apply a plan twice; here `apply` of an old plan
 * may find work to do.
 */
export async function clearPlan(io: Io, path: string): Promise<void> {
  // Saving replaces the link itself, but the user may mean the file that it leads to.
  const found = await lstat(absolute(io, path)).catch(() => undefined);
  if (found?.isSymbolicLink())
    throw occupied(path, 'is a symbolic link', 'name a regular file, or a new one: --out FILE');
  const real = await checkoutPath(io, path, OUT);
  if (!found) return;
  if (!found.isFile()) throw occupied(path, 'is not a regular file', 'name a new file: --out FILE');
  try {
    if (found.size > 0 && !isSavedPlan(await readRegularFile(real, PLAN_BYTES_MAX)))
      throw occupied(path, 'exists and is not a saved plan', 'name another file, or remove it');
    await unlink(real);
  } catch (cause) {
    throw unusable(path, 'written', cause);
  }
}

/** The beginning of a file that `writePlan` wrote. Manifests and states begin otherwise. */
function isSavedPlan(bytes: Buffer): boolean {
  return /^\s*\{\s*"apiVersion":\s*"vbsctl[^"]*",\s*"kind":\s*"SavedPlan"/.test(
    bytes.toString('latin1', 0, 500),
  );
}

function occupied(path: string, what: string, remedy: string): Failure {
  return refused('plan-file', `${path} ${what}: no plan is saved there`, remedy);
}

/** Writes the whole file or nothing, readable by its owner only. */
export async function writePlan(io: Io, path: string, saved: SavedPlan): Promise<void> {
  try {
    await replaceFile(await checkoutPath(io, path, OUT), encodePlan(saved));
  } catch (cause) {
    throw unusable(path, 'written', cause);
  }
}

/** Throws a Failure: `usage` if there is no such file, `refused` if it is not a plan as vbsctl saved it. */
export async function readPlan(io: Io, path: string): Promise<SavedPlan> {
  await checkoutPath(io, path, 'vbsctl apply');
  let bytes: Buffer;
  try {
    if ((await lstat(absolute(io, path))).isDirectory())
      throw usage(
        `${path} is a directory, not a saved plan`,
        `to use a directory of manifests: vbsctl apply -f ${shellWord(path)}`,
      );
    bytes = await readUserFile(io, path, PLAN_BYTES_MAX);
  } catch (cause) {
    if (io.stop.aborted) throw cause;
    throw unusable(path, 'read', cause);
  }
  return await runInterruptibly(decodePlan(bytes, path, VERSION, sha256), io.stop);
}

function unusable(path: string, verb: 'read' | 'written', cause: unknown): Failure {
  if (cause instanceof Failure) return cause;
  const { code } = cause as NodeJS.ErrnoException;
  if (code === undefined) throw cause;
  const remedy =
    verb === 'read'
      ? 'name the file that vbsctl plan --out wrote; to show one restore: vbsctl state show ADDRESS'
      : 'name a file in a directory that you may write to';
  const summary = `${path} cannot be ${verb}: ${plainReason(cause)}`;
  return Failure.of(cause instanceof UnfitFileError ? 'refused' : 'usage', 'plan-file', summary, { remedy });
}
