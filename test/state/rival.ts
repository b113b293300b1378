/**
 * A process that waits for the lock of the state named by its first argument, prints the lock, commits as many
 * restores as the second says, one after the other, prints each, and releases. SIGTERM: releases and ends. A
 * commit that is refused is printed, too. Used by the remote trials.
 */
import { randomUUID } from 'node:crypto';
import { systemClock as clock } from '../../src/cli/system.ts';
import { Failure } from '../../src/domain/errors.ts';
import { openBackend } from '../../src/state/open-backend.ts';
import { ACTOR, put, recordAfter, TARGET } from './samples.ts';

const [location = '', count = '0'] = process.argv.slice(2);
let stopped = false;
process.on('SIGTERM', () => {
  stopped = true;
});
const backend = await openBackend(location, { clock, newId: randomUUID, settleMs: 1_000, env: process.env });
const lease = await backend.lock(ACTOR, 30_000);
process.stdout.write(`${JSON.stringify(lease.lock.info)}\n`);
if (!lease.state()) await lease.create(TARGET);
try {
  for (let n = 1; n <= Number(count) && !stopped; n++) {
    await lease.commit([put(recordAfter(`set/r${process.pid}-${n}`))]);
    process.stdout.write(`committed ${n}\n`);
    await clock.sleep(20);
  }
} catch (cause) {
  const kind = cause instanceof Failure ? cause.kind : 'bug';
  process.stdout.write(`refused ${kind}: ${cause}\n`);
}
await lease.release();
