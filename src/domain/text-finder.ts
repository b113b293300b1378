// Own code, not an Aho-Corasick package: those read each character of an output, and find no cut text.
/**
 * Finds any of many texts in a long text, ignoring ASCII case, without reading most of its characters (Wu and Manber,
 * "A fast algorithm for multi-pattern searching", 1994). Also finds a part of a long text, if the part is long enough, and
 * the beginning of a text right before dots (`…`, `...`), which show that the rest was cut off.
 */
export class TextFinder {
  /** By length, then by text in lower case: the search stays fast even if many texts begin or end alike. */
  readonly #parts = new Map<number, Map<string, Part>>();
  /** How far to move on, by the two characters just read. Zero: a part may end here. */
  readonly #shifts: Uint8Array;
  /** Marks how the parts begin, so that hardly any other text is compared with them. */
  readonly #beginnings: Uint8Array;
  /** The number of characters of each part that are compared first. */
  readonly #window: number;
  /** The beginnings that are shorter than a part, in lower case. */
  readonly #heads = new Set<string>();
  /** The last characters of each of them, which are compared first. */
  readonly #endsOfHeads = new Set<string>();

  /** `shortPart`: how much of a text of fewer than 24 characters must be there. */
  constructor(texts: readonly string[], shortPart = SHORT_PART) {
    for (const text of texts) {
      if (text.length < 2) continue;
      const parts = partsOf(text, shortPart);
      const beginning = lowerCase(text.slice(0, parts[0]?.length));
      for (let length = HEAD_MIN; length < beginning.length; length++) {
        this.#heads.add(beginning.slice(0, length));
        this.#endsOfHeads.add(beginning.slice(length - HEAD_MIN, length));
      }
      for (const part of parts) {
        const alike = this.#parts.get(part.length) ?? new Map<string, Part>();
        this.#parts.set(part.length, alike);
        const words = lowerCase(text.slice(part.from, part.from + part.length));
        if (!alike.has(words)) alike.set(words, part);
      }
    }
    this.#window = Math.min(WINDOW_MAX, ...this.#parts.keys());
    this.#shifts = new Uint8Array(this.#parts.size === 0 ? 0 : BLOCKS).fill(this.#window - 1);
    this.#beginnings = new Uint8Array(this.#shifts.length);
    for (const alike of this.#parts.values())
      for (const { text, from } of alike.values()) {
        this.#beginnings[this.#beginningAt(text, from)] = 1;
        for (let end = 1; end < this.#window; end++) {
          const block = blockAt(text, from + end);
          this.#shifts[block] = Math.min(this.#shifts[block] ?? 0, this.#window - 1 - end);
        }
      }
  }

  isIn(text: string): boolean {
    return this.#next(text, 0) !== undefined || this.#withoutHeads(text, '') !== text;
  }

  replaceAll(text: string, by: string): string {
    let result = '';
    let done = 0;
    let isAfterOne = false;
    for (let found = this.#next(text, 0); found; found = this.#next(text, done)) {
      const between = text.slice(done, found.from);
      result += between + (isAfterOne && between === '' ? '' : by);
      isAfterOne = true;
      done = found.to;
    }
    return this.#withoutHeads(done === 0 ? text : result + text.slice(done), by);
  }

  #withoutHeads(text: string, by: string): string {
    if (this.#heads.size === 0 || !(text.includes('…') || text.includes('...'))) return text;
    let result = '';
    let done = 0;
    for (const { index } of text.matchAll(DOTS)) {
      const from = this.#headBefore(text, index);
      if (from < done) continue;
      result += text.slice(done, from) + by;
      done = index;
    }
    return done === 0 ? text : result + text.slice(done);
  }

  /** Where the longest head begins that ends at `end`; -1 if there is none. */
  #headBefore(text: string, end: number): number {
    if (!this.#endsOfHeads.has(lowerCase(text.slice(Math.max(0, end - HEAD_MIN), end)))) return -1;
    for (let from = Math.max(0, end - HEAD_MAX); from <= end - HEAD_MIN; from++)
      if (this.#heads.has(lowerCase(text.slice(from, end)))) return from;
    return -1;
  }

  #next(text: string, start: number): Range | undefined {
    if (this.#shifts.length === 0) return undefined;
    for (let end = start + this.#window - 1; end < text.length; ) {
      const block = blockAt(text, end);
      const shift = this.#shifts[block] ?? 1;
      if (shift > 0) {
        end += shift;
        continue;
      }
      const from = end - this.#window + 1;
      const part = this.#partAt(text, from);
      if (part) return widened(text, from, part, start);
      end++;
    }
    return undefined;
  }

  #beginningAt(text: string, from: number): number {
    let hash = 0;
    const to = from + Math.min(this.#window, BEGINNING_LENGTH);
    for (let at = from; at < to; at++) hash = (hash * 31 + folded(text.charCodeAt(at))) & (BLOCKS - 1);
    return hash;
  }

  #partAt(text: string, from: number): Part | undefined {
    if (this.#beginnings[this.#beginningAt(text, from)] === 0) return undefined;
    for (const [length, alike] of this.#parts) {
      const part = alike.get(lowerCase(text.slice(from, from + length)));
      if (part) return part;
    }
    return undefined;
  }
}

interface Range {
  readonly from: number;
  readonly to: number;
}

interface Part {
  readonly text: string;
  readonly from: number;
  readonly length: number;
}

const BLOCKS = 0x4000;
const WINDOW_MAX = 200;
const BEGINNING_LENGTH = 8;
/** A server that repeats a text may cut it. Any part of a long text is found if it has at least twice this length. */
const LONG_LENGTH_MIN = 24;
const PART_LENGTH = 12;
/** A shorter text is found if up to a quarter is missing at one end; a smaller part would occur in ordinary words. */
const SHORT_PART = 0.75;
/** Fewer characters before dots are left as they are. */
const HEAD_MIN = 4;
const HEAD_MAX = LONG_LENGTH_MIN * SHORT_PART;
const DOTS = /\u2026|\.{3}/g;

function partsOf(text: string, shortPart: number): Part[] {
  if (text.length < LONG_LENGTH_MIN) {
    const length = Math.ceil(text.length * shortPart);
    return [...new Set([0, text.length - length])].map((from) => ({ text, from, length }));
  }
  const parts: Part[] = [];
  for (let from = 0; from + PART_LENGTH <= text.length; from += PART_LENGTH)
    parts.push({ text, from, length: PART_LENGTH });
  return parts;
}

function widened(text: string, at: number, part: Part, start: number): Range {
  let [before, after] = [0, part.length];
  while (part.from - before > 0 && at - before > start && same(-before - 1)) before++;
  while (part.from + after < part.text.length && same(after)) after++;
  return { from: at - before, to: at + after };

  function same(offset: number): boolean {
    return folded(text.charCodeAt(at + offset)) === folded(part.text.charCodeAt(part.from + offset));
  }
}

/** The number of the block of two characters that ends at `end`. */
function blockAt(text: string, end: number): number {
  return ((folded(text.charCodeAt(end - 1)) << 7) ^ folded(text.charCodeAt(end))) & (BLOCKS - 1);
}

/** Lower case of ASCII letters only, as in `folded`. */
function lowerCase(text: string): string {
  return text.replace(/[A-Z]+/g, (letters) => letters.toLowerCase());
}

/** Folds ASCII letters only, so that the length of a text does not change. */
function folded(code: number): number {
  return code >= 65 && code <= 90 ? code + 32 : code;
}
