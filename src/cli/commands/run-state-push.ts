import { constants } from 'node:buffer';
import { type Merged, type Pushed, type PushPorts, pushUnsaved, pushWhole } from '../../app/push.ts';
import { runInterruptibly } from '../../domain/chunked-work.ts';
import { error } from '../../domain/diagnostic.ts';
import { EXIT, type ExitCode, Failure, unreachable, usage } from '../../domain/errors.ts';
import { shellOperand } from '../../domain/escape/shell-word.ts';
import type { Merge } from '../../domain/merge-unsaved.ts';
import { statusWord } from '../../domain/record.ts';
import { readStream } from '../../files/read-file.ts';
import { plainReason } from '../../files/system-error.ts';
import type { Backend } from '../../state/backend.ts';
import { decodeSnapshot, type Snapshot } from '../../state/codec.ts';
import { unmigratedBackend } from '../../state/migrated-state.ts';
import { decodeUnsaved } from '../../state/unsaved-codec.ts';
import { sanitize } from '../../views/terminal.ts';
import { plural } from '../../views/words.ts';
import { loadContext } from '../context.ts';
import type { Io } from '../io.ts';
import { openState, openUncheckedState } from '../open-state.ts';
import { acceptedPushRisks } from '../options/shared.ts';
import { showDiagnostics } from '../print.ts';
import {
  backupText,
  type ChangeFlags,
  changeRequest,
  NOTHING_CHANGED,
  statePorts,
  stateUse,
} from '../state-change.ts';
import { faultWarningBackend, knownHere, refuseBelowMinimum } from '../state-check.ts';
import { readUserFile } from '../user-paths.ts';

/** Replaces the state with a file, or merges the records that a run could not save (`errored.state.json`). */
export async function push(io: Io, file: string, flags: ChangeFlags): Promise<ExitCode> {
  const bytes = await readStateFile(io, file);
  const unsaved = await runInterruptibly(decodeUnsaved(bytes, file), io.stop);
  const context = await loadContext(io, flags);
  const request = { ...changeRequest(io, 'state push', flags), name: file };
  const ports = (backend: Backend): PushPorts => ({
    ...statePorts(io, flags, backend),
    known: (lineage) => knownHere(io, backend, lineage),
  });
  if (unsaved) {
    const backend = await openState(context, stateUse(flags));
    const merged = await pushUnsaved({ ...request, given: unsaved }, ports(backend), (merges) =>
      io.stdout.write(`${merges.map(mergeLine).join('\n')}\n\n`),
    );
    io.stdout.write(mergedText(merged, request.dryRun));
    return showRefusedMerges(io, merged.merges);
  }
  // A faulty state is not refused here: pushing a valid one is how it is repaired.
  const backend = faultWarningBackend(
    io,
    unmigratedBackend(await openUncheckedState(context, stateUse(flags))),
  );
  const given = await decodeGiven(io, bytes, file);
  refuseBelowMinimum(io, flags, given, file);
  const risks = acceptedPushRisks(flags);
  const pushed = await pushWhole({ ...request, given, risks }, ports(backend));
  io.stdout.write(pushedText(pushed, given, backend.location));
  return EXIT.done;
}

function mergedText({ saved, backup }: Merged, dryRun: boolean): string {
  if (dryRun) return NOTHING_CHANGED;
  if (backup === undefined) return 'Nothing to save.\n';
  return `Saved ${plural(saved, 'record')}. ${backupText(backup)}`;
}

function pushedText(pushed: Pushed, { state }: Snapshot, location: string): string {
  const what = `${plural(state.records.size, 'record')} (serial ${state.serial} in the file)`;
  switch (pushed.kind) {
    case 'same':
      return `${location} already holds exactly that state. Nothing to do.\n`;
    case 'would_push':
      return `Would write ${what} to ${location}; it would continue as serial ${pushed.serial}.\n${NOTHING_CHANGED}`;
    case 'pushed': {
      const before =
        pushed.backup === undefined ? 'There was no earlier state.\n' : backupText(pushed.backup);
      return `Wrote ${what} to ${location}; it continues as serial ${pushed.serial}.\n${before}`;
    }
    default:
      return unreachable(pushed);
  }
}

const STATE_FILES = 'name a file that was written by vbsctl state pull or by a failed run';

async function decodeGiven(io: Io, bytes: Uint8Array, file: string): Promise<Snapshot> {
  try {
    return await runInterruptibly(decodeSnapshot(bytes, file, 'the file'), io.stop);
  } catch (cause) {
    if (!(cause instanceof Failure)) throw cause;
    const remedy = `${STATE_FILES}; nothing was changed`;
    throw new Failure(
      cause.kind,
      cause.diagnostics.map((each) => (each.code === 'state-newer' ? each : { ...each, remedy })),
      { cause },
    );
  }
}

/** A longer state could not be decoded. */
const BYTES_MAX = constants.MAX_STRING_LENGTH;

async function readStateFile(io: Io, file: string): Promise<Uint8Array> {
  try {
    return file === '-'
      ? await readStream(io.stdin.bytes, BYTES_MAX, io.stop)
      : await readUserFile(io, file, BYTES_MAX);
  } catch (cause) {
    if (cause === io.stop.reason) throw cause;
    throw usage(`${file} cannot be read: ${plainReason(cause)}`, STATE_FILES);
  }
}

/** Repeats the refused records on stderr. The others were saved all the same. */
function showRefusedMerges(io: Io, merges: readonly Merge[]): ExitCode {
  const refused = merges.flatMap((merge) => (merge.kind === 'refused' ? [merge] : []));
  showDiagnostics(
    io,
    refused.map(({ unsaved, reason }) =>
      error('not-newer', `${unsaved.address} was not merged: ${reason}`, {
        detail: `In the file it is ${statusWord(unsaved.status)} since ${unsaved.updated_at}.`,
        remedy: `compare with vbsctl state show ${shellOperand(unsaved.address)}; the record of the state was kept`,
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
      return `+ ${address}${where}  ${merge.before ? statusWord(merge.before) : 'no record'} → ${statusWord(unsaved.status)}${touched}${job}`;
    }
    case 'known':
      return `= ${address}  already in the state: ${statusWord(merge.status)}`;
    case 'refused':
      return `! ${address}  refused: ${sanitize(merge.reason)}`;
    default:
      return unreachable(merge);
  }
}
