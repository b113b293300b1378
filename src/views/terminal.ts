import pc from 'picocolors';
import { type Lines, linesOf } from '../domain/diagnostic.ts';
import { sanitize } from '../domain/escape/terminal.ts';

/** With the other tools of a text view. */
export { sanitize };

/**
 * How text gets to a terminal: what is not ours is made harmless, colours come from a `Style` that the caller
 * chose, widths are counted in columns. Everything here works on plain text; paint last, or widths are wrong.
 */

export type Paint = (text: string) => string;

/** Colours by meaning, so that no view decides on a colour. */
export interface Style {
  readonly strong: Paint;
  readonly faint: Paint;
  readonly good: Paint;
  readonly warn: Paint;
  readonly bad: Paint;
  /** Something to type or to follow. */
  readonly accent: Paint;
}

/** What every text view needs to know of its reader. */
export interface TextOptions {
  readonly style: Style;
  /** Columns of the terminal. */
  readonly width: number;
  /** Epoch ms, for ages. */
  readonly now: number;
}

/** Columns assumed where no terminal tells. */
export const DEFAULT_WIDTH = 100;

export function makeStyle(color: boolean): Style {
  const { bold, dim, green, yellow, red, cyan } = pc.createColors(color);
  return { strong: bold, faint: dim, good: green, warn: yellow, bad: red, accent: cyan };
}

/** NO_COLOR wins over FORCE_COLOR, both over what the stream is. */
export function wantsColor(env: Readonly<NodeJS.ProcessEnv>, isTTY: boolean): boolean {
  if (env.NO_COLOR) return false;
  const force = env.FORCE_COLOR;
  if (force) return force !== '0' && force !== 'false';
  return isTTY && env.TERM !== 'dumb';
}

const PRINTABLE_ASCII = /^[\x20-\x7e]*$/;
const MARK = /^\p{M}$/u;
const WIDE =
  /^[\u1100-\u115f\u2e80-\u303e\u3041-\ua4cf\uac00-\ud7a3\uf900-\ufaff\ufe30-\ufe6f\uff00-\uff60\uffe0-\uffe6\u{1f300}-\u{1faff}\u{20000}-\u{3fffd}]$/u;

function charWidth(char: string): number {
  return MARK.test(char) ? 0 : WIDE.test(char) ? 2 : 1;
}

/** Columns that unpainted text takes: East Asian wide characters count two, combining marks none. */
export function displayWidth(text: string): number {
  if (PRINTABLE_ASCII.test(text)) return text.length;
  let width = 0;
  for (const char of text) width += charWidth(char);
  return width;
}

export function padEnd(text: string, width: number): string {
  return text + ' '.repeat(Math.max(0, width - displayWidth(text)));
}

export function padStart(text: string, width: number): string {
  return ' '.repeat(Math.max(0, width - displayWidth(text))) + text;
}

/** At most `width` columns; an ellipsis says that something is missing. */
export function clip(text: string, width: number): string {
  if (displayWidth(text) <= width) return text;
  let used = 1;
  let kept = '';
  for (const char of text) {
    used += charWidth(char);
    if (used > width) break;
    kept += char;
  }
  return `${kept}…`;
}

/** Our sign of what to do, and what looks like it: the arrows of Unicode, and those that are typed. */
const SIGN = String.raw`(?:[\u2190-\u21ff\u2794-\u27bf\u27f0-\u27ff\u2900-\u297f\u2b00-\u2bff\uffeb\u{1f800}-\u{1f8ff}]|[-=]*>)`;
/** What a sign or a command of ours begins with: a line begins with one only where it is ours. */
const OURS = String.raw`${SIGN}\S*|vbsctl|openstack`;

/**
 * A word, and such beginnings after it, a sign with what it points to: whatever a text holds, none of its lines but the
 * first begins with one.
 */
const WORDS = new RegExp(String.raw`\S+(?: +(?:${OURS})(?!\S)(?:(?<= ${SIGN}\S*) +\S+)?)*`, 'gu');

/** Prose, in lines of at most `width` columns, broken at blanks of every kind; a longer word stays whole. */
export function wrap(text: string, width: number): string[] {
  return filled(text.replace(/\s/g, ' ').match(WORDS) ?? [], width);
}

/**
 * A command up to the end of its line (broken, it could not be pasted), or a word. A quotation belongs to its word,
 * spaces and all: no command is found in it. Only U+0020 ends a word: any other blank belongs to what it was found in.
 */
const ADVICE =
  /(?:vbsctl|openstack) .*$|(?:\u201c[^\u201d]*\u201d|"(?:[^"\\]|\\.)*"|'[^']*'|\\[^ ]|[^ ])+(?: +\u2192(?![^ ]))*/g;

/**
 * What to do, in our own words, line by line: a command of ours stands on a line of its own where it would be broken.
 * What somebody else wrote stands in it in quotation marks (`quoted`, `shellWord`).
 */
export function advice(text: string | Lines, width: number): string[] {
  return lines(text, LEADING_SIGN).flatMap((line) => filled(line.match(ADVICE) ?? [], width));
}

/** Untrusted prose, sanitized and wrapped. No line begins with what a sign or a command of ours begins with. */
export function paragraphs(text: string | Lines, width: number): string[] {
  return lines(text, LEADING).flatMap((line) => wrap(line, width));
}

const LEADING = new RegExp(String.raw`^\s*(?:${OURS})(?!\S)`, 'u');
const LEADING_SIGN = new RegExp(String.raw`^\s*${SIGN}`, 'u');

function lines(text: string | Lines, leading: RegExp): string[] {
  return linesOf(text).map((line) => sanitize(line).replace(leading, madeVisible));
}

/** Its first character as its code, as a line that could act in a log (domain/escape/ci-log.ts). */
function madeVisible(leading: string): string {
  const [first = '', ...rest] = leading.trimStart();
  return `\\u{${first.codePointAt(0)?.toString(16)}}${rest.join('')}`;
}

function filled(pieces: readonly string[], width: number): string[] {
  const done: string[] = [];
  let line = '';
  for (const piece of pieces) {
    if (line !== '' && displayWidth(line) + 1 + displayWidth(piece) > width) {
      done.push(line);
      line = piece;
    } else {
      line = line === '' ? piece : `${line} ${piece}`;
    }
  }
  return line === '' ? done : [...done, line];
}

export function indent(lines: readonly string[], columns: number): string[] {
  const margin = ' '.repeat(columns);
  return lines.map((line) => (line === '' ? line : margin + line));
}

/** Where the values of `labelled` begin. */
export const LABEL_INDENT = 4;
export const VALUE_COLUMN = 15;

/** `    disk:      first line`, further lines under the first. */
export function labelled(label: string, lines: readonly string[], style: Style): string[] {
  const head = ' '.repeat(LABEL_INDENT) + style.faint(padEnd(`${label}:`, VALUE_COLUMN - LABEL_INDENT));
  const margin = ' '.repeat(VALUE_COLUMN);
  return lines.map((line, index) => (index === 0 ? head : margin) + line);
}

/** A view's lines as text to write: every view's text ends with a line break. */
export function joinLines(lines: readonly string[]): string {
  return lines.length === 0 ? '' : `${lines.join('\n')}\n`;
}
