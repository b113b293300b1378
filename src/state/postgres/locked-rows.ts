import { momentOf } from '../../domain/clock.ts';
import type { RestoreRecord } from '../../domain/record.ts';
import type { HistoryEntry } from '../../domain/state.ts';
import { tooLarge } from '../answer-limits.ts';
import type { BackendContext, LockInfo } from '../backend.ts';
import { FORMAT, type Snapshot } from '../codec.ts';
import { type Chain, extendChain } from '../history-chain.ts';
import type { LeaseStorage } from '../lease.ts';
import type { LeaseTime } from '../lease-terms.ts';
import { isLockLost, lockLost, stateChanged } from '../lock-failures.ts';
import { LeaseRenewal } from '../renewal.ts';
import { notWritten } from '../server-failures.ts';
import type { PostgresLocation } from './postgres-location.ts';
import { ConnectionLost, retryConnection, rowBytes, type Session, TRUE } from './postgres-session.ts';
import { endHoldingSession, lockIsHeld, readLock, tryAdvisoryLock } from './row-lock.ts';

interface LockedRowsOptions extends Pick<BackendContext, 'location' | 'clock' | 'onNote'> {
  readonly session: Session;
  readonly open: () => Promise<Session>;
  readonly postgres: PostgresLocation;
  readonly info: LockInfo;
  readonly time: LeaseTime;
  readonly found: LoadedRows | undefined;
}

export interface LoadedRows {
  readonly snapshot: Snapshot;
  /** By `rowBytes`. */
  readonly size: number;
}

interface Version {
  readonly lineage: string;
  readonly serial: number;
}

