import { momentOf } from '../../domain/clock.ts';
import type { RestoreRecord } from '../../domain/record.ts';
import type { HistoryEntry, State } from '../../domain/state.ts';
import { tooLarge } from '../answer-limits.ts';
import type { BackendContext, LockInfo } from '../backend.ts';
import { FORMAT, type Snapshot } from '../codec.ts';
import { type Chain, extendChain } from '../history-chain.ts';
import type { Group, LeaseStorage } from '../lease.ts';
import type { LeaseTime } from '../lease-time.ts';
import { isLockLost, lockLost, stateChanged } from '../lock-failures.ts';
import { LeaseRenewal } from '../renewal.ts';
import { notWritten } from '../server-failures.ts';
import type { PostgresLocation } from './postgres-location.ts';
import { ConnectionLost, type PostgresSession, retryConnection, rowBytes, TRUE } from './postgres-session.ts';
import { endHoldingSession, lockIsHeld, readLock, tryAdvisoryLock } from './row-lock.ts';

interface LockedRowsOptions extends Pick<BackendContext, 'location' | 'clock' | 'onNote'> {
  readonly session: PostgresSession;
  readonly open: () => Promise<PostgresSession>;
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

interface StateVersion {
  readonly lineage: string;
  readonly serial: number;
}

/** The rows of a state while this process holds its lock. Renews the lock from its creation on. */
export class LockedRows implements LeaseStorage {
  readonly lock: LeaseRenewal;
  readonly #options: LockedRowsOptions;
  readonly #lockParameters: readonly unknown[];
  #session: PostgresSession;
  #chain: Chain;
  /** At least what the state counts when it is read. */
  #size: number;
  /** The end of the work that was begun last. */
  #last: Promise<unknown> = Promise.resolve();

  constructor(options: LockedRowsOptions) {
    const { session, postgres, info, clock, time, found, onNote } = options;
    this.#options = options;
    this.#lockParameters = [...postgres.lock_key, postgres.state, info.id];
    this.#session = session;
    this.#chain = found?.snapshot.chain ?? [];
    this.#size = found?.size ?? 0;
    this.lock = new LeaseRenewal({
      info,
      clock,
      time,
      renew: () => this.#alone(() => this.#renew()),
      isConnectionLost: (cause) => cause instanceof ConnectionLost,
      onNote,
    });
  }

  async append({ before, staged }: Group): Promise<void> {
    const { postgres } = this.#options;
    const { schema } = postgres;
    const { serial, records, history } = staged;
    const chain =
      history.length === 0
        ? this.#chain
        : extendChain({ ...before, history: [...before.history, ...history] }, this.#chain);
    const entries = rowsOf(history, chain, before.history.length);
    const replaced = [...records.keys()].flatMap((address) => before.records.get(address) ?? []);
    const size = this.#size + sizeOf(entries) + sizeOf(records.values()) - sizeOf(replaced);
    this.#assertReadable(size);
    await this.#write(before, { lineage: before.lineage, serial }, async (session) => {
      const updated = await session.query(
        `update ${schema}.state set serial = $5
         where name = $3 and lineage = $6 and serial = $7 and ${lockIsHeld(schema)} returning name`,
        [...this.#lockParameters, serial, before.lineage, before.serial],
      );
      if (updated.length !== 1) return false;
      await insertRows(session, postgres, serial, records, entries);
      return true;
    });
    this.#chain = chain;
    this.#size = size;
  }

  async replace(next: Snapshot, current: State | undefined): Promise<void> {
    const { postgres } = this.#options;
    const { schema, state } = postgres;
    const { records, history, serial, ...rest } = next.state;
    const { lineage } = rest;
    const chain = extendChain(next.state, next.chain);
    const head = JSON.stringify({ format: FORMAT, ...rest });
    const entries = rowsOf(history, chain, 0);
    const size = rowBytes(head) + sizeOf(entries) + sizeOf(records.values());
    this.#assertReadable(size);
    await this.#write(current, { lineage, serial }, async (session) => {
      const condition = `name = $3 and ${lockIsHeld(schema)} for update`;
      const found = await this.#versionOf(session, condition, this.#lockParameters);
      if (!isSameVersion(found, current)) return false;
      await session.query(`delete from ${schema}.record where state = $1`, [state]);
      await session.query(`delete from ${schema}.history where state = $1`, [state]);
      const stored = await session.query(
        `insert into ${schema}.state (name, lineage, serial, head)
         select $3::text, $5::text, $6::bigint, $7::json where ${lockIsHeld(schema)}
         on conflict (name) do update set lineage = excluded.lineage, serial = excluded.serial, head = excluded.head
         returning name`,
        [...this.#lockParameters, lineage, serial, head],
      );
      if (stored.length !== 1) return false;
      await insertRows(session, postgres, serial, records, entries);
      return true;
    });
    this.#chain = chain;
    this.#size = size;
  }

