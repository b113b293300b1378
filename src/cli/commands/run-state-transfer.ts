import { constants } from 'node:buffer';
import { type Merged, type Pushed, type PushPorts, pushUnsaved, pushWhole } from '../../app/push.ts';
import type { Merge } from '../../domain/continuation.ts';
import { error } from '../../domain/diagnostic.ts';
import { EXIT, type ExitCode, Failure, unreachable } from '../../domain/errors.ts';
import { harmlessJson } from '../../domain/escape/json.ts';
import { shellOperand } from '../../domain/escape/shell-word.ts';
import { stoppably } from '../../domain/long-work.ts';
import { PUSH_RISKS } from '../../domain/push-risks.ts';
import type { PushRisk } from '../../domain/state.ts';
import { readNamedFile, readAll as readWhole } from '../../files/read-file.ts';
import { systemReason } from '../../files/system-error.ts';
import type { Backend } from '../../state/backend.ts';
import { decodeSnapshot, encodeSnapshot, type Snapshot } from '../../state/codec.ts';
import { refusingMigrated } from '../../state/migrated-state.ts';
import { decodeUnsaved } from '../../state/unsaved-codec.ts';
import { sanitize } from '../../views/terminal.ts';
import { plural } from '../../views/words.ts';
import type { Io } from '../io.ts';
import { allowed, type CommonFlags } from '../options/shared.ts';
import { showDiagnostics } from '../print.ts';
import { absolute, actor, backend, loadSettings, openState } from '../setup.ts';
import { type StateUse, serialsKnown, statePorts, warningOfFaults } from '../state-check.ts';
import type { EditFlags } from './run-state-edit.ts';
import { existing } from './run-state-show.ts';

/** Prints the whole state with its chain, as it is stored. */
export async function pull(io: Io, flags: CommonFlags): Promise<ExitCode> {
  io.stdout.write(harmlessJson(encodeSnapshot(await existing(io, flags))));
  return EXIT.done;
}

/** Puts a whole state from a file in place; or merges what a run could not save (`errored.state.json`). */
export async function push(io: Io, file: string, flags: EditFlags): Promise<ExitCode> {
  const bytes = await readAll(io, file);
  const unsaved = await stoppably(decodeUnsaved(bytes, file), io.stop);
  const settings = await loadSettings(io, flags);
  const use: StateUse = flags.dryRun ? 'read' : 'write';
  const request = {
    name: file,
    dryRun: flags.dryRun === true,
    actor: actor(io, 'state push'),
    lockTimeoutMs: flags.lockTimeout,
  };
  const ports = (store: Backend): PushPorts => ({
    ...statePorts(io, flags),
    store,
    serialsKnown: (lineage) => serialsKnown(io, lineage),
  });
  if (unsaved) {
    const store = await backend(io, flags, settings, use);
    const merged = await pushUnsaved({ ...request, given: unsaved }, ports(store), (merges) =>
      io.stdout.write(`${merges.map(mergeLine).join('\n')}\n\n`),
    );
    io.stdout.write(mergedText(merged, request.dryRun));
    return exitOf(io, merged.merges);
  }
  // What stands there may be broken: to put a sound state in its place is how that is repaired.
  const store = warningOfFaults(io, refusingMigrated(await openState(io, flags, settings, use)));
  const snapshot = await decoded(io, bytes, file);
  const risks = allowed(Object.keys(PUSH_RISKS) as PushRisk[], flags);
  const pushed = await pushWhole({ ...request, given: snapshot, risks }, ports(store));
  io.stdout.write(pushedText(pushed, snapshot, store.location));
  return EXIT.done;
}

function mergedText({ saved, backup }: Merged, dryRun: boolean): string {
  if (dryRun) return 'Nothing was changed: this was a dry run.\n';
  if (backup === undefined) return 'Nothing to save.\n';
  return `Saved ${plural(saved, 'record')}. Backup of the previous state: ${backup}\n`;
}

