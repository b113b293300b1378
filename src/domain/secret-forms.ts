/** What a secret looks like after other programs wrote it down. */
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
 * In the midst of a longer text (`user:password`) a secret begins at any of three places within four characters. Only
 * those characters are taken that depend on the secret alone.
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

/** What the text says once its escapes are taken away, one in the other, too. */
export function spellings(text: string): string[] {
  const found = new Set<string>();
  let level = [text];
  for (let depth = 0; depth < DEPTH_MAX; depth++) {
    level = level
      .flatMap((each) => DECODERS.map((decode) => decode(each)))
      .filter((each) => !found.has(each));
    for (const each of level) found.add(each);
  }
  found.delete(text);
  return [...found];
}

const DEPTH_MAX = 3;

const DECODERS: readonly ((text: string) => string)[] = [
  (text) => utf8(text.replace(/%([0-9a-f]{2})/gi, codeUnit(16))),
  (text) => utf8(text.replace(/=\r?\n/g, '').replace(/=([0-9a-f]{2})/gi, codeUnit(16))),
  (text) =>
    text.replace(/\\(?:u\{?([0-9a-f]{4,6})\}?|x([0-9a-f]{2})|(.))/gi, (_, long, short, char) =>
      char === undefined ? character(Number.parseInt(long ?? short, 16)) : char,
    ),
  (text) =>
    text
      .replace(/&#x([0-9a-f]{1,6});?/gi, (_, hex: string) => character(Number.parseInt(hex, 16)))
      .replace(/&#(\d{1,7});?/g, (_, decimal: string) => character(Number(decimal)))
      .replace(/&(lt|gt|quot|apos|sol|amp);/g, (_, name: string) => HTML_TEXT[name] ?? ''),
  (text) => text.replace(/[A-Za-z0-9+/_-]{16,}/g, (run) => Buffer.from(run, 'base64').toString('utf8')),
];

const HTML_TEXT: Readonly<Record<string, string>> = {
  lt: '<',
  gt: '>',
  quot: '"',
  apos: "'",
  sol: '/',
  amp: '&',
};

function codeUnit(radix: number): (whole: string, digits: string) => string {
  return (_, digits) => String.fromCharCode(Number.parseInt(digits, radix));
}

function character(code: number): string {
  return code <= 0x10ffff ? String.fromCodePoint(code) : '';
}

/** Escapes by bytes stand for UTF-8. */
function utf8(text: string): string {
  return /[\u0080-\u00ff]/.test(text) && !/[\u0100-\uffff]/.test(text)
    ? Buffer.from(text, 'latin1').toString('utf8')
    : text;
}
