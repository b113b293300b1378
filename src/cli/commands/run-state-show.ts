import { noRecord } from '../../app/addresses.ts';
import { noState } from '../../app/no-state.ts';
import { EXIT, type ExitCode, Failure } from '../../domain/errors.ts';
import type { State } from '../../domain/state.ts';
import type { Snapshot } from '../../state/codec.ts';
import { stateMigrated } from '../../state/migrated-state.ts';
import type { StateFault } from '../../state/state-faults.ts';
import { stateListJson, stateShowJson } from '../../views/state-json.ts';
import { stateListText, stateShowText } from '../../views/state-text.ts';
import type { Io } from '../io.ts';
import type { CommonFlags, OutputFormat } from '../options/shared.ts';
import { printJson, showDiagnostics, textOptions } from '../print.ts';
import { recordOptions } from '../record-options.ts';
import { loadSettings, openState } from '../setup.ts';
import { faultsOf, warnOfFaults } from '../state-check.ts';

/** Start here for the commands that look after the state: what they share, and those that only show it. */

export interface StateFlags extends CommonFlags {
  readonly output: OutputFormat;
}

export async function list(io: Io, flags: StateFlags): Promise<ExitCode> {
  const { state } = await existing(io, flags);
  if (flags.output === 'json') printJson(io, stateListJson(state.records.values()));
  else io.stdout.write(stateListText(state, textOptions(io)));
  return EXIT.done;
}

export async function show(io: Io, address: string, flags: StateFlags): Promise<ExitCode> {
  const { state } = await existing(io, flags);
  const { records } = state;
  const record = records.get(address);
  if (!record) throw new Failure('usage', noRecord(address, records.keys()));
  if (flags.output === 'json') printJson(io, stateShowJson(record));
  else io.stdout.write(stateShowText(record, recordOptions(io, state)));
  return EXIT.done;
}

/**
 * The stored state, migrated or not, with a warning for each fault; takes no lock. Throws a `Failure` (`refused`) if
 * there is none.
 */
export async function existing(
  io: Io,
  flags: CommonFlags,
): Promise<Snapshot & { readonly location: string }> {
  const { faults, ...found } = await withFaults(io, flags);
  warnOfFaults(io, found.location, found, faults);
  return found;
}

export async function withFaults(
  io: Io,
  flags: CommonFlags,
): Promise<Snapshot & { readonly location: string; readonly faults: readonly StateFault[] }> {
  const store = await openState(io, flags, await loadSettings(io, flags), 'read');
  const snapshot = await store.snapshot();
  if (!snapshot) throw noState(store);
  const { location } = store;
  tellWhenMoved(io, snapshot.state, location);
  return { ...snapshot, location, faults: await faultsOf(io, store, snapshot) };
}

/** Who looks into a state that was given up should know it. */
function tellWhenMoved(io: Io, { moved_to }: State, location: string): void {
  if (moved_to) showDiagnostics(io, [{ ...stateMigrated(moved_to, location), severity: 'warning' }]);
}
