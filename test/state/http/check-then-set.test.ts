import { randomUUID } from 'node:crypto';
import { once } from 'node:events';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';
import { expect } from 'chai';
import { systemClock } from '../../../src/cli/system.ts';
import type { Lease } from '../../../src/state/backend.ts';
import { openBackend } from '../../../src/state/open-backend.ts';
import { ACTOR, numbered, TARGET } from '../samples.ts';

/** Looks whether there is a lock, and makes one a moment later: two that come at once are both let in. */
function checkThenSet(setsAfterMs: number) {
  let state: string | undefined;
  let lock: string | undefined;
  return createServer(async (request, response) => {
    const chunks: Buffer[] = [];
    for await (const chunk of request) chunks.push(chunk as Buffer);
    const body = Buffer.concat(chunks).toString();
    switch (request.method) {
      case 'LOCK': {
        const standing = lock;
        await sleep(setsAfterMs);
        if (standing !== undefined) return response.writeHead(423).end(standing);
        lock = body;
        return response.end();
      }
      case 'UNLOCK':
        lock = undefined;
        return response.end();
      case 'GET':
        return state === undefined ? response.writeHead(404).end() : response.end(state);
      default:
        state = body;
        return response.end();
    }
  });
}

describe('an HTTP state server whose lock is not atomic', () => {
  for (const ms of [20, 50, 300])
    it(`grants two locks at once (${ms} ms between check and lock), and at most one run continues`, async () => {
      const server = checkThenSet(ms).listen(0, '127.0.0.1');
      await once(server, 'listening');
      const location = `http://127.0.0.1:${(server.address() as AddressInfo).port}/s`;
      const leases: Lease[] = [];
      const lock = async () => {
        const backend = await openBackend(location, {
          clock: systemClock,
          newId: randomUUID,
          settleMs: 1_000,
          env: {},
        });
        const lease = await backend.lock(ACTOR, 0);
        leases.push(lease);
        return lease;
      };
      const run = async () => (await lock()).commit([numbered(1)]);
      try {
        const first = await lock();
        await first.create(TARGET);
        await first.release();
        const ends = await Promise.allSettled([run(), run()]);
        expect(ends.filter(({ status }) => status === 'fulfilled')).to.have.length.below(2);
      } finally {
        await Promise.allSettled(leases.map((lease) => lease.release()));
        server.close();
      }
    });
});
