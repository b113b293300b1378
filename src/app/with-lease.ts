import type { Backend, Lease } from '../state/backend.ts';
import type { Snapshot } from '../state/codec.ts';
import type { ChangeRequest, Connection, LockRequest, Ports, StatePorts } from './ports.ts';

/** Connects to the cloud for `work`, and closes the connection at its end. */
export async function withConnection<T>(
  { connect }: Pick<Ports, 'connect'>,
  work: (connection: Connection) => Promise<T>,
): Promise<T> {
  const connection = await connect();
  try {
    return await work(connection);
  } finally {
    await connection.close();
  }
}

/** Holds the lock for `work`, and releases it at its end. */
export async function withLease<T>(
  backend: Backend,
  { actor, lockTimeoutMs }: LockRequest,
  stop: AbortSignal,
  work: (lease: Lease) => Promise<T>,
): Promise<T> {
  const lease = await backend.lock(actor, lockTimeoutMs, stop);
  try {
    return await work(lease);
  } finally {
    await lease.release();
  }
}

/** Connects to the cloud, then holds the lock, for `work`. */
export function withLeaseAndConnection<T>(
  ports: Pick<Ports, 'backend' | 'connect' | 'stop'>,
  request: LockRequest,
  work: (lease: Lease, connection: Connection) => Promise<T>,
): Promise<T> {
  return withConnection(ports, (connection) =>
    withLease(ports.backend, request, ports.stop, (lease) => work(lease, connection)),
  );
}

/** Passes the state to `work` under the lock; in a dry run without lock and lease. */
export async function withState<T>(
  { backend, stop }: Pick<StatePorts, 'backend' | 'stop'>,
  request: ChangeRequest,
  work: (snapshot: Snapshot | undefined, lease: Lease | undefined) => Promise<T>,
): Promise<T> {
  if (!request.dryRun)
    return await withLease(backend, request, stop, (lease) => work(lease.snapshot(), lease));
  // Only `read` makes all checks of a state; `snapshot` has the hashes, too.
  return await work((await backend.read()) && (await backend.snapshot()), undefined);
}
