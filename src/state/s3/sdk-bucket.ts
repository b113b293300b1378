import { addAbortSignal, pipeline, Readable, Transform } from 'node:stream';
import type { S3Client } from '@aws-sdk/client-s3';
import { optional } from '../../domain/optional.ts';
import type { Secrets } from '../../domain/secrets.ts';
import { isObject } from '../../domain/shape.ts';
import { AnswerTooLarge, readBounded } from '../../network/read-bounded.ts';
import { LOCK_BYTES_MAX } from '../answer-limits.ts';
import { type S3Network, s3Agents } from './network.ts';
import type { Bucket } from './objects.ts';
import type { S3Location } from './s3-location.ts';

/** A bucket as the AWS SDK speaks to it. The SDK is loaded with the first request. */
export function sdkBucket(location: S3Location, network: S3Network, secrets?: Secrets): Bucket {
  const { bucket: Bucket } = location;
  const timeout = () => ({ abortSignal: AbortSignal.timeout(network.request_timeout_ms) });
  let loading: ReturnType<typeof load> | undefined;
  const sdk = () => {
    loading ??= load(location, network, secrets);
    return loading;
  };
  return {
    async get(Key, bytesMax) {
      const { client, GetObjectCommand } = await sdk();
      const { abortSignal } = timeout();
      const found = await client.send(new GetObjectCommand({ Bucket, Key }), { abortSignal });
      return {
        bytes: found.Body
          ? await readBounded(addAbortSignal(abortSignal, found.Body as Readable), bytesMax)
          : new Uint8Array(),
        ...optional('etag', found.ETag),
        ...optional('modified', found.LastModified),
        ...optional('date', (found as { date?: string }).date),
      };
    },
    async put(Key, Body, condition) {
      const { client, PutObjectCommand } = await sdk();
      const input = { Bucket, Key, Body, ContentType: 'application/json', ...condition };
      return (await client.send(new PutObjectCommand(input), timeout())).ETag;
    },
    async remove(Key, { IfMatch }) {
      const { client, DeleteObjectCommand } = await sdk();
      await client.send(new DeleteObjectCommand({ Bucket, Key, ...optional('IfMatch', IfMatch) }), timeout());
    },
  };
}

async function load(
  { endpoint, region, path_style }: S3Location,
  network: S3Network,
  secrets: Secrets | undefined,
) {
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
  const credentials = client.config.credentials;
  client.config.credentials = async (...options) => {
    const identity = await credentials(...options); // others after each time that they expire
    secrets?.add(identity.secretAccessKey);
    if (identity.sessionToken !== undefined) secrets?.addToken(identity.sessionToken);
    return identity;
  };
  client.middlewareStack.add(
    (next) => async (args) => {
      const { request } = args;
      if (isObject(request) && isObject(request.headers)) {
        const { authorization, 'x-amz-security-token': token } = request.headers;
        secrets?.addSignature(String(authorization));
        if (typeof token === 'string') secrets?.addToken(token);
      }
      const answer = await next(args);
      const { response, output } = answer;
      if (output !== undefined && isObject(response) && isObject(response.headers))
        Object.assign(output, { date: response.headers.date });
      return answer;
    },
    { step: 'deserialize', priority: 'high', name: 'signatureAndDate' },
  );
  client.middlewareStack.add(
    (next, { commandName }) =>
      async (args) => {
        const answer = await next(args);
        boundBody(answer.response, commandName === 'GetObjectCommand');
        return answer;
      },
    { step: 'deserialize', priority: 'low', name: 'boundedBodies' },
  );
  return { client, GetObjectCommand, PutObjectCommand, DeleteObjectCommand };
}

/**
 * The SDK reads the body of every answer to its end, however long it is: of an error, and of a write that was done. Only
 * an object that was asked for is left to us, who bound it by what it is (`get`).
 */
function boundBody(response: unknown, asksForObject: boolean): void {
  if (!isObject(response) || !(response.body instanceof Readable)) return;
  if (asksForObject && Number(response.statusCode) < 300) return;
  let length = 0;
  const bounded = new Transform({
    transform(chunk: Buffer, _encoding, done) {
      length += chunk.length;
      if (length > LOCK_BYTES_MAX) done(new AnswerTooLarge(LOCK_BYTES_MAX));
      else done(null, chunk);
    },
  });
  Object.assign(response, { body: pipeline(response.body, bounded, () => {}) });
}
