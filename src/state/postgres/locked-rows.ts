import { type Clock, momentOf } from '../../domain/clock.ts';
import type { Diagnostic } from '../../domain/diagnostic.ts';
import { Failure } from '../../domain/errors.ts';
import type { State } from '../../domain/state.ts';
import { RetryableError } from '../../network/retry.ts';
import type { LockInfo } from '../backend.ts';
import { FORMAT, type Snapshot } from '../codec.ts';
import { type Chain, extendChain } from '../history-chain.ts';
import type { Group, LockedStore } from '../lease.ts';
import type { LeaseTime } from '../lease-terms.ts';
import { isLockLost, lockLost, stateChanged } from '../lock-failures.ts';
import { keepRenewed } from '../renewal.ts';
import { A_MINUTE, withRetry } from '../retry.ts';
import type { PostgresLocation } from './postgres-location.ts';
import { ConnectionLost, type Session, TRUE } from './postgres-session.ts';
import { endHolder, held, holderOf, tryAdvisory } from './row-lock.ts';

export interface LockedRowsOptions {
  readonly session: Session;
  readonly open: () => Promise<Session>;
  readonly location: string;
  readonly postgres: PostgresLocation;
  readonly clock: Clock;
  readonly lock: LockInfo;
  readonly time: LeaseTime;
  readonly found: Snapshot | undefined;
  /** Told why a renewal failed. */
  readonly onNote: ((note: Diagnostic) => void) | undefined;
}

/** Which state a text or a set of rows is. */
interface Version {
  readonly lineage: string;
  readonly serial: number;
}

export class LockedRows implements LockedStore {
  readonly lock: LockInfo;
  lost: Error | undefined;
  readonly #options: LockedRowsOptions;
  readonly #end = new AbortController();
  readonly #renewing: Promise<void>;
  #turn: Promise<void> = Promise.resolve();
  #session: Session;
  #chain: Chain;

  constructor(options: LockedRowsOptions) {
    this.lock = options.lock;
    this.#options = options;
    this.#session = options.session;
    this.#chain = options.found?.chain ?? [];
    this.#renewing = this.#keepRenewed();
  }

  remainingMs(): number {
    return this.#options.time.remainingMs();
  }

  get ttlMs(): number {
    return this.#options.time.ttlMs;
  }

  async append({ before, staged }: Group): Promise<void> {
    const { schema, state } = this.#options.postgres;
    const { serial, history } = staged;
    const chain =
      history.length === 0
        ? this.#chain
        : extendChain({ ...before, history: [...before.history, ...history] }, this.#chain);
    const entries = history.map((entry, index) => {
      const position = before.history.length + index;
      return { position, entry: { ...entry, hash: chain[position] } };
    });
    const records = [...staged.records].map(([address, record]) => ({ address, record: record ?? null }));
    await this.#write(before, { lineage: before.lineage, serial }, async (session) => {
      const moved = await session.query(
        `update ${schema}.state set serial = $5
         where name = $3 and lineage = $6 and serial = $7 and ${held(schema)} returning name`,
        [...this.#proof, serial, before.lineage, before.serial],
      );
      if (moved.length !== 1) return false;
      await insert(session, schema, state, serial, records, entries);
      return true;
    });
    this.#chain = chain;
  }

