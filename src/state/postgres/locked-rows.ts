import { momentOf } from '../../domain/clock.ts';
import type { RestoreRecord } from '../../domain/record.ts';
import type { HistoryEntry, State } from '../../domain/state.ts';
import type { BackendContext, LockInfo } from '../backend.ts';
import { FORMAT, type Snapshot } from '../codec.ts';
import { type Chain, extendChain } from '../history-chain.ts';
import type { Group, LeaseStorage } from '../lease.ts';
import type { LeaseTime } from '../lease-terms.ts';
import { isLockLost, lockLost, stateChanged } from '../lock-failures.ts';
import { LeaseRenewal } from '../renewal.ts';
import { notWritten } from '../server-failures.ts';
import type { PostgresLocation } from './postgres-location.ts';
import { ConnectionLost, retryConnection, type Session, TRUE } from './postgres-session.ts';
import { endHoldingSession, lockIsHeld, readLock, tryAdvisoryLock } from './row-lock.ts';

interface LockedRowsOptions extends Pick<BackendContext, 'location' | 'clock' | 'onNote'> {
  readonly session: Session;
  readonly open: () => Promise<Session>;
  readonly postgres: PostgresLocation;
  readonly info: LockInfo;
  readonly time: LeaseTime;
  readonly found: Snapshot | undefined;
}

interface Version {
  readonly lineage: string;
  readonly serial: number;
}

export class LockedRows implements LeaseStorage {
  readonly lock: LeaseRenewal;
  readonly #options: LockedRowsOptions;
  #turn: Promise<unknown> = Promise.resolve();
  #session: Session;
  #chain: Chain;

  constructor(options: LockedRowsOptions) {
    this.#options = options;
    this.#session = options.session;
    this.#chain = options.found?.chain ?? [];
    const { info, clock, time, onNote } = options;
    this.lock = new LeaseRenewal({
      info,
      clock,
      time,
      renew: () => this.#alone(() => this.#renew()),
      isCut: (cause) => cause instanceof ConnectionLost,
      onNote,
    });
  }

  async append({ before, staged }: Group): Promise<void> {
    const { schema } = this.#options.postgres;
    const { serial, records, history } = staged;
    const chain =
      history.length === 0
        ? this.#chain
        : extendChain({ ...before, history: [...before.history, ...history] }, this.#chain);
    const entries = rowsOf(history, chain, before.history.length);
    await this.#write(before, { lineage: before.lineage, serial }, async (session) => {
      const moved = await session.query(
        `update ${schema}.state set serial = $5
         where name = $3 and lineage = $6 and serial = $7 and ${lockIsHeld(schema)} returning name`,
        [...this.#lockParameters, serial, before.lineage, before.serial],
      );
      if (moved.length !== 1) return false;
      await insert(session, this.#options.postgres, serial, records, entries);
      return true;
    });
    this.#chain = chain;
  }

  async replace(next: Snapshot, current: State | undefined): Promise<void> {
    const { schema, state } = this.#options.postgres;
    const { records, history, serial, ...rest } = next.state;
    const { lineage } = rest;
    const chain = extendChain(next.state, next.chain);
    const entries = rowsOf(history, chain, 0);
    const head = JSON.stringify({ format: FORMAT, ...rest });
    await this.#write(current, { lineage, serial }, async (session) => {
      const there = await session.query<Stored>(
        `select lineage, serial from ${schema}.state where name = $3 and ${lockIsHeld(schema)} for update`,
        this.#lockParameters,
      );
      if (!same(versionOf(there[0]), current)) return false;
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
      await insert(session, this.#options.postgres, serial, records, entries);
      return true;
    });
    this.#chain = chain;
  }

