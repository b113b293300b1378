import { constants } from 'node:buffer';
import { isoTime } from '../domain/clock.ts';
import { changesOf, type Merge, mergeUnsaved } from '../domain/continuation.ts';
import { error } from '../domain/diagnostic.ts';
import { EXIT, type ExitCode, Failure, unreachable } from '../domain/errors.ts';
import { harmlessJson } from '../domain/escape/json.ts';
import { shellOperand } from '../domain/escape/shell-word.ts';
import { stoppably } from '../domain/long-work.ts';
import { judgePush, PUSH_RISKS, pushedState } from '../domain/push.ts';
import type { PushRisk, State } from '../domain/state.ts';
import { describeTarget, sameTarget } from '../domain/target.ts';
import { readNamedFile, readAll as readWhole } from '../files/read-file.ts';
import type { Backend } from '../state/backend.ts';
import { decodeSnapshot, encodeSnapshot, type Snapshot } from '../state/codec.ts';
import { extendChain } from '../state/history-chain.ts';
import { systemReason } from '../state/local/system-error.ts';
import { onlyIfYours, refusingMoved, wordOfFile } from '../state/moved-away.ts';
import { faultyState, stateFaults } from '../state/state-faults.ts';
import { decodeUnsaved, type Unsaved } from '../state/unsaved-codec.ts';
import { sanitize } from '../views/terminal.ts';
import { plural } from '../views/words.ts';
import { allowed, type CommonFlags } from './flags.ts';
import type { Io } from './io.ts';
import { absolute, actor, backend, openState, settings } from './setup.ts';
import { showDiagnostics } from './show.ts';
import { existing, noState } from './state.ts';
import { backUp } from './state-backup.ts';
import { remember, type StateUse, serialsKnown, warningOfFaults } from './state-check.ts';
import type { EditFlags } from './state-edit.ts';

/** Prints the whole state with its chain, as it is stored. */
export async function pull(io: Io, flags: CommonFlags): Promise<ExitCode> {
  io.stdout.write(harmlessJson(encodeSnapshot(await existing(io, flags))));
  return EXIT.done;
}

/** Puts a whole state from a file in place; or merges what a run could not save (`errored.state.json`). */
export async function push(io: Io, file: string, flags: EditFlags): Promise<ExitCode> {
  const bytes = await readAll(io, file);
  const unsaved = await stoppably(decodeUnsaved(bytes, file), io.stop);
  const given = await settings(io, flags);
  const use: StateUse = flags.dryRun ? 'to look' : 'to change';
  if (unsaved) return await pushUnsaved(io, file, unsaved, await backend(io, flags, given, use), flags);
  // What stands there may be broken: to put a sound state in its place is how that is repaired.
  const store = warningOfFaults(io, refusingMoved(await openState(io, flags, given, use)));
  return await pushWhole(io, file, await decoded(io, bytes, file), store, flags);
}

/** What is wrong is the file that was given, not what is stored. */
async function decoded(io: Io, bytes: Uint8Array, file: string): Promise<Snapshot> {
  try {
    return await stoppably(decodeSnapshot(bytes, file), io.stop);
  } catch (cause) {
    if (!(cause instanceof Failure)) throw cause;
    const remedy = 'name a file that vbsctl state pull or a failed run wrote; nothing was changed';
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
    throw new Failure(
      'usage',
      error('state-file', `${file} cannot be read: ${systemReason(cause)}`, {
        remedy: 'name a file that vbsctl state pull or a failed run wrote',
      }),
      { cause },
    );
  }
}

async function pushWhole(
  io: Io,
  file: string,
  given: Snapshot,
  store: Backend,
  flags: EditFlags,
): Promise<ExitCode> {
  const { moved_to } = given.state;
  if (moved_to)
    throw new Failure(
      'refused',
      error('push-moved', `${file} is of a state that was moved to ${moved_to.location} at ${moved_to.at}`, {
        remedy: `${onlyIfYours(moved_to.location)}take the one that is in use: vbsctl state pull --state ${wordOfFile(moved_to.location)}`,
      }),
    );
  await refuseBrokenFile(io, file, given);
  const risks = allowed(Object.keys(PUSH_RISKS) as PushRisk[], flags);
  const what = `${plural(given.state.records.size, 'record')}, serial ${given.state.serial}`;
  /** The risks that are taken, or that there is nothing to do; throws what speaks against it. */
  const check = (current: Snapshot | undefined): readonly PushRisk[] | 'same' => {
    if (!current) return [];
    if (encodeSnapshot(current) === encodeSnapshot(given)) return 'same';
    return judgePush(current.state, given.state, risks, {
      given: file,
      location: store.location,
      sameSerial: 'refused',
    });
  };
  const same = `${store.location} has exactly that state already. Nothing to do.\n`;
  if (flags.dryRun) {
    const taken = check((await store.read()) && (await store.snapshot()));
    io.stdout.write(
      taken !== 'same'
        ? `Would put ${what} at ${store.location}.\nNothing was changed: this was a dry run.\n`
        : same,
    );
    return EXIT.done;
  }
  const by = actor(io, 'state push');
  const lease = await store.lock(by, flags.lockTimeout, io.stop);
  try {
    const current = lease.snapshot();
    const taken = check(current);
    if (taken === 'same') {
      io.stdout.write(same);
      return EXIT.done;
    }
    const backup = current && (await backUp(io, store.location, current, flags.backup));
    const known = await serialsKnown(io, given.state.lineage);
    const state = pushedState(
      current?.state,
      given.state,
      taken,
      { at: isoTime(Date.now()), actor: by },
      known,
    );
    const pushed = { state, chain: extendChain(state, given.chain) };
    await lease.replace(pushed);
    await remember(io, store, pushed, 'accept');
    io.stdout.write(
      `Put ${what} at ${store.location}; it goes on as serial ${state.serial}.\n${backup === undefined ? 'There was no state there before.' : `The state as it was before: ${backup}`}\n`,
    );
    return EXIT.done;
  } finally {
    await lease.release();
  }
}

