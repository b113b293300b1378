import { isoTime } from '../domain/clock.ts';
import type { Diagnostic } from '../domain/diagnostic.ts';
import type { End } from '../domain/events.ts';
import { isOpen, isUnderWay, type RestoreRecord, type UnderWay, type Unknown } from '../domain/record.ts';
import { resolveCommand } from '../domain/resolve-command.ts';
import type { Address } from '../domain/spec.ts';
import type { State } from '../domain/state.ts';
import type { RunSettings } from '../executor/run.ts';
import { followPlan } from '../planner/follow-plan.ts';
import type { Lease } from '../state/backend.ts';
import { recordsOf } from './addresses.ts';
import { noState } from './no-state.ts';
import type { LockRequest, RunPorts } from './ports.ts';
import { refuseOtherProject } from './refuse-other-project.ts';
import { followingSettings, type RunResult, runPlan } from './run-plan.ts';
import { warnOfTokenEnd } from './token-end.ts';
import { withConnection } from './with-connection.ts';
import { withLease } from './with-lease.ts';

export interface WaitRequest extends LockRequest {
  /** Empty: all that is open. */
  readonly addresses: readonly Address[];
  readonly settings: RunSettings;
}

export type WaitResult =
  | { readonly kind: 'nothing_to_follow'; readonly chosen: readonly RestoreRecord[] }
  /** `ends`: of all that was chosen, also of what was over before. */
  | ({ readonly kind: 'ran'; readonly ends: ReadonlyMap<Address, End> } & RunResult);

/**
 * Follows what is open to its end, by the records alone: manifests are not read, and nothing is ever started. So
 * it also finishes what no manifest declares any more.
 */
export function wait(request: WaitRequest, ports: RunPorts): Promise<WaitResult> {
  const { store, stop } = ports;
  return withLease(store, request, stop, async (lease) => {
    const state = lease.state();
    if (!state) throw noState(store);
    const chosen = choose(state, request.addresses);
    const unknown = chosen.filter((record) => record.status === 'unknown');
    ports.tell(unknown.map(unknownOutcome));
    const underWay = chosen.filter(isUnderWay);
    if (underWay.length === 0) return { kind: 'nothing_to_follow', chosen };
    const result = await follow(underWay, unknown, state, request, ports, lease);
    return { kind: 'ran', ends: new Map([...endsOf(chosen), ...result.outcome.ends]), ...result };
  });
}

function follow(
  underWay: readonly UnderWay[],
  unknown: readonly Unknown[],
  state: State,
  { settings }: WaitRequest,
  ports: RunPorts,
  lease: Lease,
): Promise<RunResult> {
  return withConnection(ports, async (connection) => {
    const { target } = connection.driver;
    refuseOtherProject(state, target);
    const plan = followPlan(underWay, state, target, isoTime(ports.clock.now()), unknown);
    const adapted = followingSettings(settings, underWay.length);
    warnOfTokenEnd(ports, connection, plan, adapted);
    return await runPlan({ plan, reach: 'follow', settings: adapted, waivers: [] }, ports, lease, connection);
  });
}

/** Those named; else all that is open. */
function choose(state: State, addresses: readonly Address[]): RestoreRecord[] {
  if (addresses.length === 0) return [...state.records.values()].filter(isOpen);
  return recordsOf(state, addresses);
}

/** No waiting settles it. */
function unknownOutcome({ address }: Unknown): Diagnostic {
  return {
    severity: 'warning',
    code: 'outcome-unknown',
    summary: `the outcome of ${address} is unknown, and waiting cannot determine it`,
    remedy: `check the disk, then: ${resolveCommand(address)}`,
  };
}

/** How the chosen stand before anything is done: the named ones that are over count, too. */
export function endsOf(chosen: readonly RestoreRecord[]): Map<Address, End> {
  return new Map(chosen.map((record) => [record.address, { kind: 'recorded', record }]));
}
