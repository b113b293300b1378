import { isoTime } from '../domain/clock.ts';
import { type Diagnostic, warning } from '../domain/diagnostic.ts';
import type { End } from '../domain/events.ts';
import { isOpen, isUnderWay, type RestoreRecord, type UnderWay, type Unknown } from '../domain/record.ts';
import { resolveCommand } from '../domain/resolve-command.ts';
import type { Address } from '../domain/spec.ts';
import type { State } from '../domain/state.ts';
import type { RunSettings } from '../executor/run.ts';
import { followPlan } from '../planner/follow-plan.ts';
import type { Lease } from '../state/backend.ts';
import { requireRecords } from './addresses.ts';
import { executePlan, followingSettings, type RunResult } from './execute-plan.ts';
import type { LockRequest, RunPorts } from './ports.ts';
import { noState, refuseOtherApi, refuseOtherProject } from './refusals.ts';
import { tokenEndWarning } from './token-end.ts';
import { withConnection, withLease } from './with-lease.ts';

interface WaitRequest extends LockRequest {
  /** Empty: every restore that is not finished. */
  readonly addresses: readonly Address[];
  readonly settings: RunSettings;
}

type WaitResult =
  | { readonly kind: 'nothing_to_follow'; readonly chosen: readonly RestoreRecord[] }
  /** `ends`: of every chosen restore, also of one that had ended before. */
  | ({ readonly kind: 'ran'; readonly ends: ReadonlyMap<Address, End> } & RunResult);

/**
 * Follows restores to their end. It reads no manifests and starts nothing, so it also finishes restores that are no
 * longer declared.
 */
export function waitForRestores(request: WaitRequest, ports: RunPorts): Promise<WaitResult> {
  const { addresses } = request;
  const { backend, stop } = ports;
  return withLease(backend, request, stop, async (lease) => {
    const state = lease.state();
    if (!state) throw noState(backend);
    const chosen =
      addresses.length === 0 ? [...state.records.values()].filter(isOpen) : requireRecords(state, addresses);
    const unknown = chosen.filter((record) => record.status === 'unknown');
    ports.report(unknown.map(unknownOutcome));
    const underWay = chosen.filter(isUnderWay);
    if (underWay.length === 0) return { kind: 'nothing_to_follow', chosen };
    const result = await followChosen(underWay, unknown, state, request, ports, lease);
    return { kind: 'ran', ends: new Map([...endsOf(chosen), ...result.outcome.ends]), ...result };
  });
}

function followChosen(
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
    refuseOtherApi(underWay, connection.driver);
    const plan = followPlan(underWay, state, target, isoTime(ports.clock.now()), unknown);
    const adapted = followingSettings(settings, underWay.length);
    ports.report(tokenEndWarning(connection, plan, adapted, ports.clock));
    return await executePlan(
      { plan, mode: 'follow', settings: adapted, waivers: [] },
      ports,
      lease,
      connection,
    );
  });
}

function unknownOutcome({ address }: Unknown): Diagnostic {
  return warning('outcome-unknown', `the outcome of ${address} is unknown, and waiting cannot determine it`, {
    remedy: `check the disk, then: ${resolveCommand(address)}`,
  });
}

/** The recorded outcomes of restores, for the exit code. */
export function endsOf(chosen: readonly RestoreRecord[]): Map<Address, End> {
  return new Map(chosen.map((record) => [record.address, { kind: 'recorded', record }]));
}
