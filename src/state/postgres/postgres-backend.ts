import { runInterruptibly } from '../../domain/chunked-work.ts';
import { momentOf } from '../../domain/clock.ts';
import type { LockHolder } from '../../domain/lock-holder.ts';
import { tooLarge } from '../answer-limits.ts';
import type { Backend, BackendContext, LockInfo } from '../backend.ts';
import { decodeSnapshot } from '../codec.ts';
import { StateLease } from '../lease.ts';
import { LeaseTime } from '../lease-time.ts';
import { newLockInfo, waitForLock } from '../lock.ts';
import { anotherLock, notLocked } from '../lock-failures.ts';
import { serverFailure } from '../server-failures.ts';
import { type LoadedRows, LockedRows } from './locked-rows.ts';
import type { PostgresLocation } from './postgres-location.ts';
import {
  ConnectionLost,
  PostgresSession,
  refuseSharedSession,
  retryConnection,
  rowBytes,
} from './postgres-session.ts';
import {
  advisoryLockHeld,
  endHoldingSession,
  forceUnlock,
  lockHolderOf,
  readLock,
  takeLock,
} from './row-lock.ts';
import { migrate, schemaVersion } from './schema.ts';

interface PostgresBackendOptions extends BackendContext {
  readonly postgres: PostgresLocation;
}

/** A state in the rows of a PostgreSQL database. The lock belongs to a session, so PostgreSQL itself excludes others. */
export function postgresBackend(options: PostgresBackendOptions): Backend {
  const { location, id = location, postgres, clock, newId, secrets, onNote } = options;
  const { schema } = postgres;
  const retry = <T>(work: () => Promise<T>, signal?: AbortSignal): Promise<T> =>
    retryConnection(clock, work, (cause) => serverUnreachable(location, cause), signal);
  const open = () => retry(() => PostgresSession.open(postgres, location, secrets));
  /** For work that may be repeated if the connection is lost. */
  const withSession = <T>(work: (session: PostgresSession) => Promise<T>): Promise<T> =>
    retry(async () => {
      const session = await open();
      try {
        return await work(session);
      } finally {
        await session.close();
      }
    });
  const hasTables = async (session: PostgresSession) => (await schemaVersion(session, schema)) !== undefined;
  const read = () =>
    withSession(async (session) =>
      (await hasTables(session)) ? load(session, postgres, location) : undefined,
    );

  return {
    location,
    id,
    leaseTtlMs: postgres.ttl_ms,
    read: async () => (await read())?.snapshot.state,
    snapshot: async () => (await read())?.snapshot,

    async lock(actor, waitMs, signal) {
      const info = newLockInfo(actor, clock, newId);
      const request = new LockRequest(options, info);
      try {
        // Waiting may take long: after each loss of the connection vbsctl connects and asks for the lock again.
        const attempt = () => retry(() => request.attempt(signal), signal);
        const acquired = await waitForLock(clock, waitMs, signal, attempt);
        const storage = new LockedRows({ ...acquired, open, location, postgres, clock, info, onNote });
        return new StateLease({ storage, found: acquired.found?.snapshot, actor, clock, newId, location });
      } catch (cause) {
        await request.close();
        throw cause;
      }
    },

    holder: () =>
      withSession(async (session) => {
        const row = (await hasTables(session)) ? await readLock(session, postgres) : undefined;
        if (row) return lockHolderOf(row);
        return (await advisoryLockHeld(session, postgres)) ? {} : undefined;
      }),

    unlock: (lockId) =>
      withSession(async (session): Promise<LockHolder> => {
        const row = (await hasTables(session)) ? await readLock(session, postgres) : undefined;
        if (!row) {
          // A session still has the lock of a run whose row is gone: the user decided that this run has ended.
          if (!(await advisoryLockHeld(session, postgres))) throw notLocked(lockId, location);
          await endHoldingSession(session, postgres);
          return { id: lockId };
        }
        if (row.id !== lockId) throw anotherLock(lockId, lockHolderOf(row), location);
        await forceUnlock(session, postgres, lockId);
        return row.info;
      }),
  };
}

