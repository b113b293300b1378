import type { Diagnostic } from '../domain/diagnostic.ts';
import { unreachable } from '../domain/errors.ts';
import { optional } from '../domain/optional.ts';
import type { Action } from '../domain/plan.ts';
import { isMaybeTouched, type RestoreRecord, type Unknown } from '../domain/record.ts';
import { type RestoreSpec, type Selector, selectorOf } from '../domain/spec.ts';
import { cloudProblems, preconditionsOf } from './checks.ts';
import type { DecisionContext } from './context.ts';
import {
  addressOccupied,
  mayBeTouched,
  openRestoreProblems,
  outcomeUnknown,
  sameRestoreTwice,
  waitsForResumed,
} from './open-records.ts';
import type { MatchedRecord } from './record-index.ts';
import { hasExpired, type ResolvedSpec, type ResolvedWithIds } from './resolve-spec.ts';
import { sharedVolumeProblem } from './shared-volumes.ts';
import { backupView, doneView, fieldChanges, volumeView } from './shown.ts';

/**
 * Decides about one restore: what is done stays done, an open restore is resumed, and only then something new starts.
 */
export function decide(one: ResolvedSpec, refused: readonly Diagnostic[], context: DecisionContext): Action {
  const { spec } = one;
  const { assignments } = context;
  const base = {
    address: spec.address,
    volume: volumeView(one, context),
    backup: backupView(one, context),
    generation: spec.generation,
    source: spec.source,
    ...optional('was', assignments.movedFrom.get(spec.address)),
  };
  const occupant = assignments.occupied.get(spec.address);
  const undecided = { base, refused, occupied: occupant ? [addressOccupied(occupant, one)] : [] };
  return (one.found && decideFound(one, one.found, undecided, context)) ?? decideNew(one, undecided, context);
}

interface Undecided {
  /** What every action has. Spread last in all of them: V8 takes ten times as long for properties that follow a spread. */
  readonly base: Pick<Action, 'address' | 'volume' | 'backup' | 'generation' | 'source' | 'was'>;
  /** What the policy forbids. */
  readonly refused: readonly Diagnostic[];
  /** The open record of another restore at its address. */
  readonly occupied: readonly Diagnostic[];
}

/** About a restore that has a record. Undefined if its disk was not touched, so that it may start again. */
function decideFound(
  one: ResolvedWithIds,
  found: MatchedRecord,
  { base, refused, occupied }: Undecided,
  context: DecisionContext,
): Action | undefined {
  const { spec } = one;
  const { record, current } = found;
  const block = (...reasons: readonly Diagnostic[]) => blocked(one, base, reasons, context);
  // Rule: succeeded-restore-is-not-planned-again
  if (record.status === 'succeeded')
    return {
      kind: 'noop',
      ...base,
      ...withIds(one, base),
      ...doneView(record, spec.backup, context),
      ...selectorUpdate(one, context),
      ...protectUpdate(one, context),
    };
  if (context.assignments.duplicates.has(spec.address)) return block(sameRestoreTwice(record, context));
  switch (record.status) {
    case 'intended':
    case 'running':
      // The executor checks the cloud before it sends only for a record of the state.
      if (!current) return block(outcomeUnknown(found, context), ...occupied);
      if (occupied.length > 0) return block(...occupied);
      return {
        kind: 'resume',
        record,
        policy_violations: refused,
        ...base,
        ...withIds(one, base),
        // The rule that picked the backup stays with it, even if the manifest now names the backup.
        ...runnable(spec, record.selector),
        ...optional('protect', spec.protect || undefined),
      };
    case 'unknown':
      // Rule: unknown-is-not-planned-again
      return block(outcomeUnknown(found, context), ...occupied);
    case 'failed':
      // Rule: maybe-touched-is-not-planned-again
      if (record.touched === 'maybe') return block(mayBeTouched(record, current, context), ...occupied);
      return undefined;
    default:
      return unreachable(record);
  }
}

