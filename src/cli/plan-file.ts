import { createHash } from 'node:crypto';
import { lstat, unlink } from 'node:fs/promises';
import { Failure } from '../domain/errors.ts';
import { shellWord } from '../domain/escape/shell-word.ts';
import { stoppably } from '../domain/long-work.ts';
import type { Hash, SavedPlan } from '../domain/saved-plan.ts';
import { readNamedFile, readRegularFile, UnfitFileError } from '../files/read-file.ts';
import { replaceFile } from '../files/replace-file.ts';
import { decodePlan, encodePlan } from '../state/plan-codec.ts';
import { VERSION } from '../version.ts';
import { checkoutPath } from './checkout-path.ts';
import type { Io } from './io.ts';
import { absolute } from './setup.ts';
import { usage } from './usage.ts';

export const sha256: Hash = (text) => createHash('sha256').update(text).digest('hex');

/** A hundred thousand restores make about 200 MB. */
const BYTES_MAX = 400 * 1024 * 1024;

/**
 * Takes away the plan that an earlier run left under that name, before anything else is done: when this run fails, the
 * old one must not be taken for its result. What is no saved plan is left alone, and refused. Terraform leaves the old
 * file; but there nobody applies a plan twice, and here `apply` of an old one may find work to do.
 */
export async function clearPlan(io: Io, path: string): Promise<void> {
  // The link itself would be replaced; who put it there may have meant another file.
  const found = await lstat(absolute(io, path)).catch(() => undefined);
  if (found?.isSymbolicLink())
    throw occupied(path, 'is a symbolic link', 'name a regular file, or a new one: --out FILE');
  await checkoutPath(io, path, 'vbsctl plan --out');
  if (!found) return;
  if (!found.isFile()) throw occupied(path, 'is not a regular file', 'name a new file: --out FILE');
  try {
    if (found.size > 0 && !isSavedPlan(await readRegularFile(absolute(io, path), BYTES_MAX)))
      throw occupied(path, 'exists and is not a saved plan', 'name another file, or remove it');
    await unlink(absolute(io, path));
  } catch (cause) {
    throw unusable(path, 'written', cause);
  }
}

/** As `writePlan` begins one; a manifest or a state that was named by mistake does not look like this. */
function isSavedPlan(bytes: Buffer): boolean {
  return /^\s*\{\s*"apiVersion":\s*"vbsctl[^"]*",\s*"kind":\s*"SavedPlan"/.test(
    bytes.toString('latin1', 0, 500),
  );
}

function occupied(path: string, what: string, remedy: string): Failure {
  return Failure.of('refused', 'plan-file', `${path} ${what}: no plan is saved there`, { remedy });
}

/** Whole or not at all, readable by its owner only, under a temporary name that nobody can foresee until it is whole. */
export async function writePlan(io: Io, path: string, saved: SavedPlan): Promise<void> {
  try {
    await replaceFile(absolute(io, path), encodePlan(saved));
  } catch (cause) {
    throw unusable(path, 'written', cause);
  }
}

/** Throws a Failure: `usage` when there is no such file, `refused` when it is no plan as it was made. */
export async function readPlan(io: Io, path: string): Promise<SavedPlan> {
  await checkoutPath(io, path, 'vbsctl apply');
  let bytes: Buffer;
  try {
    if ((await lstat(absolute(io, path))).isDirectory())
      throw usage(
        `${path} is a directory, not a saved plan`,
        `to use a directory of manifests: vbsctl apply -f ${shellWord(path)}`,
      );
    const reading = { checkouts: [io.cwd], bytesMax: BYTES_MAX, signal: io.stop };
    bytes = await readNamedFile(absolute(io, path), reading);
  } catch (cause) {
    if (io.stop.aborted) throw cause;
    throw unusable(path, 'read', cause);
  }
  return await stoppably(decodePlan(bytes, path, VERSION, sha256), io.stop);
}

function unusable(path: string, verb: 'read' | 'written', cause: unknown): Failure {
  if (cause instanceof Failure) return cause;
  const { code } = cause as NodeJS.ErrnoException;
  if (code === undefined) throw cause;
  const remedy =
    verb === 'read'
      ? 'name the file that vbsctl plan --out wrote; one restore: vbsctl state show ADDRESS'
      : 'name a file in a directory that you may write to';
  if (cause instanceof UnfitFileError)
    return Failure.of('refused', 'plan-file', `${path} cannot be ${verb}: ${cause.message}`, { remedy });
  return Failure.of(
    'usage',
    'plan-file',
    `${path} cannot be ${verb} (${code})`,
    { remedy },
    {
      cause,
    },
  );
}
