/**
 * Percent-encoding that never throws. `encodeURIComponent` and `decodeURIComponent` throw a URIError for texts
 * that people, files and servers can write.
 */

/** One path segment, or one value of a query. A lone surrogate, which no URL can hold, becomes U+FFFD. */
export function encodePercent(text: string): string {
  return encodeURIComponent(text.replace(/\p{Surrogate}/gu, '\ufffd'));
}

/** As curl decodes: what is no escape (`%ZZ`, a lone `%`) stands for itself. */
export function decodePercent(text: string): Buffer {
  const parts = text.split(/(%[0-9a-f]{2})/i);
  return Buffer.concat(
    parts.map((part, index) => (index % 2 === 1 ? Buffer.from(part.slice(1), 'hex') : Buffer.from(part))),
  );
}
