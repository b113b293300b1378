import type { CloudFailure } from '../../domain/cloud.ts';

/** A right to call the cloud, kept valid. */
export interface Session {
  /**
   * A token that is good for a while. Renews it when little of it is left; concurrent callers share one
   * renewal. Rejects only with the signal's reason.
   */
  token(signal?: AbortSignal): Promise<TokenGrant>;
  /** The cloud refused this token (401): the next caller gets another one. */
  invalidate(token: string): void;
}

export type TokenGrant =
  | { readonly kind: 'token'; readonly token: string }
  | { readonly kind: 'refused'; readonly failure: CloudFailure; readonly retryable: boolean };
