import { isoTime } from '../domain/clock.ts';
import { error } from '../domain/diagnostic.ts';
import { EXIT, type ExitCode, Failure } from '../domain/errors.ts';
import { judgePush, PUSH_RISKS } from '../domain/push.ts';
import { shownLocation } from '../domain/shown-location.ts';
import type { Actor, MovedTo, PushRisk, State } from '../domain/state.ts';
import type { Backend, Lease } from '../state/backend.ts';
import { encodeSnapshot, type Snapshot } from '../state/codec.ts';
import { movedAway, onlyIfYours, wayBack, wayBackFrom } from '../state/moved-away.ts';
import { sanitize } from '../views/terminal.ts';
import { plural } from '../views/words.ts';
import { allowed } from './flags.ts';
import { isUrl } from './fleeting.ts';
import type { Io } from './io.ts';
import { absolute, actor, openLocation, openState, settings } from './setup.ts';
import { noState } from './state.ts';
import { backUp } from './state-backup.ts';
import { refuseFaults, remember } from './state-check.ts';
import type { EditFlags } from './state-edit.ts';
import { usage } from './usage.ts';

export interface MigrateFlags extends EditFlags {
  readonly to?: string;
  readonly undo?: boolean;
  readonly allowLostWork?: boolean;
}

/**
 * Brings the state to another place, chain and lineage included. The copy is read back and compared before the old
 * place is marked; a crash in between leaves two of the same, and the same command again goes on. The marked one
 * is refused by every command that works with a state, so that nobody restores by an old ledger.
 */
export async function migrate(io: Io, flags: MigrateFlags): Promise<ExitCode> {
  const { to, undo } = flags;
  if ((to === undefined) === (undo === undefined))
    throw usage(
      'where to is not said',
      'give --to LOCATION; or --undo, to take the old place in use again without the new one',
    );
  const given = await settings(io, flags);
  const here = await openState(io, flags, given, flags.dryRun ? 'to look' : 'to change');
  if (to === undefined) return await takeBack(io, here, flags);
  // The note must mean the same from every directory.
  const location = isUrl(to) ? to : absolute(io, to);
  const open = () => openLocation(io, location, given);
  return await go(io, here, to, open, flags);
}

async function go(
  io: Io,
  here: Backend,
  to: string,
  open: () => Promise<Backend>,
  flags: MigrateFlags,
): Promise<ExitCode> {
  const there = await open();
  if (there.place === here.place)
    throw usage(`the state is at ${shownLocation(to)} already`, 'name another place with --to');
  const risks = allowed(Object.keys(PUSH_RISKS) as PushRisk[], flags);
  const check = async (mine: Snapshot | undefined, theirs: Snapshot | undefined): Promise<Snapshot> => {
    if (!mine) throw noState(here);
    if (mine.state.moved_to) throw new Failure('refused', movedAway(mine.state.moved_to, here.location));
    await refuseFaults(io, here, mine);
    if (!theirs) return mine;
    judgePush(before(theirs.state), mine.state, risks, {
      given: `the state at ${here.location}`,
      location: there.location,
      sameSerial: 'fine',
    });
    return mine;
  };
  if (flags.dryRun) {
    const theirs = await there.snapshot();
    const { state } = await check(await here.snapshot(), theirs);
    io.stdout.write(
      `Would copy ${contents(state)} from ${here.location}\nto ${there.location}${theirs ? `, in place of serial ${theirs.state.serial} there` : ''}, read it back, and mark the old place as moved.\nNothing was changed: this was a dry run.\n`,
    );
    return EXIT.done;
  }
  const by = actor(io, 'state migrate');
  const wish = { by, waitMs: flags.lockTimeout, signal: io.stop };
  return await underBoth(here, there, wish, async (mine, theirs) => {
    const replaced = await there.snapshot();
    const source = await check(await here.snapshot(), replaced);
    const backup = replaced && (await backUp(io, there.location, replaced, flags.backup));
    const copy = withSerial(source, Math.max(source.state.serial, (replaced?.state.serial ?? -1) + 1));
    await theirs.replace(copy);
    await mustReadBack(await open(), copy);
    const note: MovedTo = {
      location: there.location,
      at: isoTime(Date.now()),
      by: by.who,
      serial: copy.state.serial,
    };
    const old = marked(source, note);
    await mine.replace(old);
    await remember(io, here, old, 'see');
    await remember(io, there, copy, 'accept');
    io.stdout.write(
      `Moved ${contents(source.state)}\nfrom ${here.location}\nto ${there.location}, where it was read back and is the same.\n${backup === undefined ? '' : `What was there before: ${backup}\n`}\nThe old place is marked: vbsctl refuses to work with it.\nNext: set state: ${there.location} in the config (or VBSCTL_STATE, or --state).\nTo come back: ${wayBack(there.location, here.location)}\n`,
    );
    return EXIT.done;
  });
}

