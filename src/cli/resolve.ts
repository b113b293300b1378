import { EXIT, type ExitCode } from '../domain/errors.ts';
import type { Resolution } from '../domain/record.ts';
import { resolve } from '../executor/resolve.ts';
import { connectCloud } from './cloud.ts';
import type { CommonFlags } from './flags.ts';
import type { Io } from './io.ts';
import { actor, backend, refuseOtherTarget, settings } from './setup.ts';
import { systemClock } from './system.ts';

export interface ResolveFlags extends CommonFlags {
  readonly as: Resolution['as'];
  readonly reason: string;
  readonly lockTimeout: number;
}

export async function resolveRecord(io: Io, address: string, flags: ResolveFlags): Promise<ExitCode> {
  const given = await settings(io, flags);
  const store = await backend(io, flags, given, 'to change');
  const connection = await connectCloud(io, flags, given);
  try {
    const lease = await store.lock(actor(io, 'resolve'), flags.lockTimeout, io.stop);
    try {
      const state = lease.state();
      if (state) refuseOtherTarget(state, connection.driver.target);
      const { as, reason } = flags;
      const record = await resolve(lease, connection.driver, systemClock, address, {
        as,
        reason,
        by: io.who,
      });
      io.stdout.write(
        `${address} is now ${record.status}${record.status === 'failed' ? ` (disk touched: ${record.touched})` : ''}.\n`,
      );
      return EXIT.done;
    } finally {
      await lease.release();
    }
  } finally {
    await connection.close();
  }
}
