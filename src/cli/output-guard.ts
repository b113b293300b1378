import { endsMidLine, withoutLogCommands } from '../domain/escape/ci-log.ts';
import { harmlessText } from '../domain/escape/terminal.ts';
import type { Secrets } from '../domain/secrets.ts';

/**
 * The last hand on what is printed. Views make foreign text harmless where they put it into their own; only here are the
 * lines whole, in which it could be a command to a pipeline's runner, and nothing gets past it. JSON and YAML, written by
 * domain/escape, hold nothing that it would change.
 */
export class OutputGuard {
  readonly #secrets: Secrets;
  #isMidLine = false;

  constructor(secrets: Secrets) {
    this.#secrets = secrets;
  }

  /** What is printed next, wherever the last text ended. */
  next(text: string): string {
    const begun = this.#isMidLine ? '|' : '';
    const harmless = this.lines(begun + text);
    this.#isMidLine = endsMidLine(harmless);
    return harmless.slice(begun.length);
  }

  /** Text that begins a line. */
  lines(text: string): string {
    return withoutLogCommands(harmlessText(this.#secrets.mask(text)));
  }
}
