import type { Diagnostic } from '../domain/diagnostic.ts';
import { type Allowance, LIMITS } from './limits.ts';
import { MapEntries, Positions } from './positions.ts';
import type { SourceText } from './source.ts';
import {
  duplicateKey,
  forbiddenKey,
  isForbiddenKey,
  problemAt,
  tooDeep,
  tooManyKeys,
  tooManyProblems,
  tooManyValues,
} from './text-problems.ts';

export type JsonResult =
  | {
      readonly kind: 'read';
      readonly value: unknown;
      readonly positions: Positions;
      readonly problems: Diagnostic[];
    }
  | { readonly kind: 'broken'; readonly problem: Diagnostic };

/**
 * JSON (RFC 8259) with what JSON.parse does not tell: where everything stands, and which keys are there twice.
 * Accepts exactly what JSON.parse accepts.
 */
export function readJson(source: SourceText, allowance: Allowance): JsonResult {
  const reader = new JsonReader(source, allowance);
  try {
    const value = reader.document();
    return { kind: 'read', value, positions: reader.positions, problems: reader.problems };
  } catch (cause) {
    if (cause instanceof Broken) return { kind: 'broken', problem: cause.problem };
    throw cause;
  }
}

/** Ends the reading from within. */
class Broken extends Error {
  readonly problem: Diagnostic;
  constructor(problem: Diagnostic) {
    super(problem.summary);
    this.problem = problem;
  }
}

const QUOTE = 0x22;
const COMMA = 0x2c;
const COLON = 0x3a;
const OPEN_LIST = 0x5b;
const BACKSLASH = 0x5c;
const CLOSE_LIST = 0x5d;
const OPEN_MAP = 0x7b;
const CLOSE_MAP = 0x7d;
const NUMBER = /-?(?:0|[1-9][0-9]*)(?:\.[0-9]+)?(?:[eE][-+]?[0-9]+)?/y;
const WORD = /[A-Za-z0-9_.+-]+/y;
const WORDS = new Map<string, boolean | null>([
  ['true', true],
  ['false', false],
  ['null', null],
]);

class JsonReader {
  readonly positions = new Positions();
  readonly problems: Diagnostic[] = [];
  readonly #source: SourceText;
  readonly #text: string;
  readonly #allowance: Allowance;
  #at = 0;

  constructor(source: SourceText, allowance: Allowance) {
    this.#source = source;
    this.#text = source.text;
    this.#allowance = allowance;
  }

  document(): unknown {
    this.positions.root(this.#skipSpace());
    const value = this.#value(0);
    this.#skipSpace();
    if (this.#at < this.#text.length)
      throw this.#broken(
        'there is more text after the end of the JSON value',
        'keep one value; a list in [ ] holds several',
      );
    return value;
  }

  #value(depth: number): unknown {
    if (--this.#allowance.values < 0) throw new Broken(tooManyValues(this.#source, this.#at));
    if (depth > LIMITS.nesting) throw new Broken(tooDeep(this.#source, this.#at));
    switch (this.#text.charCodeAt(this.#at)) {
      case OPEN_MAP:
        return this.#map(depth);
      case OPEN_LIST:
        return this.#list(depth);
      case QUOTE:
        return this.#string();
      default:
        return this.#scalar();
    }
  }

  #map(depth: number): unknown {
    this.#at++;
    const map: Record<string, unknown> = {};
    const entries = new MapEntries();
    this.#skipSpace();
    for (let more = !this.#take(CLOSE_MAP); more; more = this.#more(CLOSE_MAP, 'object')) {
      const keyAt = this.#skipSpace();
      if (this.#text.charCodeAt(keyAt) !== QUOTE)
        throw this.#broken(
          'a key in double quotes is missing here',
          'quote the key, remove a comma before the bracket; JSON has no comments',
        );
      const key = this.#string();
      this.#skipSpace();
      if (!this.#take(COLON)) throw this.#broken('a colon is missing after the key', 'write "key": value');
      const valueAt = this.#skipSpace();
      if (entries.count === LIMITS.keys) throw new Broken(tooManyKeys(this.#source, keyAt));
      const value = this.#value(depth + 1);
      if (isForbiddenKey(key)) this.#problem(forbiddenKey(this.#source, keyAt, key));
      else if (Object.hasOwn(map, key))
        this.#problem(duplicateKey(this.#source, keyAt, key, entries.firstOf(map, key) ?? keyAt));
      else {
        entries.add(map, key, keyAt, valueAt);
        map[key] = value;
      }
    }
    this.positions.map(map, entries);
    return map;
  }

  #list(depth: number): unknown {
    this.#at++;
    const list: unknown[] = [];
    const values: number[] = [];
    this.#skipSpace();
    for (let more = !this.#take(CLOSE_LIST); more; more = this.#more(CLOSE_LIST, 'array')) {
      values.push(this.#skipSpace());
      list.push(this.#value(depth + 1));
    }
    this.positions.list(list, values);
    return list;
  }

  /** After an entry: whether another one follows. */
  #more(close: number, what: string): boolean {
    this.#skipSpace();
    if (this.#take(COMMA)) return true;
    if (this.#take(close)) return false;
    throw this.#broken(
      `a comma or the end of the ${what} is missing here`,
      'add the comma or the closing bracket',
    );
  }

  #string(): string {
    const start = this.#at;
    let escaped = false;
    for (let at = start + 1; ; at++) {
      const code = this.#text.charCodeAt(at);
      if (code === QUOTE) {
        this.#at = at + 1;
        return escaped ? this.#unescape(start) : this.#text.slice(start + 1, at);
      }
      if (code === BACKSLASH) {
        escaped = true;
        at++;
      } else if (!(code >= 0x20))
        throw this.#broken(
          'this text has no closing double quote on its line',
          'close it; write a line break as \\n',
        );
    }
  }

  #unescape(start: number): string {
    try {
      return JSON.parse(this.#text.slice(start, this.#at)) as string;
    } catch {
      this.#at = start;
      throw this.#broken('this text holds a backslash that JSON does not know', 'write the backslash twice');
    }
  }

  #scalar(): unknown {
    const start = this.#at;
    WORD.lastIndex = start;
    const word = WORD.exec(this.#text)?.[0] ?? '';
    const known = WORDS.get(word);
    NUMBER.lastIndex = start;
    const number = known === undefined ? NUMBER.exec(this.#text)?.[0] : undefined;
    if (known === undefined && (number === undefined || number !== word))
      throw start === this.#text.length
        ? this.#broken('the text ends too early', 'close what was opened')
        : this.#broken('this is not a JSON value', 'quote a text; remove a comma before the closing bracket');
    this.#at = start + word.length;
    return known === undefined ? Number(word) : known;
  }

  #take(code: number): boolean {
    if (this.#text.charCodeAt(this.#at) !== code) return false;
    this.#at++;
    return true;
  }

  #skipSpace(): number {
    for (;;) {
      const code = this.#text.charCodeAt(this.#at);
      if (code !== 0x20 && code !== 0x0a && code !== 0x0d && code !== 0x09) return this.#at;
      this.#at++;
    }
  }

  #problem(problem: Diagnostic): void {
    if (this.problems.length === LIMITS.problems) throw new Broken(tooManyProblems(this.#source.file));
    this.problems.push(problem);
  }

  #broken(what: string, remedy: string): Broken {
    const at = Math.min(this.#at, this.#text.length);
    return new Broken(problemAt(this.#source, at, 'json-syntax', `not valid JSON: ${what}`, { remedy }));
  }
}