  async release(last: State | undefined): Promise<void> {
    await this.lock.stop();
    const { schema, state, lock_key } = this.#options.postgres;
    let requested = false;
    const free = async (session: Session) => {
      const repeated = requested;
      requested = true;
      const rows = await session.query(
        `delete from ${schema}.lock where state = $1 and id = $2 returning id`,
        [state, this.lock.info.id],
      );
      await session.query('select pg_advisory_unlock($1::int, $2::int)', lock_key);
      return rows.length === 1 || repeated;
    };
    try {
      const freed = await this.#withRetry(free).catch((cause: unknown) => {
        // If the lock is gone after the first request, that request released it.
        if (requested && isLockLost(cause)) return true;
        throw cause;
      });
      if (!freed) throw lockLost(this.lock.info);
    } catch (cause) {
      if (last) throw cause; // without `last`, the reason was reported when the write failed
    } finally {
      await this.#session.close();
    }
  }

  /** The parameters $1 to $4 of `lockIsHeld`. */
  get #lockParameters(): readonly unknown[] {
    const { lock_key, state } = this.#options.postgres;
    return [...lock_key, state, this.lock.info.id];
  }

  /** Writes in one transaction that checks the lock. If a commit is in doubt, reads whether it was stored. */
  async #write(
    from: Version | undefined,
    to: Version,
    work: (session: Session) => Promise<boolean>,
  ): Promise<void> {
    const { schema, state } = this.#options.postgres;
    let inDoubt = false;
    await this.#withRetry(async (session) => {
      if (inDoubt) {
        const rows = await session.query<Stored>(
          `select lineage, serial from ${schema}.state where name = $1`,
          [state],
        );
        const now = versionOf(rows[0]);
        // Only the holder of the lock writes, and the lock was ours all the time: the commit in doubt was stored.
        if (same(now, to)) return;
        if (!same(now, from)) throw stateChanged(this.#options.location);
      }
      inDoubt = true;
      const done = await session.transaction(() => work(session));
      if (!done)
        throw (await this.#isHeld(session)) ? stateChanged(this.#options.location) : lockLost(this.lock.info);
    });
  }

  async #isHeld(session: Session): Promise<boolean> {
    const sql = `select ${lockIsHeld(this.#options.postgres.schema)} as held`;
    const [row] = await session.query<{ held: string }>(sql, this.#lockParameters);
    return row?.held === TRUE;
  }

  /** Repeats `work` after each loss of the connection, if the lock was ours all the time. */
  #withRetry<T>(work: (session: Session) => Promise<T>): Promise<T> {
    const { clock, location } = this.#options;
    return retryConnection(
      clock,
      () => this.#alone(async () => work(await this.#lockedSession())),
      (cause) => notWritten(location, cause.message, cause),
    );
  }

  /** The session that holds the lock; a new one if its connection was lost. */
  async #lockedSession(): Promise<Session> {
    if (!this.#session.lost) return this.#session;
    this.#session = await this.#regain();
    return this.#session;
  }

  /**
   * The server released the advisory lock when the session ended. While the row of the lock is still ours, nobody had the
   * lock in between, because whoever takes it replaces the row. The old session may still exist on the server; it is ended.
   */
  async #regain(): Promise<Session> {
    const { open, postgres } = this.#options;
    const session = await open();
    try {
      const ours = async () => (await readLock(session, postgres))?.id === this.lock.info.id;
      let taken = await tryAdvisoryLock(session, postgres);
      if (!taken && (await ours())) {
        await endHoldingSession(session, postgres);
        taken = await tryAdvisoryLock(session, postgres);
      }
      if (!(await ours())) throw lockLost(this.lock.info);
      if (!taken) throw new ConnectionLost('its former session still holds the lock');
      return session;
    } catch (cause) {
      await session.close();
      throw cause;
    }
  }

  async #renew(): Promise<void> {
    const { clock, postgres, time } = this.#options;
    const before = momentOf(clock);
    const session = await this.#lockedSession();
    const renewed = await session.query(
      `update ${postgres.schema}.lock set renewed_at = clock_timestamp()
       where state = $3 and id = $4 and ${lockIsHeld(postgres.schema)} returning id`,
      this.#lockParameters,
    );
    if (renewed.length !== 1) throw lockLost(this.lock.info);
    time.renewed(before);
  }

  /** Runs one `work` at a time: a renewal must not become part of a transaction that may be rolled back. */
  #alone<T>(work: () => Promise<T>): Promise<T> {
    const turn = this.#turn.then(work);
    this.#turn = turn.catch(() => undefined);
    return turn;
  }
}

function rowsOf(history: readonly HistoryEntry[], chain: Chain, start: number) {
  return history.map((entry, index) => {
    const position = start + index;
    return { position, entry: { ...entry, hash: chain[position] } };
  });
}

interface Stored {
  readonly lineage: string;
  readonly serial: string;
}

function versionOf(row: Stored | undefined): Version | undefined {
  return row && { lineage: row.lineage, serial: Number(row.serial) };
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
