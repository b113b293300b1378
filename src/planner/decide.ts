import type { Diagnostic } from '../domain/diagnostic.ts';
import { unreachable } from '../domain/errors.ts';
import { optional } from '../domain/optional.ts';
import type { Action } from '../domain/plan.ts';
import { isMaybeTouched, type RestoreRecord, type Unknown } from '../domain/record.ts';
import type { RestoreSpec, Selector } from '../domain/spec.ts';
import type { Claims } from './claims.ts';
import { type Crowds, crowding } from './conflicts.ts';
import type { Context } from './context.ts';
import { hasExpired } from './expiry.ts';
import { factProblems, waits } from './facts.ts';
import {
  addressOccupied,
  mayBeTouched,
  openBusiness,
  outcomeUnknown,
  sameRestoreTwice,
  waitsForResumed,
} from './open-records.ts';
import type { Pinned, Resolved } from './resolve-spec.ts';
import { backupView, doneView, fieldChanges, volumeView } from './shown.ts';

/** One restore against all that is known: what is done stays done, what is open goes first, then what is new. */
export function decide(
  one: Resolved,
  claims: Claims,
  conflicts: Crowds,
  refused: readonly Diagnostic[],
  resuming: ReadonlySet<RestoreRecord>,
  context: Context,
): Action {
  const { spec, found } = one;
  // Below it is spread last: V8 takes ten times as long for properties that follow a spread.
  const base = {
    address: spec.address,
    volume: volumeView(one, context),
    backup: backupView(one, context),
    generation: spec.generation,
    source: spec.source,
    ...optional('was', claims.movedFrom.get(spec.address)),
  };
  const blocked = (reasons: readonly Diagnostic[]): Action => ({
    kind: 'blocked',
    reasons,
    ...base,
    ...optional('unknown', unknownInTheWay(one, claims, context)),
  });
  const occupant = claims.occupied.get(spec.address);
  const occupied = occupant ? [addressOccupied(occupant, one)] : [];

  if (found) {
    const { record, current } = found;
    // Rule: done-stays-done
    if (record.status === 'succeeded')
      return {
        kind: 'noop',
        ...base,
        ...pinned(one, base),
        ...doneView(record, spec.backup, context),
        ...ruleToNote(one, claims),
        ...protectToNote(one, claims),
      };
    if (claims.duplicates.has(spec.address)) return blocked([sameRestoreTwice(record, claims)]);
    switch (record.status) {
      case 'intended':
      case 'running':
        // The executor looks before it sends only where the record stands.
        if (!current) return blocked([outcomeUnknown(found, context), ...occupied]);
        if (occupant) return blocked(occupied);
        // A rule that picked it stays with it, also when the manifest names the backup by now.
        return {
          kind: 'resume',
          record,
          refused,
          ...base,
          ...pinned(one, base),
          ...runnable(spec, record.selector),
        };
      case 'unknown':
        // Rule: unknown-is-not-planned-again
        return blocked([outcomeUnknown(found, context), ...occupied]);
      case 'failed':
        // Rule: maybe-touched-is-not-planned-again
        if (record.touched === 'maybe') return blocked([mayBeTouched(record, current, context), ...occupied]);
        break; // the disk was not touched: it is planned again
      default:
        return unreachable(record);
    }
  }
  // Rule: maybe-touched-here-is-not-planned-again
  // The newest attempt elsewhere touched nothing; the one that stands here may have, and nobody has settled it.
  const before = recordBefore(one, claims, context);
  if (before && isMaybeTouched(before) && isOf(before, one))
    return blocked([mayBeTouched(before, true, context), ...occupied]);
  if (hasExpired(spec, context.now)) {
    const source = spec.valid_until_source ?? spec.source;
    return { kind: 'expired', valid_until: spec.valid_until, ...base, source };
  }

  const reasons = [
    ...one.problems,
    ...occupied,
    // Rule: open-business-blocks
    ...openBusiness(one, claims, resuming, context),
    ...crowding(one, conflicts),
    ...(one.problems.length > 0 ? [] : factProblems(one, context)),
    ...refused,
  ];
  if (reasons.length > 0 || one.backup_id === undefined) return blocked(reasons);
  return {
    kind: 'restore',
    cause: before ? 'again' : 'first',
    changes: before ? fieldChanges(before, one, context) : [],
    waits_for: [...waitsForResumed(one, resuming, context), ...waits(one, context)],
    ...base,
    ...pinned(one, base),
    ...runnable(spec),
  };
}

/** What a person has to settle before the restore can go on, whatever else blocks it. */
function unknownInTheWay(
  { spec, found, volume_id, backup_id }: Resolved,
  { occupied }: Claims,
  { records }: Context,
): Unknown | undefined {
  return (
    [found?.record, occupied.get(spec.address), records.at(spec.address)].find(isUnknown) ??
    records.unknownOn(volume_id ?? '', backup_id ?? '')
  );
}

function isUnknown(record: RestoreRecord | undefined): record is Unknown {
  return record?.status === 'unknown';
}

/** Only a record that stands at the declaration's address, or moves there, can keep another rule. */
function ruleToNote({ spec, found, newRule }: Resolved, { claimed }: Claims) {
  const isOwn = found?.current && claimed.get(found.record.address) === spec.address;
  return newRule && isOwn && spec.backup.by === 'selector' ? { note_rule: spec.backup.selector } : {};
}

/** A declaration of the same restore under another name protects it, too, and lifts nothing before the record is its own. */
function protectToNote({ spec, found }: Resolved, { claimed }: Claims) {
  const { protect } = spec;
  const isOwn = found?.current && claimed.get(found.record.address) === spec.address;
  if (protect === undefined || !isOwn || protect === (found.record.protect ?? false)) return {};
  return protect || found.record.address === spec.address ? { note_protect: protect } : {};
}

function isOf({ volume_id, backup_id, generation }: RestoreRecord, one: Resolved): boolean {
  return volume_id === one.volume_id && backup_id === one.backup_id && generation === one.spec.generation;
}

/** The views with their ids, which whatever is found has. */
function pinned({ volume_id, backup_id }: Pinned, { volume, backup }: Pick<Action, 'volume' | 'backup'>) {
  return { volume: { ...volume, id: volume_id }, backup: { ...backup, id: backup_id } };
}

/** What the executor needs besides the pin. `rule`: the one that picked it, if the manifest names none. */
function runnable(spec: RestoreSpec, rule?: Selector) {
  const { expect, depends_on, timeout_ms, valid_until, protect, backup } = spec;
  const selector = backup.by === 'selector' ? backup.selector : rule;
  return {
    expect,
    depends_on,
    ...optional('timeout_ms', timeout_ms),
    ...optional('valid_until', valid_until),
    ...optional('protect', protect),
    ...optional('selector', selector),
  };
}

/** The record that will stand at the address once the moves are written down. */
function recordBefore(
  { spec, found }: Resolved,
  claims: Claims,
  { records }: Context,
): RestoreRecord | undefined {
  if (claims.movedFrom.has(spec.address)) return found?.record;
  const here = records.at(spec.address);
  const leavesTo = here && claims.claimed.get(here.address);
  return leavesTo !== undefined && claims.movedFrom.get(leavesTo) === here?.address ? undefined : here;
}
