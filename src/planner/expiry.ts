import type { RestoreSpec } from '../domain/spec.ts';

/** At the very moment of `valid_until` it is over; the executor says the same. `now`: epoch ms. */
export function hasExpired(spec: RestoreSpec, now: number): spec is RestoreSpec & { valid_until: string } {
  return spec.valid_until !== undefined && Date.parse(spec.valid_until) <= now;
}
