import { noState } from '../../app/no-state.ts';
import { acceptedState } from '../../domain/accept.ts';
import { isoTime } from '../../domain/clock.ts';
import { EXIT, type ExitCode, Failure } from '../../domain/errors.ts';
import { shellWord } from '../../domain/escape/shell-word.ts';
import { optional } from '../../domain/optional.ts';
import type { State } from '../../domain/state.ts';
import type { Backend } from '../../state/backend.ts';
import type { Snapshot } from '../../state/codec.ts';
import { isReadableItem } from '../../state/document.ts';
import { extendChain } from '../../state/history-chain.ts';
import { stateMigrated } from '../../state/migrated-state.ts';
import type { StateFault } from '../../state/state-faults.ts';
import { confirm, noConsent } from '../confirm.ts';
import type { Io } from '../io.ts';
import { actor, loadSettings, openState } from '../setup.ts';
import { backUp } from '../state-backup.ts';
import { faultsOf, remember, warnOfFaults } from '../state-check.ts';
import { systemClock } from '../system.ts';
import type { EditFlags } from './run-state-edit.ts';

export interface AcceptFlags extends EditFlags {
  readonly reason: string;
  readonly autoApprove?: boolean;
}

/**
 * Goes on with a state that every command refuses: a broken history, records that contradict it, an older copy, or
 * another lineage. Shows what is wrong, asks, and writes who accepted it and why into the history.
 */
export async function accept(io: Io, flags: AcceptFlags): Promise<ExitCode> {
  if (flags.reason.trim() === '')
    throw Failure.of('usage', 'reason', '--reason is empty', {
      remedy: 'say why this state can be relied on',
    });
  const store = await openState(io, flags, await loadSettings(io, flags), flags.dryRun ? 'read' : 'write');
  if (flags.dryRun) {
    await faultsToAccept(io, store, await store.snapshot());
    io.stdout.write('Nothing was changed: this was a dry run.\n');
    return EXIT.done;
  }
  const by = actor(io, 'state accept');
  const lease = await store.lock(by, flags.lockTimeout, io.stop);
  try {
    const { snapshot, faults } = await faultsToAccept(io, store, lease.snapshot());
    if (faults.length === 0) return EXIT.done;
    if (!flags.autoApprove) await askFor(io, store.location);
    const backup = await backUp(io, store.location, snapshot, flags.backup);
    const state = acceptedState(
      snapshot.state,
      {
        reason: flags.reason,
        ...optional('over', knownInstead(faults)),
        contradictions: faults.flatMap((fault) =>
          fault.kind === 'contradictory' ? fault.contradictions : [],
        ),
      },
      { at: isoTime(systemClock.now()), actor: by },
    );
    mustBeReadable(state);
    const accepted = { state, chain: extendChain(state, snapshot.chain) };
    await lease.replace(accepted);
    await remember(io, store, accepted, 'accepted');
    io.stdout.write(
      `Accepted ${store.location} as it is; it continues as serial ${state.serial}.\n` +
        `The history has who accepted it, when and why: vbsctl state history\nBackup of the previous state: ${backup}\n`,
    );
    return EXIT.done;
  } finally {
    await lease.release();
  }
}

/** The entry names every record that contradicts the history: what could not be read again must not be written. */
function mustBeReadable({ history }: State): void {
  if (isReadableItem(history.at(-1))) return;
  throw Failure.of(
    'refused',
    'too-many-contradictions',
    'more records contradict the history than one acceptance can hold',
    {
      detail: 'Most of the history is missing or of another state. Nothing was changed.',
      remedy: 'put a valid copy back: vbsctl state push FILE',
    },
  );
}

/** Told as warnings; nothing to accept is told as well. */
async function faultsToAccept(
  io: Io,
  store: Backend,
  snapshot: Snapshot | undefined,
): Promise<{ readonly snapshot: Snapshot; readonly faults: readonly StateFault[] }> {
  const { location } = store;
  if (!snapshot) throw noState(store);
  const { moved_to } = snapshot.state;
  if (moved_to) throw new Failure('refused', stateMigrated(moved_to, location));
  const faults = await faultsOf(io, store, snapshot);
  warnOfFaults(io, location, snapshot, faults);
  if (faults.length === 0)
    io.stdout.write(
      `There is nothing to accept: the history verifies, and nothing newer than serial ${snapshot.state.serial} was seen from this machine.\n`,
    );
  return { snapshot, faults };
}

async function askFor(io: Io, location: string): Promise<void> {
  if (!io.stdin.isTty)
    throw noConsent(
      'there is no terminal',
      `read what is wrong (above), then: vbsctl state accept --state ${shellWord(location)} --reason "…" --auto-approve`,
    );
  await confirm(
    io,
    'Continue with this state as it is? Declared restores that it does not record are run again.',
  );
}

function knownInstead(faults: readonly StateFault[]) {
  for (const fault of faults)
    if (fault.kind === 'older' || fault.kind === 'differs' || fault.kind === 'other_lineage')
      return { lineage: fault.known.lineage, serial: fault.known.serial };
  return undefined;
}
