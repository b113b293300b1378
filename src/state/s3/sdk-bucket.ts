import type { S3Client } from '@aws-sdk/client-s3';
import { optional } from '../../domain/record.ts';
import type { Secrets } from '../../domain/secrets.ts';
import { isObject } from '../shape.ts';
import type { S3Location } from './location.ts';
import { type S3Network, s3Agents } from './network.ts';
import type { Bucket } from './objects.ts';

const TIMEOUT_MS = 30_000;

/** A bucket as the AWS SDK speaks to it. The SDK is loaded with the first request. */
export function sdkBucket(location: S3Location, network: S3Network, secrets?: Secrets): Bucket {
  const { bucket: Bucket } = location;
  let loading: ReturnType<typeof load> | undefined;
  const sdk = () => {
    loading ??= load(location, network, secrets);
    return loading;
  };
  return {
    async get(Key) {
      const { client, GetObjectCommand } = await sdk();
      const found = await client.send(new GetObjectCommand({ Bucket, Key }), timeout());
      return {
        bytes: (await found.Body?.transformToByteArray()) ?? new Uint8Array(),
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
  if (secrets)
    client.config.credentials().then(
      ({ secretAccessKey, sessionToken }) => secrets.add(secretAccessKey, sessionToken),
      () => {}, // the first request tells why there are none
    );
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
