import { error } from '../domain/diagnostic.ts';
import { Failure } from '../domain/errors.ts';
import type { Outcome } from '../executor/execute.ts';
import { nodeDisk } from '../state/local/node-disk.ts';
import type { Io } from './io.ts';
import { absolute } from './setup.ts';
import { showDiagnostics } from './show.ts';

export const ERRORED_STATE = 'errored.state.json';

/**
 * The state could not be written any more. What it should know and may not is written beside it and, in case
 * that fails too, to stderr: job ids of accepted restores are in it.
 */
export async function saveUnsaved(
  io: Io,
  location: string,
  fatal: NonNullable<Outcome['fatal']>,
): Promise<void> {
  if (fatal.error instanceof Failure) showDiagnostics(io, fatal.error.diagnostics);
  else throw fatal.error;
  if (fatal.unsaved.length === 0) return;
  const text = `${JSON.stringify({ format: 1, state: location, records: fatal.unsaved }, undefined, 2)}\n`;
  io.stderr.write(text);
  const path = absolute(io, ERRORED_STATE);
  try {
    await nodeDisk.replace(path, text);
    showDiagnostics(io, [
      error(
        'unsaved',
        `${fatal.unsaved.length} record(s) could not be saved; they are in ${path} and above`,
        {
          remedy:
            'keep that file; mend the place of the state, then run vbsctl apply: it looks at the cloud first',
        },
      ),
    ]);
  } catch (cause) {
    showDiagnostics(io, [
      error('unsaved', `${fatal.unsaved.length} record(s) could not be saved, not even to ${path}`, {
        detail: String(cause),
        remedy: 'keep the JSON above',
      }),
    ]);
  }
}
