import type { Socket } from 'node:net';
import type { Client } from 'pg';
import type { Clock } from '../../domain/clock.ts';
import { Failure } from '../../domain/errors.ts';
import type { Secrets } from '../../domain/secrets.ts';
import type { TlsSettings } from '../../network/connections.ts';
import { messageText, printableText } from '../../network/message-text.ts';
import {
  codeOf,
  explainNetworkError,
  isPermanentNetworkError,
  networkRemedy,
} from '../../network/network-errors.ts';
import { RetryableError } from '../../network/retry.ts';
import { waitForSlowNetworks } from '../../network/slow-networks.ts';
import { unusablePem } from '../../network/unusable-pem.ts';
import { tooLarge } from '../answer-limits.ts';
import { ONE_MINUTE, withRetry } from '../remote-retry.ts';
import { serverFailure } from '../server-failures.ts';
import type { PostgresLocation } from './postgres-location.ts';
import { MessageChecker, ProtocolFault } from './postgres-messages.ts';

/** One connection to PostgreSQL. The client library is loaded with the first one. */
export class PostgresSession {
  readonly #client: Client;
  /** Removed from everything that the server sends. */
  readonly secrets: Secrets | undefined;
  readonly location: string;
  /** Why this session cannot be used any more. */
  lost: Error | undefined;
  readonly #bytesMax: number;
  /** Bytes since the last query, with an allowance for each row. */
  #received = 0;
  /** The server sent too much, or something that is not the protocol. */
  #refused: Failure | undefined;