  async replace(next: Snapshot, current: State | undefined): Promise<void> {
    const { schema, state } = this.#options.postgres;
    const { records: all, history, serial, ...rest } = next.state;
    const { lineage } = rest;
    const chain = extendChain(next.state, next.chain);
    const entries = history.map((entry, position) => ({
      position,
      entry: { ...entry, hash: chain[position] },
    }));
    const records = [...all].map(([address, record]) => ({ address, record }));
    const head = JSON.stringify({ format: FORMAT, ...rest });
    await this.#write(current, { lineage, serial }, async (session) => {
      const there = await session.query<Stored>(
        `select lineage, serial from ${schema}.state where name = $3 and ${held(schema)} for update`,
        this.#proof,
      );
      if (!same(versionOf(there[0]), current)) return false;
      await session.query(`delete from ${schema}.record where state = $1`, [state]);
      await session.query(`delete from ${schema}.history where state = $1`, [state]);
      const stored = await session.query(
        `insert into ${schema}.state (name, lineage, serial, head)
         select $3::text, $5::text, $6::bigint, $7::json where ${held(schema)}
         on conflict (name) do update set lineage = excluded.lineage, serial = excluded.serial, head = excluded.head
         returning name`,
        [...this.#proof, lineage, serial, head],
      );
      if (stored.length !== 1) return false;
      await insert(session, schema, state, serial, records, entries);
      return true;
    });
    this.#chain = chain;
  }

  /** Nothing is left to be written then, so a lock that is gone after the first request to delete it was released. */
  async release(last: State | undefined): Promise<void> {
    this.#end.abort();
    await this.#renewing;
    const { schema, state, lock_key } = this.#options.postgres;
    let asked = false;
    const free = async (session: Session) => {
      const repeated = asked;
      asked = true;
      const rows = await session.query(
        `delete from ${schema}.lock where state = $1 and id = $2 returning id`,
        [state, this.lock.id],
      );
      await session.query('select pg_advisory_unlock($1::int, $2::int)', lock_key);
      return rows.length === 1 || repeated;
    };
    try {
      const freed = await this.#withRetry(free).catch((cause: unknown) => {
        if (asked && isLockLost(cause)) return true;
        throw cause;
      });
      if (!freed) throw lockLost(this.lock);
    } catch (cause) {
      if (last) throw cause; // else why nothing can be written has been said
    } finally {
      await this.#session.close();
    }
  }

  get #proof(): readonly unknown[] {
    const { lock_key, state } = this.#options.postgres;
    return [...lock_key, state, this.lock.id];
  }

  /** In one transaction that proves the lock. After a commit in doubt what is there decides, and only that. */
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
        // Only the holder writes, and that was ours all the time: this is what was in doubt.
        if (same(now, to)) return;
        if (!same(now, from)) throw stateChanged(this.#options.location);
      }
      inDoubt = true;
      const done = await session.transaction(() => work(session));
      if (!done)
        throw (await this.#isHeld(session)) ? stateChanged(this.#options.location) : lockLost(this.lock);
    });
  }

  async #isHeld(session: Session): Promise<boolean> {
    const { postgres } = this.#options;
    const [row] = await session.query<{ held: string }>(
      `select ${held(postgres.schema)} as held`,
      this.#proof,
    );
    return row?.held === TRUE;
  }

  /** Again after each loss of the connection, once the lock is proven to have been ours all the time. */
  #withRetry<T>(work: (session: Session) => Promise<T>): Promise<T> {
    return withRetry(this.#options.clock, A_MINUTE, async () => {
      try {
        return await this.#alone(async () => work(await this.#held()));
      } catch (cause) {
        if (cause instanceof ConnectionLost)
          throw new RetryableError('write', { cause: away(this.#options.location, cause) });
        throw cause;
      }
    });
  }

  /** A session that holds the lock: the one there is, or a new one after that was lost. */
  async #held(): Promise<Session> {
    if (!this.#session.lost) return this.#session;
    this.#session = await this.#regain();
    return this.#session;
  }

  /**
   * The server let go of the lock with the session. While its row still is ours nobody had it in between: who takes
   * it makes the row his own. Our own old session may not have ended yet; it is ended.
   */
  async #regain(): Promise<Session> {
    const { open, postgres } = this.#options;
    const session = await open();
    try {
      const ours = async () => (await holderOf(session, postgres))?.id === this.lock.id;
      let taken = await tryAdvisory(session, postgres);
      if (!taken && (await ours())) {
        await endHolder(session, postgres);
        taken = await tryAdvisory(session, postgres);
      }
      if (!(await ours())) throw lockLost(this.lock);
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
    const session = await this.#held();
    const renewed = await session.query(
      `update ${postgres.schema}.lock set renewed_at = clock_timestamp()
       where state = $3 and id = $4 and ${held(postgres.schema)} returning id`,
      this.#proof,
    );
    if (renewed.length !== 1) throw lockLost(this.lock);
    time.renewed(before);
  }

  /** One user of the session at a time: a renewal must not slip into a transaction that may be rolled back. */
  #alone<T>(work: () => Promise<T>): Promise<T> {
    const turn = this.#turn.then(work);
    this.#turn = turn.then(
      () => undefined,
      () => undefined,
    );
    return turn;
  }

  /** Until released or lost. */
  #keepRenewed(): Promise<void> {
    const { clock, time, onNote } = this.#options;
    const renew = async () => {
      try {
        await this.#alone(() => this.#renew());
      } catch (cause) {
        if (isLockLost(cause)) this.lost = cause;
        throw cause;
      }
    };
    const isCut = (cause: unknown) => cause instanceof ConnectionLost;
    const { signal } = this.#end;
    return keepRenewed({ clock, signal, time, renew, isCut, onNote }, () => this.lost !== undefined);
  }
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
  schema: string,
  state: string,
  serial: number,
  records: readonly unknown[],
  entries: readonly unknown[],
): Promise<void> {
  await session.query(
    `insert into ${schema}.record (state, serial, address, record)
     select $1, $2, address, record from json_to_recordset($3) as x (address text, record json)`,
    [state, serial, JSON.stringify(records)],
  );
  if (entries.length === 0) return;
  await session.query(
    `insert into ${schema}.history (state, position, entry)
     select $1, position, entry from json_to_recordset($2) as x (position bigint, entry json)`,
    [state, JSON.stringify(entries)],
  );
}

function away(place: string, cause: ConnectionLost): Failure {
  return Failure.of(
    'state',
    'state-not-written',
    `cannot write the state at ${place}: ${cause.message}`,
    {
      detail:
        'No new restore is started. Everything reported before is safe, and running restores continue in the cloud.',
      remedy: 'fix this, then run again (it reads the cloud first): vbsctl apply',
    },
    { cause },
  );
}
