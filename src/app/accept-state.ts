import { acceptedState } from '../domain/accept.ts';
import { isoTime } from '../domain/clock.ts';
import { Failure } from '../domain/errors.ts';
import { optional } from '../domain/optional.ts';
import type { State } from '../domain/state.ts';
import type { Snapshot } from '../state/codec.ts';
import { isReadableItem } from '../state/document.ts';
import { extendChain } from '../state/history-chain.ts';
import { stateMigrated } from '../state/migrated-state.ts';
import type { StateFault } from '../state/state-faults.ts';
import type { ChangeRequest, StatePorts } from './ports.ts';
import { noState } from './refusals.ts';
import { withState } from './with-lease.ts';

interface AcceptRequest extends ChangeRequest {
  /** Why the state can be relied on; kept in the history. */
  readonly reason: string;
}

/** `backend`: one that does not refuse a faulty state. */
interface AcceptPorts extends StatePorts {
  /** Finds the faults of the state, and shows them to the user. */
  showFaults(snapshot: Snapshot): Promise<readonly StateFault[]>;
  /** Rejects unless the user confirms. */
  confirm(): Promise<void>;
}

type Accepted =
  | { readonly kind: 'no_faults'; readonly serial: number }
  | { readonly kind: 'would_accept' }
  | { readonly kind: 'accepted'; readonly serial: number; readonly backup: string };

/**
 * Continues with a state that every command refuses: its history is broken, its records contradict the history, it is
 * older than one seen before, or it has another lineage. The history records who accepted it, and why.
 */
export function acceptState(request: AcceptRequest, ports: AcceptPorts): Promise<Accepted> {
  const { backend, clock } = ports;
  return withState(ports, request, async (snapshot, lease) => {
    if (!snapshot) throw noState(backend);
    const { moved_to, serial } = snapshot.state;
    if (moved_to) throw new Failure('refused', stateMigrated(moved_to, backend.location));
    const faults = await ports.showFaults(snapshot);
    if (faults.length === 0) return { kind: 'no_faults', serial };
    if (!lease) return { kind: 'would_accept' };
    await ports.confirm();
    const backup = await ports.backUp(backend, snapshot);
    const state = acceptedState(
      snapshot.state,
      {
        reason: request.reason,
        ...optional('over', knownInstead(faults)),
        mismatches: faults.flatMap((fault) => (fault.kind === 'contradictory' ? fault.mismatches : [])),
      },
      { at: isoTime(clock.now()), actor: request.actor },
    );
    refuseUnreadable(state);
    const accepted = { state, chain: extendChain(state, snapshot.chain) };
    await lease.replace(accepted);
    await ports.remember(backend, accepted, 'accepted');
    return { kind: 'accepted', serial: state.serial, backup };
  });
}

/** The last entry names every record that contradicts the history, and may be too large to be read again. */
function refuseUnreadable({ history }: State): void {
  if (isReadableItem(history.at(-1))) return;
  throw Failure.of(
    'refused',
    'too-many-mismatches',
    'more records contradict the history than one acceptance can hold',
    {
      detail: 'Most of the history is missing or of another state. Nothing was changed.',
      remedy: 'put a valid copy back: vbsctl state push FILE',
    },
  );
}

/** The state that this machine has seen, if it is not this one. */
function knownInstead(faults: readonly StateFault[]): Pick<State, 'lineage' | 'serial'> | undefined {
  for (const fault of faults)
    if ('known' in fault) return { lineage: fault.known.lineage, serial: fault.known.serial };
  return undefined;
}
