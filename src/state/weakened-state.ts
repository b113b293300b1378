import { type Diagnostic, warning } from '../domain/diagnostic.ts';
import type { Env } from '../domain/env.ts';
import { unreachable } from '../domain/errors.ts';
import { proxyFromEnv, proxyVariable } from '../network/proxy.ts';
import {
  certificateUnchecked,
  proxyLoginUnencrypted,
  unencrypted,
  weakenedByNode,
} from '../network/weakened-tls.ts';
import type { HttpStateSettings } from './http/http-settings.ts';
import type { PostgresLocation } from './postgres/postgres-location.ts';
import type { S3Location } from './s3/s3-location.ts';

/** A warning for each setting that weakens the connection to a remote state. */

export function weakenedHttp(settings: HttpStateSettings, env: Env): Diagnostic[] {
  const { address, lock_address, unlock_address, tls } = settings;
  const origins = [...new Set([address, lock_address, unlock_address].map((each) => new URL(each).origin))];
  const unchecked = tls.insecure && origins.some((each) => each.startsWith('https:'));
  const trust =
    'unset it; to trust an authority of your own, put the text of its certificate into TF_HTTP_CLIENT_CA_CERTIFICATE_PEM';
  return [
    ...weakenedByNode(env),
    ...present(
      unchecked
        ? certificateUnchecked('the state server', 'TF_HTTP_SKIP_CERT_VERIFICATION', trust)
        : undefined,
    ),
    ...origins.flatMap((each) =>
      present(
        unencrypted('the state server', each, 'the address of the state', 'use an https:// address'),
        proxyLogin(each, env),
      ),
    ),
  ];
}

export function weakenedS3({ endpoint }: S3Location, env: Env): Diagnostic[] {
  // In the order of the AWS SDK.
  const named = [
    [endpoint, 'endpoint= of the state'],
    [env.AWS_ENDPOINT_URL_S3, 'AWS_ENDPOINT_URL_S3'],
    [env.AWS_ENDPOINT_URL, 'AWS_ENDPOINT_URL'],
  ] as const;
  const [address = 'https://s3.amazonaws.com', setBy = ''] = named.find(([url]) => url) ?? [];
  // The SDK refuses a text that is not a URL.
  if (!URL.canParse(address)) return weakenedByNode(env);
  return [
    ...weakenedByNode(env),
    ...present(
      unencrypted('the bucket', address, setBy, 'use an https:// endpoint'),
      proxyLogin(address, env),
    ),
  ];
}

export function weakenedPostgres({ tls }: PostgresLocation, env: Env): Diagnostic[] {
  const server = 'the PostgreSQL server';
  const remedy = 'use sslmode=verify-full (the default), with sslrootcert=FILE for an authority of your own';
  const setBy = 'sslmode in the address of the state, or PGSSLMODE';
  switch (tls) {
    case 'local':
      return [];
    case 'verified':
      return weakenedByNode(env);
    case 'unchecked':
      return [...weakenedByNode(env), certificateUnchecked(server, setBy, remedy)];
    case 'none':
      return [
        warning('weakened-tls', `the connection to ${server} is not encrypted`, {
          detail: `Anyone on the network path can read the password, and can change the state. Settings: ${setBy}.`,
          remedy,
        }),
      ];
    default:
      return unreachable(tls);
  }
}

function proxyLogin(address: string, env: Env): Diagnostic | undefined {
  const { protocol, hostname, port } = new URL(address);
  const variable = protocol === 'https:' ? proxyVariable(env) : undefined;
  if (variable === undefined) return undefined;
  return proxyLoginUnencrypted(proxyFromEnv(env)(hostname, Number(port || 443)), variable);
}

function present(...notes: readonly (Diagnostic | undefined)[]): Diagnostic[] {
  return notes.filter((note) => note !== undefined);
}
