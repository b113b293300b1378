import { append } from '../domain/append.ts';
import { type Diagnostic, error } from '../domain/diagnostic.ts';
import { quotedWhole } from '../domain/escape/quoted.ts';
import { optional } from '../domain/optional.ts';
import type { Action, BlockedAction, ExpiredAction, RestoreAction } from '../domain/plan.ts';
import type { Address, RestoreSpec } from '../domain/spec.ts';

/** Like -target of Terraform: the named restores and all their dependencies. */
export function withDependencies(
  specs: readonly RestoreSpec[],
  only: readonly Address[],
): ReadonlySet<Address> {
  const byAddress = new Map(specs.map((spec) => [spec.address, spec]));
  const wanted = new Set<Address>();
  const queue = [...only];
  for (let address = queue.pop(); address !== undefined; address = queue.pop()) {
    const spec = byAddress.get(address);
    if (!spec || wanted.has(address)) continue;
    wanted.add(address);
    queue.push(...spec.depends_on);
  }
  return wanted;
}

/**
 * Only a success meets a dependency: a restore that depends on a blocked or expired one cannot start, nor can its own
 * dependants. A plan that showed them as restores would promise what apply cannot do.
 */
export function blockDependants(actions: readonly Action[]): Action[] {
  const dependants = new Map<Address, RestoreAction[]>();
  for (const action of actions) {
    if (action.kind !== 'restore') continue;
    for (const address of action.depends_on) append(dependants, address, action);
  }
  const blocked = new Map<Address, BlockedAction>();
  const queue: (BlockedAction | ExpiredAction)[] = actions.filter(
    (action) => action.kind === 'blocked' || action.kind === 'expired',
  );
  for (let blocker = queue.pop(); blocker; blocker = queue.pop()) {
    for (const dependant of dependants.get(blocker.address) ?? []) {
      if (blocked.has(dependant.address)) continue;
      const action = blockedBy(blocker, dependant);
      blocked.set(action.address, action);
      queue.push(action);
    }
  }
  return actions.map((action) => blocked.get(action.address) ?? action);
}

function blockedBy(stuck: BlockedAction | ExpiredAction, dependant: RestoreAction): BlockedAction {
  const how = stuck.kind === 'blocked' ? 'is blocked' : `expired at ${stuck.valid_until}`;
  const reason = error('dependency-stuck', `it depends on ${stuck.address}, which ${how}`, {
    remedy: `fix ${quotedWhole(stuck.address)} first, or remove it from depends_on`,
  });
  return asBlocked(dependant, reason);
}

/** The restore, blocked by one reason. */
export function asBlocked(action: RestoreAction, reason: Diagnostic): BlockedAction {
  const { address, volume, backup, generation, source, was } = action;
  return {
    kind: 'blocked',
    address,
    volume,
    backup,
    generation,
    source,
    ...optional('was', was),
    reasons: [reason],
  };
}
