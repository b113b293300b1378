import { endOfValue, type JsonBounds, JsonFault } from '../../domain/json-bounds.ts';
import type { Answer, Http } from './exchange.ts';

/**
 * Bodies that no request here asks for: compressed ones (every request says `Accept-Encoding: identity`), whose true
 * size no limit sees, and JSON that is nested without end or has values without end.
 */

/** A catalog is 6 levels deep; a page of a thousand volumes has some hundred thousand values. */
const BOUNDS: JsonBounds = { depth: 64, values: 1_000_000 };

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

/** Why a text that may be JSON is not parsed; completes “the answer …”. Of what is not JSON, `JSON.parse` sees no more. */
export function tooMuchJson(text: string): string | undefined {
  try {
    endOfValue(text, text.search(/[^ \t\r\n]|$/), BOUNDS);
    return undefined;
  } catch (cause) {
    if (cause instanceof JsonFault) return cause.kind === 'too_much' ? cause.message : undefined;
    throw cause;
  }
}
