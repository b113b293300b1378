import type { Clock } from '../../domain/clock.ts';
import { Failure } from '../../domain/errors.ts';
import { optional } from '../../domain/optional.ts';
import type { Secrets } from '../../domain/secrets.ts';
import { isObject } from '../../domain/shape.ts';
import { messageText } from '../../network/message-text.ts';
import { codeOf, isPermanentNetworkError, networkRemedy } from '../../network/network-errors.ts';
import { AnswerTooLarge } from '../../network/read-bounded.ts';
import { RetryableError } from '../../network/retry.ts';
import { LOCK_BYTES_MAX, tooLarge } from '../answer-limits.ts';
import type { WriteOutcome } from '../blob/blob-store.ts';
import { ONE_MINUTE, withRetry } from '../remote-retry.ts';
import { isTransientStatus, noAnswerReason, serverFailure } from '../server-failures.ts';

interface StoredObject {
  readonly bytes: Uint8Array;
  readonly etag: string;
  /** How long ago it was written, by the clock of the store; absent if the store does not tell. */
  readonly age_ms?: number;
}

/** The operations on a bucket, with their meaning. */
export interface Objects {
  get(key: string, bytesMax?: number): Promise<StoredObject | undefined>;
  /**
   * Makes one attempt. `over`: what it may replace: `nothing`, the object with this ETag, or `anything` (for stores that
   * ignore ETags). If something else is stored, the outcome is `unsure` and `unmet`.
   */
  put(key: string, body: string | Buffer, condition: { readonly over: string }): Promise<PutOutcome>;
  /**
   * Removes the object; with an ETag only that one, if the store honours `If-Match` on DELETE. False if the store does not
   * know such a condition.
   */
  remove(key: string, etag?: string): Promise<boolean>;
}

type PutOutcome = WriteOutcome & {
  readonly unmet?: boolean;
  /** The answer was longer than any that is read, which another attempt would not change. */
  readonly endless?: boolean;
  /** Of an answer that refused it. */
  readonly status?: number;
  readonly remedy?: string;
};

/** One request each, without repetition. Rejects with the errors of the AWS SDK (`$metadata.httpStatusCode`, `name`). */
export interface Bucket {
  /** Rejects with `AnswerTooLarge` if the object is longer. */
  get(key: string, bytesMax: number): Promise<FoundObject>;
  /** Resolves to the ETag, if the store returns it. */
  put(key: string, body: string | Buffer, condition: Conditions): Promise<string | undefined>;
  remove(key: string, condition: Conditions): Promise<void>;
}

interface FoundObject {
  readonly bytes: Uint8Array;
  readonly etag?: string;
  readonly modified?: Date;
  /** The `Date` header of the answer: the time of the store. */
  readonly date?: string;
}

/** Named like the headers. */
export interface Conditions {
  readonly IfNoneMatch?: '*';
  readonly IfMatch?: string;
}

/**
 * The objects of a bucket. Repeats requests itself: what the bucket holds decides whether one took effect. `secrets` are
 * removed from everything that the store sends.
 */
export function s3Objects(bucket: Bucket, location: string, clock: Clock, secrets?: Secrets): Objects {
  const failed = (what: string, cause: unknown) =>
    serverFailure(`cannot ${what} the state or its lock: ${reasonOf(cause, secrets)}`, {
      location,
      remedy: remedyOf(cause),
    });

  const repeat = <T>(what: string, attempt: () => Promise<T>): Promise<T> =>
    withRetry(clock, ONE_MINUTE, async () => {
      try {
        return await attempt();
      } catch (cause) {
        if (cause instanceof Failure) throw cause;
        if (cause instanceof AnswerTooLarge)
          throw tooLarge(`the answer to “${what}”`, cause.bytesMax, location);
        const failure = failed(what, cause);
        throw isTransient(cause) ? new RetryableError(what, { cause: failure }) : failure;
      }
    });

  return {
    get: (key, bytesMax = LOCK_BYTES_MAX) =>
      repeat('read', async () => {
        try {
          const { bytes, etag = '', modified, date } = await bucket.get(key, bytesMax);
          // Rule: lock-age-is-measured-by-the-store
          const ageMs = ageOf(modified, date);
          return { bytes, etag, ...optional('age_ms', ageMs) };
        } catch (cause) {
          if (statusOf(cause) === 404 && nameOf(cause) !== 'NoSuchBucket') return undefined;
          throw cause;
        }
      }),

    async put(key, body, { over }) {
      const condition: Conditions =
        over === 'nothing' ? { IfNoneMatch: '*' } : over === 'anything' ? {} : { IfMatch: over };
      try {
        return { kind: 'written', ...optional('tag', await bucket.put(key, body, condition)) };
      } catch (cause) {
        if (cause instanceof Failure) throw cause;
        const status = statusOf(cause);
        const unmet = status === 412 || (status === 404 && nameOf(cause) === 'NoSuchKey');
        if (unmet) return { kind: 'unsure', why: 'the stored object is another one', unmet };
        if (status === 409 || isTransient(cause))
          return {
            kind: 'unsure',
            why: reasonOf(cause, secrets),
            endless: cause instanceof AnswerTooLarge,
            ...optional('remedy', hostRemedy(cause)),
          };
        return { kind: 'refused', failure: failed('write', cause), ...optional('status', status) };
      }
    },

    remove: (key, etag) =>
      repeat('remove', async () => {
        try {
          const only = {
            // Rule: lock-is-removed-only-by-its-holder
            IfMatch: etag,
          };
          await bucket.remove(key, optional('IfMatch', only.IfMatch));
        } catch (cause) {
          const status = statusOf(cause);
          if (etag !== undefined && mayLackConditions(status)) return false;
          // it was removed before, by the first copy of this request or by another client
          if (status !== 412 && status !== 404) throw cause;
        }
        return true;
      }),
  };
}

