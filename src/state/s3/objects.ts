import type { Clock } from '../../domain/clock.ts';
import { Failure } from '../../domain/errors.ts';
import { optional } from '../../domain/optional.ts';
import type { Secrets } from '../../domain/secrets.ts';
import { isObject } from '../../domain/shape.ts';
import { codeOf, explainNetworkError, isForGood, networkRemedy } from '../../network/network-errors.ts';
import { messageText } from '../../network/plain-text.ts';
import { AnswerTooLarge } from '../../network/read-bounded.ts';
import { RetryableError } from '../../network/retry.ts';
import { LOCK_BYTES_MAX, tooLarge } from '../answer-limits.ts';
import type { WriteOutcome } from '../blob/blob-store.ts';
import { A_MINUTE, withRetry } from '../retry.ts';

export interface StoredObject {
  readonly bytes: Uint8Array;
  readonly etag: string;
  /** How long ago it was written, by the store's own clock; undefined when the store does not tell. */
  readonly age_ms?: number;
}

/** Only when there is none; or only over the object with this ETag; or, for stores that cannot tell, over whatever is there. */
export type Condition =
  | { readonly over: 'nothing' }
  | { readonly over: 'anything' }
  | { readonly over: string };

/** The few things asked of a bucket. */
export interface Objects {
  get(key: string, bytesMax?: number): Promise<StoredObject | undefined>;
  /** One attempt. `unsure` also when the condition was not met. */
  put(key: string, text: string, condition: Condition): Promise<PutOutcome>;
  /** Only the object with this ETag, by stores that heed it. */
  remove(key: string, etag: string): Promise<void>;
}

export type PutOutcome = WriteOutcome & { readonly unmet?: boolean };

/** One request each, without repetition; throws as the AWS SDK does (`$metadata.httpStatusCode`, `name`). */
export interface Bucket {
  /** Throws `AnswerTooLarge` for one that is longer. */
  get(key: string, bytesMax: number): Promise<FoundObject>;
  /** Resolves to the ETag, where the store tells it. */
  put(key: string, text: string, condition: Conditions): Promise<string | undefined>;
  remove(key: string, condition: Conditions): Promise<void>;
}

export interface FoundObject {
  readonly bytes: Uint8Array;
  readonly etag?: string;
  readonly modified?: Date;
  /** The store's own time at the answer, as its header says it. */
  readonly date?: string;
}

/** As the headers are called. */
export interface Conditions {
  readonly IfNoneMatch?: '*';
  readonly IfMatch?: string;
}

/**
 * The objects of a bucket. Repeats requests itself: what the bucket holds decides whether one took effect. `secrets`: what
 * the store may repeat and no message may contain.
 */
export function s3Objects(bucket: Bucket, place: string, clock: Clock, secrets?: Secrets): Objects {
  const told = (cause: unknown) => messageText(reasonOf(cause), secrets);

  const patient = <T>(what: string, attempt: () => Promise<T>): Promise<T> =>
    withRetry(clock, A_MINUTE, async () => {
      try {
        return await attempt();
      } catch (cause) {
        if (cause instanceof Failure) throw cause;
        if (cause instanceof AnswerTooLarge) throw tooLarge(`the answer to “${what}”`, cause.bytesMax, place);
        const failure = failed(what, cause, told(cause), place);
        throw mayPass(cause) ? new RetryableError(what, { cause: failure }) : failure;
      }
    });

  return {
    get: (key, bytesMax = LOCK_BYTES_MAX) =>
      patient('read', async () => {
        try {
          const { bytes, etag = '', modified, date } = await bucket.get(key, bytesMax);
          return { bytes, etag, ...optional('age_ms', ageOf(modified, date)) };
        } catch (cause) {
          if (statusOf(cause) === 404 && nameOf(cause) !== 'NoSuchBucket') return undefined;
          throw cause;
        }
      }),

    async put(key, text, { over }) {
      const condition: Conditions =
        over === 'nothing' ? { IfNoneMatch: '*' } : over === 'anything' ? {} : { IfMatch: over };
      try {
        return { kind: 'written', ...optional('tag', await bucket.put(key, text, condition)) };
      } catch (cause) {
        if (cause instanceof Failure) throw cause;
        const status = statusOf(cause);
        const unmet = status === 412 || (status === 404 && nameOf(cause) === 'NoSuchKey');
        if (unmet) return { kind: 'unsure', why: 'something else stands there', unmet };
        if (status === 409 || mayPass(cause)) return { kind: 'unsure', why: told(cause) };
        return { kind: 'refused', failure: failed('write', cause, told(cause), place) };
      }
    },

    remove: (key, etag) =>
      patient('remove', async () => {
        try {
          await bucket.remove(key, { IfMatch: etag });
        } catch (cause) {
          // gone already, by the first copy of this request or by somebody else
          if (statusOf(cause) !== 412 && statusOf(cause) !== 404) throw cause;
        }
      }),
  };
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

/** No answer, or one that says "later". Credentials that cannot be had are an answer, though nothing was asked. */
function mayPass(cause: unknown): boolean {
  const status = statusOf(cause);
  if (status !== undefined) return status === 408 || status === 429 || (status >= 500 && status !== 501);
  return (
    nameOf(cause) !== 'CredentialsProviderError' &&
    !isForGood(codeOf(cause)) &&
    !/region is missing/i.test(String(cause))
  );
}

function reasonOf(cause: unknown): string {
  const status = statusOf(cause);
  if (nameOf(cause) === 'AbortError' || nameOf(cause) === 'TimeoutError') return 'no answer in time';
  const text = cause instanceof Error ? cause.message || cause.name : 'no answer';
  if (status !== undefined) return `${status} ${nameOf(cause)}: ${text}`;
  const code = codeOf(cause);
  return code === '' ? text : explainNetworkError(code, text);
}

function failed(what: string, cause: unknown, why: string, place: string): Failure {
  return Failure.of('state', 'state-server', `cannot ${what} ${place}: ${why}`, {
    where: { file: place },
    remedy: remedyOf(cause),
  });
}

function remedyOf(cause: unknown): string {
  if (statusOf(cause) !== undefined)
    return 'the credentials must be allowed to get, put and delete it and its .lock; everything committed is safe';
  return (
    networkRemedy(codeOf(cause), 'AWS_CA_BUNDLE, the file of its certificate') ??
    'the store must be reachable and AWS credentials (AWS_*, ~/.aws) and region be set; everything committed is safe'
  );
}
