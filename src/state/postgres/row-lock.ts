import type { Failure } from '../../domain/errors.ts';
import type { LeaseTerms, LockHolder } from '../../domain/lock-holder.ts';
import { optional } from '../../domain/optional.ts';
import type { Secrets } from '../../domain/secrets.ts';
import { integerFrom, jsonOf, object, time } from '../../domain/shape.ts';
import { LOCK_BYTES_MAX } from '../answer-limits.ts';
import type { LockInfo } from '../backend.ts';
import { takeoverAfterMs } from '../lease-time.ts';
import { lockedBy } from '../lock-failures.ts';
import { displayLock, lockShape } from '../lock-info.ts';
import type { PostgresLocation } from './postgres-location.ts';
import { type PostgresSession, TRUE } from './postgres-session.ts';

/**
 * The lock has two parts: an advisory lock of the session, with which PostgreSQL excludes others; and a row that names
 * the holder and the time of the last renewal. The session of a run may end while the run still relies on its lease (its
 * network is cut), so a row without a session is respected until its lease ends.
 */
interface LockRow {
  /** The column that commits and `unlock` compare. */
  readonly id: string;
  /** Only for display. */
  readonly info: LockHolder;
  /** Undefined if the row does not have the form that vbsctl writes: then the lock does not end by itself. */
  readonly lease: LeaseTerms | undefined;
  /** Not renewed for so long that it may be taken over, by the clock of the server. */
  readonly overdue: boolean;
}

type Columns = Readonly<
  Record<'id' | 'info' | 'ttl_ms' | 'takeover_after_ms' | 'renewed_at' | 'age_ms', string | null>
>;

export async function readLock(
  session: PostgresSession,
  { schema, state }: PostgresLocation,
): Promise<LockRow | undefined> {
  // A subtraction of infinite timestamps fails; one of their epochs does not.
  const [row] = await session.query<Columns>(
    `select id, info, ttl_ms, takeover_after_ms,
       to_char(renewed_at at time zone 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.MS"Z"') as renewed_at,
       (extract(epoch from clock_timestamp()) - extract(epoch from renewed_at)) * 1000 as age_ms
     from ${schema}.lock where state = $1`,
    [state],
  );
  return row && lockRow(row, session.secrets);
}

/** Anybody who can write to the table may have written this row. */
function lockRow(row: Columns, secrets: Secrets | undefined): LockRow {
  const id = row.id ?? '';
  const info = row.info ?? '';
  const stored = info.length > LOCK_BYTES_MAX ? undefined : jsonOf(info, lockShape);
  const lease = leaseOf(row);
  return {
    id,
    info: displayLock({ ...stored, id }, secrets),
    lease,
    overdue: lease !== undefined && Number(row.age_ms) > lease.takeover_after_ms,
  };
}

function leaseOf({ ttl_ms, takeover_after_ms, renewed_at }: Columns): LeaseTerms | undefined {
  const lease = {
    ttl_ms: Number(ttl_ms),
    takeover_after_ms: Number(takeover_after_ms),
    renewed: renewed_at ?? '',
  };
  return leaseShape(lease) ? undefined : lease;
}

const leaseShape = object<LeaseTerms>({
  ttl_ms: integerFrom(1),
  takeover_after_ms: integerFrom(1),
  renewed: time,
});

export function lockHolderOf({ info, lease }: LockRow): LockHolder {
  return { ...info, ...optional('lease', lease) };
}

/** Makes one attempt. */
export async function takeLock(
  session: PostgresSession,
  postgres: PostgresLocation,
  own: LockInfo,
  settleMs: number,
  location: string,
): Promise<'acquired' | Failure> {
  const { schema, state, ttl_ms } = postgres;
  const taken =
    (await tryAdvisoryLock(session, postgres)) || (await takeFromFormerHolder(session, postgres, own));
  const row = await readLock(session, postgres);
  // The id is ours if an earlier attempt succeeded and its answer or the connection was lost.
  if (taken && (!row || row.overdue || row.id === own.id)) {
    await session.query(
      `insert into ${schema}.lock (state, id, info, ttl_ms, takeover_after_ms, renewed_at)
       values ($1, $2, $3, $4, $5, clock_timestamp())
       on conflict (state) do update set id = excluded.id, info = excluded.info, ttl_ms = excluded.ttl_ms,
         takeover_after_ms = excluded.takeover_after_ms, renewed_at = excluded.renewed_at`,
      [state, own.id, JSON.stringify(own), ttl_ms, takeoverAfterMs(ttl_ms, settleMs)],
    );
    return 'acquired';
  }
  if (taken) await session.query('select pg_advisory_unlock($1::int, $2::int)', postgres.lock_key);
  return lockedBy(row ? lockHolderOf(row) : {}, location);
}

export async function tryAdvisoryLock(
  session: PostgresSession,
  { lock_key }: PostgresLocation,
): Promise<boolean> {
  const [row] = await session.query<{ taken: string }>(
    'select pg_try_advisory_lock($1::int, $2::int) as taken',
    lock_key,
  );
  return row?.taken === TRUE;
}

/** If the holder does not renew, or is a former session of ours: ends its session and takes the advisory lock. */
async function takeFromFormerHolder(
  session: PostgresSession,
  postgres: PostgresLocation,
  own: LockInfo,
): Promise<boolean> {
  const row = await readLock(session, postgres);
  if (!row?.overdue && row?.id !== own.id) return false;
  await endHoldingSession(session, postgres).catch(() => undefined); // if that is not allowed, the lock stays
  return await tryAdvisoryLock(session, postgres);
}

/** Whether a session has the advisory lock. It stays with a pooled session if its run did not get to release it. */
export async function advisoryLockHeld(
  session: PostgresSession,
  { lock_key }: PostgresLocation,
): Promise<boolean> {
  const [row] = await session.query<{ held: string }>(
    `select exists (select from pg_locks where ${ADVISORY}) as held`,
    lock_key,
  );
  return row?.held === TRUE;
}

/** Ends the session that holds the advisory lock. Requires the same role, or membership in pg_signal_backend. */
export async function endHoldingSession(
  session: PostgresSession,
  { lock_key }: PostgresLocation,
): Promise<void> {
  await session.query(
    `select pg_terminate_backend(pid, 5000) from pg_locks where ${ADVISORY} and pid <> pg_backend_pid()`,
    lock_key,
  );
}

/** Deletes the row, and ends the session of the holder if that is allowed. Without its row it cannot commit. */
export async function forceUnlock(
  session: PostgresSession,
  postgres: PostgresLocation,
  id: string,
): Promise<void> {
  const { schema, state } = postgres;
  await session.query(`delete from ${schema}.lock where state = $1 and id = $2`, [state, id]);
  await endHoldingSession(session, postgres).catch(() => undefined);
}

const ADVISORY = `locktype = 'advisory' and granted and objsubid = 2 and classid = $1::int and objid = $2::int
  and database = (select oid from pg_database where datname = current_database())`;

/** SQL condition: this session holds the advisory lock, and the row is its own. Parameters $1 to $4. */
export function lockIsHeld(schema: string): string {
  return `exists (select from pg_locks where ${ADVISORY} and pid = pg_backend_pid())
    and exists (select from ${schema}.lock where state = $3 and id = $4)`;
}
