import type { Clock } from '../../domain/clock.ts';
import { formatDuration } from '../../domain/duration.ts';
import type { Answer } from '../http/exchange.ts';
import { cloudTimeMs } from '../http/failures.ts';

/** The service accepts a signature this long before and after its date. */
export const SIGNATURE_LIFE_MS = 15 * 60_000;

/** Smaller differences are not reported: times in declarations are not that precise. */
export const SKEW_WARNING_MS = 5 * 60_000;

/** `Date` headers have whole seconds. */
const RESOLUTION_MS = 1_000;

/** The difference between our clock and that of the cloud, from the `Date` of its answers. */
export class CloudClock {
  readonly #clock: Clock;
  #aheadMs: number | undefined;

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  /** To be called when a request is sent, and `answered` when its answer has arrived. */
  requestSent(): { answered(answer: Answer): void } {
    const sentAtMs = this.#clock.now();
    return {
      answered: (answer) => {
        const cloudMs = cloudTimeMs(answer);
        if (cloudMs === undefined) return;
        const halfwayMs = (sentAtMs + this.#clock.now()) / 2;
        this.#aheadMs = Math.round(cloudMs + RESOLUTION_MS / 2 - halfwayMs);
      },
    };
  }

  /** How far the clock of the cloud is ahead of ours, ms, by its last answer; undefined if no answer had a time. */
  get aheadMs(): number | undefined {
    return this.#aheadMs;
  }
}

/** `the clock of this machine is 20m behind the cloud’s` */
export function skewText(aheadMs: number): string {
  return `the clock of this machine is ${formatDuration(Math.abs(aheadMs))} ${aheadMs > 0 ? 'behind' : 'ahead of'} the cloud’s`;
}

/** Describes a difference that is too large for any signature to be valid; undefined if it is smaller. */
export function signatureSkew({ aheadMs = 0 }: CloudClock): string | undefined {
  return Math.abs(aheadMs) > SIGNATURE_LIFE_MS ? skewText(aheadMs) : undefined;
}
