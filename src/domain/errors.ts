import { type Diagnostic, error, type MultilineText } from './diagnostic.ts';

/** Exit codes, as documented in `vbsctl help exit-codes`. */
export const EXIT = {
  done: 0,
  error: 1,
  changes_pending: 2,
  outcome_unknown: 3,
  locked: 4,
  refused: 5,
  still_running: 6,
  interrupted: 130,
} as const;
export type ExitCode = (typeof EXIT)[keyof typeof EXIT];

/** Why a command could not do its work. A bug throws a plain Error instead, and crashes. */
export type FailureKind =
  | 'usage'
  | 'invalid'
  | 'cloud'
  | 'state'
  | 'locked'
  | 'refused'
  | 'interrupted'
  /** Refused because an earlier outcome is unknown. */
  | 'outcome_unknown';

const EXIT_OF: Record<FailureKind, ExitCode> = {
  usage: EXIT.error,
  invalid: EXIT.error,
  cloud: EXIT.error,
  state: EXIT.error,
  locked: EXIT.locked,
  refused: EXIT.refused,
  interrupted: EXIT.interrupted,
  outcome_unknown: EXIT.outcome_unknown,
};

/** An operating error: a problem that the user can fix, described by diagnostics. */
export class Failure extends Error {
  readonly kind: FailureKind;
  readonly diagnostics: readonly Diagnostic[];

  constructor(kind: FailureKind, diagnostics: Diagnostic | readonly Diagnostic[], options?: ErrorOptions) {
    const list: readonly Diagnostic[] = 'severity' in diagnostics ? [diagnostics] : diagnostics;
    super(list.map((d) => d.summary).join('; '), options);
    this.name = 'Failure';
    this.kind = kind;
    this.diagnostics = list;
  }

  /** With one diagnostic, which is what most failures have. */
  static of(
    kind: FailureKind,
    code: string,
    summary: string,
    more: Parameters<typeof error>[2] = {},
    options?: ErrorOptions,
  ): Failure {
    return new Failure(kind, error(code, summary, more), options);
  }

  get exitCode(): ExitCode {
    return EXIT_OF[this.kind];
  }
}

/** A refusal with one problem and its remedy. */
export function refused(code: string, summary: string, remedy: string, cause?: unknown): Failure {
  return Failure.of('refused', code, summary, { remedy }, { cause });
}

/** A command line that cannot be used, and what to do about it. */
export function usage(summary: string, remedy: string | MultilineText): Failure {
  return Failure.of('usage', 'usage', summary, { remedy });
}

/** Marks a case that the types exclude; reaching it is a bug. */
export function unreachable(value: never): never {
  throw new Error(`unreachable: ${JSON.stringify(value)}`);
}
