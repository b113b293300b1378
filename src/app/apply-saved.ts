import { sameJson } from '../domain/canonical-json.ts';
import { type CloudProject, sameProject } from '../domain/cloud-project.ts';
import { type Diagnostic, note } from '../domain/diagnostic.ts';
import { Failure } from '../domain/errors.ts';
import { optional } from '../domain/optional.ts';
import type { Plan } from '../domain/plan.ts';
import { tighten } from '../domain/policy.ts';
import { isUnderWay } from '../domain/record.ts';
import { PLAN_AGAIN, type SavedPlan, type SignatureFinding } from '../domain/saved-plan.ts';
import type { ManifestFile } from '../domain/spec.ts';
import type { State } from '../domain/state.ts';
import { followPlan } from '../planner/follow-plan.ts';
import { stalenessOf } from '../planner/plan-staleness.ts';
import { pinnedSpecs, plannedAddresses, reconcile } from '../planner/reconcile.ts';
import {
  type ApplyPorts,
  type ApplyResult,
  type ApplyTerms,
  applyShown,
  followRunning,
  type ShownPlan,
  unsignedRefusal,
} from './apply.ts';
import { makePlan } from './make-plan.ts';
import type { LockRequest } from './ports.ts';
import { refusal, refuseOtherApi } from './refusals.ts';
import { withLeaseAndConnection } from './with-lease.ts';

interface ApplySavedRequest extends LockRequest, ApplyTerms {
  readonly saved: SavedPlan;
  readonly signed: SignatureFinding;
  /** The manifests that the plan was made from, as far as they lie in the working directory. */
  readonly manifests: readonly ManifestFile[];
  /** Maximum age of the plan, ms. Default: no maximum. */
  readonly maxAgeMs?: number;
}

interface ApplySavedPorts extends Omit<ApplyPorts, 'confirmNewState' | 'confirm'> {
  /** The hash of a text as UTF-8, in hex. */
  sha256(text: string): string;
}

/**
 * Executes a saved plan, and nothing else. Under the lock the plan is compared with state and cloud: if anything differs
 * from what was approved, the whole plan is refused before anything is sent. A saved plan needs no confirmation.
 */
export async function applySaved(approved: ApplySavedRequest, ports: ApplySavedPorts): Promise<ApplyResult> {
  const { saved, signed, manifests, maxAgeMs, waivers, skipBlocked } = approved;
  // The config that the plan was made with may be missing here. The policy in the plan can only add limits to the current one.
  const { policy } = tighten(approved.settings.policy, saved.policy);
  if (!sameJson(approved.settings.policy, saved.policy)) ports.report([policyChanged(saved)]);
  const request = { ...approved, settings: { ...approved.settings, policy } };
  const unsigned = unsignedRefusal(request, ports, signed);
  if (unsigned) throw unsigned;
  return withLeaseAndConnection(ports, request, async (lease, connection) => {
    const { driver } = connection;
    const state = lease.state();
    if (state) refuseOtherApi(state.records.values(), driver);
    // Only records that state and cloud agree to be the work of this plan get its digest: with it they count as approved.
    const refuse = (refused: Failure, shown: ShownPlan = { plan: underWay(saved, state, driver.target) }) =>
      followRunning(refused, shown, request, ports, lease, connection);
    const staleness = stalenessOf(
      saved,
      {
        state,
        location: ports.backend.location,
        target: driver.target,
        now: ports.clock.now(),
        ...optional('maxAgeMs', maxAgeMs),
      },
      ports.sha256,
    );
    if (staleness.kind === 'stale') return await refuse(new Failure('refused', staleness.reasons));
    const fresh = await makePlan(
      { specs: pinnedSpecs(saved), files: manifests, policy, only: plannedAddresses(saved), waivers },
      { state, driver, clock: ports.clock },
    );
    const reconciled = reconcile(saved, staleness, fresh);
    if (reconciled.kind === 'refused') return await refuse(new Failure('refused', reconciled.reasons));
    const { plan } = reconciled;
    const shown = { plan, planDigest: saved.digest };
    ports.showPlan(plan);
    const refused = refusal(plan, skipBlocked);
    if (refused) return await refuse(refused, shown);
    return await applyShown(shown, request, ports, lease, connection);
  });
}

/**
 * The restores of a saved plan that are under way, whoever started them. They are followed even if the plan is stale,
 * but not with the credentials of another project.
 */
function underWay(saved: SavedPlan, state: State | undefined, project: CloudProject): Plan {
  const wanted = new Set(plannedAddresses(saved));
  const own = [...(state?.records.values() ?? [])]
    .filter(isUnderWay)
    .filter((record) => record.plan_digest === saved.digest || wanted.has(record.address));
  const follows = state && sameProject(state.target, project) ? own : [];
  return followPlan(follows, saved.state, project, saved.created_at);
}

function policyChanged({ created_at }: SavedPlan): Diagnostic {
  return note(
    'policy-changed',
    `the policy has changed since the plan was made at ${created_at}: of each limit, the stricter one applies`,
    { remedy: `for the limits of today alone, ${PLAN_AGAIN}` },
  );
}
