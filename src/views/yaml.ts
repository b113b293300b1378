import { toJson } from './json.ts';

/**
 * YAML for what we print, without loading a library: plain data in block style. A text that is not plainly a
 * word stands in JSON's quotes, which YAML takes as they are, so nothing of it can end a line, begin a comment or
 * be read as something else than a text; what a terminal would act upon is escaped.
 */
export function toYaml(value: unknown): string {
  return `${block(value, '').join('\n')}\n`;
}

/** One value on one line. */
export function yamlScalar(value: unknown): string {
  if (typeof value === 'string' && (UNMISTAKABLE.test(value) || UUID.test(value))) return value;
  return toJson(value);
}

/** Long, or with a dash between words, it can be no number, no date and none of YAML 1.1's `yes` and `false`. */
const UNMISTAKABLE = /^([A-Za-z]{6,}|[A-Za-z][A-Za-z0-9_]*(-[A-Za-z0-9_]+)+)$/;
const UUID = /^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/;

function block(value: unknown, margin: string): string[] {
  if (Array.isArray(value)) {
    if (value.length === 0) return [`${margin}[]`];
    return value.flatMap((item) => {
      const [first = '', ...rest] = block(item, `${margin}  `);
      return [`${margin}- ${first.trimStart()}`, ...rest];
    });
  }
  if (typeof value !== 'object' || value === null) return [`${margin}${yamlScalar(value)}`];
  const entries = Object.entries(value).filter(([, each]) => each !== undefined);
  if (entries.length === 0) return [`${margin}{}`];
  return entries.flatMap(([key, each]) => {
    const isBlock = typeof each === 'object' && each !== null && Object.keys(each).length > 0;
    return isBlock
      ? [`${margin}${key}:`, ...block(each, `${margin}  `)]
      : [`${margin}${key}: ${block(each, '').join('')}`];
  });
}
