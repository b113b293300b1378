import type { Secrets } from '../../domain/secrets.ts';

/**
 * One HTTP request and how it can end. The whole safety of a restore hangs on the line between
 * `no_connection` and `broken`, so it is drawn here, in the type, and nowhere else.
 */

/** The seam to the network: axios in the program, a simulated network in the simulation. */
export interface Http {
  /**
   * One attempt, no repetition, redirects not followed. Never rejects for anything a network or a server does.
   * Rejects with the signal's reason when the signal of a GET fires; a POST cannot be aborted, because nobody
   * could tell afterwards whether it had left.
   */
  send(request: HttpRequest): Promise<Exchange>;
}

export type HttpRequest = GetRequest | PostRequest;

/**
 * Proves who asks. Its headers are made when the request leaves, not when it begins to wait: a signature holds
 * the time, and covers exactly what is sent.
 */
export interface Credential {
  headers(request: HttpRequest): Readonly<Record<string, string>>;
}

/**
 * The most that is read of an answer about one thing, or to the request of a restore: many are under way at once, and
 * such an answer has a few kilobytes.
 */
export const THING_BYTES_MAX = 1024 * 1024;

interface CommonRequest {
  readonly url: string;
  readonly headers: Readonly<Record<string, string>>;
  readonly credential?: Credential;
  /** A longer body of the answer is refused; default and upper bound: `http.max_response_bytes`. */
  readonly maxBytes?: number;
}

export interface GetRequest extends CommonRequest {
  readonly method: 'GET';
  readonly signal?: AbortSignal | undefined;
}

export interface PostRequest extends CommonRequest {
  readonly method: 'POST';
  /** JSON text. */
  readonly body: string;
  /**
   * Asked in the last synchronous step before the bytes of the request are handed to the system. On false not one is,
   * and the exchange ends as `no_connection` with the code `NOT_SENT_STALE`.
   */
  readonly mayLeave?: () => boolean;
  /** Told right after the system has taken them. */
  readonly onWritten?: () => void;
}

export type Exchange =
  /** A whole answer, whatever its status. */
  | Answer
  /** Not a byte of the request was written: refused, DNS, connect timeout, TLS handshake or certificate. */
  | { readonly kind: 'no_connection'; readonly message: string; readonly code: string }
  /** Something may have been written, and no whole answer came: reset, timeout, cut body, more than the limit. */
  | {
      readonly kind: 'broken';
      readonly message: string;
      /** Node's code (`ECONNRESET`), or `REQUEST_TIMEOUT`, `RESPONSE_TOO_LARGE`, `RESPONSE_CUT`. */
      readonly code: string;
      readonly timeout: boolean;
    };

export interface Answer {
  readonly kind: 'answer';
  readonly status: number;
  /** Names in lower case; repeated ones joined by `, `. */
  readonly headers: Readonly<Record<string, string>>;
  readonly text: string;
  /** What the answer may repeat and no message may hold; put on by `masked-http.ts`. Absent: nothing is secret. */
  readonly secrets?: Secrets;
}
