import type { Secrets } from '../domain/secrets.ts';
import type { CommandDefinition, CommandGroup } from './commands/definition.ts';
import type { ManifestFlags } from './options/shared.ts';

/** The process as commands see it. `main.ts` makes the real one: no other file reads its arguments, variables and streams. */
export interface Io {
  readonly env: Readonly<Record<string, string | undefined>>;
  readonly cwd: string;
  readonly home: string;
  /** `user@host` */
  readonly who: string;
  readonly stdout: Output;
  readonly stderr: Output;
  readonly stdin: Input;
  /** The secrets of this process, added where they are read. They are masked in all output. */
  readonly secrets: Secrets;
  /** Keys of the notes that `noteOnce` has shown. */
  readonly notesShown: Set<string>;
  /** What the user typed, set before the command runs: for the commands that it prints. */
  readonly typed: {
    flags: ManifestFlags;
    plan?: string;
    commands: readonly (CommandDefinition | CommandGroup)[];
  };
  /** Aborted by the first SIGINT, SIGTERM or SIGHUP. */
  readonly stop: AbortSignal;
}

export interface Output {
  readonly isTty: boolean;
  readonly columns: number;
  /** The current height of the terminal. */
  readonly rows: number;
  /** Neutralizes commands to a CI runner, and masks secrets (output-guard.ts). */
  write(text: string): void;
  /** For a view that redraws lines in place. Writes unchanged text, which must come from `escaped`. */
  readonly stream: NodeJS.WritableStream;
  /** Whole lines, as `write` would write them. */
  escaped(text: string): string;
}

export interface Input {
  readonly isTty: boolean;
  /** The whole input, for `-f -`. */
  readonly bytes: AsyncIterable<Uint8Array>;
  /** Reads one line, without its end. Undefined if the input ended or the user interrupted. */
  question(prompt: string): Promise<string | undefined>;
}
