import { type ParseErrorCode, printParseErrorCode, visit } from 'jsonc-parser';
import type { Diagnostic } from '../domain/diagnostic.ts';
import { type Allowance, LIMITS } from './limits.ts';
import { MapEntries, Positions } from './positions.ts';
import type { SourceText } from './source.ts';
import {
  keyProblem,
  problemAt,
  StopReading,
  tooDeep,
  tooManyEscapes,
  tooManyKeys,
  tooManyProblems,
  tooManySpaces,
  tooManyValues,
} from './text-problems.ts';

type JsonResult =
  | {
      readonly kind: 'read';
      readonly value: unknown;
      readonly positions: Positions;
      readonly problems: Diagnostic[];
    }
  | { readonly kind: 'broken'; readonly problem: Diagnostic };

/**
 * Reads JSON (RFC 8259) with source positions and duplicate keys, which JSON.parse does not report. Accepts exactly
 * what JSON.parse accepts.
 */
export function readJson(source: SourceText, allowance: Allowance): JsonResult {
  try {
    checkCost(source);
    return read(source, allowance);
  } catch (cause) {
    if (cause instanceof StopReading) return { kind: 'broken', problem: cause.problem };
    throw cause;
  }
}

const [TAB, SPACE, BACKSLASH] = [0x09, 0x20, 0x5c];

/** jsonc-parser 3 concatenates spaces and texts with escapes character by character, at 32 bytes each. */
function checkCost(source: SourceText): void {
  let spaces = 0;
  let escapes = 0;
  for (let at = 0; at < source.text.length; at++) {
    const char = source.text.charCodeAt(at);
    spaces = char === SPACE || char === TAB ? spaces + 1 : 0;
    if (spaces > LIMITS.spaces) throw new StopReading(tooManySpaces(source, at));
    if (char === BACKSLASH && ++escapes > LIMITS.escapes) throw new StopReading(tooManyEscapes(source, at));
  }
}

/** An object or a list whose end is not read yet. */
type Open =
  | { readonly kind: 'list'; readonly data: unknown[]; readonly at: number; readonly offsets: number[] }
  | {
      readonly kind: 'map';
      readonly data: Record<string, unknown>;
      readonly at: number;
      readonly entries: MapEntries;
      key: { readonly name: string; readonly at: number };
    };

function read(source: SourceText, allowance: Allowance): JsonResult {
  const positions = new Positions();
  const problems: Diagnostic[] = [];
  const opened: Open[] = [];
  let root: unknown;

  function begin(at: number): void {
    if (--allowance.values < 0) throw new StopReading(tooManyValues(source, at));
    if (opened.length > LIMITS.nesting) throw new StopReading(tooDeep(source, at));
  }

  function put(value: unknown, at: number): void {
    const open = opened.at(-1);
    if (!open) {
      root = value;
      positions.root(at);
    } else if (open.kind === 'list') {
      open.offsets.push(at);
      open.data.push(value);
    } else {
      const { data, entries, key } = open;
      const wrong = keyProblem(source, key.at, key.name, data, entries);
      if (wrong && problems.push(wrong) > LIMITS.problems)
        throw new StopReading(tooManyProblems(source.file));
      if (wrong) return;
      entries.add(data, key.name, key.at, at);
      data[key.name] = value;
    }
  }

  function end(): void {
    const open = opened.pop();
    if (open?.kind === 'map') positions.map(open.data, open.entries);
    if (open?.kind === 'list') positions.list(open.data, open.offsets);
    if (open) put(open.data, open.at);
  }

  visit(
    source.text,
    {
      onObjectBegin: (at) => {
        begin(at);
        opened.push({ kind: 'map', data: {}, at, entries: new MapEntries(), key: { name: '', at } });
      },
      onObjectProperty: (name, at) => {
        const open = opened.at(-1);
        if (open?.kind !== 'map') return;
        if (open.entries.count === LIMITS.keys) throw new StopReading(tooManyKeys(source, at));
        open.key = { name, at };
      },
      onArrayBegin: (at) => {
        begin(at);
        opened.push({ kind: 'list', data: [], at, offsets: [] });
      },
      onObjectEnd: end,
      onArrayEnd: end,
      onLiteralValue: (value, at) => {
        begin(at);
        put(value, at);
      },
      onError: (code, at) => {
        throw new StopReading(notJson(source, code, at));
      },
    },
    { disallowComments: true },
  );
  return { kind: 'read', value: root, positions, problems };
}

type Mistake = readonly [what: string, remedy: string];

const NO_VALUE: Mistake = [
  'this is not a JSON value',
  'put keys and strings in double quotes; remove a comma before the closing bracket',
];
const NO_QUOTE: Mistake = [
  'this string has no closing double quote on its line',
  'close it; write a line break as \\n',
];
const WRONG_ESCAPE: Mistake = [
  'this string has an escape that JSON does not have',
  'write the backslash twice',
];
const NO_END: Mistake = [
  'a comma or the closing bracket is missing here',
  'add the comma or the closing bracket',
];

const MISTAKES: Readonly<Record<string, Mistake>> = {
  PropertyNameExpected: [
    'a key in double quotes is missing here',
    'quote the key, remove a comma before the bracket',
  ],
  ColonExpected: ['a colon is missing after the key', 'write "key": value'],
  CommaExpected: NO_END,
  CloseBraceExpected: NO_END,
  CloseBracketExpected: NO_END,
  EndOfFileExpected: [
    'there is text after the end of the JSON value',
    'keep one value; a list in [ ] holds several',
  ],
  InvalidCommentToken: ['JSON has no comments', 'remove the comment, or write the manifest in YAML'],
  UnexpectedEndOfString: NO_QUOTE,
  InvalidCharacter: NO_QUOTE,
  InvalidUnicode: WRONG_ESCAPE,
  InvalidEscapeCharacter: WRONG_ESCAPE,
};

function notJson(source: SourceText, code: ParseErrorCode, at: number): Diagnostic {
  const [what, remedy] = mistake(source.text, printParseErrorCode(code), at);
  return problemAt(source, at, 'json-syntax', `not valid JSON: ${what}`, remedy);
}

function mistake(text: string, code: string, at: number): Mistake {
  // jsonc-parser reads 012 as the number 0 and a further value.
  if (/^0\d/.test(text.slice(at - 1))) return ['a number must not begin with 0', 'remove the 0'];
  const known = MISTAKES[code];
  if (known) return known;
  return at === text.length ? ['the text ends too early', 'close what was opened'] : NO_VALUE;
}
