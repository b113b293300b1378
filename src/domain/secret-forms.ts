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
 * The readings of a text after its escapes are decoded, including nested escapes. Each step decodes all escapes of the
 * text at once, so that the work does not grow with the number of ways to combine them. Yields at most 39 texts, none
 * longer than the one before it; in most texts, the two alphabets of base64 make no difference.
 */
export function* spellings(text: string): Generator<string> {
  const found = new Set([text]);
  let level = [text];
  for (let depth = 0; depth < DEPTH_MAX; depth++) {
    const next: string[] = [];
    for (const each of level)
      for (const decoded of [unescaped(each), fromBase64(each, BASE64), fromBase64(each, BASE64URL)]) {
        if (found.has(decoded)) continue;
        found.add(decoded);
        next.push(decoded);
        yield decoded;
      }
    level = next;
  }
}

/**
 * What may be left of a secret in such a reading. A secret that looks like an escape is decoded, too: within one of its
 * forms once, or as far as the text.
 */
export function decodedFormsOf(secret: string): string[] {
  let plain = secret;
  for (let depth = 0; depth < DEPTH_MAX; depth++) plain = unescaped(plain);
  return [...new Set([plain, ...formsOf(secret).map(unescaped)])];
}

const DEPTH_MAX = 3;

/** A text may be cut within an escape. What is left of it stands before the dots, and hides the letters before it. */
const CUT_ESCAPE = String.raw`(?:%[0-9a-f]?|=[0-9a-f]?|\\(?:x[0-9a-f]?|u[0-9a-f]{0,3}|u\{[0-9a-f]{0,6}|[0-3]?[0-7]?)|&[#a-z0-9]{0,30})(?=\u2026|\.{3})`;

/** In this order: the rest of one, bytes in a URL or in quoted-printable, bytes in a string, code points, characters, HTML. */
const ESCAPE = new RegExp(
  [
    `(${CUT_ESCAPE})`,
    String.raw`((?:%[0-9a-f]{2})+|(?:=[0-9a-f]{2}|=\r?\n)+|(?:\\x[0-9a-f]{2})+)`,
    String.raw`((?:\\[0-3][0-7]{2})+)`,
    String.raw`[\\%]u\{?([0-9a-f]{4,6})\}?`,
    String.raw`((?:\\[^ux\n])+|\\[ux])`,
    '&#x([0-9a-f]{1,8});?',
    String.raw`&#(\d{1,9});?`,
    '&([a-z][a-z0-9]{1,30});',
  ].join('|'),
  'gi',
);

function unescaped(text: string): string {
  return text.replace(ESCAPE, (_, cut, bytes, octal, unicode, chars, hex, decimal, name) => {
    if (cut !== undefined) return '';
    if (bytes !== undefined) return ofBytes(Buffer.from(bytes.replace(/[^0-9a-f]+/gi, ''), 'hex'));
    if (octal !== undefined) return ofBytes(Buffer.from(octal.slice(1).split('\\').map(ofOctal)));
    if (chars !== undefined) return chars.replace(/\\(.)/g, ofLetter);
    // A letter with an accent is left out, as in a text of letters and digits alone.
    if (name !== undefined) return HTML_TEXT[name.toLowerCase()] ?? '';
    return character(decimal === undefined ? Number.parseInt(unicode ?? hex, 16) : Number(decimal));
  });
}

/** A line break or a tab becomes a blank, which does not matter where a secret is searched. */
function ofLetter(_: string, letter: string): string {
  return /[nrtfbv]/.test(letter) ? ' ' : letter;
}

function ofOctal(digits: string): number {
  return Number.parseInt(digits, 8);
}

/** `%c3%bc`, `=C3=BC`, `\xc3\xbc`, `\303\274`: usually UTF-8, else Latin-1. */
function ofBytes(bytes: Buffer): string {
  const text = bytes.toString('utf8');
  return text.includes('\ufffd') ? bytes.toString('latin1') : text;
}

/** A text in one alphabet may directly follow a character of the other: `/cb/eyJ…`, `id-eyJ…`. */
const BASE64 = /[A-Za-z0-9+/]{12,}/g;
const BASE64URL = /[A-Za-z0-9_-]{12,}/g;

function fromBase64(text: string, runs: RegExp): string {
  return text.replace(runs, (run) => Buffer.from(run, 'base64').toString('utf8'));
}

const HTML_TEXT: Readonly<Record<string, string>> = {
  lt: '<',
  gt: '>',
  quot: '"',
  apos: "'",
  sol: '/',
  amp: '&',
};

function character(code: number): string {
  return code <= 0x10ffff ? String.fromCodePoint(code) : '';
}
