import { optional } from '../../domain/optional.ts';
import { leaseTtl } from '../lease-time.ts';
import { invalidUrl } from '../server-failures.ts';

/** `s3://bucket/key?endpoint=…&region=…`: where the state is, never with which credentials. */
export interface S3Location {
  readonly bucket: string;
  readonly key: string;
  readonly endpoint?: string;
  /** Default: AWS_REGION and the AWS configuration. */
  readonly region?: string;
  readonly path_style: boolean;
  /** Requests encryption at rest, as the parameters of Terraform's s3 backend do. */
  readonly encryption?: { readonly kms_key_id?: string };
  /** How long a lock lasts without renewal. */
  readonly ttl_ms: number;
}

const PARAMETERS = ['endpoint', 'region', 'path_style', 'encrypt', 'kms_key_id', 'lease_ttl'];

export function s3Location(url: URL): S3Location {
  const bucket = decodeURIComponent(url.hostname);
  const key = decodeURIComponent(url.pathname.slice(1));
  if (bucket === '' || key === '' || key.endsWith('/'))
    throw invalidUrl('an s3:// URL needs a bucket and a key', 'write s3://bucket/path/vbsctl.state.json');
  for (const name of url.searchParams.keys())
    if (!PARAMETERS.includes(name))
      throw invalidUrl(`an s3:// URL has no parameter ${name}`, `known: ${PARAMETERS.join(', ')}`);
  const endpoint = url.searchParams.get('endpoint') ?? undefined;
  if (endpoint !== undefined && !(URL.canParse(endpoint) && /^https?:$/.test(new URL(endpoint).protocol)))
    throw invalidUrl(
      'the endpoint of an s3:// URL is not an http:// or https:// URL',
      'write it with https://',
    );
  if (endpoint !== undefined && new URL(endpoint).password !== '')
    throw invalidUrl(
      'the endpoint of an s3:// URL holds a password',
      'remove it; credentials come from AWS_*',
    );
  // Few self-hosted stores have a host name for each bucket.
  const style = url.searchParams.get('path_style') ?? String(endpoint !== undefined);
  if (style !== 'true' && style !== 'false')
    throw invalidUrl(
      'path_style must be true or false',
      'omit it: the default is true with an endpoint, else false',
    );
  const encrypt = url.searchParams.get('encrypt') ?? 'false';
  const kmsKeyId = url.searchParams.get('kms_key_id') || undefined;
  if (encrypt !== 'true' && encrypt !== 'false')
    throw invalidUrl('encrypt must be true or false', 'omit it: the default is false');
  if (kmsKeyId !== undefined && encrypt === 'false')
    throw invalidUrl('kms_key_id is given without encrypt=true', 'add encrypt=true, or remove kms_key_id');
  return {
    bucket,
    key,
    ...optional('endpoint', endpoint),
    ...optional('region', url.searchParams.get('region') ?? undefined),
    path_style: style === 'true',
    ...optional('encryption', encrypt === 'true' ? optional('kms_key_id', kmsKeyId) : undefined),
    ttl_ms: leaseTtl(url.searchParams.get('lease_ttl')),
  };
}

/** As it is shown: without parameters. */
export function objectUrl({ bucket, key }: S3Location): string {
  return `s3://${bucket}/${key}`;
}
