import type { LongWork } from './long-work.ts';

/**
 * JSON text that somebody else may have written, taken apart before any of it is parsed: where a value ends, how deep
 * and how large it is, and where the members of an object and the items of a list stand. Linear, and nothing is kept
 * for each value, so that a text that is not fit to be parsed costs no memory. Brackets are only counted here; whether a
 * value is valid is for `JSON.parse` to say, which sees one value of a bounded size at a time.
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

function invalid(at: number): JsonFault {
  return new JsonFault('invalid', 'is not valid JSON', at);
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
        if (depth === 0) return endOfScalar(text, at);
    }
  if (depth > 0) throw invalid(text.length);
  return text.length;
}

function tooMany({ values }: JsonBounds, at: number): JsonFault {
  return new JsonFault('too_much', `has more than ${values} values in one list or entry`, at);
}

function endOfString(text: string, start: number): number {
  for (let end = text.indexOf('"', start + 1); end >= 0; end = text.indexOf('"', end + 1)) {
    let slashes = 0;
    while (text.charCodeAt(end - 1 - slashes) === BACKSLASH) slashes++;
    if (slashes % 2 === 0) return end + 1;
  }
  throw invalid(start);
}

const SCALAR = /[^ \t\r\n,:[\]{}"]*/y;
const SPACE = /[ \t\r\n]*/y;

function endOfScalar(text: string, start: number): number {
  SCALAR.lastIndex = start;
  SCALAR.test(text);
  return SCALAR.lastIndex;
}

function skipSpace(text: string, start: number): number {
  SPACE.lastIndex = start;
  SPACE.test(text);
  return SPACE.lastIndex;
}

/** Of text that is looked at between two steps. */
const STEP_LENGTH = 1024 * 1024;
/** More than any object has that is read member by member. */
const MEMBERS_MAX = 1_000;

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
): LongWork<ReadonlyMap<string, TextRange> | undefined> {
  const open = skipSpace(text, 0);
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
  mustEnd(text, open, skipSpace(text, end) + 1);
  return members;
}

/** Shows `see` each item of the list that begins at `open`, in steps; returns where the list ends. There may be as many as values in one. */
export function* eachItem(
  text: string,
  open: number,
  bounds: JsonBounds,
  see: (item: TextRange) => void = () => {},
): LongWork<number> {
  let end = open + 1;
  let count = 0;
  let stepEnd = open + STEP_LENGTH;
  for (const item of itemsOf(text, open, bounds)) {
    if (++count > bounds.values) throw tooMany(bounds, item.start);
    see(item);
    end = item.end;
    if (end < stepEnd) continue;
    stepEnd = end + STEP_LENGTH;
    yield;
  }
  return skipSpace(text, end) + 1;
}

function mustEnd(text: string, start: number, end: number): void {
  const rest = skipSpace(text, end);
  if (end === start || rest < text.length) throw invalid(rest);
}

/** Of each member of the object that begins at `start`, its key and where its value is. Throws JsonFault on the way. */
function* membersOf(
  text: string,
  open: number,
  bounds: JsonBounds,
): Generator<TextRange & { readonly key: string }> {
  for (let at = firstIn(text, open, CLOSE_OBJECT); at !== undefined; ) {
    const { key, start } = keyAt(text, at);
    const end = endOfValue(text, start, bounds);
    yield { key, start, end };
    at = nextIn(text, end, CLOSE_OBJECT);
  }
}

/** Where the items of the list that begins at `start` are. Throws JsonFault on the way. */
function* itemsOf(text: string, open: number, bounds: JsonBounds): Generator<TextRange> {
  for (let start = firstIn(text, open, CLOSE_LIST); start !== undefined; ) {
    const end = endOfValue(text, start, bounds);
    yield { start, end };
    start = nextIn(text, end, CLOSE_LIST);
  }
}

