import { runInterruptibly } from '../domain/chunked-work.ts';
import { isoTime } from '../domain/clock.ts';
import { projectText, sameProject } from '../domain/cloud-project.ts';
import { MultilineText } from '../domain/diagnostic.ts';
import { Failure, refused, unreachable } from '../domain/errors.ts';
import { quotedWhole } from '../domain/escape/quoted.ts';
import { changesOf, type Merge, mergeUnsaved } from '../domain/merge-unsaved.ts';
import { optional } from '../domain/optional.ts';
import { foundRisk, pushedState, risksOf, takeRisks } from '../domain/push-risks.ts';
import type { PushRisk, State } from '../domain/state.ts';
import { encodeSnapshot, type Snapshot } from '../state/codec.ts';
import { extendChain } from '../state/history-chain.ts';
import { addressWarning, locationWord } from '../state/migrated-state.ts';
import {
  faultDiagnostic,
  faultyState,
  type KnownHere,
  type StateFault,
  stateFaults,
} from '../state/state-faults.ts';
import type { Unsaved } from '../state/unsaved-codec.ts';
import type { ChangeRequest, StatePorts } from './ports.ts';
import { noState } from './refusals.ts';
import { withState } from './with-lease.ts';

interface PushRequest<Given> extends ChangeRequest {
  readonly given: Given;
  /** The name of the file, for messages. */
  readonly name: string;
}

export interface PushPorts extends StatePorts {
  /** What this user has seen of the lineage, and at the place of the state. */
  known(lineage: string): Promise<KnownHere>;
}

export type Pushed =
  | { readonly kind: 'same' }
  /** `serial`: of the state as it would be stored. */
  | { readonly kind: 'would_push'; readonly serial: number }
  | { readonly kind: 'pushed'; readonly serial: number; readonly backup?: string };

/** Replaces the state with another whole one. `risks`: those that the operator accepts. */
export async function pushWhole(
  request: PushRequest<Snapshot> & { readonly risks: readonly PushRisk[] },
  ports: PushPorts,
): Promise<Pushed> {
  const { given, name, risks } = request;
  const { backend, stop, clock } = ports;
  refuseMigrated(given, name);
  const known = await ports.known(given.state.lineage);
  const faults = await runInterruptibly(stateFaults(given, known), stop);
  // They would be accepted with the state.
  const own = faults.filter(({ kind }) => riskOf(kind) === undefined);
  if (own.length > 0) throw faultyState(own, given, name);
  return await withState(ports, request, async (current, lease) => {
    if (current && encodeSnapshot(current) === encodeSnapshot(given)) return { kind: 'same' };
    const found = current
      ? risksOf(current.state, given.state, {
          given: name,
          location: backend.location,
          sameSerial: 'refused',
        })
      : [];
    const superseded = faults.flatMap((fault) => {
      const risk = riskOf(fault.kind);
      // If a state is there, that one is compared with; one of another lineage that was there before does not matter.
      if (!risk || (risk === 'other-lineage' && current) || found.some((each) => each.risk === risk))
        return [];
      const { summary, detail = '' } = faultDiagnostic(fault, given, name);
      return [foundRisk(risk, `${name}: ${summary}`, detail, 'use a newer copy; if there is none')];
    });
    const state = pushedState(
      given.state,
      { current: current?.state, known: known.of_lineage },
      takeRisks([...found, ...superseded], risks),
      { at: isoTime(clock.now()), actor: request.actor },
    );
    const { serial } = state;
    if (!lease) return { kind: 'would_push', serial };
    const backup = current && (await ports.backUp(backend, current));
    const pushed = { state, chain: extendChain(state, given.chain) };
    await lease.replace(pushed);
    await ports.remember(backend, pushed, 'accepted');
    return { kind: 'pushed', serial, ...optional('backup', backup) };
  });
}

/** The risk of pushing a state with this fault; undefined if no option accepts it. */
function riskOf(kind: StateFault['kind']): PushRisk | undefined {
  switch (kind) {
    case 'older':
    case 'differs':
    case 'discontinued':
      return 'older-serial';
    case 'other_lineage':
      return 'other-lineage';
    case 'broken':
    case 'contradictory':
    case 'set_back':
      return undefined;
    default:
      return unreachable(kind);
  }
}

function refuseMigrated({ state: { moved_to } }: Snapshot, name: string): void {
  if (moved_to)
    throw refused(
      'push-migrated',
      `${name} is of a state that was migrated to ${moved_to.location} at ${moved_to.at}`,
      `${addressWarning(moved_to.location)}take the one that is in use: vbsctl state pull --state ${locationWord(moved_to.location)}`,
    );
}

export interface Merged {
  readonly merges: readonly Merge[];
  /** Number of records that were saved; 0 in a dry run. */
  readonly saved: number;
  readonly backup?: string;
}

/**
 * Merges the records that a run could not save into the state. A record that the state knows better is refused, and the
 * others are saved all the same. `onMerges` is called before anything is changed.
 */
export async function pushUnsaved(
  request: PushRequest<Unsaved>,
  ports: PushPorts,
  onMerges: (merges: readonly Merge[]) => void,
): Promise<Merged> {
  const { given, name } = request;
  const { backend, stop } = ports;
  return await withState(ports, request, async (current, lease) => {
    if (!current) throw noState(backend);
    refuseOtherState(given, name, current.state, backend.location);
    const merges = await runInterruptibly(mergeUnsaved(current.state, given.records), stop);
    onMerges(merges);
    const changes = changesOf(merges);
    if (!lease || changes.length === 0) return { merges, saved: 0 };
    const backup = await ports.backUp(backend, current);
    await lease.commit(changes);
    return { merges, saved: changes.length, backup };
  });
}

/** No option lifts this: records of another project mean nothing in this state. */
function refuseOtherState(unsaved: Unsaved, name: string, state: State, location: string): void {
  if (unsaved.lineage === state.lineage && sameProject(unsaved.target, state.target)) return;
  throw Failure.of(
    'refused',
    'push-other-lineage',
    `${name} belongs to another state than the one at ${location}`,
    {
      detail: new MultilineText(
        `There: lineage ${state.lineage}, ${projectText(state.target)}`,
        `In ${name}: lineage ${unsaved.lineage}, ${projectText(unsaved.target)}`,
      ),
      remedy: `${addressWarning(unsaved.state)}name the state that the run worked with, ${quotedWhole(unsaved.state)}: --state ${locationWord(unsaved.state)}`,
    },
  );
}
