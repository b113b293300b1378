import { endOfValue, type JsonBounds, JsonFault } from '../../domain/json-bounds.ts';
import type { Answer, Http } from './exchange.ts';

/**
 * Refuses compressed bodies, whose real size is unknown before they are decompressed (every request has
 * `Accept-Encoding: identity`), and JSON with too many levels or values.
 */

/** A catalog has 6 levels; a page of a thousand volumes has some hundred thousand values. */
const ANSWER_BOUNDS: JsonBounds = { depth: 64, values: 1_000_000 };

/** The compression of the body; undefined if it is not compressed. */
export function compressionOf({ headers }: Pick<Answer, 'headers'>): string | undefined {
  const coding = headers['content-encoding']?.trim().toLowerCase();
  return coding === undefined || coding === '' || coding === 'identity' ? undefined : coding;
}

/** A network that replaces a compressed body with an error text. The bytes are not decompressed. */
export function uncompressedHttp(network: Http): Http {
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

/**
 * Why a text that may be JSON is not parsed; completes “the answer …”. Undefined if the text is within the limits or is
 * not JSON.
 */
export function jsonLimitError(text: string): string | undefined {
  try {
    endOfValue(text, text.search(/[^ \t\r\n]|$/), ANSWER_BOUNDS);
    return undefined;
  } catch (cause) {
    if (cause instanceof JsonFault) return cause.kind === 'too_much' ? cause.message : undefined;
    throw cause;
  }
}
