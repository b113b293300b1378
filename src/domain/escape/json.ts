import { type ChunkedWork, runSync } from '../chunked-work.ts';

/**
 * Characters that JSON.stringify does not escape but a terminal or a pipeline would act on. Terminal: DEL, C1, bidi and other
 * format characters, invisible ones. Pipeline: `##[…]` and the like (ci-log.ts); commands at the start of a line follow a
 * quotation mark here.
 */
const hostile = () => /[\u007f-\u009f\u2028\u2029\p{Cf}\p{Default_Ignorable_Code_Point}]+|(?<=#)#+/gu;

/**
 * The only way that vbsctl writes JSON: same data as JSON.stringify, but safe in a terminal and in a log. Without a line break
 * at the end.
 */
export function toJson(value: unknown, indent = 0): string {
  return harmlessJson(JSON.stringify(value, undefined, indent));
}

/** A cheap first test, which nearly every text passes. */
const HARMLESS = /^[ -~\n]*$/;

/** V8 ends the process where it would replace some 2^26 matches in one text. */
const PIECE_LENGTH = 2 ** 20;

/** A JSON text with the same data, and safe. */
export function harmlessJson(text: string, pieceLength = PIECE_LENGTH): string {
  return runSync(harmlessJsonInSteps(text, pieceLength));
}

export function* harmlessJsonInSteps(text: string, pieceLength = PIECE_LENGTH): ChunkedWork<string> {
  if (HARMLESS.test(text) && !text.includes('##')) return text;
  const pattern = hostile();
  let harmless = '';
  for (let start = 0; start < text.length; ) {
    let end = start + pieceLength;
    if (/[\ud800-\udbff]/.test(text.charAt(end - 1))) end += 1;
    const before = text.charAt(start - 1) === '#' ? '#' : '';
    harmless += `${before}${text.slice(start, end)}`.replace(pattern, codesOf).slice(before.length);
    start = end;
    yield;
  }
  return harmless;
}

/** From this number of characters on, bytes are faster than texts, which may take a minute for a hundred million characters. */
const MANY = 16;
const HEX_DIGITS = Buffer.from('0123456789abcdef');
/** By character code; each is made once. */
const CODES: string[] = [];

/** `\u202e` of each character. */
function codesOf(characters: string): string {
  if (characters.length >= MANY) return manyCodesOf(characters);
  let codes = '';
  for (let index = 0; index < characters.length; index++) {
    const code = characters.charCodeAt(index);
    CODES[code] ??= `\\u${code.toString(16).padStart(4, '0')}`;
    codes += CODES[code];
  }
  return codes;
}

function manyCodesOf(characters: string): string {
  const codes = Buffer.alloc(6 * characters.length, '\\u0000');
  for (let index = 0; index < characters.length; index++) {
    const code = characters.charCodeAt(index);
    for (let digit = 0; digit < 4; digit++)
      codes[6 * index + 5 - digit] = HEX_DIGITS[(code >> (4 * digit)) & 15] ?? 0;
  }
  return codes.toString('latin1');
}
