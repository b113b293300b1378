import { jobIdOf, type RestoreRecord } from '../domain/record.ts';

/** `state list --output json`, by address. */
export function stateListJson(records: Iterable<RestoreRecord>) {
  return { format: 1, records: byAddress(records).map(stateListItem) };
}

/** A missing value is null, so that every element has every key. */
export function stateListItem(record: RestoreRecord) {
  return {
    address: record.address,
    status: record.status,
    volume_id: record.volume_id,
    volume_name: record.names.volume_name,
    backup_id: record.backup_id,
    backup_name: record.names.backup_name,
    backup_created_at: record.names.backup_created_at,
    generation: record.generation,
    selector: record.selector ?? null,
    job_id: jobIdOf(record) ?? null,
    evidence: 'evidence' in record ? record.evidence : null,
    touched: record.status === 'failed' ? record.touched : null,
    reason: record.status === 'failed' ? record.reason : record.status === 'unknown' ? record.reason : null,
    attempts: record.attempts.length,
    request_ids: record.attempts.flatMap(({ request_id }) => request_id ?? []),
    started_at: 'started_at' in record ? (record.started_at ?? null) : null,
    finished_at: 'finished_at' in record ? record.finished_at : null,
    updated_at: record.updated_at,
  };
}

/** `state show ADDRESS --output json`: the whole record. Without a job, `job_id` is null. */
export function stateShowJson(record: RestoreRecord) {
  return { format: 1, ...record, job_id: jobIdOf(record) ?? null };
}

/** In code unit order, which is the same on every machine. */
export function byAddress(records: Iterable<RestoreRecord>): RestoreRecord[] {
  return [...records].sort((a, b) => (a.address < b.address ? -1 : a.address > b.address ? 1 : 0));
}
