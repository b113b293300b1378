// Own code: a library that builds a tree, or a text for each token (jsonc-parser: 32 bytes for a space), runs out of memory on a hostile text of 200 MB.
import type { ChunkedWork } from './chunked-work.ts';

/**
 * Bounds a JSON text that somebody else may have written before any of it is parsed: how deep and how large a value is,
 * where it ends, and where the members of an object and the items of a list are. Linear, and nothing is kept for each
 * value. Brackets are only counted: whether a value is valid is for `JSON.parse` to say, one bounded value at a time.
 */

/** Offsets into the text: from the first character of a value to the one behind its last. */
export interface TextRange {
  readonly start: number;
  readonly end: number;
}

/** What one value may hold at most. */
export interface JsonBounds {
  /** Objects and lists within each other. */
  readonly depth: number;
  /** Objects, lists, and what is separated by commas. */
  readonly values: number;
}

/** The text is not JSON, or not JSON that is read. `message` completes “the state …”. */
export class JsonFault extends Error {
  override readonly name = 'JsonFault';
  readonly kind: 'invalid' | 'too_much';
  /** Offset of the first character that cannot be, or is too much. */
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
 * Behind the value that begins at `start`: where its first bracket is closed, by whichever bracket.
 *
 * @throws JsonFault when it has no end, or goes beyond the bounds
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

/** Behind the characters of one kind that begin at `start`. */
function after(characters: RegExp, text: string, start: number): number {
  characters.lastIndex = start;
  characters.test(text);
  return characters.lastIndex;
}

/** Of text that is looked at between two steps. */
const STEP_LENGTH = 1024 * 1024;
/** More than any object has that is read member by member. */
const MEMBERS_MAX = 100;

/**
 * Where the members of the object stand that a text holds; undefined when it holds another value. A key that is there
 * twice is refused: two readers could take two values for it. `bounds` are those of each item of a list, and of each
 * member that is none. In steps.
 *
 * @throws JsonFault when the text is not one value
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

/** Shows `see` each item of the list that begins at `open`, in steps; returns where the list ends. There may be as many as values in one. */
export function* eachItem(
  text: string,
  open: number,
  bounds: JsonBounds,
  see: (item: TextRange) => void = () => {},
): ChunkedWork<number> {
  let end = open + 1;
  let count = 0;
  let stepEnd = open + STEP_LENGTH;
  for (let start = firstIn(text, open, CLOSE_LIST); start !== undefined; ) {
    if (++count > bounds.values) throw tooMany(bounds, start);
    end = endOfValue(text, start, bounds);
    see({ start, end });
    start = nextIn(text, end, CLOSE_LIST);
    if (end < stepEnd) continue;
    stepEnd = end + STEP_LENGTH;
    yield;
  }
  return after(SPACE, text, end) + 1;
}

function mustEnd(text: string, start: number, end: number): void {
  const rest = after(SPACE, text, end);
  if (end === start || rest < text.length) throw invalidJson(rest);
}

/** A key, and where the value behind its colon begins. */
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

/** Where the first entry behind a bracket begins; undefined when there is none. */
function firstIn(text: string, open: number, close: number): number | undefined {
  const at = after(SPACE, text, open + 1);
  return text.charCodeAt(at) === close ? undefined : at;
}

/** Where the entry behind the one that ends at `end` begins; undefined when that was the last. */
function nextIn(text: string, end: number, close: number): number | undefined {
  const at = after(SPACE, text, end);
  if (text.charCodeAt(at) === close) return undefined;
  if (text.charCodeAt(at) !== COMMA) throw invalidJson(at);
  return after(SPACE, text, at + 1);
}