/** A key, and where the value behind its colon begins. */
function keyAt(text: string, at: number): { readonly key: string; readonly start: number } {
  if (text.charCodeAt(at) !== QUOTE) throw invalid(at);
  const end = endOfString(text, at);
  const key = parseValue(text, { start: at, end }) as string;
  const colon = skipSpace(text, end);
  if (text.charCodeAt(colon) !== COLON) throw invalid(colon);
  return { key, start: skipSpace(text, colon + 1) };
}

/** Where the first entry behind a bracket begins; undefined when there is none. */
function firstIn(text: string, open: number, close: number): number | undefined {
  const at = skipSpace(text, open + 1);
  return text.charCodeAt(at) === close ? undefined : at;
}

/** Where the entry behind the one that ends at `end` begins; undefined when that was the last. */
function nextIn(text: string, end: number, close: number): number | undefined {
  const at = skipSpace(text, end);
  if (text.charCodeAt(at) === close) return undefined;
  if (text.charCodeAt(at) !== COMMA) throw invalid(at);
  return skipSpace(text, at + 1);
}

/** `JSON.parse` of a part. Throws JsonFault. The part must be bounded: see `endOfValue`. */
export function parseValue(text: string, range: TextRange): unknown {
  const part = text.slice(range.start, range.end);
  try {
    return JSON.parse(part);
  } catch {
    throw invalid(range.start + firstMistake(part));
  }
}

/** As large as the part that it is asked about. */
const UNBOUNDED: JsonBounds = { depth: Number.POSITIVE_INFINITY, values: Number.POSITIVE_INFINITY };

/** Offset of the innermost value that is no JSON, or of what is wrong between two. `JSON.parse` mostly names none. */
function firstMistake(text: string): number {
  let at = 0;
  try {
    for (let range: TextRange | undefined = { start: 0, end: text.length }; range; ) {
      at = range.start;
      range = firstInvalid(text, range);
    }
  } catch (cause) {
    if (cause instanceof JsonFault) return cause.at;
    throw cause;
  }
  return at;
}

function firstInvalid(text: string, range: TextRange): TextRange | undefined {
  for (const part of partsOf(text, range))
    try {
      JSON.parse(text.slice(part.start, part.end));
    } catch {
      return part;
    }
  return undefined;
}

function partsOf(text: string, range: TextRange): Iterable<TextRange & { readonly key?: string }> {
  switch (text.charCodeAt(range.start)) {
    case OPEN_OBJECT:
      return membersOf(text, range.start, UNBOUNDED);
    case OPEN_LIST:
      return itemsOf(text, range.start, UNBOUNDED);
    default:
      return [];
  }
}

/** Offset of the value at `path` below the one in `range`, or of the innermost one around it that is there. */
export function offsetOf(text: string, range: TextRange, path: readonly (string | number)[]): number {
  let found = range;
  for (const key of path) {
    let next: TextRange | undefined;
    let index = 0;
    for (const part of partsOf(text, found))
      if ((part.key ?? index++) === key) {
        next = part; // of two members with one key the last counts, as for `JSON.parse`
        if (part.key === undefined) break;
      }
    if (!next) return found.start;
    found = next;
  }
  return found.start;
}

/** Where an offset is for a person. */
export interface TextPlace {
  /** From 1. */
  readonly line: number;
  readonly column: number;
  /** The line itself, unless it is too long to be shown. */
  readonly text?: string;
}

const LINE_SHOWN_MAX = 160;

export function placeAt(text: string, offset: number): TextPlace {
  const start = offset === 0 ? 0 : text.lastIndexOf('\n', offset - 1) + 1;
  const end = text.indexOf('\n', offset);
  const length = (end < 0 ? text.length : end) - start;
  let line = 1;
  for (let at = text.indexOf('\n'); at >= 0 && at < start; at = text.indexOf('\n', at + 1)) line++;
  return {
    line,
    column: offset - start + 1,
    ...(length > LINE_SHOWN_MAX ? {} : { text: text.slice(start, start + length) }),
  };
}
