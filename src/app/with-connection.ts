import type { Connection } from './connection.ts';
import type { Ports } from './ports.ts';

/** Connects to the cloud, and lets go of it however the work ends. */
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
