import pc from 'picocolors';
import { linesOf, type MultilineText } from '../domain/diagnostic.ts';
import { sanitize } from '../domain/escape/terminal.ts';

export { sanitize };

/**
 * Layout of text on a terminal: foreign text is sanitized, colours come from the caller's `Style`, widths are counted
 * in columns. Everything here works on plain text; paint last, or widths are wrong.
 */

export type Paint = (text: string) => string;

export const plain: Paint = (text) => text;

/** Colours by meaning, so that no view decides on a colour. */
export interface Style {
  readonly strong: Paint;
  readonly faint: Paint;
  readonly good: Paint;
  readonly warn: Paint;
  readonly bad: Paint;
  /** A command to type, or progress. */
  readonly accent: Paint;
  /** Adds to a command of ours the options of the present one. */
  readonly complete: Paint;
}

/** Options of every text view. */
export interface TextOptions {
  readonly style: Style;
  /** Columns of the terminal. */
  readonly width: number;
  /** Current time in epoch ms, for ages. */
  readonly now: number;
}

/** Columns assumed if the output is not a terminal. */
export const DEFAULT_WIDTH = 100;

export function makeStyle(color: boolean, complete: Paint = plain): Style {
  const { bold, dim, green, yellow, red, cyan } = pc.createColors(color);
  return { strong: bold, faint: dim, good: green, warn: yellow, bad: red, accent: cyan, complete };
}

/** NO_COLOR wins over FORCE_COLOR, both win over `isTTY`. */
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

export function widestOf(texts: Iterable<string>): number {
  let widest = 0;
  for (const text of texts) widest = Math.max(widest, displayWidth(text));
  return widest;
}

export function padEnd(text: string, width: number): string {
  return text + ' '.repeat(Math.max(0, width - displayWidth(text)));
}

export function padStart(text: string, width: number): string {
  return ' '.repeat(Math.max(0, width - displayWidth(text))) + text;
}

/** Cuts `text` to at most `width` columns, with an ellipsis at the cut. */
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

/** The arrow before our remedies, and everything that looks like it: the arrows of Unicode, and typed ones. */
const ARROW = String.raw`(?:[\u2190-\u21ff\u2794-\u27bf\u27f0-\u27ff\u2900-\u297f\u2b00-\u2bff\uffeb\u{1f800}-\u{1f8ff}]|[-=]*>)`;
/** The beginning of a remedy or command of ours. Foreign text must not put one at the beginning of a line. */
const OURS = String.raw`${ARROW}\S*|vbsctl|openstack`;

/** A word together with any `OURS` that follow it (an arrow also with the next word), so that `fill` never breaks before one. */
const WORDS = new RegExp(String.raw`\S+(?: +(?:${OURS})(?!\S)(?:(?<= ${ARROW}\S*) +\S+)?)*`, 'gu');

/** Prose in lines of at most `width` columns, broken at any white space; a longer word stays whole. */
export function wrap(text: string, width: number): string[] {
  return fill(text.replace(/\s/g, ' ').match(WORDS) ?? [], width);
}

/**
 * A command up to the end of its line (a broken one could not be pasted), or a word. A quotation, with its spaces, is
 * part of its word, so no command is found in it. Only U+0020 ends a word; other white space is part of it.
 */
const ADVICE =
  /(?:vbsctl|openstack) .*$|(?:\u201c[^\u201d]*\u201d|"(?:[^"\\]|\\.)*"|'[^']*'|\\[^ ]|[^ ])+(?: +\u2192(?![^ ]))*/g;

/**
 * Wraps a remedy. A command of ours gets a line of its own if it would be broken. The text is ours; foreign text in it
 * must be quoted (`quoted`, `shellWord`).
 */
export function wrapRemedy(text: string | MultilineText, width: number, complete: Paint = plain): string[] {
  return lines(text, LEADING_ARROW).flatMap((line) =>
    fill(
      (line.match(ADVICE) ?? []).map((piece) => (piece.startsWith('vbsctl ') ? complete(piece) : piece)),
      width,
    ),
  );
}

/**
 * Untrusted text for a part of a line, without runs of blanks: they could fill the rest of a line of the terminal, and what
 * follows would stand on a line of its own.
 */
export function inLine(text: string): string {
  return sanitize(text).replace(/\p{Zs}{2,}/gu, ' ');
}

/** Untrusted prose, sanitized and wrapped. No line begins like a remedy or a command of ours. */
export function paragraphs(text: string | MultilineText, width: number): string[] {
  return lines(text, LEADING).flatMap((line) => wrap(line, width));
}

const LEADING = new RegExp(String.raw`^\s*(?:${OURS})(?!\S)`, 'u');
const LEADING_ARROW = new RegExp(String.raw`^\s*${ARROW}`, 'u');

function lines(text: string | MultilineText, leading: RegExp): string[] {
  return linesOf(text).map((line) => sanitize(line).replace(leading, firstAsCode));
}

/** Writes the first character as its code point, like domain/escape/ci-log.ts. */
function firstAsCode(leading: string): string {
  const [first = '', ...rest] = leading.trimStart();
  return `\\u{${first.codePointAt(0)?.toString(16)}}${rest.join('')}`;
}

function fill(pieces: readonly string[], width: number): string[] {
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

/** Columns at which the labels and the values of `labelled` begin. */
export const LABEL_INDENT = 4;
export const VALUE_COLUMN = 15;

/** `    disk:      first line`, with further lines below the first. */
export function labelled(label: string, lines: readonly string[], style: Style): string[] {
  const head = ' '.repeat(LABEL_INDENT) + style.faint(padEnd(`${label}:`, VALUE_COLUMN - LABEL_INDENT));
  const margin = ' '.repeat(VALUE_COLUMN);
  return lines.map((line, index) => (index === 0 ? head : margin) + line);
}

/** The text of every view: it ends with a line break. */
export function joinLines(lines: readonly string[]): string {
  return lines.length === 0 ? '' : `${lines.join('\n')}\n`;
}
