// Own code before the parser of `pg`, which trusts every length and every terminator: a string without an end is read for
// ever, and a message that is too short throws an error that nothing catches.

/** What a server sent that cannot be used. `message` completes “the server …”. */
export class ProtocolFault extends Error {
  /** `login`: the message is valid, but asks for a login method that the client does not have. */
  readonly kind: 'malformed' | 'login';

  constructor(kind: ProtocolFault['kind'], message: string) {
    super(message);
    this.kind = kind;
  }
}

const HEADER_LENGTH = 5;

/**
 * Accepts what a server sends, in pieces of any length, and returns complete messages whose form is valid (PostgreSQL,
 * “Frontend/Backend Protocol”, “Message Formats”).
 */
export class MessageChecker {
  /** The beginning of a message that is not complete yet. */
  #pieces: Buffer[] = [];
  #length = 0;
  /** Bytes that are needed before the next check. */
  #needed = HEADER_LENGTH;

  /**
   * `whole`: complete messages, one after the other; undefined if none is complete yet. `rows`: how many of them are rows.
   * Throws `ProtocolFault`; the checker cannot be used after that.
   */
  push(piece: Buffer): { readonly whole: Buffer | undefined; readonly rows: number } {
    this.#pieces.push(piece);
    this.#length += piece.length;
    if (this.#length < this.#needed) return { whole: undefined, rows: 0 };
    const bytes = this.#pieces.length === 1 ? piece : Buffer.concat(this.#pieces);
    let at = 0;
    let rows = 0;
    this.#needed = HEADER_LENGTH;
    while (bytes.length - at >= HEADER_LENGTH) {
      const type = String.fromCharCode(bytes[at] ?? 0);
      const length = 1 + lengthOf(type, bytes.readUInt32BE(at + 1));
      if (bytes.length - at < length) {
        this.#needed = length;
        break;
      }
      const body = new Body(bytes, at + HEADER_LENGTH, at + length);
      FORMS[type]?.(body);
      body.assertEnd();
      if (type === 'D') rows++;
      at += length;
    }
    const rest = bytes.subarray(at);
    this.#pieces = rest.length > 0 ? [rest] : [];
    this.#length = rest.length;
    return { whole: at > 0 ? bytes.subarray(0, at) : undefined, rows };
  }
}

/** As in libpq (fe-protocol3.c): only these may be long. */
const LONG_TYPES = 'TDENA';
const SHORT_LENGTH_MAX = 30_000;

function lengthOf(type: string, length: number): number {
  if (!FORMS[type])
    throw malformed(`sent a message of type 0x${type.charCodeAt(0).toString(16)}, which was not asked for`);
  if (length < 4 || (length > SHORT_LENGTH_MAX && !LONG_TYPES.includes(type)))
    throw malformed(`sent a message of type ${type} with a length of ${length}`);
  return length;
}

/** No query of vbsctl returns as many. */
const COLUMNS_MAX = 32;

const FORMS: Readonly<Record<string, ((body: Body) => void) | undefined>> = {
  R: authentication,
  K: (body) => body.skip(8),
  S: pair,
  Z: (body) => body.skip(1),
  E: fieldsOf,
  N: fieldsOf,
  C: (body) => body.text(),
  T: (body) => {
    for (let left = columns(body); left > 0; left--) {
      body.text();
      body.skip(18);
    }
  },
  D: (body) => {
    for (let left = columns(body); left > 0; left--) {
      const length = body.int32();
      if (length !== -1) body.skip(length);
    }
  },
  t: (body) => body.skip(4 * body.int16()),
  A: (body) => {
    body.skip(4);
    pair(body);
  },
  // messages without content: done, closed, no rows
  ...Object.fromEntries(['1', '2', '3', 'n', 's', 'I'].map((type) => [type, () => {}])),
};

function columns(body: Body): number {
  const count = body.int16();
  if (count < 0 || count > COLUMNS_MAX) throw malformed(`sent a row of ${count} columns`);
  return count;
}

function pair(body: Body): void {
  body.text();
  body.text();
}

/** The fields of an error or a notice: a letter and a text each, and a zero after the last. */
function fieldsOf(body: Body): void {
  while (body.byte() !== 0) body.text();
}

function authentication(body: Body): void {
  const how = body.int32();
  switch (how) {
    case 0: // done
    case 3: // a password in clear text
      return;
    case 5: // MD5, with a salt
      body.skip(4);
      return;
    case 10: // SASL: names, and an empty one after the last
      while (!body.isAtZero()) body.text();
      body.skip(1);
      return;
    case 11: // SASL goes on
    case 12: // SASL is done
      body.skipRest();
      return;
    default:
      throw new ProtocolFault(
        'login',
        `asks for a login method that vbsctl does not support (number ${how})`,
      );
  }
}

/** The bytes of one message. Each method throws `ProtocolFault` instead of reading beyond its end. */
class Body {
  readonly #bytes: Buffer;
  #at: number;
  readonly #end: number;

  constructor(bytes: Buffer, start: number, end: number) {
    this.#bytes = bytes;
    this.#at = start;
    this.#end = end;
  }

  skip(length: number): void {
    if (length < 0 || length > this.#end - this.#at) throw cut();
    this.#at += length;
  }

  skipRest(): void {
    this.#at = this.#end;
  }

  byte(): number {
    this.skip(1);
    return this.#bytes[this.#at - 1] ?? 0;
  }

  int16(): number {
    this.skip(2);
    return this.#bytes.readInt16BE(this.#at - 2);
  }

  int32(): number {
    this.skip(4);
    return this.#bytes.readInt32BE(this.#at - 4);
  }

  /** Reads a text with its final zero. */
  text(): void {
    const zero = this.#bytes.indexOf(0, this.#at);
    if (zero < 0 || zero >= this.#end) throw cut();
    this.#at = zero + 1;
  }

  isAtZero(): boolean {
    if (this.#at >= this.#end) throw cut();
    return this.#bytes[this.#at] === 0;
  }

  assertEnd(): void {
    if (this.#at !== this.#end) throw malformed('sent a message with more in it than belongs there');
  }
}

function cut(): ProtocolFault {
  return malformed('sent a message that ends too early');
}

function malformed(message: string): ProtocolFault {
  return new ProtocolFault('malformed', message);
}
