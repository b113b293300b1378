import { isoTime } from '../domain/clock.ts';
import { addressesText, forgottenBy } from '../domain/continuation.ts';
import { type Diagnostic, error } from '../domain/diagnostic.ts';
import { EXIT, type ExitCode, Failure } from '../domain/errors.ts';
import { judgePush, PUSH_RISKS } from '../domain/push.ts';
import type { Actor, MovedTo, PushRisk, State } from '../domain/state.ts';
import type { Backend, Lease } from '../state/backend.ts';
import { encodeSnapshot, type Snapshot } from '../state/codec.ts';
import { movedAway } from '../state/moved-away.ts';
import { sanitize } from '../views/terminal.ts';
import { plural } from '../views/words.ts';
import { allowed } from './flags.ts';
import { isUrl } from './fleeting.ts';
import type { Io } from './io.ts';
import { absolute, actor, openLocation, openState, settings } from './setup.ts';
import { noState } from './state.ts';
import { backUp } from './state-backup.ts';
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
    throw usage('where to is not said', 'give --to LOCATION; or --undo, to take the old place in use again');
  const here = await openState(io, flags, await settings(io, flags), flags.dryRun ? 'to look' : 'to change');
  return to === undefined ? await comeBack(io, here, flags) : await go(io, here, to, flags);
}

async function go(io: Io, here: Backend, to: string, flags: MigrateFlags): Promise<ExitCode> {
  // the note must mean the same from every directory
  const location = isUrl(to) ? to : absolute(io, to);
  if (location === here.location || location === absolute(io, here.location))
    throw usage(`the state is at ${to} already`, 'name another place with --to');
  const there = await openLocation(io, location);
  const risks = allowed(Object.keys(PUSH_RISKS) as PushRisk[], flags);
  const check = (mine: Snapshot | undefined, theirs: Snapshot | undefined): Snapshot => {
    if (!mine) throw noState(here);
    if (mine.state.moved_to) throw new Failure('refused', movedAway(mine.state.moved_to, here.location));
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
    const { state } = check(await here.snapshot(), theirs);
    io.stdout.write(
      `Would copy ${contents(state)} from ${here.location}\nto ${there.location}${theirs ? `, in place of serial ${theirs.state.serial} there` : ''}, read it back, and mark the old place as moved.\nNothing was changed: this was a dry run.\n`,
    );
    return EXIT.done;
  }
  const by = actor(io, 'state migrate');
  const wish = { by, waitMs: flags.lockTimeout, signal: io.stop };
  return await underBoth(here, there, wish, async (mine, theirs) => {
    const old = await there.snapshot();
    const source = check(await here.snapshot(), old);
    const backup = old && (await backUp(io, there.location, old, flags.backup));
    const copy = withSerial(source, Math.max(source.state.serial, (old?.state.serial ?? -1) + 1));
    await theirs.replace(copy);
    await mustReadBack(io, location, copy);
    const note: MovedTo = { location, at: isoTime(Date.now()), by: by.who, serial: copy.state.serial };
    await mine.replace(marked(source, note));
    io.stdout.write(
      `Moved ${contents(source.state)}\nfrom ${here.location}\nto ${there.location}, where it was read back and is the same.\n${backup === undefined ? '' : `What was there before: ${backup}\n`}\nThe old place is marked: vbsctl refuses to work with it.\nNext: set state: ${location} in the config (or VBSCTL_STATE, or --state).\nTo come back: vbsctl state migrate --undo --state ${here.location}\n`,
    );
    return EXIT.done;
  });
}

/** What stood there before it was marked, so that going back is no step back. */
function before(state: State): State {
  const { moved_to, ...live } = state;
  return { ...live, serial: moved_to?.serial ?? state.serial };
}

