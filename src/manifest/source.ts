import type { SourcePosition } from '../domain/diagnostic.ts';
import { optional } from '../domain/optional.ts';

/** Longer lines (minified JSON) are not shown. */
const SHOWN_LINE_MAX = 240;
/** Matches no whitespace across lines: a file full of line breaks must not take quadratic time. */
const OUR_LINE =
  /^[ \t{"',]*(?:apiVersion["']?[ \t]*:[ \t]*["']?vbsctl\.dev\/|kind["']?[ \t]*:[ \t]*["']?(?:Config|RestoreSet|SavedPlan)\b)/m;
const SECRET = /pass(word|wd|phrase)|secret|token|credential|private|(access|api)[-_]?key|:\/\/[^\s/]*@/i;

/** A text with its file; finds line and column of an offset. */
export class SourceText {
  readonly file: string;
  readonly text: string;
  #lineStarts: number[] | undefined;
  #isRecognised: boolean | undefined;

  constructor(file: string, text: string) {
    this.file = file;
    this.text = text;
  }

  /**
   * Whether the text has one of the two lines that every file of vbsctl has, in YAML or JSON, or is empty. Of other files
   * messages quote no line: they may hold secrets, and a found config may name them.
   */
  get isRecognised(): boolean {
    this.#isRecognised ??= this.text.trim() === '' || OUR_LINE.test(this.text);
    return this.#isRecognised;
  }

  place(offset: number): SourcePosition {
    const { line, column } = this.position(offset);
    const text = this.#lineText(line);
    return { file: this.file, line, column, ...optional('text', text) };
  }

  /** Line and column, from 1; columns count UTF-16 units, as editors do. */
  position(offset: number): { line: number; column: number } {
    const starts = this.#starts();
    let low = 0;
    let high = starts.length - 1;
    while (low < high) {
      const middle = (low + high + 1) >> 1;
      if ((starts[middle] ?? 0) <= offset) low = middle;
      else high = middle - 1;
    }
    return { line: low + 1, column: offset - (starts[low] ?? 0) + 1 };
  }

  /** The text of a line, unless it is too long or may contain a secret. */
  #lineText(line: number): string | undefined {
    if (!this.isRecognised) return undefined;
    const starts = this.#starts();
    const start = starts[line - 1] ?? 0;
    // Checked before searching for the line break: a line may be as long as the file, and be needed a thousand times.
    if ((starts[line] ?? this.text.length) - start > SHOWN_LINE_MAX + 2) return undefined;
    const text = this.text.slice(start, starts[line]).replace(/\r?\n$/, '');
    return text.length <= SHOWN_LINE_MAX && !looksSecret(text) ? text : undefined;
  }

  #starts(): number[] {
    if (!this.#lineStarts) {
      this.#lineStarts = [0];
      for (let at = this.text.indexOf('\n'); at >= 0; at = this.text.indexOf('\n', at + 1))
        this.#lineStarts.push(at + 1);
    }
    return this.#lineStarts;
  }
}

/** Whether a text may contain a secret, so that messages must not repeat it. */
export function looksSecret(text: string): boolean {
  return SECRET.test(text);
}