/** The attempts to take the lock. They share one session while its connection lasts. */
class LockRequest {
  readonly #options: PostgresBackendOptions;
  readonly #info: LockInfo;
  #session: PostgresSession | undefined;

  constructor(options: PostgresBackendOptions, info: LockInfo) {
    this.#options = options;
    this.#info = info;
  }

  async attempt(signal: AbortSignal | undefined) {
    const { location, postgres, settleMs, clock } = this.#options;
    try {
      const session = await this.#connected();
      const before = momentOf(clock);
      const outcome = await takeLock(session, postgres, this.#info, settleMs, location);
      if (outcome !== 'acquired') return { refused: () => outcome };
      const time = new LeaseTime(clock, postgres.ttl_ms, before);
      return { acquired: { session, time, found: await load(session, postgres, location, signal) } };
    } catch (cause) {
      // The lock may be ours while the state cannot be read: without this it would last until its lease ends.
      if (!(cause instanceof ConnectionLost)) await this.#removeLock();
      await this.close();
      throw cause;
    }
  }

  async close(): Promise<void> {
    await this.#session?.close();
  }

  async #connected(): Promise<PostgresSession> {
    const { location, postgres, secrets } = this.#options;
    if (this.#session && !this.#session.lost) return this.#session;
    const session = await PostgresSession.open(postgres, location, secrets);
    this.#session = session;
    await refuseSharedSession(session, postgres, secrets);
    await migrate(session, postgres.schema);
    return session;
  }

  async #removeLock(): Promise<void> {
    const { schema, state } = this.#options.postgres;
    const sql = `delete from ${schema}.lock where state = $1 and id = $2`;
    await this.#session?.query(sql, [state, this.#info.id]).catch(() => undefined);
  }
}

/** Reads everything in one transaction. */
async function load(
  session: PostgresSession,
  { schema, state, answer_bytes_max }: PostgresLocation,
  location: string,
  stop?: AbortSignal,
): Promise<LoadedRows | undefined> {
  const rows = await session.transaction(async () => {
    const [head] = await session.query<{ head: string; serial: string }>(
      `select head::text, serial from ${schema}.state where name = $1`,
      [state],
    );
    if (!head) return undefined;
    const records = await session.query<{ record: string | null }>(
      `select distinct on (address) record::text from ${schema}.record where state = $1 order by address, serial desc`,
      [state],
    );
    const history = await session.query<{ entry: string }>(
      `select entry::text from ${schema}.history where state = $1 order by position`,
      [state],
    );
    return { head, records, history };
  }, 'isolation level repeatable read read only');
  if (!rows) return undefined;
  const head = rows.head.head ?? '';
  const records = rows.records.flatMap(({ record }) => record ?? []);
  const history = rows.history.map(({ entry }) => entry ?? '');
  const texts = [head, ...records, ...history];
  const length = texts.reduce((sum, text) => sum + text.length, 0);
  if (length > answer_bytes_max) throw tooLarge('the state', answer_bytes_max, location);
  const removed = rows.records.length - records.length;
  const size = texts.reduce((sum, text) => sum + rowBytes(text), removed * rowBytes(''));
  // The same text as in a file, so that the same codec bounds and checks it.
  const members = head.trim().replace(/^\{/, '');
  const bytes = Buffer.from(
    `{"serial":${Number(rows.head.serial)},\n"records":[${records.join(',\n')}],\n"history":[${history.join(',\n')}],\n${members}`,
  );
  return { snapshot: await runInterruptibly(decodeSnapshot(bytes, location), stop), size };
}

function serverUnreachable(location: string, cause: ConnectionLost) {
  return serverFailure(`PostgreSQL does not answer: ${cause.message}`, {
    location,
    remedy: 'check that this machine can reach the server; everything committed is safe',
    cause,
  });
}