function pushedText(pushed: Pushed, { state }: Snapshot, location: string): string {
  const what = `${plural(state.records.size, 'record')} (serial ${state.serial} in the file)`;
  switch (pushed.kind) {
    case 'same':
      return `${location} already holds exactly that state. Nothing to do.\n`;
    case 'would_push':
      return `Would write ${what} to ${location}; it would continue as serial ${pushed.serial}.\nNothing was changed: this was a dry run.\n`;
    case 'pushed': {
      const before =
        pushed.backup === undefined
          ? 'There was no earlier state.'
          : `Backup of the previous state: ${pushed.backup}`;
      return `Wrote ${what} to ${location}; it continues as serial ${pushed.serial}.\n${before}\n`;
    }
    default:
      return unreachable(pushed);
  }
}

/** What is wrong is the file that was given, not what is stored. */
async function decoded(io: Io, bytes: Uint8Array, file: string): Promise<Snapshot> {
  try {
    return await stoppably(decodeSnapshot(bytes, file), io.stop);
  } catch (cause) {
    if (!(cause instanceof Failure)) throw cause;
    const remedy =
      'name a file that was written by vbsctl state pull or by a failed run; nothing was changed';
    throw new Failure(
      cause.kind,
      cause.diagnostics.map((each) => (each.code === 'state-newer' ? each : { ...each, remedy })),
      { cause },
    );
  }
}

/** No longer state could be decoded. */
const BYTES_MAX = constants.MAX_STRING_LENGTH;

async function readAll(io: Io, file: string): Promise<Uint8Array> {
  try {
    return file === '-'
      ? await readWhole(io.stdin.bytes, BYTES_MAX, io.stop)
      : await readNamedFile(absolute(io, file), {
          checkouts: [io.cwd],
          bytesMax: BYTES_MAX,
          signal: io.stop,
        });
  } catch (cause) {
    if (cause === io.stop.reason) throw cause;
    throw Failure.of(
      'usage',
      'state-file',
      `${file} cannot be read: ${systemReason(cause)}`,
      {
        remedy: 'name a file that was written by vbsctl state pull or by a failed run',
      },
      { cause },
    );
  }
}

/** What was refused is told once more, where errors are looked for; the others are saved all the same. */
function exitOf(io: Io, merges: readonly Merge[]): ExitCode {
  const refused = merges.flatMap((merge) => (merge.kind === 'refused' ? [merge] : []));
  showDiagnostics(
    io,
    refused.map(({ unsaved, why }) =>
      error('not-newer', `${unsaved.address} was not merged: ${why}`, {
        detail: `In the file it is ${unsaved.status} since ${unsaved.updated_at}.`,
        remedy: `compare with vbsctl state show ${shellOperand(unsaved.address)}; what the state says stays`,
        where: { address: unsaved.address },
      }),
    ),
  );
  return refused.length > 0 ? EXIT.error : EXIT.done;
}

function mergeLine(merge: Merge): string {
  const { unsaved } = merge;
  const address = sanitize(unsaved.address);
  switch (merge.kind) {
    case 'taken': {
      const job =
        'job_id' in unsaved && unsaved.job_id !== undefined ? ` (job ${sanitize(unsaved.job_id)})` : '';
      const where = merge.record.address === unsaved.address ? '' : `, now ${sanitize(merge.record.address)}`;
      const touched =
        unsaved.status === 'failed' ? `, disk ${unsaved.touched === 'no' ? 'not' : 'maybe'} touched` : '';
      return `+ ${address}${where}  ${merge.before ?? 'no record'} → ${unsaved.status}${touched}${job}`;
    }
    case 'known':
      return `= ${address}  already in the state: ${merge.status}`;
    case 'refused':
      return `! ${address}  refused: ${sanitize(merge.why)}`;
    default:
      return unreachable(merge);
  }
}