  private constructor(client: Client, location: string, bytesMax: number, secrets: Secrets | undefined) {
    this.secrets = secrets;
    this.#client = client;
    this.#bytesMax = bytesMax;
    this.location = location;
    this.#checkReceived(connectionOf(client));
    client.on('error', (cause) => this.#lose(cause));
    client.on('end', () => this.#lose(new Error('the connection was closed')));
  }

  /** Rejects with `ConnectionLost` if the server cannot be reached now, and with a `Failure` if it refuses the login. */
  static async open(
    { connection, answer_bytes_max }: PostgresLocation,
    location: string,
    secrets?: Secrets,
  ): Promise<PostgresSession> {
    const { Client } = await import('pg');
    const client = clientOf(Client, connection, location);
    secrets?.add(process.env.PGPASSWORD); // even if the server does not ask for it
    // As an option of the constructor it would be overridden by the URL, which has no password.
    Object.assign(client, {
      password: async () => {
        const password = process.env.PGPASSWORD || (await passwordOf(client));
        secrets?.add(password);
        return password;
      },
    });
    const session = new PostgresSession(client, location, answer_bytes_max, secrets);
    try {
      await client.connect();
    } catch (cause) {
      connectionOf(client).stream.destroy(); // a server that keeps it open would keep this process running
      throw session.#refused ?? classifyError(cause, location, secrets);
    }
    return session;
  }

  /**
   * Returns the rows with each value as text, because the server names the types and could choose how they are parsed.
   * Rejects with `ConnectionLost` if it is not known whether the query was executed, else with a `Failure`.
   */
  async query<Row extends Values<Row>>(sql: string, values?: readonly unknown[]): Promise<Row[]> {
    if (this.lost) throw this.#refused ?? new ConnectionLost(this.lost, this.secrets);
    this.#received = 0;
    try {
      const { rows } = await this.#client.query(sql, values && [...values]);
      return rows as Row[];
    } catch (cause) {
      if (this.#refused) throw this.#refused;
      const error = classifyError(cause, this.location, this.secrets);
      if (error instanceof ConnectionLost) this.#lose(error);
      throw error;
    }
  }

  async transaction<T>(work: () => Promise<T>, mode = ''): Promise<T> {
    await this.query(`begin ${mode}`);
    let result: T;
    try {
      result = await work();
    } catch (cause) {
      if (!this.lost) await this.query('rollback').catch(() => undefined); // the first error matters
      throw cause;
    }
    await this.query('commit');
    return result;
  }

  /** The process id of this session, as a query returns it. */
  async backendPid(): Promise<number> {
    const [row] = await this.query<{ pid: string }>('select pg_backend_pid() as pid');
    return Number(row?.pid ?? 0);
  }

  /** The session on the server, and the number of its present transaction. A session numbers its transactions one by one. */
  async transactionId(): Promise<{ readonly session: string; readonly number: number }> {
    const [row] = await this.query<{ pid: string; id: string }>(
      `select pid, virtualtransaction as id from pg_locks where locktype = 'virtualxid' and pid = pg_backend_pid()`,
    );
    return { session: row?.pid ?? '', number: Number(row?.id.split('/')[1]) };
  }

  /** The process id that was announced when the connection was made. A proxy announces another one. */
  get announcedPid(): number {
    return (this.#client as unknown as { readonly processID?: number }).processID ?? 0;
  }

  async close(): Promise<void> {
    this.lost ??= new Error('closed');
    // The client waits until the server closes the connection.
    const unanswered = setTimeout(() => connectionOf(this.#client).stream.destroy(), CLOSE_TIMEOUT_MS);
    await this.#client.end().catch(() => undefined);
    clearTimeout(unanswered);
  }

  /**
   * Checks what the socket receives before the client reads it, and again after the change to TLS. The client keeps every
   * row until the answer is complete, however long it is, and nothing could catch what it throws while it reads.
   */
  #checkReceived(connection: PostgresConnection): void {
    const attach = connection.attachListeners.bind(connection);
    connection.attachListeners = (stream: Socket) => {
      const checker = new MessageChecker();
      attach({
        on: (event, listener) =>
          stream.on(
            event,
            event === 'data' ? (piece: Buffer) => this.#receive(stream, checker, piece, listener) : listener,
          ),
      });
    };
  }

  #receive(stream: Socket, checker: MessageChecker, piece: Buffer, read: (whole: Buffer) => void): void {
    if (this.#refused) return;
    try {
      this.#count(piece.length);
      const { whole, rows } = checker.push(piece);
      this.#count(rows * ROW_BYTES);
      if (whole) read(whole);
    } catch (cause) {
      this.#refused = cause instanceof Failure ? cause : unreadable(cause, this.location, this.secrets);
      stream.destroy();
    }
  }

  #count(bytes: number): void {
    this.#received += bytes;
    if (this.#received > this.#bytesMax)
      throw tooLarge('the answer of PostgreSQL', this.#bytesMax, this.location);
  }

  #lose(cause: Error): void {
    if (this.lost) return;
    this.lost = cause;
    // A query that timed out may still run on the server: only the end of its connection ends it.
    this.#client.end().catch(() => undefined);
  }
}

/** The boolean value true, as text. */
export const TRUE = 't';

/** Each value of a row is text. */
type Values<Row> = { readonly [Name in keyof Row]: string | null };

/** Members of the client that its types do not declare. */
interface PostgresConnection {
  /** The current socket; the change to TLS replaces it. */
  readonly stream: Socket;
  /** Starts to read from the socket. */
  attachListeners(stream: DataSource): void;
}

interface DataSource {
  on(event: string, listener: (piece: Buffer) => void): unknown;
}

function connectionOf(client: Client): PostgresConnection {
  return (client as unknown as { readonly connection: PostgresConnection }).connection;
}

/** The constructor of the client reads the certificate files that the URL names. */
function clientOf(Constructor: typeof Client, connectionString: string, location: string): Client {
  waitForSlowNetworks();
  const client = construct(Constructor, connectionString, location);
  const { ssl } = client as unknown as { readonly ssl: boolean | TlsSettings | undefined };
  const unusable = typeof ssl === 'object' ? unusablePem(ssl) : undefined;
  if (unusable)
    throw Failure.of('usage', 'state-url', `the file of ${URL_PARAMETERS[unusable.part]} ${unusable.why}`, {
      where: { file: location },
      remedy: `correct ${URL_PARAMETERS[unusable.part]} in the URL of the state`,
    });
  return client;
}

const URL_PARAMETERS = { ca: 'sslrootcert', cert: 'sslcert', key: 'sslkey' } as const;

function construct(Constructor: typeof Client, connectionString: string, location: string): Client {
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
    const reason = printableText(cause instanceof Error ? cause.message : String(cause));
    throw Failure.of(
      'usage',
      'state-url',
      `the URL of the state names a file that cannot be read: ${reason}`,
      {
        where: { file: location },
        remedy: 'correct sslrootcert, sslcert or sslkey in it',
      },
    );
  }
}

/** The password from ~/.pgpass or PGPASSFILE; empty if there is none, which the server then refuses. */
async function passwordOf({ host, port, user, database }: Client): Promise<string> {
  const { default: pgpass } = await import('pgpass');
  return new Promise((resolve) => pgpass({ host, port, user, database }, (found) => resolve(found ?? '')));
}

const CONNECT_TIMEOUT_MS = 10_000;
const QUERY_TIMEOUT_MS = 30_000;
const CLOSE_TIMEOUT_MS = 2_000;
/** The memory of a row without values: an object. */
const ROW_BYTES = 64;
/** Type, length and number of values of its message, and the length of one value. */
const ROW_HEADER_BYTES = 11;

/** What a row of one text counts when it is read. */
export function rowBytes(text: string): number {
  return ROW_BYTES + ROW_HEADER_BYTES + Buffer.byteLength(text);
}

/** The server is away or has ended the session. The last query may have been executed or not. */
export class ConnectionLost extends Error {
  constructor(cause: unknown, secrets?: Secrets) {
    const message =
      cause instanceof Error ? cause.message || String((cause as { code?: unknown }).code) : cause;
    super(messageText(String(message), secrets), { cause });
  }
}

/** Repeats `work` for about a minute while the connection is lost; then fails with `failureOf`. */
export function retryConnection<T>(
  clock: Clock,
  work: () => Promise<T>,
  failureOf: (cause: ConnectionLost) => Failure,
  signal?: AbortSignal,
): Promise<T> {
  const attempt = async () => {
    try {
      return await work();
    } catch (cause) {
      if (!(cause instanceof ConnectionLost)) throw cause;
      throw new RetryableError(cause.message, { cause: failureOf(cause) });
    }
  };
  return withRetry(clock, ONE_MINUTE, attempt, signal);
}

/**
 * SQLSTATE (PostgreSQL, appendix A) 57P01–57P03, 57P05: shut down, crashed, starting, idle too long; class 08:
 * connection; 53300: too many connections. An error without a SQLSTATE is no answer of the server.
 */
const CONNECTION_LOST = /^(08...|57P0[1235]|53300)$/;

function classifyError(cause: unknown, location: string, secrets: Secrets | undefined): Error {
  const error = cause instanceof Error ? (cause as Error & { code?: unknown }) : undefined;
  const code = error?.code;
  const answered = typeof code === 'string' && /^[0-9A-Z]{5}$/.test(code) && 'severity' in (cause as object);
  const needsPassword = error !== undefined && /password must be a|SASL/i.test(error.message);
  const noTls = error !== undefined && /does not support SSL/i.test(error.message);
  if (noTls || isPermanentNetworkError(codeOf(cause))) return noTlsConnection(cause, location, secrets);
  if (!needsPassword && (!answered || CONNECTION_LOST.test(code))) return new ConnectionLost(cause, secrets);
  // The client's own words: SASL: SCRAM-SERVER-FIRST-MESSAGE: client password must be a string
  const text = needsPassword
    ? 'it asks for a password, and none is set, or it is wrong'
    : messageText(error?.message ?? String(cause), secrets);
  return serverFailure(`PostgreSQL refuses: ${text}${answered ? ` (${code})` : ''}`, {
    location,
    remedy:
      needsPassword || /^28/.test(String(code))
        ? 'name the user in the URL, and its password in PGPASSWORD or ~/.pgpass'
        : 'see the message of the server; everything committed is safe',
    cause,
  });
}

/** `cause`: a `ProtocolFault`, or an error of the client about a message that has the form of the protocol. */
function unreadable(cause: unknown, location: string, secrets: Secrets | undefined): Failure {
  const fault = cause instanceof ProtocolFault ? cause : undefined;
  const message = messageText(cause instanceof Error ? cause.message : String(cause), secrets);
  if (fault?.kind === 'login')
    return serverFailure(`PostgreSQL ${message}`, {
      location,
      remedy: 'allow this user scram-sha-256, md5 or cert in pg_hba.conf',
      cause,
    });
  const what = fault ? message : `sent a message that cannot be read (${message})`;
  return serverFailure(`the server does not speak the PostgreSQL protocol: it ${what}`, {
    location,
    remedy: 'check what answers there: host and port in the URL must be those of a PostgreSQL server',
    cause,
  });
}

function noTlsConnection(cause: unknown, location: string, secrets: Secrets | undefined): Failure {
  const { message } = cause as Error;
  const code = codeOf(cause);
  const reason = messageText(code === '' ? message : explainNetworkError(code, message), secrets);
  return serverFailure(`no TLS connection to PostgreSQL: ${reason}`, {
    location,
    remedy:
      networkRemedy(code, 'add sslrootcert=FILE to the URL') ??
      'correct the host name or sslmode in the URL, or the certificate of the server',
    cause,
  });
}

/** A session that nobody else uses: its transactions are ours, one after the other. */
async function isOurs(session: PostgresSession, other: PostgresSession): Promise<boolean> {
  let last = await session.transactionId();
  for (let test = 0; test < POOL_TESTS; test++) {
    const [others, next] = await other.transaction(async () => [
      await other.transactionId(),
      await session.transactionId(),
    ]);
    if (next.session !== last.session || next.number !== last.number + 1 || others.session === next.session)
      return false;
    last = next;
  }
  return true;
}

/** How often the test of a proxy is repeated: a busy pool may return the same session once by chance. */
const POOL_TESTS = 8;

/**
 * A lock belongs to a session. A proxy that uses another session for each transaction (PgBouncer in transaction mode and
 * similar ones) would give ours to another client. It shows in this test: the session changes while it is idle, or its
 * counter of transactions shows that somebody else used it.
 */
export async function refuseSharedSession(
  session: PostgresSession,
  postgres: PostgresLocation,
  secrets?: Secrets,
): Promise<void> {
  if ((await session.backendPid()) === session.announcedPid) return; // no proxy
  let other: PostgresSession | undefined;
  try {
    other = await PostgresSession.open(postgres, session.location, secrets);
    if (await isOurs(session, other)) return;
  } catch (cause) {
    // A pool of one session keeps the second one waiting; one in statement mode refuses transactions.
    if (!/read timeout|timeout exceeded|pooling mode/i.test(String(cause))) throw cause;
  } finally {
    await other?.close();
  }
  throw Failure.of(
    'state',
    'state-pooled',
    'the connection to PostgreSQL goes through a pool that shares sessions',
    {
      where: { file: session.location },
      detail: 'Another client would get the lock between two transactions.',
      remedy: 'name the server itself, or a pool in session mode (pool_mode = session)',
    },
  );
}