/** A broken one would be relied on from now on. */
async function refuseBrokenFile(io: Io, file: string, snapshot: Snapshot): Promise<void> {
  const faults = await stoppably(stateFaults(snapshot, {}), io.stop);
  if (faults.length > 0) throw faultyState(faults, snapshot, file);
}

async function pushUnsaved(
  io: Io,
  file: string,
  unsaved: Unsaved,
  store: Backend,
  flags: EditFlags,
): Promise<ExitCode> {
  const check = (state: State | undefined): Merge[] => {
    if (!state) throw noState(store);
    mustBelong(unsaved, file, state, store.location);
    const merges = mergeUnsaved(state, unsaved.records);
    io.stdout.write(`${merges.map(mergeLine).join('\n')}\n\n`);
    return merges;
  };
  if (flags.dryRun) {
    const merges = check(await store.read());
    io.stdout.write('Nothing was changed: this was a dry run.\n');
    return exitOf(io, merges);
  }
  const lease = await store.lock(actor(io, 'state push'), flags.lockTimeout, io.stop);
  try {
    const current = lease.snapshot();
    const merges = check(current?.state);
    const changes = changesOf(merges);
    if (current && changes.length > 0) {
      const backup = await backUp(io, store.location, current, flags.backup);
      await lease.commit(changes);
      io.stdout.write(`Saved ${plural(changes.length, 'record')}. The state as it was before: ${backup}\n`);
    } else io.stdout.write('Nothing to save.\n');
    return exitOf(io, merges);
  } finally {
    await lease.release();
  }
}

/** What was refused is told once more, where errors are looked for; the others are saved all the same. */
function exitOf(io: Io, merges: readonly Merge[]): ExitCode {
  const refused = merges.flatMap((merge) => (merge.kind === 'refused' ? [merge] : []));
  showDiagnostics(
    io,
    refused.map(({ unsaved, why }) =>
      error('not-newer', `${unsaved.address} was not taken over: ${why}`, {
        detail: `In the file it is ${unsaved.status} since ${unsaved.updated_at}.`,
        remedy: `compare with vbsctl state show ${shellOperand(unsaved.address)}; what the state says stays`,
        where: { address: unsaved.address },
      }),
    ),
  );
  return refused.length > 0 ? EXIT.error : EXIT.done;
}

/** No flag lifts this: records of another project's disks mean nothing in this state. */
function mustBelong(unsaved: Unsaved, file: string, state: State, location: string): void {
  if (unsaved.lineage === state.lineage && sameTarget(unsaved.target, state.target)) return;
  throw new Failure(
    'refused',
    error('push-other-lineage', `${file} belongs to another state than the one at ${location}`, {
      detail: `There: lineage ${state.lineage}, ${describeTarget(state.target)}\nIn ${file}: lineage ${unsaved.lineage}, ${describeTarget(unsaved.target)}`,
      remedy: `${onlyIfYours(unsaved.state)}name the state that the run worked with, ${sanitize(unsaved.state)}: --state ${wordOfFile(unsaved.state)}`,
    }),
  );
}

function mergeLine(merge: Merge): string {
  const { unsaved } = merge;
  const address = sanitize(unsaved.address);
  switch (merge.kind) {
    case 'taken': {
      const job =
        'job_id' in unsaved && unsaved.job_id !== undefined ? ` (job ${sanitize(unsaved.job_id)})` : '';
      const where = merge.record.address === unsaved.address ? '' : `, now ${sanitize(merge.record.address)}`;
      return `+ ${address}${where}  ${merge.before ?? 'no record'} → ${unsaved.status}${job}`;
    }
    case 'known':
      return `= ${address}  the state knows it already: ${merge.status}`;
    case 'refused':
      return `! ${address}  refused: ${sanitize(merge.why)}`;
    default:
      return unreachable(merge);
  }
}
