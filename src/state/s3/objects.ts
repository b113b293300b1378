import type { S3Client } from '@aws-sdk/client-s3';
import type { Clock } from '../../domain/clock.ts';
import { error } from '../../domain/diagnostic.ts';
import { Failure } from '../../domain/errors.ts';
import { optional } from '../../domain/record.ts';
import {
  codeOf,
  explainNetworkError,
  isForGood,
  UNTRUSTED_CERTIFICATE,
} from '../../network/network-errors.ts';
import { A_MINUTE, Again, patiently } from '../patience.ts';
import { isObject } from '../shape.ts';
import type { WriteOutcome } from '../whole/text-store.ts';
import { placeOf, type S3Location } from './location.ts';
import { type S3Network, s3Agents } from './network.ts';

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
  get(key: string): Promise<StoredObject | undefined>;
  /** One attempt. `unsure` also when the condition was not met. */
  put(key: string, text: string, condition: Condition): Promise<PutOutcome>;
  /** Only the object with this ETag, by stores that heed it. */
  remove(key: string, etag: string): Promise<void>;
}

export type PutOutcome = WriteOutcome & { readonly unmet?: boolean };

const TIMEOUT_MS = 30_000;

/** The SDK is loaded with the first request. Repetitions are ours: what is there decides between them. */
export function s3Objects(location: S3Location, network: S3Network, clock: Clock): Objects {
  const { bucket: Bucket } = location;
  const place = placeOf(location);
  let loading: ReturnType<typeof load> | undefined;
  const sdk = () => {
    loading ??= load(location, network);
    return loading;
  };
  const patient = <T>(what: string, attempt: () => Promise<T>): Promise<T> =>
    patiently(clock, A_MINUTE, async () => {
      try {
        return await attempt();
      } catch (cause) {
        if (cause instanceof Failure) throw cause;
        const failure = failed(what, cause, place);
        throw mayPass(cause) ? new Again(what, { cause: failure }) : failure;
      }
    });

  return {
    get: (Key) =>
      patient('read', async () => {
        const { client, GetObjectCommand } = await sdk();
        try {
          const found = await client.send(new GetObjectCommand({ Bucket, Key }), timeout());
          const bytes = (await found.Body?.transformToByteArray()) ?? new Uint8Array();
          const age = ageOf(found.LastModified, (found as { date?: string }).date);
          return { bytes, etag: found.ETag ?? '', ...optional('age_ms', age) };
        } catch (cause) {
          if (statusOf(cause) === 404 && nameOf(cause) !== 'NoSuchBucket') return undefined;
          throw cause;
        }
      }),

    async put(Key, text, { over }) {
      const { client, PutObjectCommand } = await sdk();
      const condition =
        over === 'nothing' ? { IfNoneMatch: '*' } : over === 'anything' ? {} : { IfMatch: over };
      try {
        const input = { Bucket, Key, Body: text, ContentType: 'application/json', ...condition };
        const { ETag } = await client.send(new PutObjectCommand(input), timeout());
        return { kind: 'written', ...optional('tag', ETag) };
      } catch (cause) {
        const status = statusOf(cause);
        const unmet = status === 412 || (status === 404 && nameOf(cause) === 'NoSuchKey');
        if (unmet) return { kind: 'unsure', why: 'something else stands there', unmet };
        if (status === 409 || mayPass(cause)) return { kind: 'unsure', why: reasonOf(cause) };
        return { kind: 'refused', failure: failed('write', cause, place) };
      }
    },

    remove: (Key, IfMatch) =>
      patient('remove', async () => {
        const { client, DeleteObjectCommand } = await sdk();
        try {
          await client.send(new DeleteObjectCommand({ Bucket, Key, IfMatch }), timeout());
        } catch (cause) {
          // gone already, by the first copy of this request or by somebody else
          if (statusOf(cause) !== 412 && statusOf(cause) !== 404) throw cause;
        }
      }),
  };
}

async function load({ endpoint, region, path_style }: S3Location, network: S3Network) {
  const { http: httpAgent, https: httpsAgent } = await s3Agents(network);
  // Its warning about old Node versions is for who maintains vbsctl, not for who runs it.
  process.env.AWS_SDK_JS_NODE_VERSION_SUPPORT_WARNING_DISABLED ??= 'true';
  const { S3Client, GetObjectCommand, PutObjectCommand, DeleteObjectCommand } = await import(
    '@aws-sdk/client-s3'
  );
  // Stores of one's own mostly ignore the region, and the SDK asks for one.
  const known = region ?? process.env.AWS_REGION ?? process.env.AWS_DEFAULT_REGION;
  const fallback = known ?? (endpoint === undefined ? undefined : 'us-east-1');
  const client: S3Client = new S3Client({
    ...optional('endpoint', endpoint),
    ...optional('region', fallback),
    forcePathStyle: path_style,
    maxAttempts: 1,
    requestHandler: { httpAgent, httpsAgent },
    // Newer checksums in trailers are not understood by every store.
    requestChecksumCalculation: 'WHEN_REQUIRED',
    responseChecksumValidation: 'WHEN_REQUIRED',
  });
  client.middlewareStack.add(
    (next) => async (args) => {
      const answer = await next(args);
      const { response, output } = answer;
      if (output !== undefined && isObject(response) && isObject(response.headers))
        Object.assign(output, { date: response.headers.date });
      return answer;
    },
    { step: 'deserialize', priority: 'high', name: 'dateOfTheStore' },
  );
  return { client, GetObjectCommand, PutObjectCommand, DeleteObjectCommand };
}

function timeout() {
  return { abortSignal: AbortSignal.timeout(TIMEOUT_MS) };
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

function failed(what: string, cause: unknown, place: string): Failure {
  return new Failure(
    'state',
    error('state-server', `cannot ${what} ${place}: ${reasonOf(cause)}`, {
      where: { file: place },
      remedy: remedyOf(cause),
    }),
  );
}

function remedyOf(cause: unknown): string {
  if (statusOf(cause) !== undefined)
    return 'the credentials must be allowed to get, put and delete it and its .lock; nothing that was committed is lost';
  const code = codeOf(cause);
  if (UNTRUSTED_CERTIFICATE.has(code))
    return 'if its authority is one of your own: AWS_CA_BUNDLE, the file of its certificate';
  if (code.startsWith('PROXY_')) return 'correct HTTPS_PROXY, or name the store in NO_PROXY';
  return 'the store must be reachable and AWS credentials (AWS_*, ~/.aws) and region be set; nothing that was committed is lost';
}
