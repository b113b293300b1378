import type { Usual } from './poll-intervals.ts';

/** So many ends say what is usual; one alone says nothing. */
const ENOUGH = 5;
/** Older ones are forgotten: what comes now may be larger disks. */
const KEPT = 20;

/** How long restores took in this run: it tells when the end of one that is under way is near. */
export class UsualTime {
  readonly #ends: Usual[] = [];

  /** One was still under way at an age of `atLeastMs`, and no longer at `atMostMs`. */
  saw(atLeastMs: number, atMostMs: number): void {
    this.#ends.push({ soonest_ms: atLeastMs, latest_ms: atMostMs });
    if (this.#ends.length > KEPT) this.#ends.shift();
  }

  /**
   * Between the widest and the narrowest that lists allow: they see an end only as between two of them, and who took
   * the widest would have lists come so seldom that it stays wide.
   */
  get usual(): Usual | undefined {
    if (this.#ends.length < ENOUGH) return undefined;
    const least = this.#ends.map(({ soonest_ms }) => soonest_ms);
    const most = this.#ends.map(({ latest_ms }) => latest_ms);
    const [inner, outer] = [Math.max(...least), Math.min(...most)];
    return {
      soonest_ms: (Math.min(...least) + Math.min(inner, outer)) / 2,
      latest_ms: (Math.max(...most) + Math.max(inner, outer)) / 2,
    };
  }
}
