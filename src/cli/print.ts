import { type Diagnostic, warning } from '../domain/diagnostic.ts';
import { Failure } from '../domain/errors.ts';
import { toJson } from '../domain/escape/json.ts';
import { quotedWhole } from '../domain/escape/quoted.ts';
import type { Address } from '../domain/spec.ts';
import { diagnosticsText } from '../views/diagnostics.ts';
import { DEFAULT_WIDTH, makeStyle, type TextOptions, wantsColor } from '../views/terminal.ts';
import { listed } from '../views/words.ts';
import { completeCommands } from './complete-commands.ts';
import type { Io, Output } from './io.ts';
import type { OutputFormat } from './options/shared.ts';

/** How commands print: text as the terminal likes it, data as JSON; diagnostics go to stderr. */

export function textOptions(io: Io, output: Output = io.stdout): TextOptions {
  return {
    style: makeStyle(wantsColor(io.env, output.isTty), (text) => completeCommands(text, io.typed)),
    width: output.isTty ? output.columns : columnsIn(io.env),
    now: Date.now(),
  };
}

/** One form for each format of `--output`, so that the compiler names every command that lacks a new format. */
export type Forms<T> = { readonly [Format in OutputFormat]: () => T };

export function inFormat<T>(format: OutputFormat, forms: Forms<T>): T {
  return forms[format]();
}

/** Prints the result of a command. `json`: the value, not its text. */
export function printResult(
  io: Io,
  format: OutputFormat,
  { text, json }: { readonly text: () => string; readonly json: () => unknown },
): void {
  inFormat(format, { text: () => io.stdout.write(text()), json: () => printJson(io, json()) });
}

/** Prints what only people need; programs have it in the result. */
export function printInText(io: Io, format: OutputFormat, text: () => string): void {
  inFormat(format, { text: () => io.stdout.write(text()), json: () => undefined });
}

/** A script that reads the text through a pipe sets `COLUMNS` to the width that it wants. */
function columnsIn({ COLUMNS: text = '' }: Io['env']): number {
  return /^[1-9]\d{1,3}$/.test(text) ? Number(text) : DEFAULT_WIDTH;
}

export function printJson(io: Io, value: unknown): void {
  io.stdout.write(`${toJson(value, 2)}\n`);
}

export function showDiagnostics(io: Io, diagnostics: readonly Diagnostic[]): void {
  if (diagnostics.length > 0) io.stderr.write(diagnosticsText(diagnostics, textOptions(io, io.stderr)));
}

/** Shows errors that do not end the command. */
export function showWarnings(io: Io, diagnostics: readonly Diagnostic[]): void {
  showDiagnostics(
    io,
    diagnostics.map((each) => ({ ...each, severity: 'warning' })),
  );
}

/** Shows a note unless this process has shown it: the drivers and the state may both note the same setting. */
export function noteOnce(io: Io, remark: Diagnostic): void {
  const key = JSON.stringify([remark.code, remark.summary]);
  if (io.notesShown.has(key)) return;
  io.notesShown.add(key);
  showDiagnostics(io, [remark]);
}

/** The failure of a command that was interrupted before it started anything. */
export function interrupted(io: Io): Failure {
  const { message } = io.stop.reason as Error;
  return Failure.of('interrupted', 'interrupted', `${message}; nothing was started`, {
    remedy: 'run the command again',
  });
}

/**
 * If the run was interrupted, shows what that means and how to resume. `blocking`: the restores because of which the same
 * command would be refused.
 */
export function showInterrupt(io: Io, blocking: readonly Address[] = []): void {
  if (!io.stop.aborted) return;
  const { message } = io.stop.reason as Error;
  showDiagnostics(io, [
    warning('interrupted', `${message}; nothing new was started after that`, {
      detail: 'Running restores continue in the cloud, and the state has them.',
      remedy:
        blocking.length === 0
          ? 'run the same command again to resume: it checks the cloud first'
          : `first resolve ${listed(blocking.map(quotedWhole), 3)} as described above, or add --skip-blocked; then run the same command again to resume: it checks the cloud first`,
    }),
  ]);
}
