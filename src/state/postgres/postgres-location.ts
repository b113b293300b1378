import { hash } from 'node:crypto';
import type { Env } from '../../domain/env.ts';
import { isLoopback } from '../../network/weakened-tls.ts';
import { stateBytesMax } from '../answer-limits.ts';
import { leaseTtl } from '../lease-time.ts';
import { invalidUrl } from '../server-failures.ts';

/** `postgres://user@host/database?state=…&schema=…`; the password comes from PGPASSWORD or ~/.pgpass. */
export interface PostgresLocation {
  /** For the client library: without the parameters of vbsctl. */
  readonly connection: string;
  /** The name of the state; several states may share a database. */
  readonly state: string;
  readonly schema: string;
  readonly ttl_ms: number;
  /** The key of the advisory lock: two positive 31-bit numbers. */
  readonly lock_key: readonly [number, number];
  readonly answer_bytes_max: number;
  /** How the connection is protected. `local`: it stays on this machine. */
  readonly tls: 'verified' | 'unchecked' | 'none' | 'local';
}

const OWN_PARAMETERS = ['state', 'schema', 'lease_ttl'];
const CLIENT_PARAMETERS = ['host', 'port', 'sslmode', 'sslrootcert', 'sslcert', 'sslkey', 'uselibpqcompat'];

const SSL_MODES = ['disable', 'no-verify', 'prefer', 'require', 'verify-ca', 'verify-full'];
const TLS_FILES = ['sslrootcert', 'sslcert', 'sslkey'];
const WEAKENED_BY_LIBPQ_COMPAT: ReadonlySet<string> = new Set(['prefer', 'require', 'verify-ca']);

/** `env`: PGHOST and PGSSLMODE are the defaults of the URL, as in every client of PostgreSQL. */
export function postgresLocation(url: URL, env: Env = {}): PostgresLocation {
  for (const name of url.searchParams.keys())
    if (![...OWN_PARAMETERS, ...CLIENT_PARAMETERS].includes(name))
      throw invalidUrl(
        `a postgres:// URL has no parameter ${name}`,
        `known: ${[...OWN_PARAMETERS, ...CLIENT_PARAMETERS].join(', ')}`,
      );
  const state = url.searchParams.get('state') ?? 'default';
  if (state === '')
    throw invalidUrl('the state of a postgres:// URL has no name', 'omit state= for the name default');
  const mode = url.searchParams.get('sslmode');
  if (mode !== null && !SSL_MODES.includes(mode))
    throw invalidUrl(`a postgres:// URL has no sslmode ${mode}`, `known: ${SSL_MODES.join(', ')}`);
  const schema = url.searchParams.get('schema') ?? 'vbsctl';
  if (!/^[a-z_][a-z0-9_]{0,62}$/.test(schema))
    throw invalidUrl('the schema of a postgres:// URL must be a plain lower-case name', 'omit it for vbsctl');
  const connection = new URL(url);
  for (const name of OWN_PARAMETERS) connection.searchParams.delete(name);
  const tls = protection(connection, env);
  // Always set: otherwise the client uses PGSSLMODE or no TLS.
  if (tls === 'verified') connection.searchParams.set('sslmode', 'verify-full');
  const digest = hash('sha256', `vbsctl ${schema} ${state}`, 'buffer');
  return {
    connection: connection.href,
    state,
    schema,
    ttl_ms: leaseTtl(url.searchParams.get('lease_ttl')),
    lock_key: [digest.readUInt32BE(0) >>> 1, digest.readUInt32BE(4) >>> 1],
    answer_bytes_max: stateBytesMax(env),
    tls,
  };
}

/**
 * A server on another machine is verified, unless the URL or PGSSLMODE says otherwise. The client treats `prefer`,
 * `require` and `verify-ca` like `verify-full`.
 */
function protection({ hostname, searchParams }: URL, env: Env): PostgresLocation['tls'] {
  const host = searchParams.get('host') || decodeURIComponent(hostname) || env.PGHOST || 'localhost';
  const isLocal = host.startsWith('/') || isLoopback(host);
  const fromEnv = SSL_MODES.includes(env.PGSSLMODE ?? '') ? env.PGSSLMODE : undefined;
  const mode = searchParams.get('sslmode') ?? fromEnv;
  if (mode === undefined)
    return isLocal && !TLS_FILES.some((name) => searchParams.has(name)) ? 'local' : 'verified';
  if (mode === 'disable') return isLocal ? 'local' : 'none';
  const isWeaker = searchParams.get('uselibpqcompat') === 'true' && WEAKENED_BY_LIBPQ_COMPAT.has(mode);
  return mode === 'no-verify' || isWeaker ? 'unchecked' : 'verified';
}
