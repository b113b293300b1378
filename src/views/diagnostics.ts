import type { Diagnostic, Lines, Place } from '../domain/diagnostic.ts';
import { unreachable } from '../domain/errors.ts';
import { quotedWhole } from '../domain/escape/quoted.ts';
import {
  advice,
  clip,
  displayWidth,
  indent,
  type Paint,
  paragraphs,
  type Style,
  sanitize,
} from './terminal.ts';
import { plural } from './words.ts';

export interface DiagnosticsOptions {
  readonly style: Style;
  readonly width: number;
}

/** Every diagnostic with an empty line between, and a count when there are several. Ends with a line break. */
export function diagnosticsText(diagnostics: readonly Diagnostic[], options: DiagnosticsOptions): string {
  const blocks = diagnostics.map((diagnostic) => diagnosticLines(diagnostic, options).join('\n'));
  if (diagnostics.length > 1) blocks.push(`${countText(diagnostics)}.`);
  return blocks.length === 0 ? '' : `${blocks.join('\n\n')}\n`;
}

/**
 *     error: restores.yaml:12:7: unknown key "volum_id"
 *       12 |       volum_id: c96e4a94-927a-425c-8795-63f9964cfebd
 *          |       ^
 *       A restore names its disk by volume_id or volume.
 *       → write volume_id
 */
export function diagnosticLines(diagnostic: Diagnostic, options: DiagnosticsOptions): string[] {
  const { style, width } = options;
  const { severity, summary, detail, remedy, where } = diagnostic;
  const place = where ? placeText(where) : '';
  const head = [
    style.strong(paintOf(severity, style)(`${severity}:`)),
    ...(place === '' ? [] : [`${place}:`]),
    style.strong(sanitize(summary)),
  ].join(' ');
  return [
    head,
    ...(where ? excerptLines(where, options) : []),
    ...(detail === undefined ? [] : indent(paragraphs(detail, width - 2), 2)),
    ...(remedy === undefined ? [] : indent(remedyLines(remedy, { style, width: width - 2 }), 2)),
  ];
}

/** `→ what to do`, hanging, in the colour of things to do. */
export function remedyLines(remedy: string | Lines, { style, width }: DiagnosticsOptions): string[] {
  return advice(remedy, width - 2).map((line, index) => style.accent((index === 0 ? '→ ' : '  ') + line));
}

/** `restores.yaml:12:7 (payments/db-data)`, as much of it as is known. */
export function placeText({ file, line, column, address }: Place): string {
  const position = [file && quotedWhole(file), line, line === undefined ? undefined : column]
    .filter((part) => part !== undefined && part !== '')
    .join(':');
  if (address === undefined) return position;
  return position === '' ? quotedWhole(address) : `${position} (${quotedWhole(address)})`;
}

/** `2 errors, 1 warning` */
export function countText(diagnostics: readonly Diagnostic[]): string {
  return (['error', 'warning', 'note'] as const)
    .map((severity) => [severity, diagnostics.filter((d) => d.severity === severity).length] as const)
    .filter(([, count]) => count > 0)
    .map(([severity, count]) => plural(count, severity))
    .join(', ');
}

/** The source line with a caret under its column; a window of it when the line is longer than the screen. */
function excerptLines({ line, column, text }: Place, { style, width }: DiagnosticsOptions): string[] {
  if (line === undefined || text === undefined) return [];
  const gutter = String(line);
  const room = Math.max(20, width - gutter.length - 5);
  const at = Math.max(0, (column ?? 1) - 1);
  // A minified JSON file is one line of megabytes: cut before anything walks over it.
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

function tail(text: string, columns: number): string {
  const chars = [...text];
  let start = chars.length;
  for (let used = 0; start > 0; start -= 1) {
    used += displayWidth(chars[start - 1] ?? '');
    if (used > columns) break;
  }
  return chars.slice(start).join('');
}

function paintOf(severity: Diagnostic['severity'], style: Style): Paint {
  switch (severity) {
    case 'error':
      return style.bad;
    case 'warning':
      return style.warn;
    case 'note':
      return style.accent;
    default:
      return unreachable(severity);
  }
}

/** The form of `--output json`. */
export interface DiagnosticsJson {
  readonly format: 1;
  readonly diagnostics: readonly Diagnostic[];
}

export function diagnosticsJson(diagnostics: readonly Diagnostic[]): DiagnosticsJson {
  return { format: 1, diagnostics };
}
