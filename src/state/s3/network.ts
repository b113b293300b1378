import { readFile } from 'node:fs/promises';
import { Failure } from '../../domain/errors.ts';
import { systemReason } from '../../files/system-error.ts';
import { type AgentPair, openConnections } from '../../network/connections.ts';
import { type Env, type ProxyChoice, proxyFromEnv } from '../../network/proxy.ts';
import { stateTimeoutMs } from '../answer-limits.ts';

/** How the store is reached. The AWS SDK for JavaScript heeds neither a proxy nor AWS_CA_BUNDLE by itself. */
export interface S3Network {
  readonly proxyFor: ProxyChoice;
  /** Of the authorities that are believed, in place of Node's own. */
  readonly ca_file: string | undefined;
  /** Of one request, its whole answer included. */
  readonly request_timeout_ms: number;
}

export function s3Network(env: Env): S3Network {
  return {
    proxyFor: proxyFromEnv(env),
    ca_file: env.AWS_CA_BUNDLE || undefined,
    request_timeout_ms: stateTimeoutMs(env),
  };
}

const CONNECT_TIMEOUT_MS = 10_000;

export async function s3Agents({ proxyFor, ca_file }: S3Network): Promise<AgentPair> {
  const ca = ca_file === undefined ? {} : { ca: await authorities(ca_file) };
  return openConnections({ connectTimeoutMs: CONNECT_TIMEOUT_MS, proxyFor, ...ca }).reads;
}

async function authorities(path: string): Promise<string> {
  try {
    return await readFile(path, 'utf8');
  } catch (cause) {
    throw Failure.of('usage', 'state-ca-bundle', `cannot read AWS_CA_BUNDLE: ${systemReason(cause)}`, {
      where: { file: path },
      remedy: 'name a file of PEM certificates that you may read, or take the variable away',
    });
  }
}
