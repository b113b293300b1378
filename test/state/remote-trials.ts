import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { createInterface, type Interface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import { expect } from 'chai';
import { systemClock } from '../../src/cli/system.ts';
import type { Backend, LockInfo } from '../../src/state/backend.ts';
import { refusal } from './backend-contract.ts';
import { ACTOR, numbered, TARGET } from './samples.ts';

/** A place on a real server, reached through a network that the test can break. */
export interface Trial {
  readonly location: string;
  readonly env: Readonly<Record<string, string>>;
  open(): Promise<Backend>;
  /** State writes that the server has taken so far. */
  writes(): number | Promise<number>;
  /** Loses the answer to the next state write, which the server has taken. */
  loseWriteAnswer(): void;
  lostAnswers(): number;
  /** Stops the server, or cuts it off; resolves with what starts it again. */
  stopServer(): Promise<() => Promise<void>>;
  dispose(): Promise<void>;
}

/**
 * What a lease on the backend does when its holder freezes: it ends, and another takes over (`lease`: for so long
 * it lasts, ms); or it stands until a person unlocks.
 */
export type Freeze = { readonly kind: 'takeover'; readonly within_ms: number } | { readonly kind: 'person' };

/** `short`: a lease of three seconds where there is one, for who waits for its end. A busy machine may miss it. */
export type Lease = 'short' | 'usual';

export function remoteTrials(
  name: string,
  freeze: Freeze,
  makeTrial: (lease: Lease) => Promise<Trial>,
): void {
  describe(`remote trials: ${name}`, function () {
    this.timeout(60_000);
    let trial: Trial;
    const children: ChildProcess[] = [];
    const begin = async (lease: Lease): Promise<void> => {
      trial = await makeTrial(lease);
    };
    afterEach(async () => {
      for (const child of children.splice(0)) child.kill('SIGKILL');
      await trial.dispose();
    });

    async function committer(count: number): Promise<Rival> {
      const rival = await Rival.start(trial, count);
      children.push(rival.child);
      return rival;
    }

    it('group commit: 200 commits are far fewer writes', async () => {
      await begin('usual');
      const lease = await (await trial.open()).lock(ACTOR, 0);
      await lease.create(TARGET);
      const before = await trial.writes();
      await Promise.all(Array.from({ length: 200 }, (_, i) => lease.commit([numbered(i)])));
      expect((await trial.writes()) - before).to.be.lessThan(10);
      await lease.release();
      expect((await (await trial.open()).read())?.serial).to.equal(200);
    });

    it('a write that was taken and whose answer is lost is found, and made once', async () => {
      await begin('usual');
      const lease = await (await trial.open()).lock(ACTOR, 0);
      await lease.create(TARGET);
      trial.loseWriteAnswer();
      await lease.commit([numbered(1)]);
      expect(trial.lostAnswers()).to.equal(1);
      await lease.commit([numbered(2)]);
      await lease.release();
      const state = await (await trial.open()).read();
      expect(state?.serial).to.equal(2);
      expect([...(state?.records.keys() ?? [])].sort()).to.deep.equal(['set/r1', 'set/r2']);
    });

    it('a server that is stopped and started again in between is waited for', async () => {
      await begin('usual');
      const lease = await (await trial.open()).lock(ACTOR, 0);
      await lease.create(TARGET);
      const start = await trial.stopServer();
      const commits = [lease.commit([numbered(1)]), lease.commit([numbered(2)])];
      await systemClock.sleep(1_000);
      await start();
      await Promise.all(commits);
      await lease.commit([numbered(3)]);
      await lease.release();
      expect((await (await trial.open()).read())?.serial).to.equal(3);
    });

    it('two processes that fight for it take turns, and lose nothing', async () => {
      await begin('usual');
      const lease = await (await trial.open()).lock(ACTOR, 0);
      await lease.create(TARGET);
      await lease.release();
      const rivals = await Promise.all([committer(5), committer(5)]);
      await Promise.all(rivals.map((rival) => rival.ended()));
      const state = await (await trial.open()).read();
      expect(state?.records.size).to.equal(10);
      expect(await (await trial.open()).holder()).to.equal(undefined);
    });

    it('kill -9 in the middle: what was acknowledged is there, and the next goes on', async () => {
      await begin('short');
      const rival = await committer(100_000);
      await rival.said('committed 3');
      rival.child.kill('SIGKILL');
      await once(rival.child, 'exit');
      const backend = await trial.open();
      if (freeze.kind === 'person') await backend.unlock(rival.lock.id);
      const lease = await backend.lock(ACTOR, freeze.kind === 'takeover' ? freeze.within_ms : 0);
      const { records } = lease.state() ?? expect.fail();
      for (const n of [1, 2, 3])
        expect(records.has(`set/r${rival.child.pid}-${n}`), String(n)).to.equal(true);
      await lease.commit([numbered(1)]);
      await lease.release();
    });

    it('SIGTERM leaves no lock', async () => {
      await begin('usual');
      const rival = await committer(100_000);
      await rival.said('committed 2');
      rival.child.kill('SIGTERM');
      await once(rival.child, 'exit');
      expect(await (await trial.open()).holder()).to.equal(undefined);
    });

    it('SIGSTOP, the lock goes to another, SIGCONT: the former holder is refused', async () => {
      await begin('short');
      const rival = await committer(100_000);
      await rival.said('committed 2');
      rival.child.kill('SIGSTOP');
      const backend = await trial.open();
      await refusal(backend.lock(ACTOR, 0), 'locked');
      if (freeze.kind === 'person') await backend.unlock(rival.lock.id);
      const lease = await backend.lock(ACTOR, freeze.kind === 'takeover' ? freeze.within_ms : 0);
      const taken = lease.state() ?? expect.fail();
      const { size } = taken.records;
      rival.child.kill('SIGCONT');
      expect(await rival.said(/^refused/)).to.match(/^refused state/);
      await once(rival.child, 'exit');
      await lease.commit([numbered(1)]);
      expect(lease.poisoned).to.equal(undefined);
      expect(await backend.holder()).to.deep.include({ id: lease.lock.id });
      await lease.release();
      const after = await (await trial.open()).read();
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
    const script = fileURLToPath(new URL('./rival.ts', import.meta.url));
    const child = spawn(process.execPath, ['--import', 'tsx', script, location, String(count)], {
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
