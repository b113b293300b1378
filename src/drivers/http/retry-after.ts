/** The longest wait that is returned: a day. A longer one makes no difference to any run. */
const RETRY_AFTER_MS_MAX = 24 * 3_600_000;

/**
 * The three forms of an HTTP date (RFC 9110, 5.6.7). `Date.parse` alone accepts far more: it reads `0.5` as a day in
 * 2000.
 */
const WITH_ZONE = /^[A-Z][a-z]+, \d{2}[ -][A-Z][a-z]{2}[ -]\d{2,4} \d{2}:\d{2}:\d{2} GMT$/;
const ASCTIME = /^[A-Z][a-z]{2} [A-Z][a-z]{2} [ \d]\d \d{2}:\d{2}:\d{2} \d{4}$/;

/**
 * The wait that a `Retry-After` (RFC 9110, 10.2.3) asks for, ms, at most a day. A fraction of a second, which servers
 * send although the standard does not allow it, is rounded up. A date in the past is 0. Undefined for everything else,
 * including negative numbers. `serverTimeMs` is the clock of the server from its `Date`, because dates refer to it.
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
