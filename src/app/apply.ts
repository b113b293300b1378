import { Failure } from '../domain/errors.ts';
import { hasChanges, type Plan, recordUpdates, totals } from '../domain/plan.ts';
import { signatureBreaches, withWaivers } from '../domain/policy-check.ts';
import type { SignatureFinding } from '../domain/saved-plan.ts';
import { onlyFollowing } from '../planner/follow-plan.ts';
import type { Lease } from '../state/backend.ts';
import { executePlan, followingSettings, type RunRequest, type RunResult, storedBy } from './execute-plan.ts';
import { makePlan, type PlanRequest } from './make-plan.ts';
import type { Connection, LockRequest, Ports, RunPorts } from './ports.ts';
import { refusal } from './refusals.ts';
import { tokenEndWarning } from './token-end.ts';
import { withLeaseAndConnection } from './with-lease.ts';

/** Start here: the sequence that every apply goes through. Lock, plan, refuse, confirm, execute. */

interface ApplyRequest extends LockRequest, ApplyTerms {
  readonly declared: Omit<PlanRequest, 'policy' | 'waivers'>;
}

/** How a plan is executed, whether it is new or saved. */
export interface ApplyTerms extends Pick<RunRequest, 'settings' | 'waivers'> {
  /** `no_wait`: only until the cloud has accepted each restore. */
  readonly mode: 'finish' | 'no_wait';
  /** Leaves blocked restores out; otherwise one of them refuses the whole plan. */
  readonly skipBlocked: boolean;
}

export interface ApplyPorts extends RunPorts {
  /** Called if there is no state. Rejects unless it may be created. */
  confirmNewState(): Promise<void>;
  /** Called before the confirmation, and before anything is sent. */
  showPlan(plan: Plan): void;
  /** Rejects unless the user confirms, now or with an option. */
  confirm(consent: Consent): Promise<void>;
}

export type ApplyResult =
  | ({ readonly kind: 'nothing_to_do'; readonly plan: Plan } & Pick<RunResult, 'state' | 'history_end'>)
  /** `refused`: nothing new was allowed to start, and running restores were only followed. */
  | ({ readonly kind: 'ran'; readonly refused: boolean } & RunResult);

/**
 * Plans under the lock, shows the plan, asks for confirmation, and executes it. If the plan is refused, running restores
 * are followed to their end; if there are none, rejects with a `Failure`.
 */
export function apply(request: ApplyRequest, ports: ApplyPorts): Promise<ApplyResult> {
  const { declared, waivers, settings } = request;
  return withLeaseAndConnection(ports, request, async (lease, connection) => {
    const { driver } = connection;
    if (!lease.state()) {
      await ports.confirmNewState();
      await lease.create(driver.target);
    }
    const plan = await makePlan(
      { ...declared, waivers, policy: settings.policy },
      { state: lease.state(), driver, clock: ports.clock },
    );
    ports.showPlan(plan);
    const consent = consentFor(plan);
    const refused = (consent && unsignedRefusal(request, ports)) ?? refusal(plan, request.skipBlocked);
    if (refused) return await followRunning(refused, { plan }, request, ports, lease, connection);
    return await applyShown(
      { plan },
      request,
      ports,
      lease,
      connection,
      consent && (() => ports.confirm(consent)),
    );
  });
}

/** A plan that was shown. `planDigest`: the digest of the saved plan, if the plan was saved. */
export type ShownPlan = Pick<RunRequest, 'plan' | 'planDigest'>;

/** Executes a plan that was shown and may start, once it is confirmed. */
export async function applyShown(
  shown: ShownPlan,
  { mode, waivers, settings }: ApplyTerms,
  ports: RunPorts,
  lease: Lease,
  connection: Connection,
  confirm?: () => Promise<void>,
): Promise<ApplyResult> {
  const { plan } = shown;
  // Blocked restores belong in the summary of a run.
  if (!hasChanges(plan) && !plan.actions.some(({ kind }) => kind === 'blocked'))
    return { kind: 'nothing_to_do', plan, ...storedBy(lease) };
  ports.report(tokenEndWarning(connection, plan, settings, ports.clock));
  await confirm?.();
  const result = await executePlan({ ...shown, mode, waivers, settings }, ports, lease, connection);
  return { kind: 'ran', refused: false, ...result };
}

/**
 * Follows the running restores of a refused plan to their end. Asks for no confirmation, because it sends nothing.
 * Throws the refusal if none is running.
 */
export async function followRunning(
  refused: Failure,
  { plan, ...shown }: ShownPlan,
  { waivers, settings }: ApplyTerms,
  ports: RunPorts,
  lease: Lease,
  connection: Connection,
): Promise<ApplyResult> {
  const following = onlyFollowing(plan, refused.diagnostics);
  if (!following) throw refused;
  ports.report(refused.diagnostics);
  const adapted = followingSettings(settings, following.actions.length);
  ports.report(tokenEndWarning(connection, following, adapted, ports.clock));
  const run = { ...shown, plan: following, mode: 'follow', waivers, settings: adapted } as const;
  return { kind: 'ran', refused: true, ...(await executePlan(run, ports, lease, connection)) };
}

/** The refusal of a policy that lets only signed plans start anything, unless it is waived. */
export function unsignedRefusal(
  { settings, waivers }: ApplyTerms,
  ports: Pick<Ports, 'report'>,
  signed?: SignatureFinding,
): Failure | undefined {
  const { refused, waived } = withWaivers(signatureBreaches(settings.policy, signed), new Set(waivers));
  ports.report(waived);
  return refused.length > 0 ? new Failure('refused', refused) : undefined;
}

/** What the user confirms. */
export interface Consent {
  /** Number of restores that are started. */
  readonly restore: number;
  /** Number of restores under way that the run resumes. */
  readonly resume: number;
  /** Number of restores in `resume` that may not have started. They are sent again if the cloud has not started them. */
  readonly may_be_sent_again: number;
}

/** Undefined if the plan sends nothing and only records outcomes: following running restores needs no confirmation. */
export function consentFor(plan: Plan): Consent | undefined {
  const { restore, resume } = totals(plan);
  const may_be_sent_again = plan.actions.filter(
    (one) => one.kind === 'resume' && one.record.status === 'intended' && one.policy_violations.length === 0,
  ).length;
  if (restore + may_be_sent_again + plan.moves.length + recordUpdates(plan) === 0) return undefined;
  return { restore, resume, may_be_sent_again };
}