  async release(last: State | undefined): Promise<void> {
    const { postgres, info } = this.#options;
    const { schema, state, lock_key } = postgres;
    await this.lock.stop();
    let requested = false;
    const unlock = async (session: PostgresSession) => {
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
      const unlocked = await this.#withSession(unlock).catch((cause: unknown) => {
        // If the lock is gone after the first request, that request released it.
        if (requested && isLockLost(cause)) return true;
        throw cause;
      });
      if (!unlocked) throw lockLost(info);
    } catch (cause) {
      if (last) throw cause; // without `last`, the reason was reported when the write failed
    } finally {
      await this.#session.close();
    }
  }

  /** Runs one `work` at a time: a renewal must not become part of a transaction that may be rolled back. */
  #alone<T>(work: () => Promise<T>): Promise<T> {
    const result = this.#last.then(work);
    this.#last = result.catch(() => undefined);
    return result;
  }

  async #renew(): Promise<void> {
    const { postgres, info, clock, time } = this.#options;
    const { schema } = postgres;
    const before = momentOf(clock);
    const session = await this.#lockedSession();
    const renewed = await session.query(
      `update ${schema}.lock set renewed_at = clock_timestamp()
       where state = $3 and id = $4 and ${lockIsHeld(schema)} returning id`,
      this.#lockParameters,
    );
    if (renewed.length !== 1) throw lockLost(info);
    time.renewed(before);
  }

  /** The session that holds the lock; a new one if its connection was lost. */
  async #lockedSession(): Promise<PostgresSession> {
    if (this.#session.lost) this.#session = await this.#regainLock();
    return this.#session;
  }

  /**
   * The server released the advisory lock when the session ended. While the row of the lock is still ours, nobody had the
   * lock in between, because whoever takes it replaces the row. The old session may still exist on the server; it is ended.
   */
  async #regainLock(): Promise<PostgresSession> {
    const { open, postgres, info } = this.#options;
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

  /** Repeats `work` after each loss of the connection, if the lock was ours all the time. */
  #withSession<T>(work: (session: PostgresSession) => Promise<T>): Promise<T> {
    const { clock, location } = this.#options;
    return retryConnection(
      clock,
      () => this.#alone(async () => work(await this.#lockedSession())),
      (cause) => notWritten(location, cause.message, cause),
    );
  }

  /** Writes in one transaction that checks the lock. If a commit is in doubt, reads whether it was stored. */
  async #write(
    from: StateVersion | undefined,
    to: StateVersion,
    work: (session: PostgresSession) => Promise<boolean>,
  ): Promise<void> {
    const { postgres, info, location } = this.#options;
    let inDoubt = false;
    await this.#withSession(async (session) => {
      if (inDoubt) {
        const now = await this.#versionOf(session, 'name = $1', [postgres.state]);
        // Only the holder of the lock writes, and the lock was ours all the time: the commit in doubt was stored.
        if (isSameVersion(now, to)) return;
        if (!isSameVersion(now, from)) throw stateChanged(location);
      }
      inDoubt = true;
      if (await session.transaction(() => work(session))) return;
      const sql = `select ${lockIsHeld(postgres.schema)} as held`;
      const [row] = await session.query<{ held: string }>(sql, this.#lockParameters);
      throw row?.held === TRUE ? stateChanged(location) : lockLost(info);
    });
  }

  async #versionOf(
    session: PostgresSession,
    condition: string,
    parameters: readonly unknown[],
  ): Promise<StateVersion | undefined> {
    const [row] = await session.query<{ lineage: string; serial: string }>(
      `select lineage, serial from ${this.#options.postgres.schema}.state where ${condition}`,
      parameters,
    );
    return row && { lineage: row.lineage ?? '', serial: Number(row.serial) };
  }

  /** Throws if later commands would refuse to read a state of this size. */
  #assertReadable(bytes: number): void {
    const { postgres, location } = this.#options;
    if (bytes > postgres.answer_bytes_max) throw tooLarge('the state', postgres.answer_bytes_max, location);
  }
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

function isSameVersion(a: StateVersion | undefined, b: StateVersion | undefined): boolean {
  return a?.lineage === b?.lineage && a?.serial === b?.serial;
}

async function insertRows(
  session: PostgresSession,
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
