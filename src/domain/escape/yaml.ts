import { toJson } from './json.ts';
import { sanitize } from './terminal.ts';

/** Text for YAML, in which nothing can end a line, begin a comment or be read as something else than a text. */

/**
 * One value on one line. A text that is not plainly a word stands in JSON's quotes, which YAML takes as they are; what
 * a terminal or a log would act upon is escaped.
 */
export function yamlScalar(value: unknown): string {
  if (typeof value === 'string' && (UNMISTAKABLE.test(value) || UUID.test(value))) return value;
  return toJson(value);
}

/** Long, or with a dash between words, it can be no number, no date and none of YAML 1.1's `yes` and `false`. */
const UNMISTAKABLE = /^([A-Za-z]{6,}|[A-Za-z][A-Za-z0-9_]*(-[A-Za-z0-9_]+)+)$/;
const UUID = /^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/;

/** A comment of one line, whatever is in it. */
export function yamlComment(text: string): string {
  return `# ${sanitize(text)}`;
}
