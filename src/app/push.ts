import { isoTime } from '../domain/clock.ts';
import { projectText, sameProject } from '../domain/cloud-project.ts';
import { changesOf, type Merge, mergeUnsaved } from '../domain/continuation.ts';
import { Lines } from '../domain/diagnostic.ts';
import { Failure } from '../domain/errors.ts';
import { quotedWhole } from '../domain/escape/quoted.ts';
import { stoppably } from '../domain/long-work.ts';
import { optional } from '../domain/optional.ts';
import { judgePush, pushedState } from '../domain/push-risks.ts';
import type { PushRisk, State } from '../domain/state.ts';
import type { Backend } from '../state/backend.ts';
import { encodeSnapshot, type Snapshot } from '../state/codec.ts';
import { extendChain } from '../state/history-chain.ts';
import { addressWarning, locationWord } from '../state/migrated-state.ts';
import { faultyState, stateFaults } from '../state/state-faults.ts';
import type { Unsaved } from '../state/unsaved-codec.ts';
import { noState } from './no-state.ts';
import type { LockRequest } from './ports.ts';
import type { StatePorts } from './state-ports.ts';
import { withLease } from './with-lease.ts';

export interface PushRequest<Given> extends LockRequest {
  readonly given: Given;
  /** How messages call what is given: a file name. */
  readonly name: string;
  /** Checks only; nothing is changed. */
  readonly dryRun: boolean;
}

export interface PushPorts extends StatePorts {
  readonly store: Backend;
  /** The highest serial that was seen of a lineage, if any was. */
  serialsKnown(lineage: string): Promise<readonly number[]>;
}

export type Pushed =
  | { readonly kind: 'same' }
  /** `serial`: of the state as it would be stored. */
  | { readonly kind: 'would_push'; readonly serial: number }
  | { readonly kind: 'pushed'; readonly serial: number; readonly backup?: string };

/** Puts a whole state in place of what is there. `risks`: those that a person takes. */
export async function pushWhole(
  request: PushRequest<Snapshot> & { readonly risks: readonly PushRisk[] },
  ports: PushPorts,
): Promise<Pushed> {
  const { given, name, risks } = request;
  const { store, stop, clock } = ports;
  refuseMoved(given, name);
  await refuseBroken(given, name, stop);
  /** The risks that are taken, or that there is nothing to do; throws what speaks against it. */
  const check = (current: Snapshot | undefined): readonly PushRisk[] | 'same' => {
    if (!current) return [];
    if (encodeSnapshot(current) === encodeSnapshot(given)) return 'same';
    return judgePush(current.state, given.state, risks, {
      given: name,
      location: store.location,
      sameSerial: 'refused',
    });
  };
  const stateToStore = async (current: Snapshot | undefined, taken: readonly PushRisk[]) =>
    pushedState(
      current?.state,
      given.state,
      taken,
      { at: isoTime(clock.now()), actor: request.actor },
      await ports.serialsKnown(given.state.lineage),
    );
  if (request.dryRun) {
    const current = (await store.read()) && (await store.snapshot());
    const taken = check(current);
    if (taken === 'same') return { kind: 'same' };
    return { kind: 'would_push', serial: (await stateToStore(current, taken)).serial };
  }
  return await withLease(store, request, stop, async (lease) => {
    const current = lease.snapshot();
    const taken = check(current);
    if (taken === 'same') return { kind: 'same' };
    const backup = current && (await ports.backUp(store, current));
    const state = await stateToStore(current, taken);
    const pushed = { state, chain: extendChain(state, given.chain) };
    await lease.replace(pushed);
    await ports.remember(store, pushed, 'accepted');
    return { kind: 'pushed', serial: state.serial, ...optional('backup', backup) };
  });
}

function refuseMoved({ state: { moved_to } }: Snapshot, name: string): void {
  if (!moved_to) return;
  throw Failure.of(
    'refused',
    'push-moved',
    `${name} is of a state that was moved to ${moved_to.location} at ${moved_to.at}`,
    {
      remedy: `${addressWarning(moved_to.location)}take the one that is in use: vbsctl state pull --state ${locationWord(moved_to.location)}`,
    },
  );
}

/** A broken one would be relied on from now on. */
async function refuseBroken(given: Snapshot, name: string, stop: AbortSignal): Promise<void> {
  const faults = await stoppably(stateFaults(given, {}), stop);
  if (faults.length > 0) throw faultyState(faults, given, name);
}

export interface Merged {
  readonly merges: readonly Merge[];
  /** Records that were saved; in a dry run none. */
  readonly saved: number;
  readonly backup?: string;
}

/**
 * Merges what a run could not save. What the state knows better stays, and is among the merges as refused; the others
 * are saved all the same. `onMerges` sees them before anything is changed.
 */
export async function pushUnsaved(
  request: PushRequest<Unsaved>,
  ports: PushPorts,
  onMerges: (merges: readonly Merge[]) => void,
): Promise<Merged> {
  const { given, name } = request;
  const { store, stop } = ports;
  const check = async (state: State | undefined): Promise<readonly Merge[]> => {
    if (!state) throw noState(store);
    mustBelong(given, name, state, store.location);
    const merges = await stoppably(mergeUnsaved(state, given.records), stop);
    onMerges(merges);
    return merges;
  };
  if (request.dryRun) return { merges: await check(await store.read()), saved: 0 };
  return await withLease(store, request, stop, async (lease) => {
    const current = lease.snapshot();
    const merges = await check(current?.state);
    const changes = changesOf(merges);
    if (!current || changes.length === 0) return { merges, saved: 0 };
    const backup = await ports.backUp(store, current);
    await lease.commit(changes);
    return { merges, saved: changes.length, backup };
  });
}

/** No flag lifts this: records of another project's disks mean nothing in this state. */
function mustBelong(unsaved: Unsaved, name: string, state: State, location: string): void {
  if (unsaved.lineage === state.lineage && sameProject(unsaved.target, state.target)) return;
  throw Failure.of(
    'refused',
    'push-other-lineage',
    `${name} belongs to another state than the one at ${location}`,
    {
      detail: new Lines(
        `There: lineage ${state.lineage}, ${projectText(state.target)}`,
        `In ${name}: lineage ${unsaved.lineage}, ${projectText(unsaved.target)}`,
      ),
      remedy: `${addressWarning(unsaved.state)}name the state that the run worked with, ${quotedWhole(unsaved.state)}: --state ${locationWord(unsaved.state)}`,
    },
  );
}