/** Whether a store that does not implement the condition of a request may refuse it with this status. */
export function mayLackConditions(status: number | undefined): boolean {
  return status === 400 || status === 501;
}

function ageOf(modified: Date | undefined, date: string | undefined): number | undefined {
  const now = Date.parse(date ?? '');
  return modified === undefined || Number.isNaN(now) ? undefined : now - modified.getTime();
}

function statusOf(cause: unknown): number | undefined {
  const metadata = isObject(cause) ? cause.$metadata : undefined;
  const status = isObject(metadata) ? metadata.httpStatusCode : undefined;
  return typeof status === 'number' ? status : undefined;
}

function nameOf(cause: unknown): string {
  return cause instanceof Error ? cause.name : '';
}

/** Missing credentials are final, though nothing was sent. */
function isTransient(cause: unknown): boolean {
  const status = statusOf(cause);
  if (status !== undefined) return isTransientStatus(status);
  return (
    nameOf(cause) !== 'CredentialsProviderError' &&
    !isPermanentNetworkError(codeOf(cause)) &&
    !/region is missing/i.test(String(cause))
  );
}

function reasonOf(cause: unknown, secrets: Secrets | undefined): string {
  const status = statusOf(cause);
  const host = unknownHost(cause);
  if (host !== undefined) return `${messageText(host, secrets)}: ${noAnswerReason(cause, secrets)}`;
  return status === undefined || !(cause instanceof Error)
    ? noAnswerReason(cause, secrets)
    : messageText(`${status} ${cause.name}: ${cause.message || cause.name}`, secrets);
}

/** The host that could not be resolved. Without `path_style`, the bucket is a part of it. */
function unknownHost(cause: unknown): string | undefined {
  const unresolved = ['ENOTFOUND', 'EAI_AGAIN'].includes(codeOf(cause));
  return unresolved && isObject(cause) && typeof cause.hostname === 'string' ? cause.hostname : undefined;
}

function hostRemedy(cause: unknown): string | undefined {
  return unknownHost(cause) === undefined
    ? undefined
    : 'check the endpoint and the region; if the store has no host name for each bucket, add path_style=true to the s3:// URL';
}

/** The codes with which AWS and compatible stores answer a request for another region. */
const OTHER_REGION: ReadonlySet<string> = new Set([
  'AuthorizationHeaderMalformed',
  'IllegalLocationConstraintException',
  'PermanentRedirect',
]);

function remedyOf(cause: unknown): string {
  const status = statusOf(cause);
  if (OTHER_REGION.has(nameOf(cause)))
    return 'name the region of the bucket: region=… in the s3:// URL, or AWS_REGION; everything committed is safe';
  if (status === 401 || status === 403)
    return 'the credentials must be allowed to get, put and delete it and its .lock; if the bucket requires encryption, add encrypt=true to the s3:// URL; everything committed is safe';
  if (nameOf(cause) === 'NoSuchBucket')
    return 'correct the bucket or the endpoint; everything committed is safe';
  if (status !== undefined) return 'see the message of the store; everything committed is safe';
  return (
    hostRemedy(cause) ??
    networkRemedy(codeOf(cause), 'AWS_CA_BUNDLE, the file of its certificate') ??
    'the store must be reachable and AWS credentials (AWS_*, ~/.aws) and region be set; everything committed is safe'
  );
}
