import { toJson } from './json.ts';
import { sanitize } from './terminal.ts';

/**
 * One YAML value on one line. A text that is not clearly a word is quoted as JSON, which YAML understands; characters that
 * a terminal or a log would act on are escaped. So no text can end a line, begin a comment or be read as another type.
 */
export function yamlScalar(value: unknown): string {
  if (typeof value === 'string' && (UNMISTAKABLE.test(value) || UUID.test(value))) return value;
  return toJson(value);
}

/** Long, or with a dash between words: not a number, not a date, and none of YAML 1.1's `yes` and `false`. */
const UNMISTAKABLE = /^([A-Za-z]{6,}|[A-Za-z][A-Za-z0-9_]*(-[A-Za-z0-9_]+)+)$/;
const UUID = /^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/;

/** A comment of one line. */
export function yamlComment(text: string): string {
  return `# ${sanitize(text)}`;
}
