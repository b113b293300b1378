import { writeFile } from 'node:fs/promises';
import { basename, dirname, join } from 'node:path';
import { Failure } from '../domain/errors.ts';
import { isUrl } from '../domain/shown-location.ts';
import { readRegularFile } from '../files/read-file.ts';
import { hasCode, systemReason } from '../files/system-error.ts';
import { encodeSnapshot, type Snapshot } from '../state/codec.ts';
import type { Io } from './io.ts';
import { checkoutPath } from './user-paths.ts';

const OWNER_ONLY = 0o600;
const NAMES_MAX = 100;

/**
 * Saves a copy of a state before it is changed: beside a local state, else in the working directory, or in the file `wanted`.
 * Overwrites no other file. Resolves with the path of the copy.
 */
export async function backUp(
  io: Io,
  location: string,
  snapshot: Snapshot,
  wanted: string | undefined,
): Promise<string> {
  const text = encodeSnapshot(snapshot);
  const first = wanted ?? backupName(location, snapshot);
  for (let n = 0; n < NAMES_MAX; n++) {
    const path = n === 0 ? first : `${first}.${n}`;
    const real = await checkoutPath(io, path, '--backup');
    try {
      await writeFile(real, text, { flag: 'wx', mode: OWNER_ONLY, flush: true });
      return path;
    } catch (cause) {
      if (!hasCode(cause, 'EEXIST')) throw unwritable(path, systemReason(cause));
      if (await holds(real, text)) return path;
      if (wanted !== undefined) throw unwritable(path, 'it already exists, with other content');
    }
  }
  throw unwritable(first, `there are ${NAMES_MAX} files of that name`);
}

async function holds(path: string, text: string): Promise<boolean> {
  const bytes = Buffer.from(text);
  return readRegularFile(path, bytes.length).then(
    (found) => found.equals(bytes),
    () => false,
  );
}

/** `vbsctl.state.json.serial-41.backup`: a serial of a state is used only once. */
function backupName(location: string, { state }: Snapshot): string {
  const ending = `serial-${state.serial}.backup`;
  // The lineage is the server's word, and no part of a path.
  if (isUrl(location))
    return `vbsctl.state.${state.lineage.slice(0, 8).replace(/[^-0-9A-Za-z]/g, '_')}.${ending}`;
  return join(dirname(location), `${basename(location)}.${ending}`);
}

function unwritable(path: string, why: string): Failure {
  return Failure.of('state', 'backup-failed', `the backup ${path} cannot be written: ${why}`, {
    remedy: 'nothing was changed; name a file that can be: --backup FILE',
  });
}