/** About a restore that is neither done nor open. */
function decideNew(
  one: ResolvedSpec,
  { base, refused, occupied }: Undecided,
  context: DecisionContext,
): Action {
  const { spec } = one;
  // Rule: maybe-touched-here-is-not-planned-again
  // The newest attempt, at another address, touched nothing. The record at this address may have, and it is not
  // resolved.
  const before = recordBefore(one, context);
  if (before && isMaybeTouched(before) && isOf(before, one))
    return blocked(one, base, [mayBeTouched(before, true, context), ...occupied], context);
  if (hasExpired(spec, context.now)) {
    const source = spec.valid_until_source ?? spec.source;
    return { kind: 'expired', valid_until: spec.valid_until, ...base, source };
  }

  const reasons = [
    ...one.problems,
    ...occupied,
    // Rule: open-restore-blocks-new-starts
    ...openRestoreProblems(one, context),
    ...sharedVolumeProblem(one, context),
    ...(one.problems.length > 0 ? [] : cloudProblems(one, context)),
    ...refused,
  ];
  if (reasons.length > 0 || one.backup_id === undefined) return blocked(one, base, reasons, context);
  return {
    kind: 'restore',
    again: before !== undefined,
    changes: fieldChanges(before, one, context),
    waits_for: [...waitsForResumed(one, context), ...preconditionsOf(one, context)],
    ...base,
    ...withIds(one, base),
    ...runnable(spec),
    ...optional('protect', spec.protect),
  };
}

function blocked(
  one: ResolvedSpec,
  base: Undecided['base'],
  reasons: readonly Diagnostic[],
  context: DecisionContext,
): Action {
  return { kind: 'blocked', reasons, ...base, ...optional('unknown', unknownInTheWay(one, context)) };
}

/** The unknown outcome that must be resolved before the restore can continue, whatever else blocks it. */
function unknownInTheWay(
  { spec, found, volume_id, backup_id }: ResolvedSpec,
  { assignments, records }: DecisionContext,
): Unknown | undefined {
  return (
    [found?.record, assignments.occupied.get(spec.address), records.at(spec.address)].find(isUnknown) ??
    records.unknownOn(volume_id ?? '', backup_id ?? '')
  );
}

function isUnknown(record: RestoreRecord | undefined): record is Unknown {
  return record?.status === 'unknown';
}

/** The record of the declaration, if the state has it: at its address, or moving there. No other declaration may change it. */
function ownRecord(
  { spec, found }: ResolvedSpec,
  { assignments }: DecisionContext,
): RestoreRecord | undefined {
  return found?.current && assignments.assigned.get(found.record.address) === spec.address
    ? found.record
    : undefined;
}

/** A new rule of the declaration, if it selects the backup that was restored. */
function selectorUpdate(one: ResolvedSpec, context: DecisionContext) {
  return optional('new_selector', one.newRule && ownRecord(one, context) ? selectorOf(one.spec) : undefined);
}

/**
 * The `protect` of the declaration, if the record differs. After a rename, `false` lifts nothing in the run that renames the
 * record: it must be at the address of the declaration first.
 */
function protectUpdate(one: ResolvedSpec, context: DecisionContext) {
  const { address, protect } = one.spec;
  const record = ownRecord(one, context);
  if (protect === undefined || !record) return {};
  if (protect === context.records.protects(record.volume_id, record.address)) return {};
  return protect || record.address === address ? { new_protect: protect } : {};
}

function isOf({ volume_id, backup_id, generation }: RestoreRecord, one: ResolvedSpec): boolean {
  return volume_id === one.volume_id && backup_id === one.backup_id && generation === one.spec.generation;
}

/** The views, with the ids that every pinned restore has. */
function withIds(
  { volume_id, backup_id }: ResolvedWithIds,
  { volume, backup }: Pick<Action, 'volume' | 'backup'>,
) {
  return { volume: { ...volume, id: volume_id }, backup: { ...backup, id: backup_id } };
}

/** What the executor needs in addition. `rule`: the rule that picked the backup, if the manifest has none. */
function runnable(spec: RestoreSpec, rule?: Selector) {
  const { expect, depends_on, timeout_ms, valid_until } = spec;
  return {
    expect,
    depends_on,
    ...optional('timeout_ms', timeout_ms),
    ...optional('valid_until', valid_until),
    ...optional('selector', selectorOf(spec) ?? rule),
  };
}

/** The record at the address after the moves are written. */
function recordBefore(
  { spec, found }: ResolvedSpec,
  { assignments, records }: DecisionContext,
): RestoreRecord | undefined {
  if (assignments.movedFrom.has(spec.address)) return found?.record;
  const here = records.at(spec.address);
  const leavesTo = here && assignments.assigned.get(here.address);
  return leavesTo !== undefined && assignments.movedFrom.get(leavesTo) === here?.address ? undefined : here;
}
