// Own code: a library that builds a tree, or a text for each token (jsonc-parser: 32 bytes for a space), runs out of memory on a hostile text of 200 MB.
import type { ChunkedWork } from './chunked-work.ts';

/**
 * Limits a JSON text from outside before any of it is parsed: how deep and how large a value is, where it ends, and where
 * the members of an object and the items of a list are. Linear, and without memory for each value. Brackets are only
 * counted; `JSON.parse` then validates each bounded value.
 */

/** Offsets in the text: of the first character of a value, and of the one after its last. */
export interface TextRange {
  readonly start: number;
  readonly end: number;
}

/** Limits of one value. */
export interface JsonBounds {
  /** Nested objects and lists. */
  readonly depth: number;
  /** Objects, lists, and values separated by commas. */
  readonly values: number;
}

/** The text is not valid JSON, or exceeds the bounds. `message` completes “the state …”. */
export class JsonFault extends Error {
  override readonly name = 'JsonFault';
  readonly kind: 'invalid' | 'too_much';
  /** Offset of the first character that is invalid or exceeds a bound. */
  readonly at: number;

  constructor(kind: JsonFault['kind'], message: string, at: number) {
    super(message);
    this.kind = kind;
    this.at = at;
  }
}

export function invalidJson(at: number): JsonFault {
  return new JsonFault('invalid', 'is not valid JSON', at);
}

function tooMany({ values }: JsonBounds, at: number): JsonFault {
  return new JsonFault('too_much', `has more than ${values} values in one list or entry`, at);
}

const [QUOTE, BACKSLASH, COMMA, COLON] = [0x22, 0x5c, 0x2c, 0x3a];
const [OPEN_LIST, CLOSE_LIST, OPEN_OBJECT, CLOSE_OBJECT] = [0x5b, 0x5d, 0x7b, 0x7d];

/**
 * The offset after the value that begins at `start`: where its first bracket is closed, by any kind of bracket.
 *
 * @throws JsonFault if it has no end, or exceeds the bounds
 */
export function endOfValue(text: string, start: number, bounds: JsonBounds): number {
  let depth = 0;
  let values = 0;
  for (let at = start; at < text.length; at++)
    switch (text.charCodeAt(at)) {
      case QUOTE:
        at = endOfString(text, at) - 1;
        if (depth === 0) return at + 1;
        break;
      case OPEN_OBJECT:
      case OPEN_LIST:
        if (++depth > bounds.depth)
          throw new JsonFault('too_much', `is nested more than ${bounds.depth} levels deep`, at);
        if (++values > bounds.values) throw tooMany(bounds, at);
        break;
      case COMMA:
        if (depth === 0) return at;
        if (++values > bounds.values) throw tooMany(bounds, at);
        break;
      case CLOSE_OBJECT:
      case CLOSE_LIST:
        if (depth === 0) return at;
        if (--depth === 0) return at + 1;
        break;
      default:
        if (depth === 0) return after(SCALAR, text, at);
    }
  if (depth > 0) throw invalidJson(text.length);
  return text.length;
}

function endOfString(text: string, start: number): number {
  for (let end = text.indexOf('"', start + 1); end >= 0; end = text.indexOf('"', end + 1)) {
    let slashes = 0;
    while (text.charCodeAt(end - 1 - slashes) === BACKSLASH) slashes++;
    if (slashes % 2 === 0) return end + 1;
  }
  throw invalidJson(start);
}

const SCALAR = /[^ \t\r\n,:[\]{}"]*/y;
const SPACE = /[ \t\r\n]*/y;

/** The offset after the run of such characters at `start`. */
function after(characters: RegExp, text: string, start: number): number {
  characters.lastIndex = start;
  characters.test(text);
  return characters.lastIndex;
}

/** Characters between two yields. */
const CHUNK_LENGTH = 1024 * 1024;
/** More than any object has that vbsctl reads member by member. */
const MEMBERS_MAX = 100;

/**
 * The ranges of the members, if the text is an object; undefined if it is another value. Refuses duplicate keys, for which two
 * readers could use different values. `bounds` apply to each item of a member that is a list, and to each other member.
 *
 * @throws JsonFault if the text is not one value
 */
export function* objectIn(
  text: string,
  bounds: JsonBounds,
): ChunkedWork<ReadonlyMap<string, TextRange> | undefined> {
  const open = after(SPACE, text, 0);
  if (text.charCodeAt(open) !== OPEN_OBJECT) {
    mustEnd(text, open, endOfValue(text, open, bounds));
    return undefined;
  }
  const members = new Map<string, TextRange>();
  let end = open + 1;
  for (let at = firstIn(text, open, CLOSE_OBJECT); at !== undefined; at = nextIn(text, end, CLOSE_OBJECT)) {
    const { key, start } = keyAt(text, at);
    if (members.has(key)) throw new JsonFault('invalid', 'has a key twice', at);
    if (members.size === MEMBERS_MAX)
      throw new JsonFault('too_much', `has more than ${MEMBERS_MAX} keys`, at);
    end =
      text.charCodeAt(start) === OPEN_LIST
        ? yield* eachItem(text, start, bounds)
        : endOfValue(text, start, bounds);
    members.set(key, { start, end });
  }
  mustEnd(text, open, after(SPACE, text, end) + 1);
  return members;
}

/**
 * Calls `see` for each item of the list at `open`; returns the offset after the list. `bounds.values` limits each item, and
 * also how many items there are.
 */
export function* eachItem(
  text: string,
  open: number,
  bounds: JsonBounds,
  see: (item: TextRange) => void = () => {},
): ChunkedWork<number> {
  let end = open + 1;
  let count = 0;
  let chunkEnd = open + CHUNK_LENGTH;
  for (let start = firstIn(text, open, CLOSE_LIST); start !== undefined; ) {
    if (++count > bounds.values) throw tooMany(bounds, start);
    end = endOfValue(text, start, bounds);
    see({ start, end });
    start = nextIn(text, end, CLOSE_LIST);
    if (end < chunkEnd) continue;
    chunkEnd = end + CHUNK_LENGTH;
    yield;
  }
  return after(SPACE, text, end) + 1;
}

function mustEnd(text: string, start: number, end: number): void {
  const rest = after(SPACE, text, end);
  if (end === start || rest < text.length) throw invalidJson(rest);
}

/** A key, and the offset of its value. */
function keyAt(text: string, at: number): { readonly key: string; readonly start: number } {
  if (text.charCodeAt(at) !== QUOTE) throw invalidJson(at);
  const end = endOfString(text, at);
  const colon = after(SPACE, text, end);
  if (text.charCodeAt(colon) !== COLON) throw invalidJson(colon);
  try {
    return { key: JSON.parse(text.slice(at, end)) as string, start: after(SPACE, text, colon + 1) };
  } catch {
    throw invalidJson(at);
  }
}

/** The offset of the first entry after a bracket; undefined if there is none. */
function firstIn(text: string, open: number, close: number): number | undefined {
  const at = after(SPACE, text, open + 1);
  return text.charCodeAt(at) === close ? undefined : at;
}

/** The offset of the entry after the one that ends at `end`; undefined if that was the last. */
function nextIn(text: string, end: number, close: number): number | undefined {
  const at = after(SPACE, text, end);
  if (text.charCodeAt(at) === close) return undefined;
  if (text.charCodeAt(at) !== COMMA) throw invalidJson(at);
  return after(SPACE, text, at + 1);
}
