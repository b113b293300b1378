import { hostname } from 'node:os';
import { join } from 'node:path';
import { runInterruptibly } from '../domain/chunked-work.ts';
import { isoTime } from '../domain/clock.ts';
import { Failure, usage } from '../domain/errors.ts';
import { shellWord } from '../domain/escape/shell-word.ts';
import { type MinimumState, parseMinimum } from '../domain/minimum-state.ts';
import { isUrl } from '../domain/shown-location.ts';
import { userStateDirectory } from '../files/user-state-directory.ts';
import type { Backend } from '../state/backend.ts';
import { checkedBackend } from '../state/backend-decorators.ts';
import type { Snapshot } from '../state/codec.ts';
import {
  type KnownStates,
  knownStateOf,
  knownStateOfRun,
  knownStates,
  type StateEvent,
} from '../state/known-states.ts';
import {
  belowMinimum,
  faultDiagnostic,
  faultyState,
  type KnownHere,
  type StateFault,
  stateFaults,
} from '../state/state-faults.ts';
import type { Context } from './context.ts';
import type { Io } from './io.ts';
import type { CommonFlags } from './options/shared.ts';
import { showWarnings } from './print.ts';
import { systemClock } from './system.ts';

/** Checks a state before it is used: its history must verify, and it must not be older than one seen before. */

/** What a command does with the state. */
export type StateUse = 'read' | 'write';

/**
 * The backend, which refuses (exit 5) a faulty state and remembers each state that it returns. A command that only reads
 * warns of a state of another lineage than before instead of refusing it.
 */
export function faultCheckedBackend({ io, flags }: Context, backend: Backend, use: StateUse): Backend {
  const minimum = minimumSerial(io, flags);
  let replaced = false;
  return checkedBackend(backend, {
    async check(snapshot) {
      refuseBelow(minimum, snapshot, backend.location);
      if (!snapshot) return;
      const faults = await faultsOf(io, backend, snapshot);
      replaced = faults.some(({ kind }) => kind === 'other_lineage');
      const tolerated = use === 'read' ? faults.filter(({ kind }) => kind === 'other_lineage') : [];
      if (faults.length > tolerated.length) throw faultyState(faults, snapshot, backend.location);
      warnOfFaults(io, backend.location, snapshot, tolerated);
    },
    async seen(snapshot) {
      if (!replaced) await remember(io, backend, snapshot, use === 'read' ? 'read' : 'written');
    },
    async committed(state, historyEnd) {
      const known = knownStateOfRun(state, historyEnd, shownId(backend), isoTime(systemClock.now()));
      await statesKnownTo(io).remember(idOnAllMachines(backend), known, 'written');
    },
  });
}

/** The backend, which warns of a faulty state. For commands that repair a state by replacing it. */
export function faultWarningBackend(io: Io, backend: Backend): Backend {
  return checkedBackend(backend, {
    async check(snapshot) {
      if (snapshot) warnOfFaults(io, backend.location, snapshot, await faultsOf(io, backend, snapshot));
    },
    async seen() {},
    async committed() {},
  });
}

/** A migrated state is out of date by definition, so it has no faults; `unmigratedBackend` refuses it. */
export async function faultsOf(io: Io, backend: BackendIdentity, snapshot: Snapshot): Promise<StateFault[]> {
  if (snapshot.state.moved_to) return [];
  const known = await knownHere(io, backend, snapshot.state.lineage);
  return await runInterruptibly(stateFaults(snapshot, known), io.stop);
}

export async function knownHere(io: Io, backend: BackendIdentity, lineage: string): Promise<KnownHere> {
  const known = statesKnownTo(io);
  const [of_lineage, here] = await Promise.all([
    known.ofLineage(lineage),
    known.at(idOnAllMachines(backend)),
  ]);
  return { of_lineage, here };
}

export async function refuseFaults(
  { io, flags }: Context,
  backend: BackendIdentity,
  snapshot: Snapshot,
): Promise<void> {
  refuseBelowMinimum(io, flags, snapshot, backend.location);
  const faults = await faultsOf(io, backend, snapshot);
  if (faults.length > 0) throw faultyState(faults, snapshot, backend.location);
}

export function warnOfFaults(
  io: Io,
  location: string,
  snapshot: Snapshot,
  faults: readonly StateFault[],
): void {
  showWarnings(
    io,
    faults.map((fault) => faultDiagnostic(fault, snapshot, location)),
  );
}

export async function remember(
  io: Io,
  backend: BackendIdentity,
  snapshot: Snapshot,
  how: Exclude<StateEvent, 'migrated'>,
): Promise<void> {
  const state = knownStateOf(snapshot, shownId(backend), isoTime(systemClock.now()));
  await statesKnownTo(io).remember(
    idOnAllMachines(backend),
    state,
    snapshot.state.moved_to ? 'migrated' : how,
  );
}

/** `apply` creates no state where this user has seen one before. `vbsctl init` does. */
export async function refuseLostState(io: Io, backend: BackendIdentity): Promise<void> {
  const { location } = backend;
  const known = await statesKnownTo(io).at(idOnAllMachines(backend));
  if (!known) return;
  throw Failure.of(
    'refused',
    'state-gone',
    `there is no state at ${location} any more: it had serial ${known.serial} when it was last used from here, at ${known.seen_at}`,
    {
      detail: `Lineage ${known.lineage}. A new state would not know what was restored, and every declared restore would run again.`,
      remedy: `put it back from a backup: vbsctl state push FILE --state ${shellWord(location)}; to give it up and start with a new state: vbsctl init --state ${shellWord(location)}`,
      where: { file: location },
    },
  );
}

function statesKnownTo(io: Io): KnownStates {
  return knownStates(join(userStateDirectory(io.env, io.home), 'known-states'));
}

type BackendIdentity = Pick<Backend, 'location' | 'id'>;

/** The same on each run. Machines may share a home directory, and the same path is another file on each of them. */
function idOnAllMachines({ id }: BackendIdentity): string {
  return isUrl(id) ? id : `${hostname()}:${id}`;
}

function shownId({ location, id }: BackendIdentity): string {
  return isUrl(id) ? location : id;
}

const MINIMUM_VARIABLE = 'VBSCTL_MINIMUM_SERIAL';

/** `--minimum-serial`, else VBSCTL_MINIMUM_SERIAL. */
export function minimumSerial(io: Io, flags: CommonFlags): MinimumState | undefined {
  if (flags.minimumSerial !== undefined) return flags.minimumSerial;
  const text = io.env[MINIMUM_VARIABLE]?.trim();
  if (text === undefined || text === '') return undefined;
  const minimum = parseMinimum(text);
  if (minimum) return minimum;
  throw usage(
    `${MINIMUM_VARIABLE} must be a whole number, or SERIAL:HASH`,
    'set it to what the last apply printed, or unset it',
  );
}

export function refuseBelowMinimum(io: Io, flags: CommonFlags, snapshot: Snapshot, location: string): void {
  refuseBelow(minimumSerial(io, flags), snapshot, location);
}

function refuseBelow(
  minimum: MinimumState | undefined,
  snapshot: Snapshot | undefined,
  location: string,
): void {
  const failure = minimum && belowMinimum(snapshot, minimum, location);
  if (failure) throw failure;
}
