import type { Socket } from 'node:net';
import type { Client } from 'pg';
import { Failure } from '../../domain/errors.ts';
import type { Secrets } from '../../domain/secrets.ts';
import { codeOf, explainNetworkError, isForGood, networkRemedy } from '../../network/network-errors.ts';
import { messageText, plainText } from '../../network/plain-text.ts';
import { tooLarge } from '../answer-limits.ts';
import type { PostgresLocation } from './postgres-location.ts';
import { MessageGate, ProtocolFault } from './postgres-messages.ts';

/** One connection to PostgreSQL. The client is loaded with the first. */
export class Session {
  readonly #client: Client;
  /** What the server may repeat and no message may hold. */
  readonly secrets: Secrets | undefined;
  readonly place: string;
  /** Why it cannot be used any more. */
  lost: Error | undefined;
  readonly #bytesMax: number;
  /** Since the last question: bytes, and what its rows cost beside them. */
  #received = 0;
  /** What the server sent is more, or another thing, than is read. */
  #refused: Failure | undefined;

  private constructor(client: Client, place: string, bytesMax: number, secrets: Secrets | undefined) {
    this.secrets = secrets;
    this.#client = client;
    this.#bytesMax = bytesMax;
    this.place = place;
    this.#guard(connectionOf(client));
    client.on('error', (cause) => this.#lose(cause));
    client.on('end', () => this.#lose(new Error('the connection was closed')));
  }

  /** Rejects with `ConnectionLost` when there is no server now, with a `Failure` when there is no way in. */
  static async open(
    { connection, answer_bytes_max }: PostgresLocation,
    place: string,
    secrets?: Secrets,
  ): Promise<Session> {
    const { Client } = await import('pg');
    const client = clientOf(Client, connection, place);
    secrets?.add(process.env.PGPASSWORD); // also where the server does not ask for it
    // Not an option of the constructor: there the URL, which has none, overrides it.
    Object.assign(client, {
      password: async () => {
        const password = process.env.PGPASSWORD || (await passwordOf(client));
        secrets?.add(password);
        return password;
      },
    });
    const session = new Session(client, place, answer_bytes_max, secrets);
    try {
      await client.connect();
    } catch (cause) {
      connectionOf(client).stream.destroy(); // a server that keeps it open would keep this process
      throw session.#refused ?? meaningOf(cause, place, secrets);
    }
    return session;
  }

  /** The rows, each value as text: a server says of which type it is, and could choose how it is parsed. Rejects with `ConnectionLost` when nobody knows whether it was done, else with a `Failure`. */
  async query<Row extends Values<Row>>(sql: string, values?: readonly unknown[]): Promise<Row[]> {
    if (this.lost) throw this.#refused ?? new ConnectionLost(this.lost, this.secrets);
    this.#received = 0;
    try {
      const { rows } = await this.#client.query(sql, values && [...values]);
      return rows as Row[];
    } catch (cause) {
      if (this.#refused) throw this.#refused;
      const meaning = meaningOf(cause, this.place, this.secrets);
      if (meaning instanceof ConnectionLost) this.#lose(meaning);
      throw meaning;
    }
  }

  async transaction<T>(work: () => Promise<T>, how = ''): Promise<T> {
    await this.query(`begin ${how}`);
    let result: T;
    try {
      result = await work();
    } catch (cause) {
      if (!this.lost) await this.query('rollback').catch(() => undefined); // what went wrong first matters
      throw cause;
    }
    await this.query('commit');
    return result;
  }

  /** As the server knows it. */
  async backendPid(): Promise<number> {
    const [row] = await this.query<{ pid: string }>('select pg_backend_pid() as pid');
    return Number(row?.pid ?? 0);
  }

  /** As the server told when the connection was made; something in between tells another one. */
  get toldPid(): number {
    return (this.#client as unknown as { readonly processID?: number }).processID ?? 0;
  }

  async close(): Promise<void> {
    this.lost ??= new Error('closed');
    // Its end is the server's to say.
    const unanswered = setTimeout(() => connectionOf(this.#client).stream.destroy(), CLOSE_TIMEOUT_MS);
    await this.#client.end().catch(() => undefined);
    clearTimeout(unanswered);
  }

  /**
   * Between the socket and the client, once more when TLS is spoken. The client keeps every row until an answer is
   * whole, however long it is; and what it throws while it reads, nobody would catch.
   */
  #guard(connection: Connection): void {
    const attach = connection.attachListeners.bind(connection);
    connection.attachListeners = (stream: Socket) => {
      const gate = new MessageGate();
      attach({
        on: (event, listener) =>
          stream.on(
            event,
            event === 'data' ? (piece: Buffer) => this.#receive(stream, gate, piece, listener) : listener,
          ),
      });
    };
  }

  #receive(stream: Socket, gate: MessageGate, piece: Buffer, read: (whole: Buffer) => void): void {
    if (this.#refused) return;
    try {
      this.#count(piece.length);
      const { whole, rows } = gate.take(piece);
      this.#count(rows * ROW_BYTES);
      if (whole) read(whole);
    } catch (cause) {
      this.#refused = cause instanceof Failure ? cause : unreadable(cause, this.place, this.secrets);
      stream.destroy();
    }
  }

  #count(bytes: number): void {
    this.#received += bytes;
    if (this.#received > this.#bytesMax)
      throw tooLarge('the answer of PostgreSQL', this.#bytesMax, this.place);
  }

  #lose(cause: Error): void {
    if (this.lost) return;
    this.lost = cause;
    // A query that timed out may still run there: only the end of its connection ends it.
    this.#client.end().catch(() => undefined);
  }
}

/** A boolean, as text. */
export const TRUE = 't';

/** Of a row, each value is its text. */
type Values<Row> = { readonly [Name in keyof Row]: string | null };

/** What the types of the client do not show. */
interface Connection {
  /** As it is now: another one once TLS is spoken. */
  readonly stream: Socket;
  /** Begins to read. */
  attachListeners(stream: Readable): void;
}

interface Readable {
  on(event: string, listener: (piece: Buffer) => void): unknown;
}

function connectionOf(client: Client): Connection {
  return (client as unknown as { readonly connection: Connection }).connection;
}

/** It reads the files that the URL names. */
function clientOf(Constructor: typeof Client, connectionString: string, place: string): Client {
  try {
    return new Constructor({
      connectionString,
      application_name: 'vbsctl',
      connectionTimeoutMillis: CONNECT_TIMEOUT_MS,
      query_timeout: QUERY_TIMEOUT_MS,
      keepAlive: true,
      types: { getTypeParser: () => String },
    });
  } catch (cause) {
    throw Failure.of(
      'usage',
      'state-url',
      `the URL of the state names what cannot be read: ${plainText(cause instanceof Error ? cause.message : String(cause))}`,
      {
        where: { file: place },
        remedy: 'correct sslrootcert, sslcert or sslkey in it',
      },
    );
  }
}

/** From ~/.pgpass or PGPASSFILE; empty when there is none, which the server refuses in its own words. */
async function passwordOf({ host, port, user, database }: Client): Promise<string> {
  const { default: pgpass } = await import('pgpass');
  return new Promise((resolve) => pgpass({ host, port, user, database }, (found) => resolve(found ?? '')));
}

const CONNECT_TIMEOUT_MS = 10_000;
const QUERY_TIMEOUT_MS = 30_000;
const CLOSE_TIMEOUT_MS = 2_000;
/** A row without a single value still is an object. */
const ROW_BYTES = 64;

/** The server is away, or has let go of the session. What was asked last may have been done or not. */
export class ConnectionLost extends Error {
  /** `secrets`: what the server may repeat. */
  constructor(cause: unknown, secrets?: Secrets) {
    const said = cause instanceof Error ? cause.message || String((cause as { code?: unknown }).code) : cause;
    super(messageText(String(said), secrets), { cause });
  }
}

/**
 * SQLSTATE (PostgreSQL, appendix A) 57P01–57P03, 57P05: shut down, crashed, starting, idle too long; class 08:
 * connection; 53300: too many connections. Without a SQLSTATE it never was an answer.
 */
const GONE = /^(08...|57P0[1235]|53300)$/;

function meaningOf(cause: unknown, place: string, secrets: Secrets | undefined): Error {
  const code = cause instanceof Error ? (cause as { code?: unknown }).code : undefined;
  const answered = typeof code === 'string' && /^[0-9A-Z]{5}$/.test(code) && 'severity' in (cause as object);
  const asked = cause instanceof Error && /password must be a|SASL/i.test(cause.message);
  const noTls = cause instanceof Error && /does not support SSL/i.test(cause.message);
  if (noTls || isForGood(codeOf(cause))) return untrusted(cause, place);
  if (!asked && (!answered || GONE.test(code))) return new ConnectionLost(cause, secrets);
  const text = messageText(cause instanceof Error ? cause.message : String(cause), secrets);
  const noWayIn = asked || /^28/.test(String(code));
  return Failure.of(
    'state',
    'state-server',
    `PostgreSQL refuses: ${text}${answered ? ` (${code})` : ''}`,
    {
      where: { file: place },
      remedy: noWayIn
        ? 'name the user in the URL, and its password in PGPASSWORD or ~/.pgpass'
        : 'see its message; everything committed is safe',
    },
    { cause },
  );
}

/** `cause`: a `ProtocolFault`, or what the client threw at something that has the form of the protocol. */
function unreadable(cause: unknown, place: string, secrets: Secrets | undefined): Failure {
  const fault = cause instanceof ProtocolFault ? cause : undefined;
  const said = messageText(cause instanceof Error ? cause.message : String(cause), secrets);
  return Failure.of(
    'state',
    'state-server',
    fault?.kind === 'login'
      ? `PostgreSQL ${said}`
      : `the server does not speak the PostgreSQL protocol: it ${fault ? said : `sent what cannot be read (${said})`}`,
    {
      where: { file: place },
      remedy:
        fault?.kind === 'login'
          ? 'allow this user scram-sha-256, md5 or cert in pg_hba.conf'
          : 'see what answers there: host and port in the URL must be those of a PostgreSQL server',
    },
    { cause },
  );
}

function untrusted(cause: unknown, place: string): Failure {
  const { message } = cause as Error;
  const code = codeOf(cause);
  return Failure.of(
    'state',
    'state-server',
    `no TLS connection to PostgreSQL: ${code === '' ? plainText(message) : explainNetworkError(code, message)}`,
    {
      where: { file: place },
      remedy:
        networkRemedy(code, 'add sslrootcert=FILE to the URL') ??
        'correct the host name or sslmode in the URL, or the certificate of the server',
    },
    { cause },
  );
}

/**
 * A lock belongs to a session. A proxy that gives every transaction another one (PgBouncer in transaction mode, and
 * its kin) would hand ours to somebody else. It betrays itself: the session is given away while it idles.
 */
export async function refuseSharedSession(
  session: Session,
  location: PostgresLocation,
  secrets?: Secrets,
): Promise<void> {
  const before = await session.backendPid();
  if (before === session.toldPid) return; // nothing in between
  const other = await Session.open(location, session.place, secrets);
  try {
    const [theirs, after] = await other.transaction(async () => [
      await other.backendPid(),
      await session.backendPid(),
    ]);
    if (theirs !== before && after === before) return;
  } finally {
    await other.close();
  }
  throw Failure.of(
    'state',
    'state-pooled',
    'the connection to PostgreSQL goes through a pool that shares sessions',
    {
      where: { file: session.place },
      detail: 'Its lock would be given away between two transactions.',
      remedy: 'name the server itself, or a pool in session mode (pool_mode = session)',
    },
  );
}
