/**
 * A process that locks the state named by its argument, commits one restore, prints its lock and waits: until
 * its stdin ends (then it releases), or for its death. Used by the contract suite.
 */
import { randomUUID } from 'node:crypto';
import { systemClock as clock } from '../../src/cli/system.ts';
import { openBackend } from '../../src/state/open-backend.ts';
import { ACTOR, numbered, TARGET } from './samples.ts';

const backend = await openBackend(process.argv[2] ?? '', {
  clock,
  newId: randomUUID,
  settleMs: 1_000,
  env: process.env,
});
const lease = await backend.lock(ACTOR, 0);
if (!lease.state()) await lease.create(TARGET);
await lease.commit([numbered(1_000)]);
process.stdout.write(`${JSON.stringify(lease.lock.info)}\n`);
for await (const _ of process.stdin);
await lease.release();