/** What stood there before it was marked, so that going back is no step back. */
function before(state: State): State {
  const { moved_to, ...live } = state;
  return { ...live, serial: moved_to?.serial ?? state.serial };
}

/**
 * Takes the note away. The other place is not asked: where it is still there, migrating from it brings back what was
 * done as well; and a location that a stored text names is nowhere to send credentials to.
 */
async function takeBack(io: Io, here: Backend, flags: MigrateFlags): Promise<ExitCode> {
  const check = (mine: Snapshot | undefined): Snapshot => {
    if (!mine) throw noState(here);
    const { moved_to } = mine.state;
    if (!moved_to)
      throw new Failure(
        'refused',
        error('not-moved', `the state at ${here.location} was not moved away`, {
          remedy: 'name the place that it was moved from: --state',
        }),
      );
    if (!flags.allowLostWork)
      throw new Failure(
        'refused',
        error('work-lost', `what was done at ${moved_to.location} since ${moved_to.at} is not known here`, {
          remedy: `${onlyIfYours(moved_to.location)}bring the state back with all that was done: ${wayBackFrom(moved_to, here.location)}; only when that place is gone for good: --allow-lost-work`,
        }),
      );
    return mine;
  };
  if (flags.dryRun) {
    const { state } = check(await here.snapshot());
    io.stdout.write(
      `Would take ${here.location} in use again: ${contents(state)}.\nNothing was changed: this was a dry run.\n`,
    );
    return EXIT.done;
  }
  const lease = await here.lock(actor(io, 'state migrate'), flags.lockTimeout, io.stop);
  try {
    const { state: marked, chain } = check(await here.snapshot());
    const { moved_to, ...state } = marked;
    const back = withSerial({ state, chain }, state.serial + 1);
    await lease.replace(back);
    await remember(io, here, back, 'accept');
    io.stdout.write(
      `${here.location} is in use again: ${contents(state)}.\nSee that nobody works with ${sanitize(moved_to?.location ?? '')} any more.\n`,
    );
    return EXIT.done;
  } finally {
    await lease.release();
  }
}

async function underBoth(
  here: Backend,
  there: Backend,
  { by, waitMs, signal }: { readonly by: Actor; readonly waitMs: number; readonly signal: AbortSignal },
  work: (mine: Lease, theirs: Lease) => Promise<ExitCode>,
): Promise<ExitCode> {
  const mine = await here.lock(by, waitMs, signal);
  try {
    const theirs = await there.lock(by, waitMs, signal);
    try {
      return await work(mine, theirs);
    } finally {
      await theirs.release();
    }
  } finally {
    await mine.release();
  }
}

function withSerial({ state, chain }: Snapshot, serial: number): Snapshot {
  return { state: { ...state, serial }, chain };
}

function marked({ state, chain }: Snapshot, moved_to: MovedTo): Snapshot {
  return { state: { ...state, serial: state.serial + 1, moved_to }, chain };
}

/** With a backend of its own, as the next command will read it. */
async function mustReadBack(there: Backend, copy: Snapshot): Promise<void> {
  const found = await there.snapshot();
  if (found && encodeSnapshot(found) === encodeSnapshot(copy)) return;
  throw new Failure(
    'state',
    error('copy-differs', `what was written to ${there.location} reads back as something else`, {
      remedy: 'the old state is untouched and in use; see what that place does to what is stored there',
    }),
  );
}

function contents({ records, history, serial }: State): string {
  return `${plural(records.size, 'record')} and ${plural(history.length, 'history entry', 'history entries')} (serial ${serial})`;
}
