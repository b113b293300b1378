import { createHash } from 'node:crypto';
import type { Env } from '../../network/proxy.ts';
import { isLoopback } from '../../network/weakened-tls.ts';
import { stateBytesMax } from '../answer-limits.ts';
import { leaseTtl } from '../lease-terms.ts';
import { invalidUrl } from '../server-failures.ts';

/** `postgres://user@host/database?state=…&schema=…`; the password comes from PGPASSWORD or ~/.pgpass. */
export interface PostgresLocation {
  /** For the client: without what only vbsctl reads. */
  readonly connection: string;
  /** Several states may share a database. */
  readonly state: string;
  readonly schema: string;
  readonly ttl_ms: number;
  /** Of the advisory lock: two positive 31-bit numbers. */
  readonly lock_key: readonly [number, number];
  readonly answer_bytes_max: number;
  /** How the connection is protected. `local`: it does not leave this machine. */
  readonly tls: 'verified' | 'unchecked' | 'none' | 'local';
}

const OWN = ['state', 'schema', 'lease_ttl'];
const OF_THE_CLIENT = ['host', 'port', 'sslmode', 'sslrootcert', 'sslcert', 'sslkey', 'uselibpqcompat'];

const SSL_MODES = ['disable', 'no-verify', 'prefer', 'require', 'verify-ca', 'verify-full'];
const TLS_FILES = ['sslrootcert', 'sslcert', 'sslkey'];
const STRICT: ReadonlySet<string> = new Set(['prefer', 'require', 'verify-ca']);

/** `env`: PGHOST and PGSSLMODE count where the URL says nothing, as with every client of PostgreSQL. */
export function postgresLocation(url: URL, env: Env = {}): PostgresLocation {
  for (const name of url.searchParams.keys())
    if (![...OWN, ...OF_THE_CLIENT].includes(name))
      throw invalidUrl(
        `a postgres:// URL has no parameter ${name}`,
        `known: ${[...OWN, ...OF_THE_CLIENT].join(', ')}`,
      );
  const state = url.searchParams.get('state') ?? 'default';
  if (state === '')
    throw invalidUrl('the state of a postgres:// URL has no name', 'leave state= out for default');
  const mode = url.searchParams.get('sslmode');
  if (mode !== null && !SSL_MODES.includes(mode))
    throw invalidUrl(`a postgres:// URL has no sslmode ${mode}`, `known: ${SSL_MODES.join(', ')}`);
  const schema = url.searchParams.get('schema') ?? 'vbsctl';
  if (!/^[a-z_][a-z0-9_]{0,62}$/.test(schema))
    throw invalidUrl(
      'the schema of a postgres:// URL must be a plain lower-case name',
      'leave it out for vbsctl',
    );
  const connection = new URL(url);
  for (const name of OWN) connection.searchParams.delete(name);
  const tls = protection(connection, env);
  // Named in any case: without it the client takes PGSSLMODE, or speaks in clear text.
  if (tls === 'verified') connection.searchParams.set('sslmode', 'verify-full');
  const hash = createHash('sha256').update(`vbsctl ${schema} ${state}`).digest();
  return {
    connection: connection.href,
    state,
    schema,
    ttl_ms: leaseTtl(url.searchParams.get('lease_ttl')),
    lock_key: [hash.readUInt32BE(0) >>> 1, hash.readUInt32BE(4) >>> 1],
    answer_bytes_max: stateBytesMax(env),
    tls,
  };
}

/**
 * Beyond this machine the server is verified, unless the URL or PGSSLMODE says otherwise. `prefer`, `require` and
 * `verify-ca` verify as `verify-full` does, which is how the client takes them.
 */
function protection({ hostname, searchParams }: URL, env: Env): PostgresLocation['tls'] {
  const host = searchParams.get('host') || decodeURIComponent(hostname) || env.PGHOST || 'localhost';
  const isLocal = host.startsWith('/') || isLoopback(host);
  const fromEnv = SSL_MODES.includes(env.PGSSLMODE ?? '') ? env.PGSSLMODE : undefined;
  const mode = searchParams.get('sslmode') ?? fromEnv;
  if (mode === undefined)
    return isLocal && !TLS_FILES.some((name) => searchParams.has(name)) ? 'local' : 'verified';
  if (mode === 'disable') return isLocal ? 'local' : 'none';
  const isWeaker = searchParams.get('uselibpqcompat') === 'true' && STRICT.has(mode);
  return mode === 'no-verify' || isWeaker ? 'unchecked' : 'verified';
}
