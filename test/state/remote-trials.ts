import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { createInterface, type Interface } from 'node:readline';
import { expect } from 'chai';
import { systemClock } from '../../src/cli/system.ts';
import type { LockInfo } from '../../src/state/backend.ts';
import { bundled } from '../bundled.ts';
import { refusal } from './backend-contract.ts';
import { ACTOR, numbered, TARGET } from './samples.ts';
import { type Lease, TAKEOVER_WITHIN_MS, Trial, type TrialServer } from './trial.ts';

/** What a backend does on its worst days, against a real server. */
export function remoteTrials(server: TrialServer): void {
  describe(`remote trials: ${server.name}`, () => {
    if (server.missing !== undefined) {
      it(`skipped: ${server.missing}`, function () {
        this.skip();
      });
      return;
    }
    before(() => server.start());
    after(() => server.dispose());
    let trial: Trial;
    const children: ChildProcess[] = [];
    const begin = async (lease: Lease): Promise<void> => {
      trial = await Trial.open(server, lease);
    };
    afterEach(async () => {
      for (const child of children.splice(0)) child.kill('SIGKILL');
      await trial.close();
    });

    async function committer(count: number): Promise<Rival> {
      const rival = await Rival.start(trial, count);
      children.push(rival.child);
      return rival;
    }

    it('groups 200 commits into far fewer writes', async () => {
      await begin('usual');
      const lease = await (await trial.backend()).lock(ACTOR, 0);
      await lease.create(TARGET);
      const before = trial.writes();
      await Promise.all(Array.from({ length: 200 }, (_, i) => lease.commit([numbered(i)])));
      expect(trial.writes() - before).to.be.lessThan(10);
      await lease.release();
      expect((await (await trial.backend()).read())?.serial).to.equal(201);
    });

    it('finds an accepted write whose answer was lost, and does not repeat it', async () => {
      await begin('usual');
      const lease = await (await trial.backend()).lock(ACTOR, 0);
      await lease.create(TARGET);
      trial.loseWriteAnswers(1);
      await lease.commit([numbered(1)]);
      expect(trial.lostAnswers).to.equal(1);
      await lease.commit([numbered(2)]);
      await lease.release();
      const state = await (await trial.backend()).read();
      expect(state?.serial).to.equal(3);
      expect([...(state?.records.keys() ?? [])].sort()).to.deep.equal(['set/r1', 'set/r2']);
    });

    it('releases the lock although the answer is lost', async () => {
      await begin('usual');
      const lease = await (await trial.backend()).lock(ACTOR, 0);
      await lease.create(TARGET);
      trial.loseReleaseAnswer();
      await lease.release();
      expect(trial.lostAnswers).to.equal(1);
      // PostgreSQL ends a session some time after its connection was cut.
      const backend = await trial.backend();
      let holder = await backend.holder();
      for (let tries = 0; holder && tries < 50; tries++) {
        await systemClock.sleep(100);
        holder = await backend.holder();
      }
      expect(holder).to.equal(undefined);
    });

    it('waits for a server that restarts', async () => {
      await begin('usual');
      const lease = await (await trial.backend()).lock(ACTOR, 0);
      await lease.create(TARGET);
      const start = await trial.stopServer();
      const commits = [lease.commit([numbered(1)]), lease.commit([numbered(2)])];
      await systemClock.sleep(1_000);
      await start();
      await Promise.all(commits);
      await lease.commit([numbered(3)]);
      await lease.release();
      expect((await (await trial.backend()).read())?.serial).to.equal(4);
    });

    it('gives two competing processes the lock in turn, and loses nothing', async () => {
      await begin('usual');
      const lease = await (await trial.backend()).lock(ACTOR, 0);
      await lease.create(TARGET);
      await lease.release();
      const rivals = await Promise.all([committer(5), committer(5)]);
      await Promise.all(rivals.map((rival) => rival.ended()));
      const state = await (await trial.backend()).read();
      expect(state?.records.size).to.equal(10);
      expect(await (await trial.backend()).holder()).to.equal(undefined);
    });

    it('keeps acknowledged commits after kill -9, and the next run continues', async () => {
      await begin('short');
      const rival = await committer(100_000);
      await rival.said('committed 3');
      rival.child.kill('SIGKILL');
      await once(rival.child, 'exit');
      const backend = await trial.backend();
      if (server.freeze === 'person') await backend.unlock(rival.lock.id);
      const lease = await backend.lock(ACTOR, server.freeze === 'takeover' ? TAKEOVER_WITHIN_MS : 0);
      const { records } = lease.state() ?? expect.fail();
      for (const n of [1, 2, 3])
        expect(records.has(`set/r${rival.child.pid}-${n}`), String(n)).to.equal(true);
      await lease.commit([numbered(1)]);
      await lease.release();
    });

    it('leaves no lock after SIGTERM', async () => {
      await begin('usual');
      const rival = await committer(100_000);
      await rival.said('committed 2');
      rival.child.kill('SIGTERM');
      await once(rival.child, 'exit');
      expect(await (await trial.backend()).holder()).to.equal(undefined);
    });

    it('refuses a holder that was stopped while another took the lock', async () => {
      await begin('short');
      const rival = await committer(100_000);
      await rival.said('committed 2');
      rival.child.kill('SIGSTOP');
      const backend = await trial.backend();
      await refusal(backend.lock(ACTOR, 0), 'locked');
      if (server.freeze === 'person') await backend.unlock(rival.lock.id);
      const lease = await backend.lock(ACTOR, server.freeze === 'takeover' ? TAKEOVER_WITHIN_MS : 0);
      const taken = lease.state() ?? expect.fail();
      const { size } = taken.records;
      rival.child.kill('SIGCONT');
      expect(await rival.said(/^refused/)).to.match(/^refused state/);
      await once(rival.child, 'exit');
      await lease.commit([numbered(1)]);
      expect(lease.failure).to.equal(undefined);
      expect(await backend.holder()).to.deep.include({ id: lease.lock.info.id });
      await lease.release();
      const after = await (await trial.backend()).read();
      expect(after?.records.size, 'nothing of the former holder came after').to.equal(size + 1);
    });
  });
}

/** Another process that holds the lock and commits, one after the other. */
class Rival {
  readonly child: ChildProcess;
  readonly lock: LockInfo;
  readonly #lines: AsyncIterator<string>;

  private constructor(child: ChildProcess, lock: LockInfo, lines: AsyncIterator<string>) {
    this.child = child;
    this.lock = lock;
    this.#lines = lines;
  }

  static async start({ location, env }: Trial, count: number): Promise<Rival> {
    const script = bundled(new URL('./rival.ts', import.meta.url));
    const child = spawn(process.execPath, [script, location, String(count)], {
      stdio: ['ignore', 'pipe', 'inherit'],
      env: { ...process.env, ...env },
    });
    const reader: Interface = createInterface(child.stdout);
    const lines = reader[Symbol.asyncIterator]();
    const first = await lines.next();
    return new Rival(child, JSON.parse(String(first.value)), lines);
  }

  /** The line, once it is printed. */
  async said(wanted: string | RegExp): Promise<string> {
    for (;;) {
      const { value, done } = await this.#lines.next();
      if (done) throw new Error(`the rival ended before it said ${wanted}`);
      if (typeof wanted === 'string' ? value === wanted : wanted.test(value)) return value;
    }
  }

  async ended(): Promise<void> {
    for (let next = await this.#lines.next(); !next.done; next = await this.#lines.next());
    if (this.child.exitCode === null) await once(this.child, 'exit');
    expect(this.child.exitCode).to.equal(0);
  }
}
