import { sameJson } from './canonical-json.ts';
import {
  identityKey,
  identityText,
  isOpen,
  isUnderWay,
  jobIdOf,
  type RestoreRecord,
  sameIdentity,
  statusWord,
} from './record.ts';
import type { Address } from './spec.ts';
import { type BegunRestore, type HistoryEntry, recordsOfHistory, renamesAt, type State } from './state.ts';

/** A record of a state that does not agree with the history of the state. */
export interface HistoryMismatch {
  readonly address: Address;
  /** One sentence without a full stop. */
  readonly what: string;
}

/**
 * The last event of each address in the history must fit its record: a restore that began last is under way, one that ended
 * last has the record of its end. Renames and removals are in the history, too.
 */
export function historyMismatches(state: State): HistoryMismatch[] {
  const replayed = replay(state.history);
  const done = new Map<string, HistoryEntry & { readonly type: 'closed' }>();
  const jobs = recordsByJob(state);
  for (const entry of state.history)
    if (entry.type === 'closed' && entry.record.status === 'succeeded')
      done.set(identityKey(entry.record), entry);
    else if (entry.type === 'state_accepted')
      for (const { record } of entry.records ?? [])
        if (record && isOpen(record)) done.delete(identityKey(record));
  const found: HistoryMismatch[] = [];
  const add = (address: Address, what: string) => found.push({ address, what });

  for (const [address, record] of state.records) {
    const last = replayed.get(address);
    const success = done.get(identityKey(record));
    if (isOpen(record) && success)
      add(
        address,
        `the record is ${statusWord(record.status)}, but the history says that the same restore succeeded at ${success.at}`,
      );
    if (isUnderWay(record)) {
      for (const what of mismatchesUnderWay(record, last, jobs)) add(address, what);
    } else if (!last)
      add(
        address,
        `the record is ${statusWord(record.status)} since ${record.updated_at}, and the history has no entry for it`,
      );
    else if (!('status' in last))
      add(
        address,
        `the record is ${statusWord(record.status)} since ${record.updated_at}, but the history has no end of the restore that began last, ${identityText(last)}`,
      );
    else if (!sameIdentity(last, record))
      add(
        address,
        `the last entry of the history is another restore, ${recordText(last)}; the record is ${recordText(record)}`,
      );
    else if (last.status !== record.status || last.updated_at !== record.updated_at)
      add(
        address,
        `the record is ${statusWord(record.status)} since ${record.updated_at}, but in the history it is ${statusWord(last.status)} since ${last.updated_at}`,
      );
    // A rename changes only the address. `touched` of a failed record decides whether it is done again.
    else if (!sameJson({ ...last, address }, record))
      add(
        address,
        `the record is ${statusWord(record.status)}, as in the history, but differs in other fields`,
      );
  }
  for (const [address, last] of replayed)
    if (!state.records.has(address))
      add(
        address,
        'status' in last
          ? `there is no record, but the history has one, ${recordText(last)}, and no entry that removed it`
          : `there is no record, but the history says that a restore began (${identityText(last)}), and not that it ended`,
      );
  return found;
}

/** `last`: the last event of its address in the history. An earlier vbsctl wrote none for a restore that had not ended. */
function mismatchesUnderWay(
  record: RestoreRecord,
  last: RestoreRecord | BegunRestore | undefined,
  jobs: ReadonlyMap<string, RestoreRecord>,
): string[] {
  const found: string[] = [];
  const job = jobIdOf(record);
  const accepted = record.attempts.at(-1)?.job_id;
  const owner = job === undefined ? undefined : jobs.get(job);
  if (job !== accepted)
    found.push(
      `the record has job ${job ?? '–'}, but the cloud accepted its request as job ${accepted ?? '–'}`,
    );
  else if (owner && !sameIdentity(owner, record))
    found.push(`its job ${job} is that of another restore: ${recordText(owner)}`);
  if (last && 'status' in last && !isUnderWay(last))
    found.push(
      `the record is ${statusWord(record.status)}, but the history does not say that this restore began after ${recordText(last)}`,
    );
  else if (last && !sameIdentity(last, record))
    found.push(
      `the record is of another restore than the one that began last: ${identityText(record)}, not ${identityText(last)}`,
    );
  return found;
}

/** The records of the history by the job of their restore. */
function recordsByJob(state: State): ReadonlyMap<string, RestoreRecord> {
  const jobs = new Map<string, RestoreRecord>();
  for (const record of recordsOfHistory(state)) {
    const job = jobIdOf(record);
    if (job !== undefined) jobs.set(job, record);
  }
  return jobs;
}

/** The last event of each address in the history: a restore began, or the record of its end. */
function replay(history: readonly HistoryEntry[]): ReadonlyMap<Address, RestoreRecord | BegunRestore> {
  const replayed = new Map<Address, RestoreRecord | BegunRestore>();
  for (let index = 0; index < history.length; index++) {
    const entry = history[index];
    switch (entry?.type) {
      case 'begun':
        replayed.set(entry.address, entry);
        break;
      case 'closed':
        replayed.set(entry.record.address, entry.record);
        break;
      case 'removed':
        replayed.delete(entry.record.address);
        break;
      case 'state_accepted': // an operator confirmed these records
        for (const { address, record } of entry.records ?? [])
          if (record) replayed.set(address, record);
          else replayed.delete(address);
        break;
      case 'moved': {
        const moves = renamesAt(history, index).map(({ from, to }) => ({
          from,
          to,
          record: replayed.get(from),
        }));
        index += moves.length - 1;
        for (const { from } of moves) replayed.delete(from);
        for (const { to, record } of moves) if (record) replayed.set(to, record);
        break;
      }
      default: // a pushed state has its own history
    }
  }
  return replayed;
}

function recordText(record: RestoreRecord): string {
  return `${statusWord(record.status)} at ${record.updated_at} (${identityText(record)})`;
}
