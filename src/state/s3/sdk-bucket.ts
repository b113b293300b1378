import { getFips, hash } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import { addAbortSignal, pipeline, Readable, Transform } from 'node:stream';
import type { PutObjectCommandInput, S3Client } from '@aws-sdk/client-s3';
import { type Diagnostic, warning } from '../../domain/diagnostic.ts';
import type { Env } from '../../domain/env.ts';
import { Failure } from '../../domain/errors.ts';
import { quoted } from '../../domain/escape/quoted.ts';
import { optional } from '../../domain/optional.ts';
import type { Secrets } from '../../domain/secrets.ts';
import { isObject } from '../../domain/shape.ts';
import { systemReason } from '../../files/system-error.ts';
import { openConnections } from '../../network/connections.ts';
import { type ProxyChoice, proxyFromEnv } from '../../network/proxy.ts';
import { AnswerTooLarge, readBounded } from '../../network/read-bounded.ts';
import { unusablePem } from '../../network/unusable-pem.ts';
import { LOCK_BYTES_MAX, stateTimeoutMs } from '../answer-limits.ts';
import type { Bucket } from './objects.ts';
import type { S3Location } from './s3-location.ts';

/** A bucket, by the AWS SDK. The SDK is loaded with the first request. */
export function sdkBucket(s3: S3Location, env: Env, secrets?: Secrets): Bucket {
  const { bucket: Bucket } = s3;
  const encryption = encryptionOf(s3);
  const timeoutMs = stateTimeoutMs(env);
  const proxyFor = proxyFromEnv(env);
  const timeout = () => ({ abortSignal: AbortSignal.timeout(timeoutMs) });
  let loading: ReturnType<typeof load> | undefined;
  const sdk = () => {
    loading ??= load(s3, proxyFor, env.AWS_CA_BUNDLE || undefined, secrets);
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
      const input = {
        Bucket,
        Key,
        Body,
        ContentType: 'application/json',
        ...digestOf(Body),
        ...encryption,
        ...condition,
      };
      return (await client.send(new PutObjectCommand(input), timeout())).ETag;
    },
    async remove(Key, { IfMatch }) {
      const { client, DeleteObjectCommand } = await sdk();
      await client.send(new DeleteObjectCommand({ Bucket, Key, ...optional('IfMatch', IfMatch) }), timeout());
    },
  };
}

/**
 * A warning if the environment has two credentials. The AWS SDK takes the profile, and its command line and Terraform
 * the keys, so that only a person knows which one is meant.
 */
export function twoCredentials({ AWS_PROFILE, AWS_ACCESS_KEY_ID, AWS_SECRET_ACCESS_KEY }: Env): Diagnostic[] {
  if (!AWS_PROFILE || !AWS_ACCESS_KEY_ID || !AWS_SECRET_ACCESS_KEY) return [];
  const summary = `AWS_PROFILE and AWS_ACCESS_KEY_ID are both set: for the state, vbsctl uses the profile ${quoted(AWS_PROFILE)}`;
  return [
    warning('two-credentials', summary, {
      detail: 'The aws command and Terraform use the access key.',
      remedy:
        'unset the one that is not meant: unset AWS_PROFILE; or: unset AWS_ACCESS_KEY_ID AWS_SECRET_ACCESS_KEY',
    }),
  ];
}

/** A bucket with Object Lock requires a digest, and every store takes this one. In FIPS mode there is no MD5. */
function digestOf(body: string | Buffer): { readonly ContentMD5?: string } {
  return getFips() === 1 ? {} : { ContentMD5: hash('md5', body, 'base64') };
}

function encryptionOf({ encryption }: S3Location): EncryptionParameters {
  if (encryption === undefined) return {};
  const { kms_key_id: SSEKMSKeyId } = encryption;
  return SSEKMSKeyId === undefined
    ? { ServerSideEncryption: 'AES256' }
    : { ServerSideEncryption: 'aws:kms', SSEKMSKeyId };
}

type EncryptionParameters = Pick<PutObjectCommandInput, 'ServerSideEncryption' | 'SSEKMSKeyId'>;

async function load(
  { endpoint, region, path_style }: S3Location,
  proxyFor: ProxyChoice,
  caFile: string | undefined,
  secrets: Secrets | undefined,
) {
  // The SDK itself uses neither a proxy nor AWS_CA_BUNDLE.
  const ca = caFile === undefined ? {} : { ca: await readAuthorities(caFile) };
  const { http: httpAgent, https: httpsAgent } = openConnections({
    connectTimeoutMs: CONNECT_TIMEOUT_MS,
    proxyFor,
    ...ca,
  }).reads;
  // The warning about old Node versions is for the maintainers of vbsctl, not for its users.
  process.env.AWS_SDK_JS_NODE_VERSION_SUPPORT_WARNING_DISABLED ??= 'true';
  const { S3Client, GetObjectCommand, PutObjectCommand, DeleteObjectCommand } = await import(
    '@aws-sdk/client-s3'
  );
  const known = region ?? (process.env.AWS_REGION || process.env.AWS_DEFAULT_REGION || undefined);
  // Self-hosted stores mostly ignore the region, but the SDK requires one.
  const ofConfiguration = () => new S3Client().config.region().catch(() => 'us-east-1');
  const chosen = known ?? (endpoint === undefined ? undefined : await ofConfiguration());
  const client: S3Client = new S3Client({
    ...optional('endpoint', endpoint),
    ...optional('region', chosen),
    forcePathStyle: path_style,
    maxAttempts: 1,
    // Without a logger of our own, the SDK writes a warning about two credentials to stderr (`twoCredentials`).
    logger: { debug: () => {}, info: () => {}, warn: () => {}, error: () => {} },
    requestHandler: { httpAgent, httpsAgent },
    // Not every store supports the newer checksums in trailers.
    requestChecksumCalculation: 'WHEN_REQUIRED',
    responseChecksumValidation: 'WHEN_REQUIRED',
  });
  const credentials = client.config.credentials;
  client.config.credentials = async (...options) => {
    const identity = await credentials(...options); // new ones each time they expire
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
 * Limits the bodies that the SDK reads to their end, whatever their length: those of errors and of writes. The body of a
 * requested object is limited in `get`.
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

const CONNECT_TIMEOUT_MS = 10_000;

async function readAuthorities(path: string): Promise<string> {
  const remedy = 'name a file of PEM certificates that you may read, or unset the variable';
  let ca: string;
  try {
    ca = await readFile(path, 'utf8');
  } catch (cause) {
    throw Failure.of('usage', 'state-ca-bundle', `cannot read AWS_CA_BUNDLE: ${systemReason(cause)}`, {
      where: { file: path },
      remedy,
    });
  }
  const unusable = unusablePem({ ca });
  if (unusable)
    throw Failure.of('usage', 'state-ca-bundle', `the file of AWS_CA_BUNDLE ${unusable.why}`, {
      where: { file: path },
      remedy,
    });
  return ca;
}
