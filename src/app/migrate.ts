import { isoTime } from '../domain/clock.ts';
import { Failure, refused } from '../domain/errors.ts';
import { optional } from '../domain/optional.ts';
import { risksOf, takeRisks } from '../domain/push-risks.ts';
import type { MigratedTo, PushRisk, State } from '../domain/state.ts';
import type { Backend } from '../state/backend.ts';
import { encodeSnapshot, type Snapshot } from '../state/codec.ts';
import { addressWarning, migrateBackCommand, stateMigrated } from '../state/migrated-state.ts';
import type { ChangeRequest, StatePorts } from './ports.ts';
import { noState } from './refusals.ts';
import { withLease, withState } from './with-lease.ts';

interface MigrateRequest extends ChangeRequest {
  /** The risks that the operator accepts. */
  readonly risks: readonly PushRisk[];
}

/** `backend`: the state to migrate. */
interface MigratePorts extends StatePorts {
  /** Opens the new location. Opens it anew each time, so that the copy is read back as the next command will read it. */
  openTarget(): Promise<Backend>;
  /** Throws if the state fails its checks. */
  refuseFaults(backend: Backend, snapshot: Snapshot): Promise<void>;
}

export interface Migration {
  /** The state that is migrated. */
  readonly state: State;
  readonly from: string;
  readonly to: string;
  /** The serial of the state at the new location that is replaced, if there is one. */
  readonly replaces?: number;
  /** The path of the backup of that state. */
  readonly backup?: string;
}

/**
 * Copies the state to another location, with chain and lineage. The copy is read back and compared before the old state is
 * marked as migrated. After a crash in between there are two equal states, and the same command continues. Every command
 * that works with a state refuses the marked one.
 */
export async function migrate(request: MigrateRequest, ports: MigratePorts): Promise<Migration> {
  const { backend: source, stop, clock } = ports;
  const target = await ports.openTarget();
  const locations = { from: source.location, to: target.location };
  if (target.id === source.id)
    throw Failure.of('usage', 'same-location', `the state is already at ${target.location}`, {
      remedy: 'name another location with --to',
    });
  const check = async (old: Snapshot | undefined, replaced: Snapshot | undefined): Promise<Snapshot> => {
    if (!old) throw noState(source);
    if (old.state.moved_to) throw new Failure('refused', stateMigrated(old.state.moved_to, source.location));
    await ports.refuseFaults(source, old);
    if (replaced)
      takeRisks(
        risksOf(beforeMigration(replaced.state), old.state, {
          given: `the state at ${source.location}`,
          location: target.location,
          sameSerial: 'fine',
        }),
        request.risks,
      );
    return old;
  };
  if (request.dryRun) {
    const replaced = await target.snapshot();
    const { state } = await check(await source.snapshot(), replaced);
    return { ...locations, state, ...optional('replaces', replaced?.state.serial) };
  }
  return await withLease(source, request, stop, (sourceLease) =>
    withLease(target, request, stop, async (targetLease) => {
      const replaced = await target.snapshot();
      const old = await check(await source.snapshot(), replaced);
      const backup = replaced && (await ports.backUp(target, replaced));
      const copy = withSerial(old, Math.max(old.state.serial, (replaced?.state.serial ?? -1) + 1));
      await targetLease.replace(copy);
      await refuseOtherCopy(await ports.openTarget(), copy);
      const marked = withMark(old, {
        location: target.location,
        at: isoTime(clock.now()),
        by: request.actor.who,
        serial: copy.state.serial,
      });
      await sourceLease.replace(marked);
      await ports.remember(source, marked, 'written');
      await ports.remember(target, copy, 'accepted');
      return { ...locations, state: old.state, ...optional('backup', backup) };
    }),
  );
}

interface UndoRequest extends ChangeRequest {
  /** Whether changes made at the new location since then may be lost. */
  readonly allowLostWork: boolean;
}

/**
 * Removes the mark that the state was migrated. Does not read the new location: if it still exists, migrating back
 * keeps the changes made there; and credentials must not be sent to a location that a stored text names.
 */
export function undoMigration(
  request: UndoRequest,
  ports: Pick<StatePorts, 'backend' | 'stop' | 'remember'>,
): Promise<{ readonly state: State; readonly movedTo: MigratedTo }> {
  const { backend } = ports;
  return withState(ports, request, async (marked, lease) => {
    if (!marked) throw noState(backend);
    const movedTo = markOf(marked.state, backend.location, request.allowLostWork);
    const { moved_to, ...state } = marked.state;
    if (lease) {
      const unmarked = withSerial({ state, chain: marked.chain }, state.serial + 1);
      await lease.replace(unmarked);
      await ports.remember(backend, unmarked, 'accepted');
    }
    return { state, movedTo };
  });
}

/** Throws a `Failure` (`refused`) if the state was not migrated, or if changes could be lost. */
function markOf({ moved_to }: State, location: string, allowLostWork: boolean): MigratedTo {
  if (!moved_to)
    throw refused(
      'not-migrated',
      `the state at ${location} was not migrated`,
      'name the location that it was migrated from with --state',
    );
  if (!allowLostWork)
    throw refused(
      'changes-would-be-lost',
      `this copy lacks what was done at ${moved_to.location} since ${moved_to.at}`,
      `${addressWarning(moved_to.location)}migrate the state back with all that was done: ${migrateBackCommand(moved_to, location)}; only if the other location is lost: --allow-lost-work`,
    );
  return moved_to;
}

/** The state before it was marked. Its serial is the one from before. */
function beforeMigration({ moved_to, ...state }: State): State {
  return { ...state, serial: moved_to?.serial ?? state.serial };
}

function withSerial({ state, chain }: Snapshot, serial: number): Snapshot {
  return { state: { ...state, serial }, chain };
}

function withMark({ state, chain }: Snapshot, moved_to: MigratedTo): Snapshot {
  return { state: { ...state, serial: state.serial + 1, moved_to }, chain };
}

async function refuseOtherCopy(target: Backend, copy: Snapshot): Promise<void> {
  const found = await target.snapshot();
  if (found && encodeSnapshot(found) === encodeSnapshot(copy)) return;
  throw Failure.of('state', 'copy-differs', `the copy at ${target.location} differs from what was written`, {
    remedy: 'the old state is unchanged and still in use; check why that location changes what it stores',
  });
}
