import { canonicalJson } from '../domain/canonical-json.ts';
import type { Policy } from '../domain/config.ts';
import { error } from '../domain/diagnostic.ts';
import { Failure } from '../domain/errors.ts';
import type { Action, Plan, RestoreAction, ResumeAction } from '../domain/plan.ts';
import type { Waiver } from '../domain/policy.ts';
import {
  type BoundPlan,
  type Hash,
  planDigest,
  recordVersion,
  type SavedPlan,
} from '../domain/saved-plan.ts';
import type { Address, RestoreSpec } from '../domain/spec.ts';
import type { State } from '../domain/state.ts';

/** What `plan --out` writes down. Throws a Failure (`refused`) for a plan that could never be applied. */
export function save(
  plan: Plan,
  made: {
    readonly specs: readonly RestoreSpec[];
    readonly state: State | undefined;
    readonly policy: Policy;
    readonly waivers: readonly Waiver[];
  },
  hash: Hash,
): SavedPlan {
  const { specs, state, policy, waivers } = made;
  const bySpec = new Map(specs.map((spec) => [spec.address, spec]));
  const saved = {
    apiVersion: 'vbsctl.dev/v1',
    kind: 'SavedPlan',
    plan: bound(plan),
    policy_sha256: hash(canonicalJson(policy)),
    waivers,
    declared: plan.actions.filter(isRunnable).map(({ address }) => {
      const spec = bySpec.get(address);
      if (!spec) throw new Error(`${address} is planned and not declared`);
      return spec;
    }),
    touches: touched(plan).map((address) => {
      const record = state?.records.get(address);
      return record ? { address, sha256: recordVersion(record, hash) } : { address };
    }),
  } as const;
  return { ...saved, digest: planDigest(saved, hash) };
}

export function isRunnable(action: Action): action is RestoreAction | ResumeAction {
  return action.kind === 'restore' || action.kind === 'resume';
}

function touched({ actions, moves }: Plan): Address[] {
  return [
    ...new Set([
      ...actions.filter(isRunnable).map(({ address }) => address),
      ...moves.flatMap(({ from, to }) => [from, to]),
    ]),
  ];
}

function bound(plan: Plan): BoundPlan {
  const { offline, target, state } = plan;
  if (!offline && target && state) return { ...plan, offline, target, state };
  throw new Failure(
    'refused',
    error(
      'plan-not-saved',
      'a plan can be saved only over a state: without one nobody could tell later whether it is stale',
      {
        remedy: 'create the state first: vbsctl init; or name it with --state; then plan again',
      },
    ),
  );
}
