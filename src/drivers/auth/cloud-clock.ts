import type { Clock } from '../../domain/clock.ts';
import type { Answer } from '../http/exchange.ts';
import { cloudTimeMs } from '../http/failures.ts';

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
