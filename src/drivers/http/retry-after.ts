/** A value that says more than a day says no more than "not today". */
const RETRY_AFTER_MS_MAX = 24 * 3_600_000;

/** The three forms of an HTTP date (RFC 9110, 5.6.7). `Date.parse` alone takes far more: `0.5` is a day in 2000. */
const WITH_ZONE = /^[A-Z][a-z]+, \d{2}[ -][A-Z][a-z]{2}[ -]\d{2,4} \d{2}:\d{2}:\d{2} GMT$/;
const ASCTIME = /^[A-Z][a-z]{2} [A-Z][a-z]{2} [ \d]\d \d{2}:\d{2}:\d{2} \d{4}$/;

/**
 * How long a `Retry-After` (RFC 9110, 10.2.3) asks to wait, ms, at most a day. A fraction of a second, which the
 * standard does not know and servers send, is rounded up; a date gone by is 0. Undefined for what is neither a
 * number of seconds nor an HTTP date, negative numbers included. `serverTimeMs` is the server's clock, as its `Date`
 * shows it: dates are its own.
 */
export function retryAfterMs(value: string | undefined, serverTimeMs: number): number | undefined {
  const text = value?.trim() ?? '';
  if (/^\d+(\.\d*)?$/.test(text)) return Math.min(Math.ceil(Number(text)) * 1_000, RETRY_AFTER_MS_MAX);
  const date = WITH_ZONE.test(text)
    ? Date.parse(text)
    : ASCTIME.test(text)
      ? Date.parse(`${text} GMT`)
      : Number.NaN;
  return Number.isNaN(date) ? undefined : Math.min(Math.max(date - serverTimeMs, 0), RETRY_AFTER_MS_MAX);
}
