import { randomUUID } from 'node:crypto';
import { expect } from 'chai';
import { Client } from 'pg';
import { systemClock } from '../../../src/cli/system.ts';
import { Failure } from '../../../src/domain/errors.ts';
import { openBackend } from '../../../src/state/open-backend.ts';
import { backendContract, refusal } from '../backend-contract.ts';
import { remoteTrials } from '../remote-trials.ts';
import { ACTOR, numbered, TARGET } from '../samples.ts';
import { PostgresTrialServer } from '../trial-servers.ts';
import { HAS_POSTGRES, NO_PGBOUNCER, NO_POSTGRES, PGBOUNCER, PostgresServer } from './postgres-server.ts';

remoteTrials(new PostgresTrialServer());

if (!HAS_POSTGRES) {
  describe('the PostgreSQL backend', () => {
    it(`skipped: ${NO_POSTGRES}`, function () {
      this.skip();
    });
  });
} else {
  describe('the PostgreSQL backend on a real server', () => {
    const server = new PostgresServer();
    before(() => server.start());
    after(() => server.dispose());
    const at = (port: number, state: string, more = '') =>
      `postgres://vbsctl@127.0.0.1:${port}/postgres?state=${state}${more}`;
    const open = (location: string) =>
      openBackend(location, { clock: systemClock, newId: randomUUID, settleMs: 1_000, env: {} });

    backendContract('postgres', async () => {
      const location = at(server.port, randomUUID());
      return { location, open: () => open(location), dispose: async () => {}, freedByDeath: false };
    });

    it('stores each transition as a row', async () => {
      const name = randomUUID();
      const lease = await (await open(at(server.port, name))).lock(ACTOR, 0);
      await lease.create(TARGET);
      await lease.commit([numbered(1)]);
      await lease.commit([numbered(1)]);
      await lease.commit([{ type: 'moved', moves: [{ from: 'set/r1', to: 'set/r2' }] }]);
      await lease.release();
      const rows = await server.ask(
        `select serial::int, address, record is null as gone from vbsctl.record where state = '${name}' order by serial, address`,
      );
      expect(rows).to.deep.equal([
        { serial: 2, address: 'set/r1', gone: false },
        { serial: 3, address: 'set/r1', gone: false },
        { serial: 4, address: 'set/r1', gone: true },
        { serial: 4, address: 'set/r2', gone: false },
      ]);
    });

    it('shows an unreadable lock by its id, and unlocks it', async () => {
      const name = randomUUID();
      const backend = await open(at(server.port, name));
      const lease = await backend.lock(ACTOR, 0);
      await server.ask(
        `update vbsctl.lock set info = '{"who": 7}', id = 'of-a-stranger' where state = '${name}'`,
      );
      try {
        const other = await open(at(server.port, name));
        const holder = await other.holder();
        expect(holder).to.include({ id: 'of-a-stranger' }).and.not.have.any.keys('who', 'pid');
        expect(await other.unlock('of-a-stranger')).to.include({ id: 'of-a-stranger' });
      } finally {
        await lease.release();
      }
    });

    it('keeps a waiting run in the queue when connections are cut', async () => {
      const name = randomUUID();
      const holder = await (await open(at(server.port, name))).lock(ACTOR, 0);
      await holder.create(TARGET);
      let isQueued = true;
      const queued = (await open(at(server.port, name))).lock(ACTOR, 30_000).finally(() => {
        isQueued = false;
      });
      for (let cuts = 0; cuts < 5; cuts++) {
        // every session but that of the holder
        await server.ask(
          `select pg_terminate_backend(pid) from pg_stat_activity where application_name = 'vbsctl'
           and pid not in (select pid from pg_locks where locktype = 'advisory' and granted)`,
        );
        const sessions = () => server.ask("select 1 from pg_stat_activity where application_name = 'vbsctl'");
        while (isQueued && (await sessions()).length < 2);
        expect(isQueued).to.equal(true);
      }
      await holder.commit([numbered(1)]);
      await holder.release();
      const lease = await queued;
      expect(lease.state()?.serial).to.equal(2);
      await lease.commit([numbered(2)]);
      await lease.release();
    });

    it('leaves no lock behind if the state cannot be read', async () => {
      const name = randomUUID();
      const lease = await (await open(at(server.port, name))).lock(ACTOR, 0);
      await lease.create(TARGET);
      await lease.release();
      await server.ask(`update vbsctl.state set head = '{"format": "x"}' where name = '${name}'`);
      const backend = await open(at(server.port, name));
      expect(await backend.lock(ACTOR, 0).catch((cause: unknown) => cause)).to.be.instanceOf(Failure);
      expect(await backend.holder()).to.equal(undefined);
    });

    it('refuses a commit that makes the state too large to be read', async () => {
      const location = at(server.port, randomUUID());
      const env = { VBSCTL_STATE_SIZE_LIMIT: '1MiB' };
      const limited = () =>
        openBackend(location, { clock: systemClock, newId: randomUUID, settleMs: 1_000, env });
      const batch = (n: number) => Array.from({ length: 50 }, (_, k) => numbered(n * 50 + k));
      let last = 0;
      // Each lease counts on from what the one before has stored, and changed records count once.
      for (let full = false; !full; ) {
        const lease = await (await limited()).lock(ACTOR, 0);
        if (last === 0) await lease.create(TARGET);
        for (const _ of [1, 2, 3]) {
          const refused = await lease.commit(batch(last)).then(
            () => undefined,
            (cause: unknown) => cause,
          );
          full = refused !== undefined;
          if (!full) continue;
          expect(refused)
            .to.be.instanceOf(Failure)
            .with.property('message')
            .that.includes('larger than 1 MiB');
          break;
        }
        await lease.release();
        if (!full) last++;
      }
      const state = await (await limited()).read();
      expect(state?.records.size).to.equal(last * 50);
      const total = (table: string, column: string) =>
        `(select sum(length(${column}::text)) from vbsctl.${table} where state = '${location.split('state=')[1]}')`;
      const bytes = `select (${total('record', 'record')} + ${total('history', 'entry')})::int as bytes`;
      expect((await server.ask(bytes))[0])
        .to.have.property('bytes')
        .that.is.greaterThan(1.5 * 1024 ** 2);
    });

    it('refuses tables of a newer vbsctl', async () => {
      await server.ask(
        'create schema newer; create table newer.meta (version int); insert into newer.meta values (99)',
      );
      const location = at(server.port, 'x', '&schema=newer');
      for (const attempt of [(await open(location)).read(), (await open(location)).lock(ACTOR, 0)]) {
        const reason = await attempt.catch((cause: unknown) => cause);
        expect(reason)
          .to.be.instanceOf(Failure)
          .and.property('message')
          .match(/newer vbsctl/);
      }
    });

    it('refuses a commit through a session that lost the lock', async () => {
      const name = randomUUID();
      const lease = await (await open(at(server.port, name))).lock(ACTOR, 0);
      await lease.create(TARGET);
      // what a pool does to a session that it gives to another
      await server.ask(
        "select pg_terminate_backend(pid) from pg_stat_activity where application_name = 'vbsctl' and pid <> pg_backend_pid()",
      );
      await server.ask(`update vbsctl.lock set id = 'another' where state = '${name}'`);
      const reason = await lease.commit([numbered(1)]).catch((cause: unknown) => cause);
      expect(reason).to.be.instanceOf(Failure);
      expect((reason as Failure).diagnostics[0]?.code).to.equal('lock-lost');
      await lease.release();
    });

    it('reports at the release that the lock was removed', async () => {
      const name = randomUUID();
      const lease = await (await open(at(server.port, name))).lock(ACTOR, 0);
      await lease.create(TARGET);
      await server.ask(`delete from vbsctl.lock where state = '${name}'`);
      const reason = await lease.release().catch((cause: unknown) => cause);
      expect(reason).to.be.instanceOf(Failure);
      expect((reason as Failure).diagnostics[0]?.code).to.equal('lock-lost');
    });

    for (const mode of ['transaction', 'session'] as const)
      it(`${mode === 'session' ? 'works' : 'is refused'} through PgBouncer in ${mode} mode`, async function () {
        if (PGBOUNCER === undefined) {
          process.stdout.write(`      skipped: ${NO_PGBOUNCER}\n`);
          this.skip();
        }
        const port = await server.startPool(mode);
        try {
          const outcome = await (await open(at(port, randomUUID())))
            .lock(ACTOR, 0)
            .catch((cause: unknown) => cause);
          if (mode === 'transaction') {
            expect(outcome).to.be.instanceOf(Failure);
            expect((outcome as Failure).diagnostics[0]?.code).to.equal('state-pooled');
          } else {
            expect(outcome).to.have.property('lock');
            await (outcome as { release(): Promise<void> }).release();
          }
        } finally {
          await server.stopPool();
        }
      });

    it('refuses a pool in transaction mode while other clients use it', async function () {
      if (PGBOUNCER === undefined) {
        process.stdout.write(`      skipped: ${NO_PGBOUNCER}\n`);
        this.skip();
      }
      const port = await server.startPool('transaction', 5);
      let busy = true;
      const clients = Array.from({ length: 5 }, async () => {
        const client = new Client({ host: '127.0.0.1', port, user: 'vbsctl', database: 'postgres' });
        await client.connect();
        while (busy) for (const sql of ['begin', 'select pg_sleep(0.004)', 'commit']) await client.query(sql);
        await client.end();
      });
      try {
        for (let run = 0; run < 25; run++) {
          const cause = await (await open(at(port, randomUUID())))
            .lock(ACTOR, 0)
            .catch((reason: unknown) => reason);
          expect((cause as Failure).diagnostics?.[0]?.code, `run ${run}`).to.equal('state-pooled');
        }
      } finally {
        busy = false;
        await Promise.all(clients);
        await server.stopPool();
      }
    });

    for (const [what, mode, size] of [
      ['of one session', 'transaction', 1],
      ['in statement mode', 'statement', 5],
    ] as const)
      it(`says what is wrong with a pool ${what}`, async function () {
        if (PGBOUNCER === undefined) {
          process.stdout.write(`      skipped: ${NO_PGBOUNCER}\n`);
          this.skip();
        }
        const port = await server.startPool(mode, size);
        try {
          const cause = await (await open(at(port, randomUUID())))
            .lock(ACTOR, 0)
            .catch((reason: unknown) => reason);
          expect((cause as Failure).diagnostics?.[0]?.code).to.equal('state-pooled');
        } finally {
          await server.stopPool();
        }
      });

    it('a lock that stayed with a session, without its row, is shown and can be removed', async () => {
      const location = at(server.port, randomUUID());
      const lease = await (await open(location)).lock(ACTOR, 0);
      await lease.create(TARGET);
      await server.ask(`delete from vbsctl.lock where id = '${lease.lock.info.id}'`);
      const backend = await open(location);
      expect(await backend.holder()).to.deep.equal({});
      await refusal(backend.lock(ACTOR, 0), 'locked');
      await backend.unlock(lease.lock.info.id);
      expect(await backend.holder()).to.equal(undefined);
      await lease.release().catch(() => undefined);
    });
  });
}
