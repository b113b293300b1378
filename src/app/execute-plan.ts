import type { Plan } from '../domain/plan.ts';
import type { State } from '../domain/state.ts';
import { type ExecuteInput, type ExecutionOutcome, execute } from '../executor/execute.ts';
import type { RunSettings } from '../executor/run.ts';
import type { Lease } from '../state/backend.ts';
import { type ChainEnd, endOf } from '../state/history-chain.ts';
import type { Connection, RunPorts } from './ports.ts';
import { stopWithToken } from './token-end.ts';

/** A plan to execute as it is, and under which terms. */
export interface RunRequest extends Required<Pick<ExecuteInput, 'plan' | 'mode' | 'settings' | 'waivers'>> {
  /** The digest of the saved plan, if the plan was saved. */
  readonly planDigest?: string;
}

export interface RunResult {
  readonly plan: Plan;
  readonly outcome: ExecutionOutcome;
  /** The user interrupted the run, or the token ended. */
  readonly stopped: boolean;
  readonly state: State | undefined;
  /** Where its history ends. */
  readonly history_end: ChainEnd | undefined;
}

/** Executes a plan under the lock and passes its events to the observer. Warn of the end of the token before. */
export async function executePlan(
  request: RunRequest,
  ports: RunPorts,
  lease: Lease,
  connection: Connection,
): Promise<RunResult> {
  const { clock, random } = ports;
  const { plan } = request;
  const stop = stopWithToken(ports.stop, connection, clock);
  const observer = await ports.beginRun(plan);
  const outcome = await execute({
    ...request,
    lease,
    driver: connection.driver,
    clock,
    random,
    onEvent: (event) => observer.handle(event),
    stop: stop.signal,
  });
  const state = lease.state();
  await observer.end({ plan, outcome, state, notes: stop.notes() });
  return { plan, outcome, stopped: stop.signal.aborted, ...storedBy(lease) };
}

/** What a lease has stored. */
export function storedBy(lease: Lease): Pick<RunResult, 'state' | 'history_end'> {
  return { state: lease.state(), history_end: endOf(lease.snapshot()?.chain ?? []) };
}

/** Settings of a run that only follows: every restore is running already, and one that fails does not end the others. */
export function followingSettings(settings: RunSettings, restores: number): RunSettings {
  return { ...settings, apply: { ...settings.apply, parallelism: restores, max_failures: 0 } };
}
