import type { Failure } from '../../domain/errors.ts';
import type { LeaseTerms, LockHolder } from '../../domain/lock-holder.ts';
import { optional } from '../../domain/optional.ts';
import type { Secrets } from '../../domain/secrets.ts';
import { fields, integerFrom, time } from '../../domain/shape.ts';
import { LOCK_BYTES_MAX } from '../answer-limits.ts';
import type { LockInfo } from '../backend.ts';
import { boundedJson } from '../document.ts';
import { takeoverAfterMs } from '../lease-terms.ts';
import { lockedBy } from '../lock-failures.ts';
import { bounded, LOCK_ID, lockShape } from '../lock-info.ts';
import type { PostgresLocation } from './postgres-location.ts';
import { type Session, TRUE } from './postgres-session.ts';

/**
 * Two things make the lock: an advisory lock of the session, by which PostgreSQL excludes others; and a row that says
 * whose it is and when it was renewed. The session of a runner may end while he lives and believes in his lease (a
 * network between them is cut), so a row without a session is respected as long as the lease in it.
 */
export interface LockRow {
  /** The column: what a commit and `unlock` go by. */
  readonly id: string;
  /** For people. */
  readonly info: LockHolder;
  /** Undefined where the row does not say it in a form that vbsctl writes: such a lock has no end of its own. */
  readonly lease: LeaseTerms | undefined;
  /** Not renewed for so long that it may be taken, by the server's clock. */
  readonly overdue: boolean;
}

type Columns = Readonly<
  Record<'id' | 'info' | 'ttl_ms' | 'takeover_after_ms' | 'renewed_at' | 'age_ms', string | null>
>;

export async function holderOf(
  session: Session,
  { schema, state }: PostgresLocation,
): Promise<LockRow | undefined> {
  // Of two infinite times there is no difference, but of their numbers there is.
  const [row] = await session.query<Columns>(
    `select id, info, ttl_ms, takeover_after_ms,
       to_char(renewed_at at time zone 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.MS"Z"') as renewed_at,
       (extract(epoch from clock_timestamp()) - extract(epoch from renewed_at)) * 1000 as age_ms
     from ${schema}.lock where state = $1`,
    [state],
  );
  return row && lockRow(row, session.secrets);
}

/** Whoever may write there can have written anything. */
function lockRow(row: Columns, secrets: Secrets | undefined): LockRow {
  const id = row.id ?? '';
  const { id: _, ...words } = storedInfo(row.info ?? '');
  const lease = leaseOf(row);
  return {
    id,
    info: bounded({ ...words, ...optional('id', LOCK_ID.test(id) ? id : undefined) }, secrets),
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

const leaseShape = fields<LeaseTerms>({
  ttl_ms: integerFrom(1),
  takeover_after_ms: integerFrom(1),
  renewed: time,
});

function storedInfo(text: string): LockHolder {
  try {
    if (text.length > LOCK_BYTES_MAX) return {};
    const info = boundedJson(text);
    return lockShape(info) ? {} : (info as LockInfo);
  } catch {
    return {};
  }
}

export function told({ info, lease }: LockRow): LockHolder {
  return { ...info, ...optional('lease', lease) };
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
  if (taken && (!row || row.overdue || row.id === mine.id)) {
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
  const [row] = await session.query<{ taken: string }>(
    'select pg_try_advisory_lock($1::int, $2::int) as taken',
    lock_key,
  );
  return row?.taken === TRUE;
}

/** The session of a holder who does not renew is ended, or a former one of our own; only then is the lock ours. */
async function afterFormer(session: Session, location: PostgresLocation, mine: LockInfo): Promise<boolean> {
  const row = await holderOf(session, location);
  if (!row?.overdue && row?.id !== mine.id) return false;
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
