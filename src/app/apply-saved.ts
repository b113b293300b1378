import { sameJson } from '../domain/canonical-json.ts';
import { type CloudProject, sameProject } from '../domain/cloud-project.ts';
import type { Diagnostic } from '../domain/diagnostic.ts';
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
  carryOut,
  followDespite,
  isNothingToDo,
  unsignedRefusal,
} from './apply.ts';
import { makePlan } from './make-plan.ts';
import type { LockRequest } from './ports.ts';
import { refusal } from './refusal.ts';
import { warnOfTokenEnd } from './token-end.ts';
import { withConnection } from './with-connection.ts';
import { withLease } from './with-lease.ts';

export interface ApplySavedRequest extends LockRequest, ApplyTerms {
  readonly saved: SavedPlan;
  /** What its signature is worth. */
  readonly signed: SignatureFinding;
  /** Those that the plan was made of, as far as they may be looked at. */
  readonly manifests: readonly ManifestFile[];
  /** How old the plan may be, ms; absent: any age. */
  readonly maxAgeMs?: number;
}

export interface ApplySavedPorts extends Omit<ApplyPorts, 'confirmNewState' | 'confirm'> {
  /** Of text as UTF-8, in hex. */
  sha256(text: string): string;
}

/**
 * Does what a saved plan says, and nothing else. Under the lock it is held against state and cloud; what differs from
 * what was approved refuses it whole, before anything is sent. The plan is the consent: nobody is asked.
 */
export async function applySaved(given: ApplySavedRequest, ports: ApplySavedPorts): Promise<ApplyResult> {
  const { saved, signed, manifests, maxAgeMs, waivers, skipBlocked } = given;
  // Today's may miss limits of then: their config may not be here. The file can only add limits to today's.
  const { policy } = tighten(given.settings.policy, saved.policy);
  if (!sameJson(given.settings.policy, saved.policy)) ports.tell([policyChanged(saved)]);
  const request = { ...given, settings: { ...given.settings, policy } };
  const untrusted = unsignedRefusal(request, ports, signed);
  if (untrusted) throw untrusted;
  const planDigest = saved.digest;
  return withConnection(ports, (connection) =>
    withLease(ports.store, request, ports.stop, async (lease) => {
      const { driver } = connection;
      const state = lease.state();
      const refuse = (refused: Failure, plan = wantedUnderWay(saved, state, driver.target)) =>
        followDespite(refused, { plan, planDigest }, request, ports, lease, connection);
      const staleness = stalenessOf(
        saved,
        {
          state,
          location: ports.store.location,
          target: driver.target,
          now: ports.clock.now(),
          ...optional('maxAgeMs', maxAgeMs),
        },
        ports.sha256,
      );
      if (staleness.kind === 'stale') return await refuse(new Failure('refused', staleness.reasons));
      const fresh = await makePlan(
        {
          specs: pinnedSpecs(saved),
          files: manifests,
          policy,
          only: plannedAddresses(saved),
          waivers,
        },
        { state, driver, clock: ports.clock },
      );
      const judged = reconcile(saved, staleness, fresh);
      if (judged.kind === 'refused') return await refuse(new Failure('refused', judged.reasons));
      const { plan } = judged;
      ports.showPlan(plan);
      const refused = refusal(plan, skipBlocked);
      if (refused) return await refuse(refused, plan);
      if (isNothingToDo(plan)) return { kind: 'nothing_to_do', plan, state: lease.state() };
      warnOfTokenEnd(ports, connection, plan, request.settings);
      return await carryOut({ plan, planDigest }, request, ports, lease, connection);
    }),
  );
}

/**
 * What is under way of what the plan wants, whoever began it. It is followed also when the plan has become stale; not,
 * though, with the credentials of another project.
 */
function wantedUnderWay(saved: SavedPlan, state: State | undefined, target: CloudProject): Plan {
  const wanted = new Set(plannedAddresses(saved));
  const own = [...(state?.records.values() ?? [])]
    .filter(isUnderWay)
    .filter((record) => record.plan_digest === saved.digest || wanted.has(record.address));
  const follows = state && sameProject(state.target, target) ? own : [];
  return followPlan(follows, saved.state, target, saved.created_at);
}

function policyChanged({ created_at }: SavedPlan): Diagnostic {
  return {
    severity: 'note',
    code: 'policy-changed',
    summary: `the policy has changed since the plan was made at ${created_at}: both apply, the stricter limit of each`,
    remedy: `to leave the earlier one behind, ${PLAN_AGAIN}`,
  };
}
