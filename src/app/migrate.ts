import { isoTime } from '../domain/clock.ts';
import { Failure } from '../domain/errors.ts';
import { optional } from '../domain/optional.ts';
import { judgePush } from '../domain/push-risks.ts';
import type { MovedTo, PushRisk, State } from '../domain/state.ts';
import type { Backend } from '../state/backend.ts';
import { encodeSnapshot, type Snapshot } from '../state/codec.ts';
import { addressWarning, migrateBackCommand, stateMigrated } from '../state/migrated-state.ts';
import { noState } from './no-state.ts';
import type { LockRequest } from './ports.ts';
import type { StatePorts } from './state-ports.ts';
import { withLease } from './with-lease.ts';

export interface MigrateRequest extends LockRequest {
  /** Checks only; nothing is changed. */
  readonly dryRun: boolean;
  /** Risks that a person takes. */
  readonly risks: readonly PushRisk[];
}

export interface MigratePorts extends StatePorts {
  readonly here: Backend;
  /** Another backend for the new place each time, so that what is read back is what the next command will read. */
  openThere(): Promise<Backend>;
  /** Throws when the state must not be relied on. */
  refuseFaults(store: Backend, snapshot: Snapshot): Promise<void>;
}

export interface Migration {
  /** What is moved. */
  readonly state: State;
  readonly from: string;
  readonly to: string;
  /** The serial that stands at the new place and is replaced, if any does. */
  readonly replaces?: number;
  /** Where the state that was replaced is kept. */
  readonly backup?: string;
}

/**
 * Brings the state to another place, chain and lineage included. The copy is read back and compared before the old
 * place is marked; a crash in between leaves two of the same, and the same command again goes on. The marked one
 * is refused by every command that works with a state, so that nobody restores by an old ledger.
 */
export async function migrate(request: MigrateRequest, ports: MigratePorts): Promise<Migration> {
  const { here, stop, clock } = ports;
  const there = await ports.openThere();
  const places = { from: here.location, to: there.location };
  if (there.id === here.id)
    throw Failure.of('usage', 'usage', `the state is already at ${there.location}`, {
      remedy: 'name another location with --to',
    });
  const check = async (mine: Snapshot | undefined, theirs: Snapshot | undefined): Promise<Snapshot> => {
    if (!mine) throw noState(here);
    if (mine.state.moved_to) throw new Failure('refused', stateMigrated(mine.state.moved_to, here.location));
    await ports.refuseFaults(here, mine);
    if (!theirs) return mine;
    judgePush(beforeMoved(theirs.state), mine.state, request.risks, {
      given: `the state at ${here.location}`,
      location: there.location,
      sameSerial: 'fine',
    });
    return mine;
  };
  if (request.dryRun) {
    const theirs = await there.snapshot();
    const { state } = await check(await here.snapshot(), theirs);
    return { ...places, state, ...optional('replaces', theirs?.state.serial) };
  }
  return await withLease(here, request, stop, (mine) =>
    withLease(there, request, stop, async (theirs) => {
      const replaced = await there.snapshot();
      const source = await check(await here.snapshot(), replaced);
      const backup = replaced && (await ports.backUp(there, replaced));
      const copy = withSerial(source, Math.max(source.state.serial, (replaced?.state.serial ?? -1) + 1));
      await theirs.replace(copy);
      await mustReadBack(await ports.openThere(), copy);
      const old = marked(source, {
        location: there.location,
        at: isoTime(clock.now()),
        by: request.actor.who,
        serial: copy.state.serial,
      });
      await mine.replace(old);
      await ports.remember(here, old, 'written');
      await ports.remember(there, copy, 'accepted');
      return { ...places, state: source.state, ...optional('backup', backup) };
    }),
  );
}

export interface TakeBackRequest extends LockRequest {
  readonly dryRun: boolean;
  /** What was done at the other place since may be lost. */
  readonly allowLostWork: boolean;
}

/**
 * Takes the note away that a state was moved. The other place is not asked: where it is still there, migrating from it
 * brings back what was done as well; and a location that a stored text names is nowhere to send credentials to.
 */
export async function takeBack(
  request: TakeBackRequest,
  ports: Pick<MigratePorts, 'here' | 'stop' | 'remember'>,
): Promise<{ readonly state: State; readonly movedTo: MovedTo }> {
  const { here, stop } = ports;
  const check = (mine: Snapshot | undefined) => {
    if (!mine) throw noState(here);
    return { mine, movedTo: mayTakeBack(mine.state, here.location, request.allowLostWork) };
  };
  if (request.dryRun) {
    const { mine, movedTo } = check(await here.snapshot());
    return { state: mine.state, movedTo };
  }
  return await withLease(here, request, stop, async (lease) => {
    const { mine, movedTo } = check(await here.snapshot());
    const { moved_to, ...state } = mine.state;
    const back = withSerial({ state, chain: mine.chain }, state.serial + 1);
    await lease.replace(back);
    await ports.remember(here, back, 'accepted');
    return { state, movedTo };
  });
}

/** Where it was moved to. Throws a `Failure` (`refused`) when it was not, or when work may be lost by it. */
function mayTakeBack({ moved_to }: State, location: string, allowLostWork: boolean): MovedTo {
  if (!moved_to)
    throw Failure.of('refused', 'not-moved', `the state at ${location} was not moved`, {
      remedy: 'name the location that it was moved from with --state',
    });
  if (!allowLostWork)
    throw Failure.of(
      'refused',
      'work-lost',
      `this copy lacks what was done at ${moved_to.location} since ${moved_to.at}`,
      {
        remedy: `${addressWarning(moved_to.location)}move the state back with all that was done: ${migrateBackCommand(moved_to, location)}; only if the other location is lost: --allow-lost-work`,
      },
    );
  return moved_to;
}

/** What stood there before it was marked, so that going back is no step back. */
function beforeMoved(state: State): State {
  const { moved_to, ...live } = state;
  return { ...live, serial: moved_to?.serial ?? state.serial };
}

function withSerial({ state, chain }: Snapshot, serial: number): Snapshot {
  return { state: { ...state, serial }, chain };
}

function marked({ state, chain }: Snapshot, moved_to: MovedTo): Snapshot {
  return { state: { ...state, serial: state.serial + 1, moved_to }, chain };
}

async function mustReadBack(there: Backend, copy: Snapshot): Promise<void> {
  const found = await there.snapshot();
  if (found && encodeSnapshot(found) === encodeSnapshot(copy)) return;
  throw Failure.of('state', 'copy-differs', `the copy at ${there.location} differs from what was written`, {
    remedy: 'the old state is unchanged and still in use; check why that location changes what it stores',
  });
}
