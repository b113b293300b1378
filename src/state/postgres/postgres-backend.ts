import { type Clock, momentOf } from '../../domain/clock.ts';
import { error } from '../../domain/diagnostic.ts';
import { Failure } from '../../domain/errors.ts';
import type { Secrets } from '../../domain/secrets.ts';
import type { Backend, LockInfo } from '../backend.ts';
import { decodeSnapshot, type Snapshot } from '../codec.ts';
import { StoredLease } from '../lease.ts';
import { LeaseTime } from '../lease-terms.ts';
import { ownLock, waitForLock } from '../lock.ts';
import { anotherLock, notLocked } from '../lock-failures.ts';
import { A_MINUTE, Again, patiently } from '../patience.ts';
import { PostgresHolding } from './holding.ts';
import type { PostgresLocation } from './location.ts';
import { freeRow, holderOf, takeLock, told } from './row-lock.ts';
import { migrate, schemaVersion } from './schema.ts';
import { ConnectionLost, refuseSharedSession, Session } from './session.ts';

/** A state in the rows of a PostgreSQL, which excludes others by itself: the lock belongs to a session. */
export interface PostgresBackendOptions {
  readonly location: string;
  readonly postgres: PostgresLocation;
  readonly settleMs: number;
  readonly clock: Clock;
  readonly newId: () => string;
  /** What the server may repeat and no message may hold. */
  readonly secrets?: Secrets;
}

export function postgresBackend({
  location,
  postgres,
  settleMs,
  clock,
  newId,
  secrets,
}: PostgresBackendOptions): Backend {
  const { schema } = postgres;
  const open = () =>
    patiently(clock, A_MINUTE, async () => {
      try {
        return await Session.open(postgres, location, secrets);
      } catch (cause) {
        throw cause instanceof ConnectionLost
          ? new Again('connect', { cause: unreachable(location, cause) })
          : cause;
      }
    });
  /** Something that may be done again when the connection is lost in between. */
  const briefly = <T>(work: (session: Session) => Promise<T>): Promise<T> =>
    patiently(clock, A_MINUTE, async () => {
      const session = await open();
      try {
        return await work(session);
      } catch (cause) {
        throw cause instanceof ConnectionLost
          ? new Again('ask', { cause: unreachable(location, cause) })
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
    read: async () => (await read())?.state,
    snapshot: read,

    async lock(actor, waitMs, signal) {
      const session = await open();
      try {
        await refuseSharedSession(session, postgres);
        await migrate(session, schema);
        const mine = ownLock(actor, clock, newId);
        const time = await waitForLock(clock, waitMs, signal, async () => {
          const before = momentOf(clock);
          const outcome = await takeLock(session, postgres, mine, settleMs, location);
          return outcome === 'mine'
            ? { mine: new LeaseTime(clock, postgres.ttl_ms, before) }
            : { refused: () => outcome };
        });
        const found = await load(session, postgres, location);
        const holding = new PostgresHolding({
          session,
          open,
          location,
          postgres,
          clock,
          lock: mine,
          time,
          found,
        });
        return new StoredLease({ holding, found, actor, clock, newId, location });
      } catch (cause) {
        await session.close();
        throw cause instanceof ConnectionLost ? unreachable(location, cause) : cause;
      }
    },

    holder: () =>
      briefly(async (session) => {
        if ((await schemaVersion(session, schema)) === undefined) return undefined;
        const row = await holderOf(session, postgres);
        return row && told(row);
      }),

    unlock: (id) =>
      briefly(async (session): Promise<LockInfo> => {
        const there = (await schemaVersion(session, schema)) !== undefined;
        const row = there ? await holderOf(session, postgres) : undefined;
        if (!row) throw notLocked(id, location);
        if (row.info.id !== id) throw anotherLock(id, told(row), location);
        await freeRow(session, postgres, id);
        return row.info;
      }),
  };
}

/** Everything as of one moment. */
async function load(
  session: Session,
  { schema, state }: PostgresLocation,
  place: string,
): Promise<Snapshot | undefined> {
  const rows = await session.transaction(async () => {
    const [head] = await session.query<{ head: object; serial: string }>(
      `select head, serial from ${schema}.state where name = $1`,
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
  // The same text as in a file, so that the same codec judges and migrates it.
  const head = JSON.stringify({ ...rows.head.head, serial: Number(rows.head.serial) }).slice(0, -1);
  const records = rows.records.flatMap(({ record }) => record ?? []).join(',\n');
  const history = rows.history.map(({ entry }) => entry).join(',\n');
  return decodeSnapshot(Buffer.from(`${head},\n"records":[${records}],\n"history":[${history}]}`), place);
}

function unreachable(place: string, cause: ConnectionLost): Failure {
  return new Failure(
    'state',
    error('state-server', `PostgreSQL does not answer: ${cause.message}`, {
      where: { file: place },
      remedy: 'the server must be reachable from here; nothing that was committed is lost',
    }),
    { cause },
  );
}
