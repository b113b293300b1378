import { sameJson } from './canonical-json.ts';
import type { ChunkedWork } from './chunked-work.ts';
import { follows } from './continuation.ts';
import { wasEverInDoubt, worstDoubt } from './doubt.ts';
import { unreachable } from './errors.ts';
import { optional } from './optional.ts';
import { identityKey, isOpen, jobIdOf, type RestoreRecord, settleMsOf, statusWord } from './record.ts';
import type { Address } from './spec.ts';
import { type Change, recordsByIdentity, type State } from './state.ts';

/** What to do with a record that a run could not save. */
export type Merge = { readonly unsaved: RestoreRecord } & MergeDecision;

type MergeDecision =
  /** New: the state takes it. `record`: with the address that the restore has in the state. */
  | { readonly kind: 'taken'; readonly record: RestoreRecord; readonly before?: RestoreRecord['status'] }
  /** The state already has it, or a later record of the restore. */
  | { readonly kind: 'known'; readonly status: RestoreRecord['status'] }
  /** It contradicts the state. */
  | { readonly kind: 'refused'; readonly reason: string };

/** Compares every record with the state, which it does not change. */
export function* mergeUnsaved(state: State, unsaved: readonly RestoreRecord[]): ChunkedWork<Merge[]> {
  const facts = recordsByIdentity(state);
  const merges: Merge[] = [];
  const taken = new Set<Address>();
  for (const record of unsaved) {
    if (merges.length % RECORDS_PER_CHUNK === 0) yield;
    const judged = compareWithState(record, state, facts.get(identityKey(record))?.at(-1));
    const isTwice = judged.kind === 'taken' && taken.has(judged.record.address);
    if (judged.kind === 'taken') taken.add(judged.record.address);
    merges.push({
      unsaved: record,
      ...(isTwice
        ? { kind: 'refused', reason: 'another record of the file is for the same address' }
        : judged),
    });
  }
  return merges;
}

/** Some MiB of records. */
const RECORDS_PER_CHUNK = 1_000;

export function changesOf(merges: readonly Merge[]): Change[] {
  return merges.flatMap((merge) =>
    merge.kind === 'taken' ? [{ type: 'record', record: merge.record }] : [],
  );
}

/** `last`: the last record of the same restore in the state. */
function compareWithState(
  unsaved: RestoreRecord,
  state: State,
  last: RestoreRecord | undefined,
): MergeDecision {
  const record = mergeTerms(last, unsaved);
  const atStateAddress = last && { ...record, address: last.address };
  if (atStateAddress && (sameJson(last, atStateAddress) || follows(atStateAddress, last)))
    return { kind: 'known', status: last.status };
  if (!isPossibleRunResult(record)) return { kind: 'refused', reason: 'no run can have written this record' };
  if (last && atStateAddress) {
    if (!follows(last, atStateAddress))
      return {
        kind: 'refused',
        reason: `the state has it ${statusWord(last.status)} since ${last.updated_at}`,
      };
    if (state.records.get(last.address) === last)
      return { kind: 'taken', record: atStateAddress, before: last.status };
  }
  const occupant = state.records.get(record.address);
  if (!occupant) return { kind: 'taken', record };
  if (isOpen(occupant))
    return {
      kind: 'refused',
      reason: `another restore at its address is still ${statusWord(occupant.status)}`,
    };
  if (Date.parse(record.updated_at) < Date.parse(occupant.updated_at))
    return {
      kind: 'refused',
      reason: `at its address a newer one is ${statusWord(occupant.status)} since ${occupant.updated_at}`,
    };
  return { kind: 'taken', record, before: occupant.status };
}

/**
 * The unsaved record says how the restore went. Its terms (protection, API, settle) are those of the state, and the file may
 * only make them stricter: otherwise anybody who can write the file could lift a protection or shorten settle.
 */
function mergeTerms(last: RestoreRecord | undefined, unsaved: RestoreRecord): RestoreRecord {
  const { protect, protect_changed_at, api, settle_ms, ...record } = unsaved;
  const settleMs = settleMsOf(last, settle_ms ?? 0);
  return {
    ...record,
    ...optional('protect', protect || last?.protect),
    ...optional('protect_changed_at', last?.protect_changed_at),
    ...optional('api', last?.api ?? api),
    ...optional('settle_ms', settleMs || undefined),
  };
}

/**
 * Whether the steps of a run (`advance`) can make the record: its status fits its attempts. `resolve` and `import` are not
 * steps of a run.
 */
function isPossibleRunResult(record: RestoreRecord): boolean {
  const { attempts } = record;
  const last = attempts.at(-1);
  if (!last || 'resolution' in record || jobIdOf(record) !== last.job_id) return false;
  if (attempts.some(({ answer, settled }, n) => answer === 'accepted' && (settled || attempts[n + 1])))
    return false;
  const isAccepted = last.answer === 'accepted';
  switch (record.status) {
    case 'intended':
      return !isAccepted;
    case 'running':
    case 'succeeded':
      if (record.evidence === 'accepted') return isAccepted;
      return record.evidence === 'adopted' && !isAccepted && wasEverInDoubt(attempts);
    case 'failed':
      return record.touched === 'maybe' || worstDoubt(attempts) === 'none';
    case 'unknown':
      return true;
    default:
      return unreachable(record);
  }
}
