import { visit } from 'jsonc-parser';
import { invalidJson, type TextRange } from '../domain/json-bounds.ts';

/** Longer parts are not taken apart for the sake of a message: hostile ones of this length cost some 60 MB. */
const EXAMINED_MAX = 1024 * 1024;
const STRICT = { disallowComments: true } as const;

/** `JSON.parse` of a part. Throws JsonFault. The part must be bounded: see `endOfValue`. */
export function parseValue(text: string, { start, end }: TextRange): unknown {
  const part = text.slice(start, end);
  try {
    return JSON.parse(part);
  } catch {
    throw invalidJson(start + firstMistake(part));
  }
}

/** Offset of the first thing that is not JSON. `JSON.parse` mostly names none. */
function firstMistake(text: string): number {
  let first: number | undefined;
  if (text.length <= EXAMINED_MAX)
    visit(
      text,
      {
        onError: (_code, at) => {
          first ??= at;
        },
      },
      STRICT,
    );
  return first ?? 0;
}

/** Offset of the value at `path` below the one in `range`, or of the innermost one around it that is there. */
export function offsetOf(
  text: string,
  { start, end }: TextRange,
  path: readonly (string | number)[],
): number {
  let offset = 0;
  let depth = 0;
  const see = (at: number, pathOf: () => readonly (string | number)[]) => {
    const found = pathOf();
    if (found.length < depth || found.some((key, index) => key !== path[index])) return;
    // Of two members with one key the last counts, as for `JSON.parse`.
    [offset, depth] = [at, found.length];
  };
  if (end - start <= EXAMINED_MAX)
    visit(text.slice(start, end), {
      onObjectBegin: (at, _length, _line, _column, pathOf) => see(at, pathOf),
      onArrayBegin: (at, _length, _line, _column, pathOf) => see(at, pathOf),
      onLiteralValue: (_value, at, _length, _line, _column, pathOf) => see(at, pathOf),
    });
  return start + offset;
}

/** Where an offset is for a person. */
export interface TextPlace {
  /** From 1. */
  readonly line: number;
  readonly column: number;
  /** The line itself, unless it is too long to be shown. */
  readonly text?: string;
}

const LINE_SHOWN_MAX = 160;

export function placeAt(text: string, offset: number): TextPlace {
  const start = offset === 0 ? 0 : text.lastIndexOf('\n', offset - 1) + 1;
  const end = text.indexOf('\n', offset);
  const length = (end < 0 ? text.length : end) - start;
  let line = 1;
  for (let at = text.indexOf('\n'); at >= 0 && at < start; at = text.indexOf('\n', at + 1)) line++;
  return {
    line,
    column: offset - start + 1,
    ...(length > LINE_SHOWN_MAX ? {} : { text: text.slice(start, start + length) }),
  };
}
