import { runSync } from '../domain/chunked-work.ts';
import type { CloudProject } from '../domain/cloud-project.ts';
import type { Policy } from '../domain/config.ts';
import { Failure, unreachable } from '../domain/errors.ts';
import { optional } from '../domain/optional.ts';
import { type Action, isRunnable, type Plan, type RunnableAction } from '../domain/plan.ts';
import type { Waiver } from '../domain/policy.ts';
import {
  type Hash,
  PLAN_TEXT_LENGTH_MAX,
  planDigest,
  type Renamed,
  recordAddresses,
  recordVersion,
  type SavedAction,
  type SavedNotice,
  type SavedPlan,
  type SavedRunnable,
} from '../domain/saved-plan.ts';
import type { Address, RestoreSpec } from '../domain/spec.ts';
import type { State } from '../domain/state.ts';

/** Makes the saved plan that `plan --out` writes. Throws a Failure (`refused`) for a plan that can never be applied. */
export function save(
  plan: Plan,
  made: {
    readonly specs: readonly RestoreSpec[];
    readonly state: State | undefined;
    readonly selection: readonly string[];
    readonly policy: Policy;
    readonly waivers: readonly Waiver[];
  },
  hash: Hash,
): SavedPlan {
  const limit = plan.notices.find(({ severity }) => severity === 'error');
  if (limit) throw notSaved(limit.summary);
  const { state, target } = bound(plan, made.state);
  const declared = new Map(made.specs.map((spec) => [spec.address, spec]));
  const specOf = (address: Address): RestoreSpec => {
    const spec = declared.get(address);
    if (!spec) throw new Error(`${address} is planned and not declared`);
    return spec;
  };
  const actions = plan.actions.map((action) => savedAction(action, specOf(action.address)));
  const renamed = renamedOutside(plan, specOf, state);
  const saved: Omit<SavedPlan, 'digest'> = {
    apiVersion: 'vbsctl.dev/v1',
    kind: 'SavedPlan',
    created_at: plan.created_at,
    tool_version: plan.tool_version,
    target,
    state: { lineage: state.lineage, serial: state.serial },
    manifests: plan.manifests,
    selection: made.selection,
    policy: made.policy,
    waivers: made.waivers,
    actions,
    renamed,
    ...optional('left_out', plan.left_out),
    records: recordAddresses({ actions, renamed }).map((address) => {
      const record = state.records.get(address);
      return record ? { address, sha256: recordVersion(record, hash) } : { address };
    }),
    notices: plan.notices.map(savedNotice).map(readable),
  };
  return { ...saved, digest: runSync(planDigest(saved, hash)) };
}

/** What the file has of an action. */
export function savedAction<A extends Action>(
  action: A,
  declared: RestoreSpec,
): Extract<SavedAction, Pick<A, 'kind'>> {
  return readable(withoutDerived(action, withoutExcerpts(declared))) as Extract<SavedAction, Pick<A, 'kind'>>;
}

function withoutDerived(action: Action, declared: RestoreSpec): SavedAction {
  const was = optional('was', action.was);
  switch (action.kind) {
    case 'restore': {
      const { kind, again, changes } = action;
      return { kind, declared, ...was, ...viewsOf(action), again, changes };
    }
    case 'resume':
      return { kind: action.kind, declared, ...was, ...viewsOf(action) };
    case 'expired':
      return { kind: action.kind, declared };
    case 'noop': {
      const { kind, volume, backup, done_at, new_selector, new_protect } = action;
      return {
        kind,
        declared,
        ...was,
        volume: { id: volume.id },
        backup: { id: backup.id },
        done_at,
        ...optional('records_selector', new_selector && (true as const)),
        ...optional('records_protect', new_protect !== undefined || undefined),
      };
    }
    case 'blocked': {
      const reasons = action.reasons.map(({ code }) => code);
      return { kind: action.kind, declared, reasons };
    }
    default:
      return unreachable(action);
  }
}

/** Cuts texts: a longer name or sentence, which a cloud may send, would make a plan that cannot be read. */
function readable<T>(value: T): T {
  const cut = (each: unknown): unknown => {
    if (typeof each === 'string')
      return each.length > PLAN_TEXT_LENGTH_MAX ? `${each.slice(0, PLAN_TEXT_LENGTH_MAX - 1)}…` : each;
    if (Array.isArray(each)) return each.map(cut);
    if (typeof each !== 'object' || each === null) return each;
    return Object.fromEntries(Object.entries(each).map(([key, part]) => [key, cut(part)]));
  };
  return cut(value) as T;
}

/** A plan needs no lines of the manifests; they are only for messages about them. */
function withoutExcerpts(spec: RestoreSpec): RestoreSpec {
  const { text, ...source } = spec.source;
  const { valid_until_source, ...rest } = spec;
  return { ...rest, source };
}

/** Without what the declaration has, and what may change until the plan is applied. */
function viewsOf({ volume, backup }: RunnableAction): Pick<SavedRunnable, 'volume' | 'backup'> {
  const { selector, of_volume_name, ...rest } = backup;
  const { id, name, size } = volume;
  return { volume: { id, ...optional('name', name), ...optional('size', size) }, backup: rest };
}

/** Renames of records whose restores the plan does not run: two records may exchange their addresses. */
function renamedOutside(
  { actions, moves }: Plan,
  specOf: (address: Address) => RestoreSpec,
  { records }: State,
): Renamed[] {
  const pinned = new Set(
    actions.filter((one) => isRunnable(one) || one.kind === 'noop').map(({ address }) => address),
  );
  return moves
    .filter(({ to }) => !pinned.has(to))
    .map(({ from, to }) => {
      const record = records.get(from);
      if (!record) throw new Error(`${from} is renamed and has no record`);
      const { volume_id, backup_id } = record;
      return { declared: withoutExcerpts(specOf(to)), volume_id, backup_id, was: from };
    });
}

function savedNotice({ severity, code, summary, where }: Plan['notices'][number]): SavedNotice {
  if (severity === 'error') throw new Error(`a plan that is refused would be saved: ${summary}`);
  return { severity, code, summary, ...optional('address', where?.address) };
}

function bound(
  plan: Plan,
  state: State | undefined,
): { readonly state: State; readonly target: CloudProject } {
  if (!plan.offline && plan.target && state) return { state, target: plan.target };
  throw Failure.of(
    'refused',
    'plan-not-saved',
    'a plan can be saved only if there is a state: without one, vbsctl cannot tell later whether the plan is stale',
    { remedy: 'create the state first: vbsctl init; or name it with --state; then plan again' },
  );
}

/** A saved plan looks approved; the policy would refuse this one. */
function notSaved(because: string): Failure {
  return Failure.of('refused', 'plan-not-saved', `the plan is refused, so it is not saved: ${because}`, {
    remedy: 'fix what is refused, or lift the limit with its flag (--allow-…), then plan again',
  });
}
