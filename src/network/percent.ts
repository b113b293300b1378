/**
 * Percent-encoding that never throws. `encodeURIComponent` and `decodeURIComponent` throw a URIError for some texts
 * that people, files and servers may contain.
 */

/** Encodes one path segment or one value of a query. A lone surrogate, which a URL cannot contain, becomes U+FFFD. */
export function encodePercent(text: string): string {
  return encodeURIComponent(text.replace(/\p{Surrogate}/gu, '\ufffd'));
}

/** Decodes as curl does: an invalid escape (`%ZZ`, a lone `%`) stays as it is. */
export function decodePercent(text: string): Buffer {
  const parts = text.split(/(%[0-9a-f]{2})/i);
  return Buffer.concat(
    parts.map((part, index) => (index % 2 === 1 ? Buffer.from(part.slice(1), 'hex') : Buffer.from(part))),
  );
}
