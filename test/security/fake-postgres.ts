import net, { type AddressInfo } from 'node:net';

/** A PostgreSQL server that answers what a test wants, message by message. */

/** `body` in Latin 1. */
export function message(type: string, body: Buffer | string = ''): Buffer {
  const bytes = typeof body === 'string' ? Buffer.from(body, 'latin1') : body;
  const head = Buffer.alloc(5);
  head.write(type, 0, 'latin1');
  head.writeInt32BE(bytes.length + 4, 1);
  return Buffer.concat([head, bytes]);
}

export function int16(value: number): Buffer {
  const bytes = Buffer.alloc(2);
  bytes.writeInt16BE(value);
  return bytes;
}

export function int32(value: number): Buffer {
  const bytes = Buffer.alloc(4);
  bytes.writeInt32BE(value);
  return bytes;
}

const PID = 4242;
export const READY = message('Z', 'I');
const LOGGED_IN = Buffer.concat([
  message('R', int32(0)),
  message('K', Buffer.concat([int32(PID), int32(1)])),
  READY,
]);

export const JSON_TYPE = 114;
const TEXT_TYPE = 25;

/** `type`: what the server says that each value is. */
export function rows(
  names: readonly string[],
  values: readonly (readonly (string | null)[])[],
  type = TEXT_TYPE,
): Buffer {
  const columns = names.map((name) =>
    Buffer.concat([
      Buffer.from(`${name}\0`),
      int32(0),
      int16(0),
      int32(type),
      int16(-1),
      int32(-1),
      int16(0),
    ]),
  );
  const data = values.map((row) =>
    message(
      'D',
      Buffer.concat([
        int16(row.length),
        ...row.map((value) =>
          value === null ? int32(-1) : Buffer.concat([int32(Buffer.byteLength(value)), Buffer.from(value)]),
        ),
      ]),
    ),
  );
  return Buffer.concat([message('T', Buffer.concat([int16(names.length), ...columns])), ...data, DONE]);
}

export const DONE = message('C', 'SELECT 1\0');

export interface FakePostgres {
  /** In place of the login. */
  readonly login?: Buffer;
  /** To a statement; undefined: as a server with empty tables of vbsctl. */
  readonly answer?: (sql: string) => Buffer | undefined;
  /** Of each answer; default: all at once. */
  readonly pieces?: number;
  /** It does not close what the client has ended. */
  readonly staysOpen?: boolean;
}

function usual(sql: string): Buffer {
  if (sql.includes('pg_backend_pid() as pid')) return rows(['pid'], [[String(PID)]]);
  if (sql.includes('to_regclass')) return rows(['there'], [['t']]);
  if (sql.includes('select version')) return rows(['version'], [['1']]);
  if (sql.includes('pg_try_advisory_lock')) return rows(['taken'], [['f']]);
  if (/^\s*(begin|commit|rollback|delete|insert)/i.test(sql)) return message('C', 'OK\0');
  return rows(['x'], []);
}

/** On loopback; `closing` ends it. */
export async function fakePostgres(
  { login = LOGGED_IN, answer, pieces, staysOpen = false }: FakePostgres,
  closing: (() => void)[],
): Promise<string> {
  const server = net.createServer({ allowHalfOpen: staysOpen }, (socket) => {
    let received = Buffer.alloc(0);
    let isStarted = false;
    let sql = '';
    closing.push(() => socket.destroy());
    const say = (bytes: Buffer) => {
      const size = pieces ?? bytes.length;
      for (let at = 0; at < bytes.length; at += size) socket.write(bytes.subarray(at, at + size));
    };
    const answered = () => answer?.(sql) ?? usual(sql);
    socket.setNoDelay(true);
    socket.on('error', () => {});
    socket.on('data', (piece) => {
      received = Buffer.concat([received, piece]);
      for (;;) {
        const head = isStarted ? 1 : 0;
        if (received.length < head + 4) return;
        const end = head + received.readInt32BE(head);
        if (received.length < end) return;
        const type = isStarted ? received.toString('latin1', 0, 1) : '';
        const body = received.subarray(head + 4, end);
        received = received.subarray(end);
        if (!isStarted) {
          isStarted = true;
          say(login);
        } else if (type === 'Q') {
          sql = body.toString('utf8', 0, body.length - 1);
          say(Buffer.concat([answered(), READY]));
        } else if (type === 'P') {
          const start = body.indexOf(0) + 1;
          sql = body.toString('utf8', start, body.indexOf(0, start));
          say(message('1'));
        } else if (type === 'B') say(message('2'));
        else if (type === 'E') say(answered());
        else if (type === 'S') say(READY);
        else if (type === 'X' && !staysOpen) socket.end();
      }
    });
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  closing.push(() => server.close());
  return `postgres://u@127.0.0.1:${(server.address() as AddressInfo).port}/db`;
}
