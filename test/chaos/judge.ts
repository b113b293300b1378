import type { Audit, AuditRestore } from '../../src/emulator/index.ts';

/** A record as `vbsctl state list --output json` shows it. */
export interface ListedRecord {
  readonly address: string;
  readonly status: 'intended' | 'running' | 'succeeded' | 'failed' | 'unknown';
  readonly volume_id: string;
  readonly backup_id: string;
  readonly generation: number;
  readonly evidence: string | null;
  readonly touched: 'no' | 'maybe' | null;
}

/** What is declared, and since when: restores that the cloud did for earlier generations are none of this one's. */
export interface Wanted {
  readonly address: string;
  readonly volume_id: string;
  readonly backup_id: string;
  generation: number;
  earlierJobs: number;
}

export interface BrokenPromise {
  readonly kind: 'double start' | 'lost' | 'false success' | 'false untouched' | 'unfinished';
  readonly what: string;
}

/**
 * The state as the program tells it against the cloud's own record, at a moment when no program runs. Knows the
 * promises, and nothing of how the program keeps them. `audit` was taken before the records were read.
 */
export function judgeStanding(
  wanted: readonly Wanted[],
  records: readonly ListedRecord[],
  audit: Audit,
  sources: Sources,
): BrokenPromise[] {
  return wanted.flatMap((one) => {
    const ours = jobsOf(one, audit);
    const record = recordOf(one, records);
    const found: BrokenPromise[] = [];
    const say = (kind: BrokenPromise['kind'], what: string) =>
      found.push({ kind, what: `${one.address}: ${what}` });

    const starts = ours.filter(({ started_at }) => started_at !== null);
    // One request that the network delivered twice is told apart: nobody who sends it can prevent that.
    const requests = new Set(starts.map(({ request_id }) => request_id));
    if (requests.size > 1)
      say('double start', `${requests.size} requests started it in generation ${one.generation}`);
    if (ours.length > 0 && !record) say('lost', 'the cloud took it on, the state does not know it');
    const done = ours.some(({ outcome }) => outcome === 'succeeded');
    if (record?.status === 'succeeded' && !done && !looksLikeOurs(one, audit, sources))
      say('false success', `the cloud says ${outcomes(ours)}`);
    if (record?.status === 'failed' && record.touched === 'no' && starts.length > 0)
      say('false untouched', `the cloud says ${outcomes(ours)}`);
    return found;
  });
}

/** When all is over: everything that was declared is done, and the disk holds it. */
export function judgeEnd(
  wanted: readonly Wanted[],
  records: readonly ListedRecord[],
  audit: Audit,
): BrokenPromise[] {
  return wanted.flatMap((one): BrokenPromise[] => {
    const record = recordOf(one, records);
    if (record?.status !== 'succeeded')
      return [{ kind: 'unfinished', what: `${one.address} is ${record?.status ?? 'not recorded'}` }];
    const disk = audit.volumes.find(({ id }) => id === one.volume_id);
    const last = audit.restores.findLast(
      ({ volume_id, started_at }) => volume_id === one.volume_id && started_at !== null,
    );
    // What a stranger restored into it afterwards is none of ours.
    if (last?.cause === 'operator') return [];
    if (disk?.content === one.backup_id) return [];
    return [{ kind: 'false success', what: `${one.address}: the disk holds ${disk?.content}` }];
  });
}

/** Backup → the disk that it was made of. */
export type Sources = ReadonlyMap<string, string>;

/** Successes that no look can tell from ours: see `looksLikeOurs`. */
export function similarRestores(
  wanted: readonly Wanted[],
  records: readonly ListedRecord[],
  audit: Audit,
  sources: Sources,
): Wanted[] {
  return wanted.filter((one) => {
    const done = jobsOf(one, audit).some(({ outcome }) => outcome === 'succeeded');
    return recordOf(one, records)?.status === 'succeeded' && !done && looksLikeOurs(one, audit, sources);
  });
}

/**
 * Two strangers began within the same second, the resolution of `updated_at`: one to write another backup into the disk,
 * the other to read the backup; and neither restore leaves the name of its backup on the disk.
 */
function looksLikeOurs({ volume_id, backup_id }: Wanted, { restores }: Audit, sources: Sources): boolean {
  const begun = restores.filter(({ cause, started_at }) => cause === 'operator' && started_at !== null);
  const leavesNoName = (id: string) => sources.get(id) === volume_id;
  const second = (at: string | null) => at?.slice(0, 'yyyy-mm-ddThh:mm:ss'.length);
  return begun.some(
    (one) =>
      one.volume_id === volume_id &&
      leavesNoName(one.backup_id) &&
      leavesNoName(backup_id) &&
      begun.some(
        (other) => other.backup_id === backup_id && second(other.started_at) === second(one.started_at),
      ),
  );
}

/** What the program itself brought about for one restore: its requests, and what the network made of them. */
export function jobsOf(wanted: Wanted, audit: Audit): AuditRestore[] {
  return audit.restores
    .filter((job) => same(wanted, job) && job.cause !== 'operator')
    .slice(wanted.earlierJobs);
}

function recordOf(wanted: Wanted, records: readonly ListedRecord[]): ListedRecord | undefined {
  return records.find((record) => same(wanted, record) && record.generation === wanted.generation);
}

function outcomes(jobs: readonly AuditRestore[]): string {
  return jobs.length === 0 ? 'nothing' : jobs.map(({ outcome }) => outcome).join(', ');
}

function same(
  one: Pick<Wanted, 'volume_id' | 'backup_id'>,
  other: Pick<Wanted, 'volume_id' | 'backup_id'>,
): boolean {
  return one.volume_id === other.volume_id && one.backup_id === other.backup_id;
}
