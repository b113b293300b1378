import { visit } from 'jsonc-parser';
import { invalidJson, type TextRange } from '../domain/json-bounds.ts';

/** In a longer part, the position of an error is not searched: a hostile part of this length takes about 60 MB. */
const EXAMINED_MAX = 1024 * 1024;
const STRICT = { disallowComments: true } as const;

/** `JSON.parse` of a part of the text, which must be bounded (`endOfValue`). Throws JsonFault. */
export function parseValue(text: string, { start, end }: TextRange): unknown {
  const part = text.slice(start, end);
  try {
    return JSON.parse(part);
  } catch {
    throw invalidJson(start + firstError(part));
  }
}

/** Offset of the first syntax error. The error of `JSON.parse` rarely has it. */
function firstError(text: string): number {
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

/** Offset of the value at `path` within the value in `range`; if it does not exist, of its innermost parent that does. */
export function offsetOf(
  text: string,
  { start, end }: TextRange,
  path: readonly (string | number)[],
): number {
  let offset = 0;
  let depth = 0;
  const visitValue = (at: number, pathOf: () => readonly (string | number)[]) => {
    const found = pathOf();
    if (found.length < depth || found.some((key, index) => key !== path[index])) return;
    // If a key occurs twice, the last member counts, as in `JSON.parse`.
    [offset, depth] = [at, found.length];
  };
  if (end - start <= EXAMINED_MAX)
    visit(text.slice(start, end), {
      onObjectBegin: (at, _length, _line, _column, pathOf) => visitValue(at, pathOf),
      onArrayBegin: (at, _length, _line, _column, pathOf) => visitValue(at, pathOf),
      onLiteralValue: (_value, at, _length, _line, _column, pathOf) => visitValue(at, pathOf),
    });
  return start + offset;
}

/** A position in a text, as it is shown. Line and column count from 1. */
export interface TextPosition {
  readonly line: number;
  readonly column: number;
  /** The text of the line, unless it is too long to be shown. */
  readonly text?: string;
}

const LINE_SHOWN_MAX = 160;

export function positionAt(text: string, offset: number): TextPosition {
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
