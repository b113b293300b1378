/**
 * Finds any of many texts in a long one, upper and lower case being the same, most of whose characters it never looks at
 * (Wu and Manber, "A fast algorithm for multi-pattern searching", 1994). Of a long text each part is found by itself, and
 * as much around it as is the same.
 */
export class TextFinder {
  readonly #parts = new Map<number, Part[]>();
  /** How far to go on, by the two characters looked at; zero: a part may end here. */
  readonly #shifts: Uint8Array;
  /** Of each part so many characters are looked at first. */
  readonly #window: number;

  constructor(texts: readonly string[]) {
    const parts = texts.filter((text) => text.length > 1).flatMap(partsOf);
    this.#window = Math.min(WINDOW_MAX, ...parts.map(({ length }) => length));
    this.#shifts = new Uint8Array(parts.length === 0 ? 0 : BLOCKS).fill(this.#window - 1);
    for (const part of parts) {
      for (let end = 1; end < this.#window; end++) {
        const block = blockAt(part.text, part.from + end);
        this.#shifts[block] = Math.min(this.#shifts[block] ?? 0, this.#window - 1 - end);
      }
      const last = blockAt(part.text, part.from + this.#window - 1);
      this.#parts.set(last, [...(this.#parts.get(last) ?? []), part]);
    }
  }

  isIn(text: string): boolean {
    return this.#next(text, 0) !== undefined;
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
    return done === 0 ? text : result + text.slice(done);
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
      const part = this.#parts.get(block)?.find((each) => isAt(text, from, each));
      if (part) return widened(text, from, part, start);
      end++;
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

const BLOCKS = 0x1_0000;
const WINDOW_MAX = 200;
/** Who repeats a text may cut it. From here on any part of it is found that is twice as long as these. */
const LONG_LENGTH_MIN = 24;
const PART_LENGTH = 12;
/** A shorter one is found when a quarter is missing at an end; less of it would be found in ordinary words. */
const SHORT_PART = 0.75;

function partsOf(text: string): Part[] {
  if (text.length < LONG_LENGTH_MIN) {
    const length = Math.ceil(text.length * SHORT_PART);
    return [...new Set([0, text.length - length])].map((from) => ({ text, from, length }));
  }
  const parts: Part[] = [];
  for (let from = 0; from + PART_LENGTH <= text.length; from += PART_LENGTH)
    parts.push({ text, from, length: PART_LENGTH });
  return parts;
}

function isAt(text: string, at: number, part: Part): boolean {
  for (let index = 0; index < part.length; index++)
    if (folded(text.charCodeAt(at + index)) !== folded(part.text.charCodeAt(part.from + index))) return false;
  return true;
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

/** Of the two characters that end there. */
function blockAt(text: string, end: number): number {
  return ((folded(text.charCodeAt(end - 1)) << 7) ^ folded(text.charCodeAt(end))) & (BLOCKS - 1);
}

/** ASCII only: no text grows or shrinks by it. */
function folded(code: number): number {
  return code >= 65 && code <= 90 ? code + 32 : code;
}
