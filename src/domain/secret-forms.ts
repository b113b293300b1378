/** The forms in which other programs may write a secret. SECURITY.md lists them, and those that `spellings` decodes. */
export function formsOf(secret: string): string[] {
  const texts = [...new Set(textsOf(secret))];
  return [...new Set([...texts.flatMap(formsOfText), ...bytesOf(secret).flatMap(formsOfBytes)])];
}

/** With accents composed or decomposed; and UTF-8 taken for Latin-1, or the reverse. */
function textsOf(secret: string): string[] {
  const bytes = Buffer.from(secret);
  const latin1 = LATIN1.test(secret) ? Buffer.from(secret, 'latin1') : bytes;
  return [
    secret,
    secret.normalize('NFC'),
    secret.normalize('NFD'),
    bytes.toString('latin1'),
    latin1.toString(),
  ];
}

const LATIN1 = /^[\0-\xff]*$/;

function bytesOf(secret: string): Buffer[] {
  const composed = secret.normalize('NFC');
  return [
    ...[...new Set([secret, composed, secret.normalize('NFD')])].map((text) => Buffer.from(text)),
    ...(LATIN1.test(composed) ? [Buffer.from(composed, 'latin1')] : []),
  ];
}

function formsOfBytes(bytes: Buffer): string[] {
  return [...base64Forms(bytes), bytes.toString('hex')];
}

