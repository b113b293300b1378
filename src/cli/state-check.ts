import { hostname } from 'node:os';
import { join } from 'node:path';
import type { StatePorts } from '../app/state-ports.ts';
import { isoTime } from '../domain/clock.ts';
import { Failure } from '../domain/errors.ts';
import { toJson } from '../domain/escape/json.ts';
import { shellWord } from '../domain/escape/shell-word.ts';
import { stoppably } from '../domain/long-work.ts';
import { isUrl } from '../domain/shown-location.ts';
import type { State } from '../domain/state.ts';
import { userStateDirectory } from '../files/user-state-directory.ts';
import type { Backend } from '../state/backend.ts';
import { checkedBackend } from '../state/backend-decorators.ts';
import type { Snapshot } from '../state/codec.ts';
import {
  type KnownState,
  type KnownStates,
  knownStateOf,
  knownStates,
  type Remembered,
} from '../state/known-states.ts';
import {
  belowMinimum,
  faultDiagnostic,
  faultyState,
  type StateFault,
  stateFaults,
} from '../state/state-faults.ts';
import type { Io } from './io.ts';
import type { CommonFlags, OutputFormat } from './options/shared.ts';
import { showDiagnostics } from './print.ts';
import { backUp } from './state-backup.ts';
import { systemClock } from './system.ts';

/** Whether a state may be relied on: its history verifies, and it is not older than what was seen before. */

/** What a command does with the state. */
export type StateUse = 'read' | 'write';

/**
 * Refuses (exit 5) every state that is faulty, and remembers what it sees. To look, a state of another lineage than
 * the one that was here before is only warned of: it changes nothing.
 */
export function refusingFaults(io: Io, store: Backend, flags: CommonFlags, use: StateUse): Backend {
  const minimum = minimumSerial(io, flags);
  let replaced = false;
  return checkedBackend(store, {
    async check(snapshot) {
      if (minimum !== undefined && (snapshot?.state.serial ?? -1) < minimum)
        throw belowMinimum(snapshot?.state.serial, minimum, store.location);
      if (!snapshot) return;
      const faults = await faultsOf(io, store, snapshot);
      replaced = faults.some(({ kind }) => kind === 'other_lineage');
      const told = use === 'read' ? faults.filter(({ kind }) => kind === 'other_lineage') : [];
      if (faults.length > told.length) throw faultyState(faults, snapshot, store.location);
      warnOfFaults(io, store.location, snapshot, told);
    },
    async seen(snapshot) {
      if (!replaced) await remember(io, store, snapshot, use === 'read' ? 'read' : 'written');
    },
    async committed({ lineage, serial }) {
      const state = {
        lineage,
        serial,
        fingerprint: '',
        location: shownId(store),
        seen_at: isoTime(systemClock.now()),
      };
      await statesKnownTo(io).remember(idOnAllMachines(store), state, 'written');
    },
  });
}

/** Only warns: for what repairs a state by putting another in its place. What is put there is known from then on. */
export function warningOfFaults(io: Io, store: Backend): Backend {
  return checkedBackend(store, {
    async check(snapshot) {
      if (snapshot) warnOfFaults(io, store.location, snapshot, await faultsOf(io, store, snapshot));
    },
    async seen() {},
    async committed() {},
  });
}

/** A moved state is out of date by itself; that it is refused is somebody else's to say. */
export async function faultsOf(io: Io, store: Located, snapshot: Snapshot): Promise<StateFault[]> {
  if (snapshot.state.moved_to) return [];
  const known = statesKnownTo(io);
  const [of_lineage, here] = await Promise.all([
    known.ofLineage(snapshot.state.lineage),
    known.at(idOnAllMachines(store)),
  ]);
  return await stoppably(stateFaults(snapshot, { of_lineage, here }), io.stop);
}

export async function refuseFaults(io: Io, store: Located, snapshot: Snapshot): Promise<void> {
  const faults = await faultsOf(io, store, snapshot);
  if (faults.length > 0) throw faultyState(faults, snapshot, store.location);
}

export function warnOfFaults(
  io: Io,
  location: string,
  snapshot: Snapshot,
  faults: readonly StateFault[],
): void {
  showDiagnostics(
    io,
    faults.map((fault) => ({ ...faultDiagnostic(fault, snapshot, location), severity: 'warning' })),
  );
}

export async function remember(
  io: Io,
  store: Located,
  snapshot: Snapshot,
  how: Exclude<Remembered, 'migrated'>,
): Promise<void> {
  const state = knownStateOf(snapshot, shownId(store), isoTime(systemClock.now()));
  await statesKnownTo(io).remember(idOnAllMachines(store), state, snapshot.state.moved_to ? 'migrated' : how);
}

/** What the use cases that replace a state need of the command line. `backup`: a file that a flag names. */
export function statePorts(io: Io, { backup }: { readonly backup?: string }): StatePorts {
  return {
    clock: systemClock,
    stop: io.stop,
    backUp: (store, snapshot) => backUp(io, store.location, snapshot, backup),
    remember: (store, snapshot, how) => remember(io, store, snapshot, how),
  };
}

/** The highest serial that was seen of a lineage, if any was. */
export async function serialsKnown(io: Io, lineage: string): Promise<readonly number[]> {
  const known = await statesKnownTo(io).ofLineage(lineage);
  return known ? [known.serial] : [];
}

/** What was at the place when it was last used from here. */
async function lastKnownAt(io: Io, store: Located): Promise<KnownState | undefined> {
  return await statesKnownTo(io).at(idOnAllMachines(store));
}

/** Where a state was known, none is begun by the way: `vbsctl init` says that it is meant. */
export async function refuseWhereOneWasKnown(io: Io, store: Located): Promise<void> {
  const { location } = store;
  const known = await lastKnownAt(io, store);
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

/** At the end of an apply: a pipeline that keeps it can insist on it with `--minimum-serial`. */
export function tellSerial(io: Io, output: OutputFormat, state: State | undefined): void {
  if (!state) return;
  const { serial, lineage } = state;
  if (output === 'text') io.stdout.write(`State serial: ${serial}\n`);
  else {
    const at = isoTime(systemClock.now());
    io.stdout.write(`${toJson({ v: 1, at, type: 'state_serial', serial, lineage })}\n`);
  }
}

function statesKnownTo(io: Io): KnownStates {
  return knownStates(join(userStateDirectory(io.env, io.home), 'known-states'));
}

type Located = Pick<Backend, 'location' | 'id'>;

/** The same on each run. Machines may share a home directory, and the same path is another file on each of them. */
function idOnAllMachines({ id }: Located): string {
  return isUrl(id) ? id : `${hostname()}:${id}`;
}

function shownId({ location, id }: Located): string {
  return isUrl(id) ? location : id;
}

const MINIMUM_VARIABLE = 'VBSCTL_MINIMUM_SERIAL';

/** `--minimum-serial`, else VBSCTL_MINIMUM_SERIAL. */
function minimumSerial(io: Io, flags: CommonFlags): number | undefined {
  if (flags.minimumSerial !== undefined) return flags.minimumSerial;
  const text = io.env[MINIMUM_VARIABLE]?.trim();
  if (text === undefined || text === '') return undefined;
  if (/^[0-9]{1,15}$/.test(text)) return Number(text);
  throw Failure.of('usage', 'minimum-serial', `${MINIMUM_VARIABLE} must be a whole number`, {
    remedy: 'set it to the serial that the last apply printed, or unset it',
  });
}
