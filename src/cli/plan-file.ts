import { createHash } from 'node:crypto';
import { readFile, stat } from 'node:fs/promises';
import { error } from '../domain/diagnostic.ts';
import { Failure } from '../domain/errors.ts';
import { toJson } from '../domain/escape/json.ts';
import { shellWord } from '../domain/escape/shell-word.ts';
import type { Hash, SavedPlan } from '../domain/saved-plan.ts';
import { nodeDisk } from '../state/local/node-disk.ts';
import { decodePlan } from '../state/plan-codec.ts';
import { VERSION } from '../version.ts';
import type { Io } from './io.ts';
import { absolute } from './setup.ts';
import { usage } from './usage.ts';

export const sha256: Hash = (text) => createHash('sha256').update(text).digest('hex');

/** A hundred thousand restores make about 200 MB. */
const BYTES_MAX = 400 * 1024 * 1024;

/** Whole or not at all, readable by its owner only. */
export async function writePlan(io: Io, path: string, saved: SavedPlan): Promise<void> {
  try {
    await nodeDisk.replace(absolute(io, path), `${toJson(saved, 1)}\n`);
  } catch (cause) {
    if (cause instanceof Failure) throw cause;
    throw unusable(path, 'written', cause);
  }
}

/** Throws a Failure: `usage` when there is no such file, `refused` when it is no plan as it was made. */
export async function readPlan(io: Io, path: string): Promise<SavedPlan> {
  let text: string;
  try {
    if ((await stat(absolute(io, path))).size > BYTES_MAX)
      throw new Failure(
        'refused',
        error('plan-too-large', `${path} is larger than ${BYTES_MAX} bytes: it is no saved plan`, {
          remedy: 'name a file that was made by: vbsctl plan --out',
        }),
      );
    text = await readFile(absolute(io, path), 'utf8');
  } catch (cause) {
    if (cause instanceof Failure) throw cause;
    throw unusable(path, 'read', cause);
  }
  if (isManifest(path, text))
    throw usage(
      `${path} is a manifest, not a saved plan`,
      `manifests are named with -f: vbsctl plan -f ${shellWord(path)}, vbsctl apply -f ${shellWord(path)}`,
    );
  return decodePlan(text, path, VERSION, sha256);
}

/** As far as a look tells; a plan is JSON, and has another kind. */
function isManifest(path: string, text: string): boolean {
  return /\.ya?ml$/i.test(path) || /^\s*"?kind"?:\s*"?RestoreSet\b/m.test(text.slice(0, 10_000));
}

function unusable(path: string, verb: 'read' | 'written', cause: unknown): Failure {
  const { code } = cause as NodeJS.ErrnoException;
  if (code === undefined) throw cause;
  return new Failure(
    'usage',
    error('plan-file', `${path} cannot be ${verb} (${code})`, {
      remedy:
        verb === 'read'
          ? code === 'EISDIR'
            ? `a folder of manifests is named with -f: vbsctl apply -f ${shellWord(path)}`
            : 'name the file that vbsctl plan --out wrote; one restore: vbsctl state show ADDRESS'
          : 'name a file in a directory that you may write to',
    }),
    { cause },
  );
}
