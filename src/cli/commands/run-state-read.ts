import { requireRecord } from '../../app/addresses.ts';
import { noState } from '../../app/refusals.ts';
import { runInterruptibly } from '../../domain/chunked-work.ts';
import { type Diagnostic, error } from '../../domain/diagnostic.ts';
import { EXIT, type ExitCode } from '../../domain/errors.ts';
import { harmlessJsonInSteps } from '../../domain/escape/json.ts';
import { matchingEntries } from '../../domain/history-filter.ts';
import { optional } from '../../domain/optional.ts';
import { encodeSnapshot, type Snapshot } from '../../state/codec.ts';
import { findBreaks } from '../../state/history-chain.ts';
import { stateMigrated } from '../../state/migrated-state.ts';
import { acceptedBreak, belowMinimum, faultDiagnostic, type StateFault } from '../../state/state-faults.ts';
import { verify } from '../../state/verify.ts';
import { type ChainBreakMark, historyJson, historyText, type ShownEntry } from '../../views/history-text.ts';
import { lockInfoText } from '../../views/lock-text.ts';
import { stateListJson, stateShowJson } from '../../views/state-json.ts';
import { stateListText, stateShowText } from '../../views/state-text.ts';
import { plural } from '../../views/words.ts';
import { loadContext } from '../context.ts';
import type { Io } from '../io.ts';
import { openUncheckedState } from '../open-state.ts';
import type { CommonFlags, OutputFormat } from '../options/shared.ts';
import { inFormat, printJson, printResult, showDiagnostics, showWarnings, textOptions } from '../print.ts';
import { recordOptions } from '../record-options.ts';
import { faultsOf, minimumSerial, warnOfFaults } from '../state-check.ts';

/** The commands that show the state, also a faulty or migrated one. They take no lock. */

export interface StateFlags extends CommonFlags {
  readonly output: OutputFormat;
}

export async function list(io: Io, flags: StateFlags): Promise<ExitCode> {
  const { state } = await readState(io, flags);
  printResult(io, flags.output, {
    text: () => stateListText(state, textOptions(io)),
    json: () => stateListJson(state.records.values()),
  });
  return EXIT.done;
}

export async function show(io: Io, address: string, flags: StateFlags): Promise<ExitCode> {
  const { state } = await readState(io, flags);
  const record = requireRecord(state, address);
  printResult(io, flags.output, {
    text: () => stateShowText(record, recordOptions(io, state)),
    json: () => stateShowJson(record),
  });
  return EXIT.done;
}

export async function pull(io: Io, flags: CommonFlags): Promise<ExitCode> {
  const text = encodeSnapshot(await readState(io, flags));
  io.stdout.write(await runInterruptibly(harmlessJsonInSteps(text), io.stop));
  return EXIT.done;
}

export interface HistoryFlags extends StateFlags {
  readonly address?: string;
  readonly volume?: string;
  readonly since?: string;
}

/** Shows the history, oldest entry first. */
export async function history(io: Io, flags: HistoryFlags): Promise<ExitCode> {
  const { state, chain } = await readState(io, flags);
  const found = await runInterruptibly(findBreaks(state, chain), io.stop);
  const breaks = new Map(
    found.map(({ index, accepted_by }): [number, ChainBreakMark] => [
      index,
      accepted_by === undefined ? 'not_accepted' : 'accepted',
    ]),
  );
  const chosen = matchingEntries(state.history, {
    ...optional('address', flags.address),
    ...optional('volume', flags.volume),
    ...optional('since_ms', flags.since === undefined ? undefined : Date.parse(flags.since)),
  }).flatMap((index): ShownEntry[] => {
    const entry = state.history[index];
    return entry ? [{ entry, hash: chain[index] ?? '', chain_break: breaks.get(index) }] : [];
  });
  printResult(io, flags.output, {
    text: () => historyText(chosen, state.history.length, textOptions(io)),
    json: () => historyJson(chosen),
  });
  return EXIT.done;
}

/**
 * Checks that the history is as it was written, that the records agree with it, and that this user has seen no newer
 * state. Names the breaks that were accepted.
 */
export async function verifyState(io: Io, flags: StateFlags): Promise<ExitCode> {
  const { location, faults, below, ...snapshot } = await readWithFaults(io, flags);
  const { broken, accepted, mismatches, ...counts } = await runInterruptibly(verify(snapshot), io.stop);
  const diagnostics = [
    ...below,
    ...faults.flatMap((fault): Diagnostic[] =>
      fault.kind === 'contradictory'
        ? fault.mismatches.map(({ address, what }) =>
            error('record-contradicts-history', what, {
              remedy: 'look at the disk in the cloud; compare with a backup of the state',
              where: { address },
            }),
          )
        : [faultDiagnostic(fault, snapshot, location)],
    ),
  ];
  const valid = diagnostics.length === 0;
  inFormat(flags.output, {
    text: () => {
      showDiagnostics(io, [...diagnostics, ...accepted.map(acceptedBreak)]);
      if (valid)
        io.stdout.write(
          `Valid: ${plural(counts.entries, 'history entry', 'history entries')}, ${accepted.length === 0 ? 'unchanged' : 'unchanged or accepted'}; ${plural(counts.records, 'record')}, in agreement with the history.\n`,
        );
    },
    json: () =>
      printJson(io, {
        format: 1,
        location,
        valid,
        ...counts,
        mismatches,
        broken: broken ?? null,
        accepted,
        faults: diagnostics,
      }),
  });
  return valid ? EXIT.done : EXIT.error;
}

/** Shows who holds the lock. */
export async function lockInfo(io: Io, flags: StateFlags): Promise<ExitCode> {
  const { location, ...backend } = await openUncheckedState(await loadContext(io, flags), 'read');
  const lock = await backend.holder();
  printResult(io, flags.output, {
    text: () => lockInfoText(location, lock, textOptions(io)),
    json: () => ({ format: 1, location, lock: lock ?? null }),
  });
  return EXIT.done;
}

/** Reads the state, and warns of its faults. */
async function readState(io: Io, flags: CommonFlags): Promise<Snapshot> {
  const { location, faults, below, ...snapshot } = await readWithFaults(io, flags);
  showWarnings(io, below);
  warnOfFaults(io, location, snapshot, faults);
  return snapshot;
}

interface StateWithFaults extends Snapshot {
  readonly location: string;
  readonly faults: readonly StateFault[];
  /** An error if its serial is below the minimum that the user requires. */
  readonly below: readonly Diagnostic[];
}

/** Throws a `Failure` (`refused`) if there is no state. */
async function readWithFaults(io: Io, flags: CommonFlags): Promise<StateWithFaults> {
  const minimum = minimumSerial(io, flags);
  const backend = await openUncheckedState(await loadContext(io, flags), 'read');
  const snapshot = await backend.snapshot();
  if (!snapshot) throw noState(backend);
  const { location } = backend;
  const { moved_to } = snapshot.state;
  if (moved_to) showWarnings(io, [stateMigrated(moved_to, location)]);
  return {
    ...snapshot,
    location,
    faults: await faultsOf(io, backend, snapshot),
    below: (minimum && belowMinimum(snapshot, minimum, location)?.diagnostics) ?? [],
  };
}
