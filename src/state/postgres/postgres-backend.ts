import { type Clock, momentOf } from '../../domain/clock.ts';
import type { Diagnostic } from '../../domain/diagnostic.ts';
import { Failure } from '../../domain/errors.ts';
import type { LockHolder } from '../../domain/lock-holder.ts';
import { stoppably } from '../../domain/long-work.ts';
import type { Secrets } from '../../domain/secrets.ts';
import { RetryableError } from '../../network/retry.ts';
import { tooLarge } from '../answer-limits.ts';
import type { Backend } from '../backend.ts';
import { decodeSnapshot, type Snapshot } from '../codec.ts';
import { StoredLease } from '../lease.ts';
import { LeaseTime } from '../lease-terms.ts';
import { ownLock, waitForLock } from '../lock.ts';
import { anotherLock, notLocked } from '../lock-failures.ts';
import { A_MINUTE, withRetry } from '../retry.ts';
import { LockedRows } from './locked-rows.ts';
import type { PostgresLocation } from './postgres-location.ts';
import { ConnectionLost, refuseSharedSession, Session } from './postgres-session.ts';
import { freeRow, holderOf, takeLock, told } from './row-lock.ts';
import { migrate, schemaVersion } from './schema.ts';

/** A state in the rows of a PostgreSQL, which excludes others by itself: the lock belongs to a session. */
export interface PostgresBackendOptions {
  readonly location: string;
  readonly id?: string;
  readonly postgres: PostgresLocation;
  readonly settleMs: number;
  readonly clock: Clock;
  readonly newId: () => string;
  /** What the server may repeat and no message may hold. */
  readonly secrets?: Secrets;
  /** Told why a renewal of the lock failed. */
  readonly onNote?: ((note: Diagnostic) => void) | undefined;
}

export function postgresBackend({
  location,
  id = location,
  postgres,
  settleMs,
  clock,
  newId,
  secrets,
  onNote,
}: PostgresBackendOptions): Backend {
  const { schema } = postgres;
  const open = () =>
    withRetry(clock, A_MINUTE, async () => {
      try {
        return await Session.open(postgres, location, secrets);
      } catch (cause) {
        throw cause instanceof ConnectionLost
          ? new RetryableError('connect', { cause: unreachable(location, cause) })
          : cause;
      }
    });
  /** Something that may be done again when the connection is lost in between. */
  const briefly = <T>(work: (session: Session) => Promise<T>): Promise<T> =>
    withRetry(clock, A_MINUTE, async () => {
      const session = await open();
      try {
        return await work(session);
      } catch (cause) {
        throw cause instanceof ConnectionLost
          ? new RetryableError('ask', { cause: unreachable(location, cause) })
          : cause;
      } finally {
        await session.close();
      }
    });
  const read = () =>
    briefly(async (session) =>
      (await schemaVersion(session, schema)) === undefined ? undefined : load(session, postgres, location),
    );

  return {
    location,
    id,
    read: async () => (await read())?.state,
    snapshot: read,

    async lock(actor, waitMs, signal) {
      const mine = ownLock(actor, clock, newId);
      let session: Session | undefined;
      const connected = async (): Promise<Session> => {
        if (session && !session.lost) return session;
        session = await Session.open(postgres, location, secrets);
        await refuseSharedSession(session, postgres, secrets);
        await migrate(session, schema);
        return session;
      };
      /** A queue may be long: each loss of the connection is met by a new one, and the lock is asked for again. */
      const attempt = async () => {
        try {
          const own = await connected();
          const before = momentOf(clock);
          const outcome = await takeLock(own, postgres, mine, settleMs, location);
          if (outcome !== 'mine') return { refused: () => outcome };
          const time = new LeaseTime(clock, postgres.ttl_ms, before);
          return { mine: { session: own, time, found: await load(own, postgres, location, signal) } };
        } catch (cause) {
          // The lock may be ours, and what it guards cannot be used: it must not stand until its lease is over.
          if (!(cause instanceof ConnectionLost))
            await session
              ?.query(`delete from ${schema}.lock where state = $1 and id = $2`, [postgres.state, mine.id])
              .catch(() => undefined);
          await session?.close();
          if (!(cause instanceof ConnectionLost)) throw cause;
          throw new RetryableError('lock', { cause: unreachable(location, cause) });
        }
      };
      const won = await waitForLock(clock, waitMs, signal, () =>
        withRetry(clock, A_MINUTE, attempt, signal),
      ).catch(async (cause: unknown) => {
        await session?.close();
        throw cause;
      });
      const locked = new LockedRows({ ...won, open, location, postgres, clock, lock: mine, onNote });
      return new StoredLease({ store: locked, found: won.found, actor, clock, newId, location });
    },

    holder: () =>
      briefly(async (session) => {
        if ((await schemaVersion(session, schema)) === undefined) return undefined;
        const row = await holderOf(session, postgres);
        return row && told(row);
      }),

    unlock: (id) =>
      briefly(async (session): Promise<LockHolder> => {
        const there = (await schemaVersion(session, schema)) !== undefined;
        const row = there ? await holderOf(session, postgres) : undefined;
        if (!row) throw notLocked(id, location);
        if (row.id !== id) throw anotherLock(id, told(row), location);
        await freeRow(session, postgres, id);
        return row.info;
      }),
  };
}

/** Everything as of one moment. */
async function load(
  session: Session,
  { schema, state, answer_bytes_max }: PostgresLocation,
  place: string,
  stop?: AbortSignal,
): Promise<Snapshot | undefined> {
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
  const length = [head, ...records, ...history].reduce((sum, text) => sum + text.length, 0);
  if (length > answer_bytes_max) throw tooLarge('the state', answer_bytes_max, place);
  // The same text as in a file, so that the same codec bounds, judges and migrates it.
  const members = head.trim().replace(/^\{/, '');
  const bytes = Buffer.from(
    `{"serial":${Number(rows.head.serial)},\n"records":[${records.join(',\n')}],\n"history":[${history.join(',\n')}],\n${members}`,
  );
  return await stoppably(decodeSnapshot(bytes, place), stop);
}

function unreachable(place: string, cause: ConnectionLost): Failure {
  return Failure.of(
    'state',
    'state-server',
    `PostgreSQL does not answer: ${cause.message}`,
    {
      where: { file: place },
      remedy: 'check that this machine can reach the server; everything committed is safe',
    },
    { cause },
  );
}
