import { optional } from '../domain/optional.ts';
import type { Plan } from '../domain/plan.ts';
import type { Waiver } from '../domain/policy.ts';
import type { State } from '../domain/state.ts';
import { execute, type Outcome } from '../executor/execute.ts';
import type { Reach, RunSettings } from '../executor/run.ts';
import type { Lease } from '../state/backend.ts';
import type { Connection } from './connection.ts';
import type { RunPorts } from './ports.ts';
import { stopWithToken } from './token-end.ts';

/** A plan that may be executed as it is, and how. */
export interface RunRequest {
  readonly plan: Plan;
  /** Of the saved plan that this is, if it is one. */
  readonly planDigest?: string;
  readonly reach: Reach;
  readonly settings: RunSettings;
  readonly waivers: readonly Waiver[];
}

export interface RunResult {
  readonly plan: Plan;
  readonly outcome: Outcome;
  /** A person asked to stop, or the token ended. */
  readonly stopped: boolean;
  readonly state: State | undefined;
}

/** Executes a plan under the lock, while the observer sees how it goes. That its token may end first was said before. */
export async function runPlan(
  { plan, planDigest, reach, settings, waivers }: RunRequest,
  ports: RunPorts,
  lease: Lease,
  connection: Connection,
): Promise<RunResult> {
  const { clock, random } = ports;
  const stop = stopWithToken(ports.stop, connection, clock);
  const observer = await ports.beginRun(plan);
  const outcome = await execute({
    plan,
    ...optional('planDigest', planDigest),
    lease,
    driver: connection.driver,
    clock,
    random,
    settings,
    waivers,
    reach,
    onEvent: (event) => observer.handle(event),
    stop: stop.signal,
  });
  const state = lease.state();
  await observer.end({ plan, outcome, state, notes: stop.notes() });
  return { plan, outcome, stopped: stop.signal.aborted, state };
}

/** For a run that only follows: all are under way already, and one that fails is no reason to leave the others. */
export function followingSettings(settings: RunSettings, restores: number): RunSettings {
  return { ...settings, apply: { ...settings.apply, parallelism: restores, max_failures: 0 } };
}
