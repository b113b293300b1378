import type { CloudFailure } from '../../domain/cloud.ts';
import type { Answer, Proof } from '../http/exchange.ts';

/** A right to call the cloud, kept valid. */
export interface Session {
  /**
   * What proves it, good for a while. Renews what runs out; concurrent callers share one renewal. Rejects only
   * with the signal's reason.
   */
  pass(signal?: AbortSignal): Promise<Grant>;
  /**
   * The cloud refused a request with this pass (401). True: the next pass is another one, worth another try at
   * once.
   */
  refused(pass: Pass, answer: Answer): boolean;
}

/** The proof for any number of requests. */
export type Pass = Proof;

export type Grant =
  | { readonly kind: 'granted'; readonly pass: Pass }
  | { readonly kind: 'refused'; readonly failure: CloudFailure; readonly retryable: boolean };
