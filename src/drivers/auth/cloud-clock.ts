import type { Clock } from '../../domain/clock.ts';
import { formatDuration } from '../../domain/duration.ts';
import type { Answer } from '../http/exchange.ts';
import { cloudTimeMs } from '../http/failures.ts';

/** The service takes a signature from so long before its own time to so long after it. */
export const SIGNATURE_LIFE_MS = 15 * 60_000;

/** Below this it is drift, and nobody declares times so finely. */
export const SKEW_TOLD_MS = 5 * 60_000;

/** `Date` headers show whole seconds. */
const RESOLUTION_MS = 1_000;

/** How far our clock is from the cloud's, by the `Date` of its answers. */
export class CloudClock {
  readonly #clock: Clock;
  #aheadMs: number | undefined;

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  /** A request leaves. */
  ask(): { answered(answer: Answer): void } {
    const askedAtMs = this.#clock.now();
    return {
      answered: (answer) => {
        const cloudMs = cloudTimeMs(answer);
        if (cloudMs === undefined) return;
        const halfwayMs = (askedAtMs + this.#clock.now()) / 2;
        this.#aheadMs = Math.round(cloudMs + RESOLUTION_MS / 2 - halfwayMs);
      },
    };
  }

  /** Milliseconds that the cloud's clock is ahead of ours, at its last answer; undefined when none told. */
  get aheadMs(): number | undefined {
    return this.#aheadMs;
  }
}

/** `the clock of this machine is 20m behind the cloud’s` */
export function skewText(aheadMs: number): string {
  return `the clock of this machine is ${formatDuration(Math.abs(aheadMs))} ${aheadMs > 0 ? 'behind' : 'ahead of'} the cloud’s`;
}

/** In words, where it is so large that no signature is good. */
export function signatureSkew({ aheadMs = 0 }: CloudClock): string | undefined {
  return Math.abs(aheadMs) > SIGNATURE_LIFE_MS ? skewText(aheadMs) : undefined;
}