export function lockedRows(options: LockedRowsOptions): LeaseStorage {
  const { open, postgres, info, clock, time, location, onNote } = options;
  const { schema, state, lock_key } = postgres;
  const lockParameters = [...lock_key, state, info.id];
  let { session } = options;
  let chain: Chain = options.found?.snapshot.chain ?? [];
  /** At least what the state counts when it is read. */
  let size = options.found?.size ?? 0;
  let turn: Promise<unknown> = Promise.resolve();
  const lock = new LeaseRenewal({
    info,
    clock,
    time,
    renew: () => alone(renew),
    isCut: (cause) => cause instanceof ConnectionLost,
    onNote,
  });

  /** Runs one `work` at a time: a renewal must not become part of a transaction that may be rolled back. */
  function alone<T>(work: () => Promise<T>): Promise<T> {
    const result = turn.then(work);
    turn = result.catch(() => undefined);
    return result;
  }

  /** The session that holds the lock; a new one if its connection was lost. */
  async function lockedSession(): Promise<Session> {
    if (session.lost) session = await regain();
    return session;
  }

  /**
   * The server released the advisory lock when the session ended. While the row of the lock is still ours, nobody had the
   * lock in between, because whoever takes it replaces the row. The old session may still exist on the server; it is ended.
   */
  async function regain(): Promise<Session> {
    const next = await open();
    try {
      const isOurs = async () => (await readLock(next, postgres))?.id === info.id;
      let taken = await tryAdvisoryLock(next, postgres);
      if (!taken && (await isOurs())) {
        await endHoldingSession(next, postgres);
        taken = await tryAdvisoryLock(next, postgres);
      }
      if (!(await isOurs())) throw lockLost(info);
      if (!taken) throw new ConnectionLost('its former session still holds the lock');
      return next;
    } catch (cause) {
      await next.close();
      throw cause;
    }
  }

  async function renew(): Promise<void> {
    const before = momentOf(clock);
    const renewed = await (await lockedSession()).query(
      `update ${schema}.lock set renewed_at = clock_timestamp()
       where state = $3 and id = $4 and ${lockIsHeld(schema)} returning id`,
      lockParameters,
    );
    if (renewed.length !== 1) throw lockLost(info);
    time.renewed(before);
  }

  /** Repeats `work` after each loss of the connection, if the lock was ours all the time. */
  function withSession<T>(work: (session: Session) => Promise<T>): Promise<T> {
    return retryConnection(
      clock,
      () => alone(async () => work(await lockedSession())),
      (cause) => notWritten(location, cause.message, cause),
    );
  }

  /** Writes in one transaction that checks the lock. If a commit is in doubt, reads whether it was stored. */
  async function write(
    from: Version | undefined,
    to: Version,
    work: (session: Session) => Promise<boolean>,
  ): Promise<void> {
    let inDoubt = false;
    await withSession(async (session) => {
      if (inDoubt) {
        const now = await versionOf(session, 'name = $1', [state]);
        // Only the holder of the lock writes, and the lock was ours all the time: the commit in doubt was stored.
        if (same(now, to)) return;
        if (!same(now, from)) throw stateChanged(location);
      }
      inDoubt = true;
      if (await session.transaction(() => work(session))) return;
      const sql = `select ${lockIsHeld(schema)} as held`;
      const [row] = await session.query<{ held: string }>(sql, lockParameters);
      throw row?.held === TRUE ? stateChanged(location) : lockLost(info);
    });
  }

  async function versionOf(
    session: Session,
    condition: string,
    parameters: readonly unknown[],
  ): Promise<Version | undefined> {
    const [row] = await session.query<{ lineage: string; serial: string }>(
      `select lineage, serial from ${schema}.state where ${condition}`,
      parameters,
    );
    return row && { lineage: row.lineage ?? '', serial: Number(row.serial) };
  }

  /** Throws if later commands would refuse to read the state. */
  function refuseTooLarge(bytes: number): void {
    if (bytes > postgres.answer_bytes_max) throw tooLarge('the state', postgres.answer_bytes_max, location);
  }

  return {
    lock,

    async append({ before, staged }) {
      const { serial, records, history } = staged;
      const longer =
        history.length === 0
          ? chain
          : extendChain({ ...before, history: [...before.history, ...history] }, chain);
      const entries = rowsOf(history, longer, before.history.length);
      const replaced = [...records.keys()].flatMap((address) => before.records.get(address) ?? []);
      const grown = size + sizeOf(entries) + sizeOf(records.values()) - sizeOf(replaced);
      refuseTooLarge(grown);
      await write(before, { lineage: before.lineage, serial }, async (session) => {
        const updated = await session.query(
          `update ${schema}.state set serial = $5
           where name = $3 and lineage = $6 and serial = $7 and ${lockIsHeld(schema)} returning name`,
          [...lockParameters, serial, before.lineage, before.serial],
        );
        if (updated.length !== 1) return false;
        await insert(session, postgres, serial, records, entries);
        return true;
      });
      chain = longer;
      size = grown;
    },

    async replace(next, current) {
      const { records, history, serial, ...rest } = next.state;
      const { lineage } = rest;
      const nextChain = extendChain(next.state, next.chain);
      const head = JSON.stringify({ format: FORMAT, ...rest });
      const entries = rowsOf(history, nextChain, 0);
      const whole = rowBytes(head) + sizeOf(entries) + sizeOf(records.values());
      refuseTooLarge(whole);
      await write(current, { lineage, serial }, async (session) => {
        const condition = `name = $3 and ${lockIsHeld(schema)} for update`;
        if (!same(await versionOf(session, condition, lockParameters), current)) return false;
        await session.query(`delete from ${schema}.record where state = $1`, [state]);
        await session.query(`delete from ${schema}.history where state = $1`, [state]);
        const stored = await session.query(
          `insert into ${schema}.state (name, lineage, serial, head)
           select $3::text, $5::text, $6::bigint, $7::json where ${lockIsHeld(schema)}
           on conflict (name) do update set lineage = excluded.lineage, serial = excluded.serial, head = excluded.head
           returning name`,
          [...lockParameters, lineage, serial, head],
        );
        if (stored.length !== 1) return false;
        await insert(session, postgres, serial, records, entries);
        return true;
      });
      chain = nextChain;
      size = whole;
    },

    async release(last) {
      await lock.stop();
      let requested = false;
      const free = async (session: Session) => {
        const repeated = requested;
        requested = true;
        const rows = await session.query(
          `delete from ${schema}.lock where state = $1 and id = $2 returning id`,
          [state, info.id],
        );
        await session.query('select pg_advisory_unlock($1::int, $2::int)', lock_key);
        return rows.length === 1 || repeated;
      };
      try {
        const freed = await withSession(free).catch((cause: unknown) => {
          // If the lock is gone after the first request, that request released it.
          if (requested && isLockLost(cause)) return true;
          throw cause;
        });
        if (!freed) throw lockLost(info);
      } catch (cause) {
        if (last) throw cause; // without `last`, the reason was reported when the write failed
      } finally {
        await session.close();
      }
    },
  };
}

function rowsOf(history: readonly HistoryEntry[], chain: Chain, start: number) {
  return history.map((entry, index) => {
    const position = start + index;
    return { position, entry: { ...entry, hash: chain[position] } };
  });
}

/** What records or entries count when they are read; of a record that was renamed or removed, a row remains. */
function sizeOf(values: Iterable<object | undefined>): number {
  let bytes = 0;
  for (const value of values) bytes += rowBytes(value ? JSON.stringify(value) : '');
  return bytes;
}

function same(a: Version | undefined, b: Version | undefined): boolean {
  return a?.lineage === b?.lineage && a?.serial === b?.serial;
}

async function insert(
  session: Session,
  { schema, state }: PostgresLocation,
  serial: number,
  records: ReadonlyMap<string, RestoreRecord | undefined>,
  entries: readonly unknown[],
): Promise<void> {
  const rows = [...records].map(([address, record]) => ({ address, record: record ?? null }));
  await session.query(
    `insert into ${schema}.record (state, serial, address, record)
     select $1, $2, address, record from json_to_recordset($3) as x (address text, record json)`,
    [state, serial, JSON.stringify(rows)],
  );
  if (entries.length === 0) return;
  await session.query(
    `insert into ${schema}.history (state, position, entry)
     select $1, position, entry from json_to_recordset($2) as x (position bigint, entry json)`,
    [state, JSON.stringify(entries)],
  );
}
