import type { CloudFailure } from '../../domain/cloud.ts';
import type { Answer, Credential } from '../http/exchange.ts';

/** An authenticated session with the cloud, kept valid. */
export interface Session {
  /**
   * A credential that is valid for a while. Renews one that expires; concurrent callers share one renewal. Rejects only
   * with the signal's reason.
   */
  credential(signal?: AbortSignal): Promise<CredentialResult>;
  /**
   * Reports that the cloud refused a request with this credential (401). Returns true if the next credential differs,
   * so that one more attempt is useful at once.
   */
  reportRefused(credential: Credential, answer: Answer): boolean;
}

export type CredentialResult =
  | { readonly kind: 'granted'; readonly credential: Credential }
  | { readonly kind: 'unavailable'; readonly failure: CloudFailure; readonly retryable: boolean };
