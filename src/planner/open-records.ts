import { type Diagnostic, error, MultilineText } from '../domain/diagnostic.ts';
import { shellOperand, shellWord } from '../domain/escape/shell-word.ts';
import type { Precondition } from '../domain/plan.ts';
import { type Failed, identityText, isUnderWay, type RestoreRecord, statusWord } from '../domain/record.ts';
import { resolveCommand } from '../domain/resolve-command.ts';
import type { Address } from '../domain/spec.ts';
import type { DecisionContext, PlanContext } from './context.ts';
import type { RecordAssignments } from './record-assignments.ts';
import { generationAfter, type MatchedRecord } from './record-index.ts';
import type { ResolvedSpec } from './resolve-spec.ts';

/**
 * Reasons that keep a plan from starting a restore twice: earlier restores without a final outcome, with the way to
 * resolve each.
 */

/** The outcome of its own last attempt is unknown. */
export function outcomeUnknown({ record, current }: MatchedRecord, context: PlanContext): Diagnostic {
  const cause = record.status === 'unknown' ? `: ${record.reason}` : '';
  if (!current)
    return error('outcome-unknown', `the history has an attempt with an unknown outcome${cause}`, {
      detail: `at ${record.address}, ${record.updated_at}; the state has no record of it any more`,
      remedy: `check the disk; ${raiseGeneration(record, context)}`,
    });
  return error('outcome-unknown', `the outcome of its last attempt is unknown${cause}`, {
    remedy: new MultilineText(
      `to see the evidence: vbsctl state show ${shellOperand(record.address)}`,
      `check the disk, then: ${resolveCommand(record.address)}`,
    ),
  });
}

/** Its own last attempt failed, and the disk may contain half of the backup. */
export function mayBeTouched(record: Failed, current: boolean, context: PlanContext): Diagnostic {
  // If another record is at this address now, `resolve` would change that one.
  const resolvable = current && !record.resolution;
  return error(
    'may-be-touched',
    `it failed at ${record.finished_at} and may have touched the disk: ${record.reason}`,
    {
      remedy:
        raiseGeneration(record, context) + (resolvable ? `, or: ${resolveCommand(record.address)}` : ''),
    },
  );
}

/** An open record of another restore is at the address; a new record would hide it. */
export function addressOccupied(occupant: RestoreRecord, { found }: ResolvedSpec): Diagnostic {
  const { address, status } = occupant;
  const own = found?.current && found.record.address !== address ? found.record : undefined;
  return error('address-occupied', `another restore at ${address} is ${statusWord(status)}`, {
    detail:
      identityText(occupant) +
      (own ? `; the record of this restore (${statusWord(own.status)}) is at ${own.address}` : ''),
    remedy: howToResolve(occupant, undefined),
  });
}

export function sameRestoreTwice(record: RestoreRecord, { assignments }: DecisionContext): Diagnostic {
  return error(
    'same-restore-twice',
    `this is the same restore as ${assignments.assigned.get(record.address) ?? record.address}`,
    { remedy: 'remove one of the two declarations' },
  );
}

/** Listed for the disk, and for the backup; the others show in their own actions or as orphans. */
const LISTED_MAX = 3;

/**
 * Nothing new starts on a disk or backup whose last restore may still be running. A restore of the same backup that
 * this plan resumes does not block: the executor resumes it first, and reserves the backup until it has ended.
 */
export function openRestoreProblems(
  { spec, volume_id, backup_id }: ResolvedSpec,
  { assignments, resuming, records }: DecisionContext,
): Diagnostic[] {
  if (volume_id === undefined || backup_id === undefined) return [];
  const { disk, backup } = records.openOn(volume_id, backup_id);
  const occupant = assignments.occupied.get(spec.address);
  const listed = new Set<RestoreRecord>();
  for (const list of [disk, backup]) {
    let left = LISTED_MAX;
    for (const record of list) {
      if (left === 0) break;
      const resumedFirst = resuming.has(record) && record.volume_id !== volume_id;
      if (record === occupant || resumedFirst || listed.has(record)) continue;
      listed.add(record);
      left--;
    }
  }
  return [...listed].map((record) => {
    const shared = record.volume_id === volume_id ? 'disk' : 'backup';
    return error('open-restore', `${record.address} is ${statusWord(record.status)} on the same ${shared}`, {
      detail: `${identityText(record)}, since ${record.updated_at}`,
      remedy: howToResolve(record, assignments.assigned.get(record.address)),
    });
  });
}

/** The restore of the same backup that this plan resumes; a new restore waits for it. */
export function waitsForResumed(
  { volume_id, backup_id }: ResolvedSpec,
  { resuming, records }: DecisionContext,
): Precondition[] {
  if (volume_id === undefined || backup_id === undefined || resuming.size === 0) return [];
  const first = records.openOn(volume_id, backup_id).backup.find((record) => resuming.has(record));
  return first ? [{ what: `${first.address} is resumed first`, commands: [] }] : [];
}

/** Records that the plan resumes: open, declared, and not blocked by each other. */
export function resumedBy(
  planned: readonly ResolvedSpec[],
  assignments: RecordAssignments,
): ReadonlySet<RestoreRecord> {
  return new Set(
    planned.flatMap(({ spec, found }) => {
      if (
        !found?.current ||
        assignments.duplicates.has(spec.address) ||
        assignments.occupied.has(spec.address)
      )
        return [];
      return isUnderWay(found.record) ? [found.record] : [];
    }),
  );
}

/** `declared`: the address of its declaration, if it has one. */
function howToResolve(record: RestoreRecord, declared: Address | undefined): string {
  if (record.status === 'unknown') return `find out what happened, then: ${resolveCommand(record.address)}`;
  return declared === undefined
    ? `wait for its end: vbsctl wait ${shellOperand(record.address)}; or find out what happened, then: ${resolveCommand(record.address)}`
    : `finish it first: vbsctl apply --target ${shellWord(declared)}`;
}

function raiseGeneration(record: RestoreRecord, { records }: PlanContext): string {
  return `raise generation to ${generationAfter(records, record)} to restore it again`;
}
