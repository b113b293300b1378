import type { Clock } from '../domain/clock.ts';
import { type Diagnostic, warning } from '../domain/diagnostic.ts';
import { formatDuration } from '../domain/duration.ts';
import { Failure } from '../domain/errors.ts';
import type { LockInfo, OwnLock } from './backend.ts';
import { type LeaseTime, renewEveryMs } from './lease-time.ts';
import { isLockLost } from './lock-failures.ts';

interface RenewalOptions {
  readonly info: LockInfo;
  readonly clock: Clock;
  readonly time: LeaseTime;
  /** Makes one renewal. Rejects with `lockLost` if the lock is not ours any more. */
  readonly renew: () => Promise<void>;
  /** Whether the connection was lost: the next renewal connects again, so this is not reported. Default: never. */
  readonly isConnectionLost?: (cause: unknown) => boolean;
  /** Called with problems that a user may be able to fix before the lease ends. */
  readonly onNote: ((note: Diagnostic) => void) | undefined;
}

/** Renews a lease until it is stopped or the lock is lost. */
export class LeaseRenewal implements OwnLock {
  readonly info: LockInfo;
  lost: Failure | undefined;
  readonly #time: LeaseTime;
  readonly #end = new AbortController();
  readonly #renewing: Promise<void>;

  constructor(options: RenewalOptions) {
    this.info = options.info;
    this.#time = options.time;
    this.#renewing = this.#keepRenewed(options);
  }

  get ttlMs(): number {
    return this.#time.ttlMs;
  }

  remainingMs(): number {
    return this.#time.remainingMs();
  }

  /** Resolves once no renewal is under way any more. Never rejects. */
  async stop(): Promise<void> {
    this.#end.abort();
    await this.#renewing;
  }

  async #keepRenewed({ clock, time, renew, isConnectionLost: isCut, onNote }: RenewalOptions): Promise<void> {
    const { signal } = this.#end;
    while (!signal.aborted && !this.lost) {
      try {
        await clock.sleep(renewEveryMs(time.ttlMs), signal);
        await renew();
      } catch (cause) {
        if (isLockLost(cause)) this.lost = cause;
        else if (!signal.aborted && !isCut?.(cause)) onNote?.(notRenewed(cause, time.remainingMs()));
      }
    }
  }
}

function notRenewed(cause: unknown, leftMs: number): Diagnostic {
  const summary = cause instanceof Failure ? cause.diagnostics[0]?.summary : undefined;
  const reason = summary ?? (cause instanceof Error ? cause.message : 'the reason is not known');
  return warning('lock-not-renewed', `the lock on the state could not be renewed: ${reason}`, {
    detail: `It lasts ${formatDuration(leftMs)} more and is renewed again before. When it ends, this run starts no more restores.`,
    remedy: 'restore the access of this run to the state',
  });
}
