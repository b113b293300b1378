// Own code, not an Aho-Corasick package: those read each character of an output, and find no cut text.
/**
 * Finds any of many texts in a long text, ignoring ASCII case, without reading most of its characters (Wu and Manber,
 * "A fast algorithm for multi-pattern searching", 1994). Also finds a part of a long text, if the part is long enough, and
 * the beginning of a text right before dots (`…`, `...`), which show that the rest was cut off.
 */
export class TextFinder {
  /**
   * By length, then by text in lower case: the search stays fast even if many texts begin or end alike. Then by what is
   * around the part in its text, because two texts, or two places of one, may have the same part.
   */
  readonly #parts = new Map<number, Map<string, Map<string, Part>>>();
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
        const alike = this.#parts.get(part.length) ?? new Map<string, Map<string, Part>>();
        this.#parts.set(part.length, alike);
        const words = lowerCase(text.slice(part.from, part.from + part.length));
        const same = alike.get(words) ?? new Map<string, Part>();
        alike.set(words, same);
        if (same.size < ALIKE_MAX) same.set(contextOf(part), part);
      }
    }
    this.#window = Math.min(WINDOW_MAX, ...this.#parts.keys());
    this.#shifts = new Uint8Array(this.#parts.size === 0 ? 0 : BLOCKS).fill(this.#window - 1);
    this.#beginnings = new Uint8Array(this.#shifts.length);
    for (const alike of this.#parts.values())
      for (const words of alike.keys()) {
        this.#beginnings[this.#beginningAt(words, 0)] = 1;
        for (let end = 1; end < this.#window; end++) {
          const block = blockAt(words, end);
          this.#shifts[block] = Math.min(this.#shifts[block] ?? 0, this.#window - 1 - end);
        }
      }
  }

  isIn(text: string): boolean {
    return this.#next(text, 0) !== undefined || this.#headsIn(text).length > 0;
  }

  /** Where the texts are. Ranges may overlap. */
  rangesIn(text: string): readonly Range[] {
    const ranges = this.#headsIn(text);
    for (let found = this.#next(text, 0); found; found = this.#next(text, found.at + 1))
      ranges.push(...found.ranges);
    return ranges;
  }

  #headsIn(text: string): Range[] {
    if (this.#heads.size === 0 || !(text.includes('…') || text.includes('...'))) return [];
    return [...text.matchAll(DOTS)].flatMap(({ index }) => {
      const from = this.#headBefore(text, index);
      return from < 0 ? [] : [{ from, to: index }];
    });
  }

  /** Where the longest head begins that ends at `end`; -1 if there is none. */
  #headBefore(text: string, end: number): number {
    if (!this.#endsOfHeads.has(lowerCase(text.slice(Math.max(0, end - HEAD_MIN), end)))) return -1;
    for (let from = Math.max(0, end - HEAD_MAX); from <= end - HEAD_MIN; from++)
      if (this.#heads.has(lowerCase(text.slice(from, end)))) return from;
    return -1;
  }

  /** The next place at which there are parts, and for each of them the range that its text has there. */
  #next(text: string, start: number): { readonly at: number; readonly ranges: readonly Range[] } | undefined {
    if (this.#shifts.length === 0) return undefined;
    for (let end = start + this.#window - 1; end < text.length; ) {
      const shift = this.#shifts[blockAt(text, end)] ?? 1;
      if (shift > 0) {
        end += shift;
        continue;
      }
      const at = end - this.#window + 1;
      const ranges = this.#rangesAt(text, at);
      if (ranges.length > 0) return { at, ranges };
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

  #rangesAt(text: string, at: number): readonly Range[] {
    if (this.#beginnings[this.#beginningAt(text, at)] === 0) return NONE;
    return [...this.#parts].flatMap(([length, alike]) => {
      const same = alike.get(lowerCase(text.slice(at, at + length)));
      return same ? [...same.values()].map((part) => widened(text, at, part)) : [];
    });
  }
}

const NONE: readonly Range[] = [];

/** Replaces each range; ranges that overlap or touch are one. */
export function replaceRanges(text: string, ranges: readonly Range[], by: string): string {
  let [result, done] = ['', 0];
  for (const { from, to } of joined(ranges)) {
    result += text.slice(done, from) + by;
    done = to;
  }
  return result + text.slice(done);
}

function joined(ranges: readonly Range[]): Range[] {
  const result: Range[] = [];
  for (const { from, to } of ranges.toSorted((a, b) => a.from - b.from)) {
    const last = result.at(-1);
    if (last && from <= last.to) result[result.length - 1] = { from: last.from, to: Math.max(to, last.to) };
    else result.push({ from, to });
  }
  return result;
}

export interface Range {
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
const WIDENED_MAX = PART_LENGTH - 1;
/** Parts with the same words in different contexts. Only a token made for it has more, and it would be slow to find. */
const ALIKE_MAX = 16;
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

/**
 * With what the text has of the same secret before and after the part. No more than a part has: if more is there, it holds
 * the next part of the secret, which is found itself.
 */
function widened(text: string, at: number, part: Part): Range {
  let [before, after] = [0, part.length];
  while (before < WIDENED_MAX && before < part.from && same(-before - 1)) before++;
  while (after < part.length + WIDENED_MAX && part.from + after < part.text.length && same(after)) after++;
  return { from: at - before, to: at + after };

  function same(offset: number): boolean {
    return folded(text.charCodeAt(at + offset)) === folded(part.text.charCodeAt(part.from + offset));
  }
}

/** All that `widened` compares. */
function contextOf({ text, from, length }: Part): string {
  const begin = Math.max(0, from - WIDENED_MAX);
  return `${from - begin} ${lowerCase(text.slice(begin, from + length + WIDENED_MAX))}`;
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
