import type { Failure } from '../../domain/errors.ts';
import type { LeaseTerms, LockHolder } from '../../domain/lock-holder.ts';
import type { LockInfo } from '../backend.ts';
import { takeoverAfterMs } from '../lease-terms.ts';
import { lockedBy } from '../lock-failures.ts';
import { bounded, lockShape } from '../lock-info.ts';
import type { PostgresLocation } from './postgres-location.ts';
import type { Session } from './postgres-session.ts';

/**
 * Two things make the lock: an advisory lock of the session, by which PostgreSQL excludes others; and a row that says
 * whose it is and when it was renewed. The session of a runner may end while he lives and believes in his lease (a
 * network between them is cut), so a row without a session is respected as long as the lease in it.
 */
export interface LockRow {
  readonly info: LockHolder & { readonly id: string };
  readonly lease: LeaseTerms;
  /** Not renewed for so long that it may be taken, by the server's clock. */
  readonly overdue: boolean;
}

export async function holderOf(
  session: Session,
  { schema, state }: PostgresLocation,
): Promise<LockRow | undefined> {
  const [row] = await session.query<{
    id: string;
    info: unknown;
    ttl_ms: string;
    takeover_after_ms: string;
    renewed_at: Date;
    age_ms: string;
  }>(
    `select id, info, ttl_ms, takeover_after_ms, renewed_at, extract(epoch from clock_timestamp() - renewed_at) * 1000 as age_ms
     from ${schema}.lock where state = $1`,
    [state],
  );
  if (!row) return undefined;
  const lease = {
    ttl_ms: Number(row.ttl_ms),
    takeover_after_ms: Number(row.takeover_after_ms),
    renewed: row.renewed_at.toISOString(),
  };
  // The column is what a commit and `unlock` go by. What stands beside it is for people, and may be anything.
  const info = lockShape(row.info) ? {} : bounded(row.info as LockInfo, session.secrets);
  return { info: { ...info, id: row.id }, lease, overdue: Number(row.age_ms) > lease.takeover_after_ms };
}

export function told({ info, lease }: LockRow): LockHolder {
  return { ...info, lease };
}

/** One attempt: `mine`, or why not. */
export async function takeLock(
  session: Session,
  location: PostgresLocation,
  mine: LockInfo,
  settleMs: number,
  place: string,
): Promise<'mine' | Failure> {
  const { schema, state, ttl_ms } = location;
  const taken = (await tryAdvisory(session, location)) || (await afterFormer(session, location, mine));
  const row = await holderOf(session, location);
  // Its own: an earlier attempt was through, and only the answer or the connection was lost.
  if (taken && (!row || row.overdue || row.info.id === mine.id)) {
    await session.query(
      `insert into ${schema}.lock (state, id, info, ttl_ms, takeover_after_ms, renewed_at)
       values ($1, $2, $3, $4, $5, clock_timestamp())
       on conflict (state) do update set id = excluded.id, info = excluded.info, ttl_ms = excluded.ttl_ms,
         takeover_after_ms = excluded.takeover_after_ms, renewed_at = excluded.renewed_at`,
      [state, mine.id, JSON.stringify(mine), ttl_ms, takeoverAfterMs(ttl_ms, settleMs)],
    );
    return 'mine';
  }
  if (taken) await session.query('select pg_advisory_unlock($1::int, $2::int)', location.lock_key);
  return lockedBy(row ? told(row) : {}, place);
}

export async function tryAdvisory(session: Session, { lock_key }: PostgresLocation): Promise<boolean> {
  const [row] = await session.query<{ taken: boolean }>(
    'select pg_try_advisory_lock($1::int, $2::int) as taken',
    lock_key,
  );
  return row?.taken === true;
}

/** The session of a holder who does not renew is ended, or a former one of our own; only then is the lock ours. */
async function afterFormer(session: Session, location: PostgresLocation, mine: LockInfo): Promise<boolean> {
  const row = await holderOf(session, location);
  if (!row?.overdue && row?.info.id !== mine.id) return false;
  await endHolder(session, location).catch(() => undefined); // not allowed: then it stands
  return await tryAdvisory(session, location);
}

/** Needs the same role, or membership in pg_signal_backend. */
export async function endHolder(session: Session, { lock_key }: PostgresLocation): Promise<void> {
  await session.query(
    `select pg_terminate_backend(pid, 5000) from pg_locks where ${ADVISORY} and pid <> pg_backend_pid()`,
    lock_key,
  );
}

/** A person's word: the row goes, and the session behind it if that may be ended; without its row it commits nothing. */
export async function freeRow(session: Session, location: PostgresLocation, id: string): Promise<void> {
  const { schema, state } = location;
  await session.query(`delete from ${schema}.lock where state = $1 and id = $2`, [state, id]);
  await endHolder(session, location).catch(() => undefined);
}

const ADVISORY = `locktype = 'advisory' and granted and objsubid = 2 and classid = $1::int and objid = $2::int
  and database = (select oid from pg_database where datname = current_database())`;

/** True inside a transaction of the very session that holds the lock, while the row is its own. Takes $1 to $4. */
export function held(schema: string): string {
  return `exists (select from pg_locks where ${ADVISORY} and pid = pg_backend_pid())
    and exists (select from ${schema}.lock where state = $3 and id = $4)`;
}
