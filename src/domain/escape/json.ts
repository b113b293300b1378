/**
 * What JSON.stringify leaves raw and a reader would act upon. A terminal: DEL, C1, bidi and other format characters, what is not seen at all. A
 * pipeline's log: `##[…]` and its like (ci-log.ts); what acts only at the start of a line stands behind a quote here.
 */
const HOSTILE = /[\u007f-\u009f\u2028\u2029\p{Cf}\p{Default_Ignorable_Code_Point}]|(?<=#)#/gu;

/**
 * The one way of writing JSON: same data as JSON.stringify, but safe to look at in a terminal and in a log. No line
 * break at its end.
 */
export function toJson(value: unknown, indent = 0): string {
  return harmlessJson(JSON.stringify(value, undefined, indent));
}

/** Nearly every text is this; to see so costs a quarter of looking for what is hostile. */
const HARMLESS = /^[ -~\n]*$/;

/** JSON text with the same data. */
export function harmlessJson(text: string): string {
  if (HARMLESS.test(text) && !text.includes('##')) return text;
  return text.replace(HOSTILE, (char) =>
    [...Array(char.length).keys()]
      .map((index) => `\\u${char.charCodeAt(index).toString(16).padStart(4, '0')}`)
      .join(''),
  );
}
