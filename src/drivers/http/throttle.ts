import type { Throttle } from '../../domain/cloud.ts';
import type { Exchange } from './exchange.ts';
import { failureOf } from './failures.ts';

/**
 * Whether an answer asks this client to send less, for any request: a 429, or an error with a `Retry-After` above 0
 * (Cinder sends 0 with every 413, which asks for nothing).
 */
export function throttleOf(exchange: Exchange, nowMs: number): Throttle | undefined {
  if (exchange.kind !== 'answer' || exchange.status < 400) return undefined;
  const { status } = exchange;
  const { retry_after_ms: asked_ms = 0 } = failureOf(exchange, nowMs);
  if (asked_ms > 0) return { status, asked_ms };
  return status === 429 ? { status } : undefined;
}
