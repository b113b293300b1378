import type { Exchange } from './exchange.ts';
import { failureOf } from './failures.ts';

/** For a 429 that does not say how long. */
const PATIENCE_MS = 1_000;

/**
 * Ms for which the cloud asks to be left alone, whatever the request was: a 429, or an error with a `Retry-After`
 * (503 mostly; 413 in older OpenStack, where 0 asks for nothing).
 */
export function patienceAsked(exchange: Exchange, nowMs: number): number | undefined {
  if (exchange.kind !== 'answer' || exchange.status < 400) return undefined;
  const asked = failureOf(exchange, nowMs).retry_after_ms ?? 0;
  if (exchange.status === 429) return Math.max(asked, PATIENCE_MS);
  return asked > 0 ? asked : undefined;
}
