/** The forms in which other programs may write a secret. */
export function formsOf(secret: string): string[] {
  const json = JSON.stringify(secret).slice(1, -1);
  const uri = encodeURIComponent(secret.replace(/\p{Cs}/gu, '\ufffd'));
  const html = (entity: (char: string) => string) => secret.replace(/[&<>"'/`=]/g, entity);
  return [
    ...new Set([
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
      ...base64Forms(secret),
      Buffer.from(secret).toString('hex'),
    ]),
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
function base64Forms(secret: string): string[] {
  return [0, 1, 2].flatMap((before) => {
    const bytes = Buffer.concat([Buffer.alloc(before), Buffer.from(secret)]);
    const whole = bytes
      .toString('base64')
      .slice(Math.ceil((before * 8) / 6), Math.floor((bytes.length * 8) / 6));
    return [whole, whole.replaceAll('+', '-').replaceAll('/', '_')];
  });
}

/**
 * The readings of a text after its escapes are decoded, including nested escapes. Each step decodes all escapes of the
 * text at once, so that the work does not grow with the number of ways to combine them. Yields at most 14 texts, none
 * longer than the one before it.
 */
export function* spellings(text: string): Generator<string> {
  const found = new Set([text]);
  let level = [text];
  for (let depth = 0; depth < DEPTH_MAX; depth++) {
    const next: string[] = [];
    for (const each of level)
      for (const decoded of [unescaped(each), fromBase64(each)]) {
        if (found.has(decoded)) continue;
        found.add(decoded);
        next.push(decoded);
        yield decoded;
      }
    level = next;
  }
}

/**
 * The text without escapes. A secret that looks like an escape is found in a text that was decoded to the same depth.
 */
export function plainest(text: string): string {
  let plain = text;
  for (let depth = 0; depth < DEPTH_MAX; depth++) plain = unescaped(plain);
  return plain;
}

const DEPTH_MAX = 3;

/** In this order: bytes in a URL or in quoted-printable, bytes in a string, code points, characters, HTML. */
const ESCAPE = new RegExp(
  [
    String.raw`((?:%[0-9a-f]{2})+|(?:=[0-9a-f]{2}|=\r?\n)+|(?:\\x[0-9a-f]{2})+)`,
    String.raw`\\u\{?([0-9a-f]{4,6})\}?`,
    String.raw`((?:\\[^ux\n])+|\\[ux])`,
    '&#x([0-9a-f]{1,6});?',
    String.raw`&#(\d{1,7});?`,
    '&(lt|gt|quot|apos|sol|amp);',
  ].join('|'),
  'gi',
);

function unescaped(text: string): string {
  return text.replace(ESCAPE, (_, bytes, unicode, chars, hex, decimal, name) => {
    if (bytes !== undefined) return ofBytes(bytes);
    if (chars !== undefined) return chars.replace(/\\(.)/g, '$1');
    if (name !== undefined) return HTML_TEXT[name.toLowerCase()] ?? '';
    return character(decimal === undefined ? Number.parseInt(unicode ?? hex, 16) : Number(decimal));
  });
}

/** Decodes `%c3%bc`, `=C3=BC`, `\xc3\xbc`: usually UTF-8, else Latin-1. */
function ofBytes(escapes: string): string {
  const bytes = Buffer.from(escapes.replace(/[^0-9a-f]+/gi, ''), 'hex');
  const text = bytes.toString('utf8');
  return text.includes('\ufffd') ? bytes.toString('latin1') : text;
}

function fromBase64(text: string): string {
  return text.replace(/[A-Za-z0-9+/_-]{16,}/g, (run) => Buffer.from(run, 'base64').toString('utf8'));
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
