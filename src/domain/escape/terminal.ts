const PRINTABLE_ASCII = /^[\x20-\x7e]*$/;
/** In a class of a regular expression: invisible characters that Unicode counts among letters, marks and symbols. */
export const INVISIBLE = String.raw`\p{Default_Ignorable_Code_Point}\u2800`;
/**
 * Control (C0, DEL, C1), format (bidi, zero width, tags), line and paragraph separators, lone surrogates, and invisible
 * characters (variation selectors, fillers, the Braille pattern without dots). A function, because it takes a millisecond to parse.
 */
const hostile = () => new RegExp(String.raw`[\p{Cc}\p{Cf}\p{Zl}\p{Zp}\p{Cs}${INVISIBLE}]`, 'gu');
const NAMED: Readonly<Record<string, string>> = { '\n': '\\n', '\r': '\\r', '\t': '\\t' };

/**
 * Text from outside (manifests, cloud, state, file names) for a terminal: with visible codes in place of all characters that
 * could move the cursor, change colours, reorder or hide other text.
 */
export function sanitize(text: string): string {
  return PRINTABLE_ASCII.test(text) ? text : text.replace(hostile(), (char) => NAMED[char] ?? escaped(char));
}

/** What our own text may contain: the colours of `makeStyle` (views/terminal.ts), line breaks and tabs. */
// biome-ignore lint/suspicious/noControlCharactersInRegex: they are what is looked for
const OWN = /(\x1b\[(?:[12]|22|3[1236]|39)m|[\n\t])/;
const OWN_ASCII = /^[\x20-\x7e\n\t]*$/;

/** Our own text, including parts from outside: only our colours, line breaks and tabs keep their effect. */
export function harmlessText(text: string): string {
  if (OWN_ASCII.test(text)) return text;
  const parts = text.split(OWN);
  // Every second one is our own.
  return parts.map((part, index) => (index % 2 === 1 ? part : part.replace(hostile(), escaped))).join('');
}

function escaped(char: string): string {
  const hex = (char.codePointAt(0) ?? 0).toString(16);
  return hex.length <= 2 ? `\\x${hex.padStart(2, '0')}` : `\\u{${hex}}`;
}
