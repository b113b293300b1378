import { lstat } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { isoTime } from '../domain/clock.ts';
import { error, MultilineText } from '../domain/diagnostic.ts';
import { Failure } from '../domain/errors.ts';
import { harmlessJson } from '../domain/escape/json.ts';
import { shellPath } from '../domain/escape/shell-word.ts';
import { isUrl, shownLocation } from '../domain/shown-location.ts';
import type { State } from '../domain/state.ts';
import type { Outcome } from '../executor/execute.ts';
import { nodeDisk } from '../state/local/node-disk.ts';
import { encodeUnsaved } from '../state/unsaved-codec.ts';
import type { Io } from './io.ts';
import { showDiagnostics } from './print.ts';

export const ERRORED_STATE = 'errored.state.json';

import { absolute } from './user-paths.ts';

/**
 * The state could not be written any more. What it should know and may not goes to stderr at once and to a file
 * beside it (where that cannot be written either, in the working directory): job ids of accepted restores are in
 * it. `vbsctl state push` brings it back. `state`: as it was last known to be durable.
 */
export async function saveUnsaved(
  io: Io,
  location: string,
  state: State | undefined,
  fatal: NonNullable<Outcome['fatal']>,
): Promise<void> {
  if (fatal.error instanceof Failure) showDiagnostics(io, fatal.error.diagnostics);
  else throw fatal.error;
  const { unsaved } = fatal;
  if (unsaved.length === 0) return;
  if (!state) throw new Error('records were made without a state');
  const { lineage, serial, target } = state;
  const saved_at = isoTime(Date.now());
  const text = harmlessJson(
    encodeUnsaved({ state: shownLocation(location), lineage, serial, target, saved_at, records: unsaved }),
  );
  io.stderr.write(text);
  const reasons: string[] = [];
  for (const directory of placesFor(io, location)) {
    try {
      const path = await freeName(directory);
      await nodeDisk.replace(path, text);
      showDiagnostics(io, [
        error('unsaved', `${unsaved.length} record(s) could not be saved; they are in ${path} and above`, {
          ...(reasons.length > 0 ? { detail: `Not beside the state: ${reasons.join('; ')}` } : {}),
          remedy: `${firstOf(fatal.error)}, then save them: vbsctl state push ${shellPath(path)}`,
        }),
      ]);
      return;
    } catch (cause) {
      reasons.push(String(cause));
    }
  }
  showDiagnostics(io, [
    error('unsaved', `${unsaved.length} record(s) could not be saved, not even to a file`, {
      detail: new MultilineText(...reasons),
      remedy: `keep the JSON above as ${ERRORED_STATE}; ${firstOf(fatal.error)}, then: vbsctl state push ${ERRORED_STATE}`,
    }),
  ]);
}

/** What comes before the records can be brought back. */
function firstOf(cause: Failure): string {
  return cause.diagnostics.some(({ code }) => code === 'lock-lost')
    ? 'wait for the run that holds the lock (vbsctl status)'
    : 'make the location of the state writable';
}

function placesFor(io: Io, location: string): readonly string[] {
  const beside = isUrl(location) ? io.cwd : dirname(absolute(io, location));
  return [...new Set([beside, io.cwd])];
}

/** What an earlier run could not save is not overwritten. */
async function freeName(directory: string): Promise<string> {
  for (let n = 1; ; n++) {
    const path = join(directory, n === 1 ? ERRORED_STATE : `errored-${n}.state.json`);
    if (!(await isTaken(path))) return path;
  }
}

/** Also by a link to nothing. */
async function isTaken(path: string): Promise<boolean> {
  return lstat(path).then(
    () => true,
    () => false,
  );
}
