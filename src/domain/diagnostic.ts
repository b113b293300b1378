/** A problem that the program reports. */
export interface Diagnostic {
  readonly severity: 'error' | 'warning' | 'note';
  /** Stable kebab-case name of the check, for machines: `unknown-key`, `duplicate-volume`. */
  readonly code: string;
  /** One sentence without a full stop: what is wrong. */
  readonly summary: string;
  /** More that explains it. */
  readonly detail?: string | MultilineText;
  /** What to do: an edit, a command, a flag. */
  readonly remedy?: string | MultilineText;
  readonly where?: SourcePosition;
}

/**
 * A text of several lines; one string in JSON. Only this class makes lines: views show a line break within a line, or in a
 * plain string, as `\n`, because it came with text from outside.
 */
export class MultilineText {
  readonly lines: readonly string[];

  constructor(...each: readonly (string | undefined)[]) {
    this.lines = each.filter((line) => line !== undefined);
  }

  toString(): string {
    return this.lines.join('\n');
  }

  toJSON(): string {
    return this.toString();
  }
}

export function linesOf(text: string | MultilineText): readonly string[] {
  return typeof text === 'string' ? [text] : text.lines;
}

/** Where a problem is: in a file (line and column from 1) or at a restore. */
export interface SourcePosition {
  readonly file?: string;
  readonly line?: number;
  readonly column?: number;
  /** The source line, to be shown with a caret under `column`. */
  readonly text?: string;
  readonly address?: string;
}

export function error(
  code: string,
  summary: string,
  more: Omit<Diagnostic, 'severity' | 'code' | 'summary'> = {},
): Diagnostic {
  return { severity: 'error', code, summary, ...more };
}

export function warning(...problem: Parameters<typeof error>): Diagnostic {
  return { ...error(...problem), severity: 'warning' };
}

export function note(...remark: Parameters<typeof error>): Diagnostic {
  return { ...error(...remark), severity: 'note' };
}

export function hasErrors(diagnostics: readonly Diagnostic[]): boolean {
  return diagnostics.some((d) => d.severity === 'error');
}
