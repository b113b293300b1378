import type { Secrets } from '../../domain/secrets.ts';

/**
 * One HTTP request and its possible results. The safety of a restore depends on the difference between `no_connection`
 * and `broken`, so only this type defines it.
 */

/** Interface to the network: axios in the program, a simulated network in the simulation. */
export interface Http {
  /**
   * Makes one attempt. Does not repeat it, and does not follow redirects. Never rejects for errors of a network or a
   * server. Rejects with the signal's reason if the signal of a GET is aborted. A POST cannot be aborted, because
   * nobody could tell afterwards whether it was sent.
   */
  send(request: HttpRequest): Promise<Exchange>;
}

export type HttpRequest = GetRequest | PostRequest;

/**
 * Authenticates a request. Its headers are made when the request is sent, not when it begins to wait: a signature
 * contains the time, and covers exactly what is sent.
 */
export interface Credential {
  headers(request: HttpRequest): Readonly<Record<string, string>>;
}

/**
 * Maximum size of an answer about one resource, or to the POST of a restore. Many of these requests run at once, and
 * such an answer has a few kilobytes.
 */
export const RESOURCE_BYTES_MAX = 1024 * 1024;

interface CommonRequest {
  readonly url: string;
  readonly headers: Readonly<Record<string, string>>;
  readonly credential?: Credential;
  /** A longer body of the answer is refused. Default and upper bound: `http.max_response_bytes`. */
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
   * Called in the last synchronous step before the bytes of the request are passed to the system. If it returns false,
   * no byte is sent, and the exchange ends as `no_connection` with the code `NOT_SENT`.
   */
  readonly maySend?: () => boolean;
  /** Called right after the system has taken the bytes. */
  readonly onWritten?: () => void;
}

export type Exchange =
  /** A complete answer, with any status. */
  | Answer
  /** No byte of the request was written: connection refused, DNS, connect timeout, TLS handshake or certificate. */
  | { readonly kind: 'no_connection'; readonly message: string; readonly code: string }
  /**
   * Part of the request may have been written, and no complete answer came: reset, timeout, cut body, body over the
   * limit.
   */
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
  /** Secrets that the answer may repeat and no message may contain; set by `masked-http.ts`. Absent: there are none. */
  readonly secrets?: Secrets;
}
