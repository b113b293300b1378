import type { Answer, Http } from './exchange.ts';

/**
 * Bodies that no request here asks for: compressed ones (every request says `Accept-Encoding: identity`), whose true
 * size no limit sees, and JSON that is nested without end.
 */

/** Maps and lists within each other; a catalog needs 6. */
const NESTING_MAX = 64;

/** How the body is compressed; undefined when it is not. */
export function compressionOf({ headers }: Pick<Answer, 'headers'>): string | undefined {
  const coding = headers['content-encoding']?.trim().toLowerCase();
  return coding === undefined || coding === '' || coding === 'identity' ? undefined : coding;
}

/** The network, where a compressed body is a sentence that says so: its bytes are not decompressed and help nobody. */
export function withoutCompression(network: Http): Http {
  return {
    async send(request) {
      const exchange = await network.send(request);
      const coding = exchange.kind === 'answer' ? compressionOf(exchange) : undefined;
      return coding === undefined || exchange.kind !== 'answer'
        ? exchange
        : {
            ...exchange,
            text: `the answer is compressed (${coding}), although it was asked for uncompressed`,
          };
    },
  };
}

/** Whether a text that may be JSON is nested more deeply than any answer is. Linear; strings are skipped whole. */
export function isNestedTooDeep(text: string): boolean {
  let depth = 0;
  for (let at = 0; at < text.length; at++)
    switch (text[at]) {
      case '[':
      case '{':
        if (++depth > NESTING_MAX) return true;
        break;
      case ']':
      case '}':
        depth--;
        break;
      case '"':
        at = endOfString(text, at);
        break;
      default:
    }
  return false;
}

/** Of the quote that closes the string; the text's length where none does. */
function endOfString(text: string, start: number): number {
  for (let end = text.indexOf('"', start + 1); end >= 0; end = text.indexOf('"', end + 1)) {
    let slashes = 0;
    while (text[end - 1 - slashes] === '\\') slashes++;
    if (slashes % 2 === 0) return end;
  }
  return text.length;
}
