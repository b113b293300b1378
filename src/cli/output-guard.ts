import { endsMidLine, withoutLogCommands } from '../domain/escape/ci-log.ts';
import { harmlessText } from '../domain/escape/terminal.ts';
import type { Secrets } from '../domain/secrets.ts';

/**
 * The last step before anything is printed. Views escape the text that they insert; but only whole lines show whether one is
 * a command to the runner of a pipeline. JSON and YAML of domain/escape contain nothing that it would change.
 */
export class OutputGuard {
  readonly #secrets: Secrets;
  #isMidLine = false;

  constructor(secrets: Secrets) {
    this.#secrets = secrets;
  }

  /** The next text to print. It may begin in the middle of a line. */
  next(text: string): string {
    const begun = this.#isMidLine ? '|' : '';
    const harmless = this.lines(begun + text);
    this.#isMidLine = endsMidLine(harmless);
    return harmless.slice(begun.length);
  }

  /** Whole lines. */
  lines(text: string): string {
    return withoutLogCommands(harmlessText(this.#secrets.mask(text)));
  }
}
