/**
 * Characters that JSON.stringify does not escape but a terminal or a pipeline would act on. Terminal: DEL, C1, bidi and other
 * format characters, invisible ones. Pipeline: `##[…]` and the like (ci-log.ts); commands at the start of a line follow a
 * quotation mark here.
 */
const hostile = () => /[\u007f-\u009f\u2028\u2029\p{Cf}\p{Default_Ignorable_Code_Point}]|(?<=#)#/gu;

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
  if (HARMLESS.test(text) && !text.includes('##')) return text;
  const pattern = hostile();
  let harmless = '';
  for (let start = 0; start < text.length; ) {
    let end = start + pieceLength;
    if (/[\ud800-\udbff]/.test(text.charAt(end - 1))) end += 1;
    const before = text.charAt(start - 1) === '#' ? '#' : '';
    harmless += `${before}${text.slice(start, end)}`.replace(pattern, codesOf).slice(before.length);
    start = end;
  }
  return harmless;
}

function codesOf(char: string): string {
  let codes = '';
  for (let index = 0; index < char.length; index++)
    codes += `\\u${char.charCodeAt(index).toString(16).padStart(4, '0')}`;
  return codes;
}
