import type { Diagnostic } from '../domain/diagnostic.ts';
import { diagnosticsText } from '../views/diagnostics.ts';
import { toJson } from '../views/json.ts';
import { DEFAULT_WIDTH, makeStyle, type TextOptions, wantsColor } from '../views/terminal.ts';
import type { Io, Output } from './io.ts';

/** How commands print: text as the terminal likes it, data as JSON; diagnostics go to stderr. */

export function textOptions(io: Io, output: Output = io.stdout): TextOptions {
  return {
    style: makeStyle(wantsColor(io.env, output.isTty)),
    width: output.isTty ? output.columns : DEFAULT_WIDTH,
    now: Date.now(),
  };
}

export function printJson(io: Io, value: unknown): void {
  io.stdout.write(`${toJson(value, 2)}\n`);
}

export function showDiagnostics(io: Io, diagnostics: readonly Diagnostic[]): void {
  if (diagnostics.length > 0) io.stderr.write(diagnosticsText(diagnostics, textOptions(io, io.stderr)));
}
