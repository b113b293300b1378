import { type Identity, isOpen, type Record } from '../domain/record.ts';
import { type Address, type BackupRef, type Selector, selectorKey } from '../domain/spec.ts';
import type { State } from '../domain/state.ts';

/** The state seen by what was restored instead of by address: done or not is asked of the identity alone. */
export interface Ledger {
  /** The newest record, current or long superseded, of this restore under whatever address. */
  find(volumeId: string, backup: BackupRef, generation: number): Found | undefined;
  /** The record that stands at an address now. */
  at(address: Address): Record | undefined;
  /** Records whose outcome is still to come. */
  openOn(volumeId: string, backupId: string): readonly Record[];
  /** The newest restore into this disk that succeeded after the moment. */
  succeededAfter(volumeId: string, moment: string): (Record & { status: 'succeeded' }) | undefined;
}

export interface Found {
  readonly record: Record;
  /** It stands in `records`; else it is only history. */
  readonly current: boolean;
}

export function ledgerOf(state: State | undefined): Ledger {
  const found = new Map<string, Found>();
  const open = new Map<string, Record[]>();
  const succeeded = new Map<string, (Record & { status: 'succeeded' })[]>();

  const index = (record: Record, current: boolean) => {
    found.set(pinKey(record), { record, current });
    if (record.selector) found.set(ruleKey(record, record.selector), { record, current });
  };
  // Later facts win over earlier ones, and what stands now over all history.
  for (const entry of state?.history ?? []) {
    if (entry.type !== 'closed') continue;
    index(entry.record, false);
    if (entry.record.status === 'succeeded') append(succeeded, entry.record.volume_id, entry.record);
  }
  for (const record of state?.records.values() ?? []) {
    index(record, true);
    if (!isOpen(record)) continue;
    append(open, `volume ${record.volume_id}`, record);
    append(open, `backup ${record.backup_id}`, record);
  }

  return {
    find: (volume_id, backup, generation) =>
      found.get(
        backup.by === 'id'
          ? pinKey({ volume_id, backup_id: backup.id, generation })
          : ruleKey({ volume_id, generation }, backup.selector),
      ),
    at: (address) => state?.records.get(address),
    openOn: (volumeId, backupId) => [
      ...new Set([...(open.get(`volume ${volumeId}`) ?? []), ...(open.get(`backup ${backupId}`) ?? [])]),
    ],
    succeededAfter: (volumeId, moment) =>
      succeeded.get(volumeId)?.findLast((record) => record.finished_at > moment),
  };
}

function pinKey(identity: Omit<Identity, 'selector'>): string {
  return `${identity.volume_id} from ${identity.backup_id} #${identity.generation}`;
}

function ruleKey(identity: Pick<Identity, 'volume_id' | 'generation'>, selector: Selector): string {
  return `${identity.volume_id} by ${selectorKey(selector)} #${identity.generation}`;
}

function append<V>(map: Map<string, V[]>, key: string, value: V): void {
  const list = map.get(key);
  if (list) list.push(value);
  else map.set(key, [value]);
}
