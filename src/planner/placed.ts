import type { Place } from '../domain/diagnostic.ts';

/** ` at restores.yaml:12:7`, for the end of what is to be done there; nothing where it stands in no file. */
export function placed({ file, line, column }: Place): string {
  return file === undefined
    ? ''
    : ` at ${[file, line, column].filter((part) => part !== undefined).join(':')}`;
}
