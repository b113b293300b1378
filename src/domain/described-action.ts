import { error } from './diagnostic.ts';
import { unreachable } from './errors.ts';
import { optional } from './optional.ts';
import type { BlockedAction, DescribedAction, ExpiredAction } from './plan.ts';
import type { SavedAction, SavedBlocked, SavedCommon, SavedExpired, SavedRunnable } from './saved-plan.ts';
import { type Address, selectorOf } from './spec.ts';

/**
 * An action of a saved plan as an action of a plan. Its source is its address, because advice must not name the position in the plan file.
 */
export function describedAction(saved: SavedAction): DescribedAction {
  const { kind, declared } = saved;
  switch (kind) {
    case 'restore': {
      const { again, changes } = saved;
      return {
        kind,
        ...runnable(saved),
        again,
        changes,
        waits_for: [],
        ...optional('protect', declared.protect),
      };
    }
    case 'resume':
      return { kind, ...runnable(saved), ...optional('protect', declared.protect || undefined) };
    case 'noop':
      return {
        kind,
        ...common(saved),
        done_at: saved.done_at,
        ...optional('new_selector', saved.records_selector && selectorOf(declared)),
        ...optional('new_protect', saved.records_protect && declared.protect),
      };
    case 'blocked':
      return blockedAction(saved);
    case 'expired':
      return expiredAction(saved);
    default:
      return unreachable(kind);
  }
}

const REASONS_LISTED_MAX = 5;

export function blockedAction(saved: SavedBlocked): BlockedAction {
  const codes = saved.reasons.slice(0, REASONS_LISTED_MAX).join(', ');
  const reason = error('blocked-in-plan', `the plan has it as blocked (${codes})`, {
    remedy:
      'a saved plan does not run what it shows as blocked; to see whether it is still blocked: vbsctl plan',
  });
  return { kind: 'blocked', ...common(asDeclared(saved)), reasons: [reason] };
}

export function expiredAction(saved: SavedExpired): ExpiredAction {
  return { kind: 'expired', ...common(asDeclared(saved)), valid_until: saved.declared.valid_until ?? '' };
}

function asDeclared({ declared }: SavedCommon) {
  const { volume, backup } = declared;
  return {
    declared,
    volume: volume.by === 'id' ? { id: volume.id } : { name: volume.name },
    backup: backup.by === 'id' ? { id: backup.id } : {},
  };
}

function common<V, B>({
  declared,
  volume,
  backup,
  was,
}: SavedCommon & { readonly volume: V; readonly backup: B; readonly was?: Address }) {
  const { address, generation } = declared;
  return {
    address,
    generation,
    source: { address },
    volume,
    backup: { ...backup, ...optional('selector', selectorOf(declared)) },
    ...optional('was', was),
  };
}

function runnable(saved: SavedRunnable) {
  const { expect, depends_on, valid_until } = saved.declared;
  return {
    ...common(saved),
    expect,
    depends_on,
    ...optional('valid_until', valid_until),
    ...optional('selector', selectorOf(saved.declared)),
  };
}