function formsOfText(secret: string): string[] {
  const json = JSON.stringify(secret).slice(1, -1);
  const uri = encodeURIComponent(secret.replace(/\p{Cs}/gu, '\ufffd'));
  const html = (entity: (char: string) => string) => secret.replace(/[&<>"'/`=]/g, entity);
  return [
    secret,
    json,
    json.replaceAll('/', '\\/'),
    json.replace(/[<>&'+=/\u007f-\uffff]/g, unicodeEscape),
    JSON.stringify(json).slice(1, -1),
    uri,
    uri.replace(/[!'()*~]/g, percent),
    uri.replaceAll('%20', '+'),
    encodeURIComponent(uri),
    html((char) => HTML_NAMES[char] ?? char),
    html((char) => `&#${char.charCodeAt(0)};`),
    html((char) => `&#x${char.charCodeAt(0).toString(16)};`),
  ];
}

const HTML_NAMES: Readonly<Record<string, string>> = {
  '&': '&amp;',
  '<': '&lt;',
  '>': '&gt;',
  '"': '&quot;',
  "'": '&apos;',
};

function unicodeEscape(char: string): string {
  return `\\u${char.charCodeAt(0).toString(16).padStart(4, '0')}`;
}

function percent(char: string): string {
  return `%${char.charCodeAt(0).toString(16)}`;
}

/**
 * Within a longer text (`user:password`), a secret begins at one of three positions within a base64 group of four
 * characters. Returns only the characters that depend on the secret alone.
 */
function base64Forms(bytes: Buffer): string[] {
  return [0, 1, 2].flatMap((before) => {
    const moved = Buffer.concat([Buffer.alloc(before), bytes]);
    const whole = moved
      .toString('base64')
      .slice(Math.ceil((before * 8) / 6), Math.floor((moved.length * 8) / 6));
    return [whole, whole.replaceAll('+', '-').replaceAll('/', '_')];
  });
}

/**
 * The readings of a text after its escapes are decoded, including nested escapes. Each step decodes one kind of escape,
 * because two at once could destroy each other: `\u00%34%31` is `\u0041` in a URL. Yields at most 258 texts, none longer
 * than the one before it; in most texts, few kinds make a difference.
 */
export function spellings(text: string): Generator<string> {
  return decoded(text, [...ESCAPES, fromBase64(BASE64), fromBase64(BASE64URL)]);
}

/** What may be left of a secret in such a reading, because what looks like an escape in it is decoded, too. */
export function decodedFormsOf(secret: string): string[] {
  return [...new Set(formsOf(secret).flatMap((form) => [...decoded(form, ESCAPES)]))];
}

/** Two texts, after the same escapes are decoded in both. Leaves out steps that decode nothing in the first one. */
export function decodedAlike(
  a: string,
  b: string,
  depth = DEPTH_MAX,
): readonly (readonly [string, string])[] {
  if (depth === 0) return [];
  return ESCAPES.flatMap((decode) => {
    const [readA, readB] = [decode(a), decode(b)];
    return readA === a ? [] : [[readA, readB] as const, ...decodedAlike(readA, readB, depth - 1)];
  });
}

type Decoder = (text: string) => string;

function* decoded(text: string, decoders: readonly Decoder[]): Generator<string> {
  const found = new Set([text]);
  let level = [text];
  for (let depth = 0; depth < DEPTH_MAX; depth++) {
    const next: string[] = [];
    for (const each of level)
      for (const decode of decoders) {
        const result = decode(each);
        if (found.has(result)) continue;
        found.add(result);
        next.push(result);
        yield result;
      }
    level = next;
  }
}

const DEPTH_MAX = 3;

/** A text may be cut within an escape. What is left of it stands before the dots, and hides the letters before it. */
const DOTS_FOLLOW = String.raw`(?=\u2026|\.{3})`;
const HEX = '[0-9a-fA-F]';

/** In this order: the rest of one, bytes, a UTF-16 unit as JavaScript once wrote it, a blank in a form. */
const URL_ESCAPES = new RegExp(
  `(%(?:${HEX}?|[uU]${HEX}{0,3})${DOTS_FOLLOW})|((?:%${HEX}{2})+)|%[uU](${HEX}{4})|\\+`,
  'g',
);

function fromUrl(text: string): string {
  return text.replace(URL_ESCAPES, (_, cut, bytes, unit) => {
    if (cut !== undefined) return '';
    if (bytes !== undefined) return ofHex(bytes);
    return unit === undefined ? ' ' : character(Number.parseInt(unit, 16));
  });
}

/** In this order: the rest of one, by number in hex and decimal, by name. */
const ENTITIES = new RegExp(
  [
    `(&[#a-zA-Z0-9]{0,30}${DOTS_FOLLOW})`,
    `&#[xX](${HEX}{1,8});?`,
    String.raw`&#(\d{1,9});?`,
    '&([a-zA-Z][a-zA-Z0-9]{1,30});',
  ].join('|'),
  'g',
);

function fromHtml(text: string): string {
  return text.replace(ENTITIES, (_, cut, hex, decimal, name) => {
    if (cut !== undefined) return '';
    // A letter with an accent is left out, as in a text of letters and digits alone.
    if (name !== undefined) return HTML_TEXT[name.toLowerCase()] ?? '';
    return character(decimal === undefined ? Number.parseInt(hex, 16) : Number(decimal));
  });
}

const QUOTED_PRINTABLE = new RegExp(`(=${HEX}?${DOTS_FOLLOW})|(?:=${HEX}{2}|=\\r?\\n)+`, 'g');

function fromQuotedPrintable(text: string): string {
  return text.replace(QUOTED_PRINTABLE, (bytes, cut) => (cut === undefined ? ofHex(bytes) : ''));
}

/**
 * In this order: the rest of one, bytes, octal bytes, code points, characters. `\u` has four digits even if a fifth
 * follows; `\U` has eight, unless they are no code point: then the text was written in capitals.
 */
const BACKSLASHES = new RegExp(
  [
    String.raw`(\\(?:[xX]${HEX}?|u${HEX}{0,3}|U${HEX}{0,7}|[uUxX]\{${HEX}{0,6}|[0-3]?[0-7]?)${DOTS_FOLLOW})`,
    String.raw`((?:\\[xX]${HEX}{2})+)`,
    String.raw`((?:\\[0-3][0-7]{2})+)`,
    String.raw`\\(?:U(00(?:0${HEX}|10)${HEX}{4})|[uU](${HEX}{4})|[uUxX]\{(${HEX}{1,6})\})`,
    String.raw`((?:\\(?![0-3][0-7]{2})[^uUxX\n])+|\\[uUxX])`,
  ].join('|'),
  'g',
);

function fromBackslashes(text: string): string {
  return text.replace(BACKSLASHES, (_, cut, bytes, octal, eight, four, braces, chars) => {
    if (cut !== undefined) return '';
    if (bytes !== undefined) return ofHex(bytes);
    if (octal !== undefined) return ofBytes(Buffer.from(octal.slice(1).split('\\').map(ofOctal)));
    if (chars !== undefined) return chars.replace(/\\(.)/g, ofLetter);
    return character(Number.parseInt(eight ?? four ?? braces, 16));
  });
}

const ESCAPES: readonly Decoder[] = [fromUrl, fromQuotedPrintable, fromHtml, fromBackslashes];

/** A line break or a tab becomes a blank, which does not matter where a secret is searched. */
function ofLetter(_: string, letter: string): string {
  return /[nrtfbv]/.test(letter) ? ' ' : letter;
}

function ofOctal(digits: string): number {
  return Number.parseInt(digits, 8);
}

function ofHex(bytes: string): string {
  return ofBytes(Buffer.from(bytes.replace(/[^0-9a-fA-F]+/g, ''), 'hex'));
}

/** `%c3%bc`, `=C3=BC`, `\xc3\xbc`, `\303\274`: usually UTF-8, else Latin-1. */
function ofBytes(bytes: Buffer): string {
  const text = bytes.toString('utf8');
  return text.includes('\ufffd') ? bytes.toString('latin1') : text;
}

/** A text in one alphabet may directly follow a character of the other: `/cb/eyJ…`, `id-eyJ…`. */
const BASE64 = /[A-Za-z0-9+/]{12,}/g;
const BASE64URL = /[A-Za-z0-9_-]{12,}/g;

function fromBase64(runs: RegExp): Decoder {
  return (text) => text.replace(runs, (run) => Buffer.from(run, 'base64').toString('utf8'));
}

/** The names of ASCII characters (WHATWG HTML, named character references), in lower case. */
const HTML_TEXT: Readonly<Record<string, string>> = {
  amp: '&',
  apos: "'",
  ast: '*',
  bsol: '\\',
  colon: ':',
  comma: ',',
  commat: '@',
  dollar: '$',
  equals: '=',
  excl: '!',
  grave: '`',
  gt: '>',
  hat: '^',
  lbrace: '{',
  lbrack: '[',
  lcub: '{',
  lowbar: '_',
  lpar: '(',
  lsqb: '[',
  lt: '<',
  midast: '*',
  num: '#',
  percnt: '%',
  period: '.',
  plus: '+',
  quest: '?',
  quot: '"',
  rbrace: '}',
  rbrack: ']',
  rcub: '}',
  rpar: ')',
  rsqb: ']',
  semi: ';',
  sol: '/',
  underbar: '_',
  verbar: '|',
  vert: '|',
};

function character(code: number): string {
  return code <= 0x10ffff ? String.fromCodePoint(code) : '';
}
