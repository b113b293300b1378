/**
 * Where something is in a JSON text. `JSON.parse` says too little (on Node 20 mostly no position at all), and
 * this is only asked once something is wrong, so it is written to be short, not fast.
 */
export interface TextPlace {
  /** From 1. */
  readonly line: number;
  readonly column: number;
  /** The line itself, unless it is too long to be shown. */
  readonly text?: string;
}

type Path = readonly (string | number)[];

/** The first character that cannot be JSON. */
export function syntaxError(text: string): TextPlace {
  const scanner = new Scanner(text, undefined);
  scanner.scan();
  return placeAt(text, scanner.at);
}

/** The value at `path`, or the innermost one around it that is there. */
export function findValue(text: string, path: Path): TextPlace {
  const scanner = new Scanner(text, path);
  scanner.scan();
  return placeAt(text, scanner.nearest);
}

const SPACE = /[ \t\r\n]*/y;
/**
 * Of the control characters (`Cc`) only those below space are forbidden. Runs of plain characters stand between
 * the special ones, never side by side: an unclosed string would cost exponential time otherwise.
 */
const STRING = /"[^"\\\p{Cc}]*(?:(?:[\x7f-\x9f]|\\(?:["\\/bfnrt]|u[0-9a-fA-F]{4}))[^"\\\p{Cc}]*)*"/uy;
const ATOM = /true|false|null|-?(?:0|[1-9][0-9]*)(?:\.[0-9]+)?(?:[eE][+-]?[0-9]+)?/y;
/** Deeper than any state; beyond it the place of the bracket is place enough. */
const DEPTH_MAX = 200;

class Scanner {
  readonly #text: string;
  readonly #path: Path | undefined;
  /** Offset reached: of the first mistake, or of the end. */
  at = 0;
  /** Offset of the innermost value found on the way along the path. */
  nearest = 0;

  constructor(text: string, path: Path | undefined) {
    this.#text = text;
    this.#path = path;
  }

  scan(): void {
    if (this.#value(this.#path ? [] : undefined, 0)) this.#take(SPACE);
  }

  /** `here`: the path of the value while it still is a beginning of the one looked for. */
  #value(here: Path | undefined, depth: number): boolean {
    this.#take(SPACE);
    if (here) this.nearest = this.at;
    const open = this.#text[this.at];
    if (open === '{' || open === '[') return depth < DEPTH_MAX && this.#items(open, here, depth + 1);
    return this.#take(STRING) !== undefined || this.#take(ATOM) !== undefined;
  }

  #items(open: '{' | '[', here: Path | undefined, depth: number): boolean {
    const close = open === '{' ? '}' : ']';
    this.at += 1;
    this.#take(SPACE);
    if (this.#skip(close)) return true;
    for (let index = 0; ; index++) {
      const key = open === '{' ? this.#key() : index;
      if (key === undefined) return false;
      const wanted = here && this.#path?.[here.length] === key ? [...here, key] : undefined;
      if (!this.#value(wanted, depth)) return false;
      this.#take(SPACE);
      if (this.#skip(close)) return true;
      if (!this.#skip(',')) return false;
      this.#take(SPACE);
    }
  }

  #key(): string | undefined {
    const literal = this.#take(STRING);
    if (literal === undefined) return undefined;
    this.#take(SPACE);
    return this.#skip(':') ? (JSON.parse(literal) as string) : undefined;
  }

  #skip(character: string): boolean {
    if (this.#text[this.at] !== character) return false;
    this.at += 1;
    return true;
  }

  #take(form: RegExp): string | undefined {
    form.lastIndex = this.at;
    const found = form.exec(this.#text)?.[0];
    this.at += found?.length ?? 0;
    return found;
  }
}

const LINE_SHOWN_MAX = 160;

function placeAt(text: string, offset: number): TextPlace {
  const start = offset === 0 ? 0 : text.lastIndexOf('\n', offset - 1) + 1;
  const end = text.indexOf('\n', offset);
  const line = text.slice(start, end < 0 ? undefined : end);
  return {
    line: text.slice(0, start).split('\n').length,
    column: offset - start + 1,
    ...(line.length > LINE_SHOWN_MAX ? {} : { text: line }),
  };
}
