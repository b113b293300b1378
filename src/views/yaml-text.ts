import { yamlScalar } from '../domain/escape/yaml.ts';

/** Plain data as YAML in block style, without loading a library. The keys are ours and need no quotes. */
export function toYaml(value: unknown): string {
  return `${block(value, '').join('\n')}\n`;
}

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
