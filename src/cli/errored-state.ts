import { lstat } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { isoTime } from '../domain/clock.ts';
import { error, MultilineText } from '../domain/diagnostic.ts';
import { Failure } from '../domain/errors.ts';
import { harmlessJson } from '../domain/escape/json.ts';
import { shellPath } from '../domain/escape/shell-word.ts';
import { isUrl, shownLocation } from '../domain/shown-location.ts';
import type { State } from '../domain/state.ts';
import type { ExecutionOutcome } from '../executor/execute.ts';
import { replaceFile } from '../files/replace-file.ts';
import { encodeUnsaved } from '../state/unsaved-codec.ts';
import { plural } from '../views/words.ts';
import type { Io } from './io.ts';
import { showDiagnostics } from './print.ts';
import { absolute } from './user-paths.ts';

const ERRORED_STATE = 'errored.state.json';

/**
 * Saves the records that could not be written to the state: they contain the job IDs of accepted restores. Prints them on
 * stderr, and writes them to a file beside the state, or else in the working directory. `vbsctl state push` merges the file.
 * `state`: as it was last stored.
 */
export async function saveUnsaved(
  io: Io,
  location: string,
  state: State | undefined,
  { error: fatal, unsaved }: NonNullable<ExecutionOutcome['fatal']>,
): Promise<void> {
  if (!(fatal instanceof Failure)) throw fatal;
  showDiagnostics(io, fatal.diagnostics);
  if (unsaved.length === 0) return;
  if (!state) throw new Error('records were made without a state');
  const { lineage, serial, target } = state;
  const saved_at = isoTime(Date.now());
  const text = harmlessJson(
    encodeUnsaved({ state: shownLocation(location), lineage, serial, target, saved_at, records: unsaved }),
  );
  io.stderr.write(text);
  const first = fatal.diagnostics.some(({ code }) => code === 'lock-lost')
    ? 'wait for the run that holds the lock (vbsctl status)'
    : 'make the location of the state writable';
  const reasons: string[] = [];
  for (const directory of new Set([isUrl(location) ? io.cwd : dirname(absolute(io, location)), io.cwd])) {
    try {
      const path = await freeName(directory);
      await replaceFile(path, text);
      showDiagnostics(io, [
        error(
          'unsaved',
          `${plural(unsaved.length, 'record')} could not be saved to the state; see ${path} and the JSON above`,
          {
            ...(reasons.length > 0 ? { detail: `Not beside the state: ${reasons.join('; ')}` } : {}),
            remedy: `${first}, then save them: vbsctl state push ${shellPath(path)}`,
          },
        ),
      ]);
      return;
    } catch (cause) {
      reasons.push(String(cause));
    }
  }
  showDiagnostics(io, [
    error(
      'unsaved',
      `${plural(unsaved.length, 'record')} could not be saved, neither to the state nor to a file`,
      {
        detail: new MultilineText(...reasons),
        remedy: `keep the JSON above as ${ERRORED_STATE}; ${first}, then: vbsctl state push ${ERRORED_STATE}`,
      },
    ),
  ]);
}

/** The file of an earlier run is not overwritten. */
async function freeName(directory: string): Promise<string> {
  for (let n = 1; ; n++) {
    const path = join(directory, n === 1 ? ERRORED_STATE : `errored-${n}.state.json`);
    const found = await lstat(path).catch(() => undefined);
    if (!found) return path;
  }
}