/** Takes the note away, if nothing was done at the new place since; and marks that one instead. */
async function comeBack(io: Io, here: Backend, flags: MigrateFlags): Promise<ExitCode> {
  const mine = await here.snapshot();
  if (!mine) throw noState(here);
  const { moved_to } = mine.state;
  if (!moved_to)
    throw new Failure(
      'refused',
      error('not-moved', `the state at ${here.location} was not moved away`, {
        remedy: 'name the place that it was moved from: --state',
      }),
    );
  const there = await openLocation(io, moved_to.location);
  const theirs = await there.snapshot().catch((cause: unknown) => {
    if (cause instanceof Failure) return cause;
    throw cause;
  });
  const lost = lostWork(mine.state, moved_to, theirs, here.location);
  if (lost && !flags.allowLostWork) throw new Failure('refused', lost);
  if (flags.dryRun) {
    io.stdout.write(
      `Would take ${here.location} in use again: ${contents(mine.state)}.\nNothing was changed: this was a dry run.\n`,
    );
    return EXIT.done;
  }
  const by = actor(io, 'state migrate');
  const wish = { by, waitMs: flags.lockTimeout, signal: io.stop };
  const unmark = async (lease: Lease) => {
    const { moved_to: _, ...state } = mine.state;
    await lease.replace(withSerial({ ...mine, state }, state.serial + 1));
    io.stdout.write(`${here.location} is in use again: ${contents(state)}.\n`);
  };
  if (theirs instanceof Failure || theirs?.state.lineage !== mine.state.lineage) {
    const lease = await here.lock(by, flags.lockTimeout, io.stop);
    try {
      await unmark(lease);
    } finally {
      await lease.release();
    }
    io.stdout.write(
      `What may be at ${sanitize(moved_to.location)} was left as it is: see that nobody uses it.\n`,
    );
    return EXIT.done;
  }
  return await underBoth(here, there, wish, async (lease, other) => {
    const now = await there.snapshot();
    if (now && !flags.allowLostWork) {
      const since = lostWork(mine.state, moved_to, now, here.location);
      if (since) throw new Failure('refused', since);
    }
    if (now && !now.state.moved_to) {
      const location = isUrl(here.location) ? here.location : absolute(io, here.location);
      const note = { location, at: isoTime(Date.now()), by: by.who, serial: mine.state.serial + 1 };
      await other.replace(marked(now, note));
    }
    await unmark(lease);
    io.stdout.write(`${sanitize(moved_to.location)} is marked now: vbsctl refuses to work with it.\n`);
    return EXIT.done;
  });
}

/** What taking the old place in use again would lose, or could. */
function lostWork(
  mine: State,
  moved: MovedTo,
  theirs: Snapshot | Failure | undefined,
  location: string,
): Diagnostic | undefined {
  const lost = (summary: string, detail: string | undefined, remedy: string) =>
    error('work-lost', summary, {
      ...(detail === undefined ? {} : { detail }),
      remedy: `${remedy}: --allow-lost-work`,
    });
  const unseen = 'mend that and try again; only when that place is gone for good';
  if (theirs instanceof Failure)
    return lost(
      `the state at ${moved.location} cannot be read: ${theirs.message}`,
      'What was done there since is not known here.',
      unseen,
    );
  if (!theirs || theirs.state.lineage !== mine.lineage)
    return lost(
      `the state is not at ${moved.location} any more`,
      theirs
        ? `There: lineage ${theirs.state.lineage}, here: ${mine.lineage}.`
        : 'What was done there since is not known here.',
      unseen,
    );
  const { state } = theirs;
  const serial = state.moved_to ? state.serial - 1 : state.serial; // the mark itself is no work
  const forgotten = forgottenBy(mine, state);
  if (serial <= moved.serial && forgotten.length === 0) return undefined;
  return lost(
    `the state at ${moved.location} has gone on since: serial ${serial}, moved as ${moved.serial}`,
    forgotten.length > 0 ? `Not known here: ${addressesText(forgotten, 10)}` : undefined,
    `bring it back with what was done: vbsctl state migrate --state ${moved.location} --to ${location}; only when that is to be given up`,
  );
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
async function mustReadBack(io: Io, location: string, copy: Snapshot): Promise<void> {
  const there = await openLocation(io, location);
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
