import type { Diagnostic, MultilineText, SourcePosition } from '../domain/diagnostic.ts';
import { quotedWhole } from '../domain/escape/quoted.ts';
import {
  clip,
  displayWidth,
  indent,
  inLine,
  LABEL_INDENT,
  labelled,
  paragraphs,
  type Style,
  sanitize,
  VALUE_COLUMN,
  wrap,
  wrapRemedy,
} from './terminal.ts';
import { plural } from './words.ts';

interface DiagnosticsOptions {
  readonly style: Style;
  readonly width: number;
}

/** All diagnostics, separated by empty lines, and their count if there are several. Ends with a line break. */
export function diagnosticsText(diagnostics: readonly Diagnostic[], options: DiagnosticsOptions): string {
  const blocks = diagnostics.map((diagnostic) => diagnosticLines(diagnostic, options).join('\n'));
  if (diagnostics.length > 1) blocks.push(`${countText(diagnostics)}.`);
  return blocks.length === 0 ? '' : `${blocks.join('\n\n')}\n`;
}

const STYLES = { error: 'bad', warning: 'warn', note: 'accent' } as const;

/**
 *     error: restores.yaml:12:7: unknown key "volum_id"
 *       12 |       volum_id: c96e4a94-927a-425c-8795-63f9964cfebd
 *          |       ^
 *       A restore names its disk by volume_id or volume.
 *       → write volume_id
 */
export function diagnosticLines(diagnostic: Diagnostic, options: DiagnosticsOptions): string[] {
  const { style, width } = options;
  const { severity, summary, where } = diagnostic;
  const position = where ? positionText(where) : '';
  const head = [
    style.strong(style[STYLES[severity]](`${severity}:`)),
    ...(position === '' ? [] : [`${position}:`]),
    style.strong(inLine(summary)),
  ].join(' ');
  return [
    head,
    ...(where ? excerptLines(where, options) : []),
    ...indent(explanationLines(diagnostic, { style, width: width - 2 }), 2),
  ];
}

/** Detail and remedy, as far as there are any. */
export function explanationLines(
  { detail, remedy }: Pick<Diagnostic, 'detail' | 'remedy'>,
  options: DiagnosticsOptions,
): string[] {
  return [
    ...(detail === undefined ? [] : paragraphs(detail, options.width)),
    ...(remedy === undefined ? [] : remedyLines(remedy, options)),
  ];
}

/** Diagnostics about one restore, as values of `labelled`. The default label is the severity. */
export function labelledDiagnostics(
  diagnostics: readonly Diagnostic[],
  { style, width }: DiagnosticsOptions,
  label?: string,
): string[] {
  const room = width - VALUE_COLUMN;
  return diagnostics.flatMap((diagnostic) => {
    const { severity, summary } = diagnostic;
    const paint = severity === 'error' ? style.bad : style.warn;
    return labelled(
      label ?? severity,
      [...wrap(sanitize(summary), room).map(paint), ...explanationLines(diagnostic, { style, width: room })],
      style,
    );
  });
}

/** A remedy at the indentation of labels. */
export function indentedRemedy(
  remedy: string | MultilineText,
  { style, width }: DiagnosticsOptions,
): string[] {
  return indent(remedyLines(remedy, { style, width: width - LABEL_INDENT }), LABEL_INDENT);
}

/** `→ remedy`, with a hanging indent. */
export function remedyLines(remedy: string | MultilineText, { style, width }: DiagnosticsOptions): string[] {
  return wrapRemedy(remedy, width - 2, style.complete).map((line, index) =>
    style.accent((index === 0 ? '→ ' : '  ') + line),
  );
}

/** `restores.yaml:12:7 (payments/db-data)`, without the unknown parts. */
export function positionText({ file, line, column, address }: SourcePosition): string {
  const position = [file && quotedWhole(file), line, line === undefined ? undefined : column]
    .filter((part) => part !== undefined && part !== '')
    .join(':');
  if (address === undefined) return position;
  return position === '' ? quotedWhole(address) : `${position} (${quotedWhole(address)})`;
}

/** `2 errors, 1 warning` */
function countText(diagnostics: readonly Diagnostic[]): string {
  const counts = (['error', 'warning', 'note'] as const).flatMap((severity) => {
    const count = diagnostics.filter((each) => each.severity === severity).length;
    return count > 0 ? [plural(count, severity)] : [];
  });
  return counts.join(', ');
}

/** The source line with a caret under `column`; only the part around it if the line is too long. */
function excerptLines(
  { line, column, text }: SourcePosition,
  { style, width }: DiagnosticsOptions,
): string[] {
  if (line === undefined || text === undefined) return [];
  const gutter = String(line);
  const room = Math.max(20, width - gutter.length - 5);
  const at = Math.max(0, (column ?? 1) - 1);
  // A minified JSON file is one line of megabytes: cut it before anything iterates over it.
  const before = sanitize(text.slice(Math.max(0, at - room), at));
  const after = sanitize(text.slice(at, at + room));
  const lead =
    displayWidth(before) > room / 2 || at > room ? `…${tail(before, Math.floor(room / 2))}` : before;
  const shown = clip(lead + after, room);
  const bar = (label: string, content: string) =>
    `  ${style.faint(`${label.padStart(gutter.length)} |`)} ${content}`;
  const lines = [bar(gutter, shown)];
  if (column !== undefined) lines.push(bar('', ' '.repeat(displayWidth(lead)) + style.bad('^')));
  return lines;
}

/** The end of the text, as much as fits. */
function tail(text: string, columns: number): string {
  const chars = [...text];
  let start = chars.length;
  for (let used = 0; start > 0; start -= 1) {
    used += displayWidth(chars[start - 1] ?? '');
    if (used > columns) break;
  }
  return chars.slice(start).join('');
}

/** The document of `--output json`. */
export function diagnosticsJson(diagnostics: readonly Diagnostic[]) {
  return { format: 1, diagnostics };
}
