import type { CloudFailure } from '../../domain/cloud.ts';
import type { Answer, Credential } from '../http/exchange.ts';

/** A right to call the cloud, kept valid. */
export interface Session {
  /**
   * What proves it, good for a while. Renews what runs out; concurrent callers share one renewal. Rejects only
   * with the signal's reason.
   */
  credential(signal?: AbortSignal): Promise<Grant>;
  /**
   * The cloud refused a request with this credential (401). True: the next one differs, so that one more try is worth
   * it at once.
   */
  refused(credential: Credential, answer: Answer): boolean;
}

export type Grant =
  | { readonly kind: 'granted'; readonly credential: Credential }
  | { readonly kind: 'refused'; readonly failure: CloudFailure; readonly retryable: boolean };
