import { Failure } from '../domain/errors.ts';
import { hasChanges, type Plan } from '../domain/plan.ts';
import type { Waiver } from '../domain/policy.ts';
import { signatureBreaches, withWaivers } from '../domain/policy-check.ts';
import type { SignatureFinding } from '../domain/saved-plan.ts';
import type { State } from '../domain/state.ts';
import type { RunSettings } from '../executor/run.ts';
import { onlyFollowing } from '../planner/only-following.ts';
import type { Lease } from '../state/backend.ts';
import type { Connection } from './connection.ts';
import { type Consent, consentFor } from './consent.ts';
import { makePlan, type Wanted } from './make-plan.ts';
import type { LockRequest, Ports, RunPorts } from './ports.ts';
import { refusal } from './refusal.ts';
import { followingSettings, type RunResult, runPlan } from './run-plan.ts';
import { warnOfTokenEnd } from './token-end.ts';
import { withConnection } from './with-connection.ts';
import { withLease } from './with-lease.ts';

/** Start here: the sequence that every apply goes through. Lock, plan, refuse, confirm, execute. */

export interface ApplyRequest extends LockRequest, ApplyTerms {
  readonly wanted: Omit<Wanted, 'policy' | 'waivers'>;
}

/** How a plan is executed, wherever it is from. */
export interface ApplyTerms {
  /** `submit`: only until the cloud has accepted each restore. */
  readonly reach: 'finish' | 'submit';
  /** Blocked restores are left out instead of refusing the whole plan. */
  readonly skipBlocked: boolean;
  /** Limits of the policy that a person lifted for this run. */
  readonly waivers: readonly Waiver[];
  readonly settings: RunSettings;
}

export interface ApplyPorts extends RunPorts {
  /** There is no state: resolves once it may be created, rejects with why it may not. */
  confirmNewState(): Promise<void>;
  /** Shown before anything is asked or sent. */
  showPlan(plan: Plan): void;
  /** Rejects unless a person agrees, now or beforehand. */
  confirm(consent: Consent): Promise<void>;
}

export type ApplyResult =
  | { readonly kind: 'nothing_to_do'; readonly plan: Plan; readonly state: State | undefined }
  /** `refused`: nothing new was allowed to start, and what was under way was followed only. */
  | ({ readonly kind: 'ran'; readonly refused: boolean } & RunResult);

/**
 * Plans under the lock, shows the plan, asks, and executes it. Rejects with a `Failure` when it is refused and nothing
 * is under way; what is under way is followed to its end whatever is refused.
 */
export function apply(request: ApplyRequest, ports: ApplyPorts): Promise<ApplyResult> {
  const { wanted, waivers, settings } = request;
  return withConnection(ports, (connection) =>
    withLease(ports.store, request, ports.stop, async (lease) => {
      if (!lease.state()) {
        await ports.confirmNewState();
        await lease.create(connection.driver.target);
      }
      const plan = await makePlan(
        { ...wanted, waivers, policy: settings.policy },
        { state: lease.state(), driver: connection.driver, clock: ports.clock },
      );
      ports.showPlan(plan);
      const consent = consentFor(plan);
      const unsigned = consent && unsignedRefusal(request, ports);
      const refused = unsigned ?? refusal(plan, request.skipBlocked);
      if (refused) return await followDespite(refused, { plan }, request, ports, lease, connection);
      if (isNothingToDo(plan)) return { kind: 'nothing_to_do', plan, state: lease.state() };
      warnOfTokenEnd(ports, connection, plan, settings);
      if (consent) await ports.confirm(consent);
      return await carryOut({ plan }, request, ports, lease, connection);
    }),
  );
}

/** A plan that was shown, and the saved plan that it is, if it is one. */
export interface ShownPlan {
  readonly plan: Plan;
  readonly planDigest?: string;
}

/** Executes what was shown, and agreed to. */
export async function carryOut(
  shown: ShownPlan,
  { reach, waivers, settings }: ApplyTerms,
  ports: RunPorts,
  lease: Lease,
  connection: Connection,
): Promise<ApplyResult> {
  const result = await runPlan({ ...shown, reach, waivers, settings }, ports, lease, connection);
  return { kind: 'ran', refused: false, ...result };
}

/**
 * Nothing new may start. What is under way is followed to its end all the same, without asking: nothing is sent.
 * Throws the refusal when nothing is under way.
 */
export async function followDespite(
  refused: Failure,
  { plan, ...shown }: ShownPlan,
  { waivers, settings }: ApplyTerms,
  ports: RunPorts,
  lease: Lease,
  connection: Connection,
): Promise<ApplyResult> {
  const following = onlyFollowing(plan, refused.diagnostics);
  if (!following) throw refused;
  ports.tell(refused.diagnostics);
  const adapted = followingSettings(settings, following.actions.length);
  warnOfTokenEnd(ports, connection, following, adapted);
  const result = await runPlan(
    { ...shown, plan: following, reach: 'follow', waivers, settings: adapted },
    ports,
    lease,
    connection,
  );
  return { kind: 'ran', refused: true, ...result };
}

/** Why the policy lets only signed plans start anything, if it does. */
export function unsignedRefusal(
  { settings, waivers }: ApplyTerms,
  ports: Pick<Ports, 'tell'>,
  signed?: SignatureFinding,
): Failure | undefined {
  const { refused, waived } = withWaivers(signatureBreaches(settings.policy, signed), new Set(waivers));
  ports.tell(waived);
  return refused.length > 0 ? new Failure('refused', refused) : undefined;
}

/** Blocked restores are something to tell of in the summary. */
export function isNothingToDo(plan: Plan): boolean {
  return !hasChanges(plan) && !plan.actions.some(({ kind }) => kind === 'blocked');
}
