import type { Diagnostic } from '../domain/diagnostic.ts';
import { unreachable } from '../domain/errors.ts';
import { type Env, proxyFromEnv, proxyVariable } from '../network/proxy.ts';
import {
  certificateUnchecked,
  proxyLoginUnencrypted,
  unencrypted,
  weakenedByNode,
} from '../network/weakened-tls.ts';
import type { HttpStateSettings } from './http/http-settings.ts';
import type { PostgresLocation } from './postgres/postgres-location.ts';
import type { S3Location } from './s3/s3-location.ts';

/** Each setting that weakens the connection to a remote state, in words. */

export function weakenedHttp(settings: HttpStateSettings, env: Env): Diagnostic[] {
  const { address, lock_address, unlock_address, tls } = settings;
  const addresses = [...new Set([address, lock_address, unlock_address].map((each) => new URL(each).origin))];
  return [
    ...weakenedByNode(env),
    ...(tls.insecure && addresses.some((each) => each.startsWith('https:'))
      ? [
          certificateUnchecked(
            'the state server',
            'TF_HTTP_SKIP_CERT_VERIFICATION',
            'unset it; to trust an authority of your own, put the text of its certificate into TF_HTTP_CLIENT_CA_CERTIFICATE_PEM',
          ),
        ]
      : []),
    ...addresses.flatMap((each) => [
      ...given(unencrypted('the state server', each, 'the address of the state', 'use an https:// address')),
      ...proxyLogin(each, env),
    ]),
  ];
}

export function weakenedS3({ endpoint }: S3Location, env: Env): Diagnostic[] {
  return [
    ...weakenedByNode(env),
    ...(endpoint === undefined
      ? []
      : [
          ...given(unencrypted('the bucket', endpoint, 'endpoint= of the state', 'use an https:// endpoint')),
          ...proxyLogin(endpoint, env),
        ]),
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
        {
          severity: 'warning',
          code: 'weakened-tls',
          summary: `the connection to ${server} is not encrypted`,
          detail: `Anyone on the network path can read the password, and can change the state. Settings: ${setBy}.`,
          remedy,
        },
      ];
    default:
      return unreachable(tls);
  }
}

function proxyLogin(address: string, env: Env): Diagnostic[] {
  const { protocol, hostname, port } = new URL(address);
  const variable = protocol === 'https:' ? proxyVariable(env) : undefined;
  if (variable === undefined) return [];
  return given(proxyLoginUnencrypted(proxyFromEnv(env)(hostname, Number(port || 443)), variable));
}

function given<T>(value: T | undefined): T[] {
  return value === undefined ? [] : [value];
}
