import { jobIdOf, type RestoreRecord } from '../domain/record.ts';
import type { Address, Selector } from '../domain/spec.ts';

/** An element of `state list --output json`. What a record does not have is null, so every element has every key. */
export interface StateListItem {
  readonly address: Address;
  readonly status: RestoreRecord['status'];
  readonly volume_id: string;
  readonly volume_name: string;
  readonly backup_id: string;
  readonly backup_name: string;
  readonly backup_created_at: string;
  readonly generation: number;
  readonly selector: Selector | null;
  readonly job_id: string | null;
  readonly evidence: 'accepted' | 'adopted' | 'resolved' | 'imported' | null;
  readonly touched: 'no' | 'maybe' | null;
  /** Why it failed, or why its outcome is unknown. */
  readonly reason: string | null;
  readonly attempts: number;
  readonly request_ids: readonly string[];
  readonly started_at: string | null;
  readonly finished_at: string | null;
  readonly updated_at: string;
}

/** The records as a JSON array, by address. */
export function stateListJson(records: Iterable<RestoreRecord>): StateListItem[] {
  return byAddress(records).map((record) => ({
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
    reason: record.status === 'failed' ? record.reason : record.status === 'unknown' ? record.cause : null,
    attempts: record.attempts.length,
    request_ids: record.attempts.flatMap(({ request_id }) => (request_id === undefined ? [] : [request_id])),
    started_at: 'started_at' in record ? (record.started_at ?? null) : null,
    finished_at: 'finished_at' in record ? record.finished_at : null,
    updated_at: record.updated_at,
  }));
}

/** `state show ADDRESS --output json`: the record whole, and its job id even when it has none. */
export function stateShowJson(
  record: RestoreRecord,
): Omit<RestoreRecord, 'job_id'> & { readonly job_id: string | null } {
  return { ...record, job_id: jobIdOf(record) ?? null };
}

/** In the order of code units, the same on every machine. */
export function byAddress(records: Iterable<RestoreRecord>): RestoreRecord[] {
  return [...records].sort((a, b) => (a.address < b.address ? -1 : a.address > b.address ? 1 : 0));
}
