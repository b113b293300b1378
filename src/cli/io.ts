import type { Secrets } from '../domain/secrets.ts';

/** The process as commands see it. `main.ts` makes the real one; nothing else touches `process`. */
export interface Io {
  readonly env: Readonly<Record<string, string | undefined>>;
  readonly cwd: string;
  readonly home: string;
  /** `user@host` */
  readonly who: string;
  readonly stdout: Output;
  readonly stderr: Output;
  readonly stdin: Input;
  /** Of this process, filled where they are read; what is printed passes them. */
  readonly secrets: Secrets;
  /** Aborted by the first SIGINT, SIGTERM or SIGHUP. */
  readonly stop: AbortSignal;
}

export interface Output {
  readonly isTty: boolean;
  readonly columns: number;
  /** Of the terminal, as it is now. */
  readonly rows: number;
  /** What could act as a command, and every secret, is taken out (output-guard.ts). */
  write(text: string): void;
  /** For what redraws lines in place: written as it is. Its text passes `harmless` first. */
  readonly stream: NodeJS.WritableStream;
  /** Whole lines, as `write` would write them. */
  harmless(text: string): string;
}

export interface Input {
  readonly isTty: boolean;
  /** All that comes, for `-f -`. */
  readonly bytes: AsyncIterable<Uint8Array>;
  /** One line without its end; undefined when input ended or a stop was asked for. */
  question(prompt: string): Promise<string | undefined>;
}
