import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { createInterface } from 'node:readline';
import { expect } from 'chai';
import { runSync } from '../../src/domain/chunked-work.ts';
import { Failure } from '../../src/domain/errors.ts';
import type { LockHolder } from '../../src/domain/lock-holder.ts';
import type { Backend, Lease, LockInfo } from '../../src/state/backend.ts';
import { findBreaks } from '../../src/state/history-chain.ts';
import { bundled } from '../bundled.ts';
import { ACTOR, AT, chained, everyKind, numbered, put, recordAfter, TARGET } from './samples.ts';

/** An empty place for one state, and what the suite needs to know about its kind of backend. */
export interface Subject {
  /** As `openBackend` takes it, in this process and in others. */
  readonly location: string;
  /** A backend of its own each time, as every process has one. */
  open(): Promise<Backend>;
  dispose(): Promise<void>;
  /** Whether the lock of a process that was killed on this host is free at once. */
  readonly freedByDeath: boolean;
  /** What a holder's lock tells others; default `all`. */
  readonly tells?: 'all' | 'only the id' | 'nothing';
  /** A state of another lineage must have a higher serial, too. */
  readonly serialsOnlyRise?: boolean;
  /** What other processes need in their environment to open it. */
  readonly env?: Readonly<Record<string, string>>;
}

/** What every backend promises (`src/state/backend.ts`). Each runs this suite over real storage. */
export function backendContract(name: string, makeSubject: () => Promise<Subject>): void {
  describe(`backend contract: ${name}`, () => {
    let subject: Subject;
    let backend: Backend;
    const children: ChildProcess[] = [];

    const leases: Lease[] = [];

    beforeEach(async () => {
      subject = rememberLeases(await makeSubject(), leases);
      backend = await subject.open();
    });
    afterEach(async () => {
      for (const child of children.splice(0)) child.kill('SIGKILL');
      // what is not released goes on renewing itself
      await Promise.allSettled(leases.splice(0).map((lease) => lease.release()));
      await subject.dispose();
    });

    const lock = async (): Promise<Lease> => await (await subject.open()).lock(ACTOR, 0);
    const readAnew = async () => await (await subject.open()).read();
    const snapshotAnew = async () => await (await subject.open()).snapshot();
    async function created(): Promise<Lease> {
      const lease = await lock();
      await lease.create(TARGET);
      return lease;
    }

    it('has no state and no holder at first', async () => {
      expect(await backend.read()).to.equal(undefined);
      expect(await backend.holder()).to.equal(undefined);
      const lease = await lock();
      expect(lease.state()).to.equal(undefined);
      await lease.release();
      expect(await backend.read()).to.equal(undefined);
    });

    it('creates a state once, bound to its target', async () => {
      const lease = await created();
      expect(lease.state()).to.deep.include({ serial: 1, target: TARGET, history: [] });
      expect(await readAnew()).to.deep.equal(lease.state());
      await refusal(lease.create(TARGET), 'state');
      await lease.release();
      const other = await lock();
      await refusal(other.create(TARGET), 'state');
      await other.release();
    });

    it('gives each state a lineage of its own, and keeps it', async () => {
      const lease = await created();
      const { lineage } = lease.state() ?? expect.fail();
      await lease.commit([numbered(1)]);
      await lease.release();
      expect((await readAnew())?.lineage).to.equal(lineage);
      const elsewhere = await makeSubject();
      const other = await (await elsewhere.open()).lock(ACTOR, 0);
      expect((await other.create(TARGET)).lineage).to.not.equal(lineage);
      await other.release();
      await elsewhere.dispose();
    });

    it('shows a commit to a new reader as soon as it is acknowledged, and after release', async () => {
      const lease = await created();
      const records = everyKind();
      for (const record of records) await lease.commit([put(record)]);
      const expected = new Map(records.map((record) => [record.address, record]));
      for (const state of [lease.state(), await readAnew()]) expect(state?.records).to.deep.equal(expected);
      await lease.commit([{ type: 'moved', moves: [{ from: 'pay/done', to: 'pay/past' }] }]);
      const last = lease.state();
      await lease.release();
      const after = await readAnew();
      expect(after?.history).to.deep.equal(last?.history);
      expect(after?.history.map((h) => h.serial)).to.deep.equal([2, 3, 4, 5, 6, 7, 8]);
      expect(after?.history[0]?.actor).to.deep.equal(ACTOR);
      expect(after?.records.has('pay/past')).to.equal(true);
      expect(after?.serial).to.equal(8);
    });

    it('makes concurrent commits durable, all of them, in the order they were made', async () => {
      const lease = await created();
      const changes = Array.from({ length: 50 }, (_, i) => numbered(i));
      await Promise.all(changes.map((change) => lease.commit([change])));
      expect(await readAnew()).to.deep.include({ serial: 51 });
      await lease.release();
      const keys = [...((await readAnew())?.records.keys() ?? [])];
      expect(keys).to.have.members(changes.map((_, i) => `set/r${i}`));
    });

    it('continues with the serial of the last lease', async () => {
      const first = await created();
      await first.commit([numbered(1)]);
      await first.release();
      const second = await lock();
      expect(second.state()?.serial).to.equal(2);
      await second.commit([numbered(2)]);
      await second.release();
      expect(await readAnew()).to.deep.include({ serial: 3 });
    });

    it('excludes a second lease and says who holds the first', async () => {
      const lease = await created();
      const failure = await refusal(lock(), 'locked');
      const { id, host, since } = lease.lock.info;
      const said = JSON.stringify(failure.diagnostics);
      const whole = [id, ACTOR.who, ACTOR.operation, host, since];
      const told = { all: whole, 'only the id': [id], nothing: [] }[subject.tells ?? 'all'];
      for (const word of told) expect(said).to.contain(word);
      expect(failure.exitCode).to.equal(4);
      expectLock(await backend.holder(), lease.lock.info);
      await lease.release();
      expect(await backend.holder()).to.equal(undefined);
      await (await lock()).release();
    });

    it('waits until the holder releases the lock', async () => {
      const lease = await created();
      const second = (await subject.open()).lock(ACTOR, 10_000_000);
      await lease.commit([numbered(1)]);
      await lease.release();
      expect((await second).state()?.serial).to.equal(2);
      await (await second).release();
    });

    it('stops waiting on a signal, and then holds no lock', async () => {
      const lease = await created();
      const reason = new Error('enough');
      const stop = new AbortController();
      const waiting = (await subject.open()).lock(ACTOR, 10_000_000, stop.signal);
      stop.abort(reason);
      expect(await waiting.catch((cause: unknown) => cause)).to.equal(reason);
      await lease.release();
      expect(await backend.holder()).to.equal(undefined);
      await (await lock()).release();
    });

    it('unlocks only with the right id', async () => {
      await refusal(backend.unlock('no-such-lock'), 'state');
      const lease = await created();
      const failure = await refusal(backend.unlock('no-such-lock'), 'locked');
      if (subject.tells !== 'nothing')
        expect(JSON.stringify(failure.diagnostics)).to.contain(lease.lock.info.id);
      expectLock(await backend.unlock(lease.lock.info.id), lease.lock.info);
      expect(await backend.holder()).to.equal(undefined);
    });

    it('refuses the commits of an owner whose lock was removed, and does not disturb the next owner', async () => {
      const first = await created();
      await first.commit([numbered(1)]);
      await backend.unlock(first.lock.info.id);
      const second = await lock();
      await second.commit([numbered(2)]);
      await refusal(first.commit([numbered(3)]), 'state');
      expect(first.failure).to.be.instanceOf(Failure);
      await refusal(first.commit([numbered(4)]), 'state');
      await first.release();
      await second.commit([numbered(5)]);
      expectLock(await backend.holder(), second.lock.info);
      await second.release();
      const records = (await readAnew())?.records;
      expect([...(records?.keys() ?? [])].sort()).to.deep.equal(['set/r1', 'set/r2', 'set/r5']);
    });

    it('lets an owner whose lock was removed overwrite nothing, by its first commit or at its end', async () => {
      const idle = await created();
      await backend.unlock(idle.lock.info.id);
      const second = await lock();
      await second.commit([numbered(1)]);
      await refusal(idle.commit([numbered(2)]), 'state');
      await idle.release();
      expect([...((await readAnew())?.records.keys() ?? [])]).to.deep.equal(['set/r1']);

      await backend.unlock(second.lock.info.id);
      const third = await lock();
      await third.commit([numbered(3)]);
      await third.release();
      await refusal(second.release(), 'state');
      expect([...((await readAnew())?.records.keys() ?? [])]).to.deep.equal(['set/r1', 'set/r3']);
    });

    it('returns the state with its chain, complete at any time, and the hashes as first stored', async () => {
      expect(await snapshotAnew()).to.equal(undefined);
      const lease = await created();
      for (const record of everyKind()) await lease.commit([put(record)]);
      const during = (await snapshotAnew()) ?? expect.fail();
      expect(during.state).to.deep.equal(await readAnew());
      expect(during.chain).to.have.length(during.state.history.length).and.not.have.length(0);
      expect(runSync(findBreaks(during.state, during.chain))).to.deep.equal([]);
      await lease.release();
      expect(await snapshotAnew()).to.deep.equal(during);
      const next = await lock();
      await next.commit([{ type: 'moved', moves: [{ from: 'pay/done', to: 'pay/past' }] }]);
      await next.release();
      const after = (await snapshotAnew()) ?? expect.fail();
      expect(after.chain.slice(0, during.chain.length)).to.deep.equal(during.chain);
      expect(runSync(findBreaks(after.state, after.chain))).to.deep.equal([]);
    });

    it('stores a whole state where none exists, and continues from it', async () => {
      const given = chained('from-elsewhere', 7);
      const lease = await lock();
      await lease.replace(given);
      expect(lease.state()).to.deep.equal(given.state);
      expect(await snapshotAnew()).to.deep.equal(given);
      await lease.commit([
        put(recordAfter('new/one', { type: 'fail', at: AT, reason: 'no', volume_changed: false })),
      ]);
      await lease.release();
      const after = (await snapshotAnew()) ?? expect.fail();
      expect(after.state).to.deep.include({ lineage: 'from-elsewhere', serial: 8 });
      expect(after.chain.slice(0, -1)).to.deep.equal(given.chain);
      expect(runSync(findBreaks(after.state, after.chain))).to.deep.equal([]);
    });

    it('replaces the state, including the commits of this lease', async () => {
      const first = await created();
      await first.commit([numbered(1)]);
      await first.release();
      const lease = await lock();
      await lease.commit([numbered(2)]);
      const given = chained('another', subject.serialsOnlyRise ? 4 : 1);
      await lease.replace(given);
      expect(await snapshotAnew()).to.deep.equal(given);
      const higher = { ...given, state: { ...given.state, serial: 40, records: new Map() } };
      await lease.replace(higher);
      await lease.release();
      expect(await snapshotAnew()).to.deep.equal(higher);
      const last = await lock();
      await last.commit([numbered(3)]);
      await last.release();
      expect((await readAnew())?.serial).to.equal(41);
    });

    it('keeps the mark of a state that was migrated', async () => {
      const given = chained('moved', 7);
      const moved_to = { location: 's3://restores/prod', at: AT, by: ACTOR.who, serial: 7 };
      const lease = await lock();
      await lease.replace(given);
      const marked = { ...given, state: { ...given.state, serial: 8, moved_to } };
      await lease.replace(marked);
      await lease.release();
      expect(await snapshotAnew()).to.deep.equal(marked);
      expect((await readAnew())?.moved_to).to.deep.equal(moved_to);
      const back = await lock();
      await back.replace({ ...given, state: { ...given.state, serial: 9 } });
      await back.release();
      expect(await readAnew()).to.not.have.property('moved_to');
    });

    it('stores a broken chain as broken', async () => {
      const given = chained('broken', 7);
      const broken = { ...given, chain: given.chain.map((hash, i) => (i === 1 ? 'f'.repeat(64) : hash)) };
      const lease = await lock();
      await lease.replace(broken);
      await lease.release();
      const stored = (await snapshotAnew()) ?? expect.fail();
      expect(stored.chain).to.deep.equal(broken.chain);
      expect(runSync(findBreaks(stored.state, stored.chain))).to.deep.equal([{ index: 1 }]);
    });

    it('uses each serial of a lineage once', async () => {
      const lease = await created();
      await lease.commit([numbered(1)]);
      const state = lease.state() ?? expect.fail();
      const again = { state: { ...state, records: new Map() }, chain: [] };
      expect(String(await lease.replace(again).catch((cause: unknown) => cause))).to.contain('serial 2');
      await lease.release();
      expect((await readAnew())?.records.has('set/r1')).to.equal(true);
    });

    it('refuses a whole state from an owner whose lock was removed', async () => {
      const first = await created();
      await first.commit([numbered(1)]);
      await backend.unlock(first.lock.info.id);
      const second = await lock();
      await second.commit([numbered(2)]);
      await refusal(first.replace(chained('stolen', 9)), 'state');
      expect(first.failure).to.be.instanceOf(Failure);
      await refusal(first.commit([numbered(3)]), 'state');
      await first.release();
      await second.release();
      expect([...((await readAnew())?.records.keys() ?? [])].sort()).to.deep.equal(['set/r1', 'set/r2']);
    });

    it('refuses commits after the release, and can be released twice', async () => {
      const lease = await created();
      const last = lease.commit([numbered(1)]);
      await Promise.all([lease.release(), lease.release()]);
      await last;
      await lease.release();
      const reason = await lease.commit([numbered(2)]).catch((cause: unknown) => cause);
      expect(String(reason)).to.contain('released');
      expect((await readAnew())?.serial).to.equal(2);
    });

    it('excludes other processes until the holder, even a stopped one, ends or dies', async () => {
      await (await created()).release();
      const polite = await holder();
      expectLock(await backend.holder(), polite.lock);
      await refusal(lock(), 'locked');
      polite.child.stdin?.end();
      await once(polite.child, 'exit');
      const between = await lock();
      expect(between.state()?.serial).to.equal(2);
      await between.release();

      const killed = await holder();
      killed.child.kill('SIGSTOP');
      await refusal(lock(), 'locked');
      killed.child.kill('SIGKILL');
      await once(killed.child, 'exit');
      if (!subject.freedByDeath) await backend.unlock(killed.lock.id);
      expect((await readAnew())?.serial).to.equal(3);
      const after = await lock();
      expect(after.state()?.serial, 'what the dead had committed').to.equal(3);
      await after.release();
    });

    function expectLock(told: LockHolder | undefined, lock: LockInfo): void {
      switch (subject.tells ?? 'all') {
        case 'all':
          expect({ ...told, lease: undefined }).to.deep.equal({ ...lock, lease: undefined });
          break;
        case 'only the id':
          expect(told?.id).to.equal(lock.id);
          break;
        case 'nothing':
          expect(told).to.not.equal(undefined);
      }
    }

    async function holder(): Promise<{ child: ChildProcess; lock: LockInfo }> {
      const script = bundled(new URL('./lock-holder.ts', import.meta.url));
      const child = spawn(process.execPath, [script, subject.location], {
        stdio: ['pipe', 'pipe', 'inherit'],
        env: { ...process.env, ...subject.env },
      });
      children.push(child);
      for await (const line of createInterface(child.stdout)) return { child, lock: JSON.parse(line) };
      throw new Error('the holder ended before it had the lock');
    }
  });
}

function rememberLeases(subject: Subject, leases: Lease[]): Subject {
  const open = async (): Promise<Backend> => {
    const backend = await subject.open();
    const lock: Backend['lock'] = async (...args) => {
      const lease = await backend.lock(...args);
      leases.push(lease);
      return lease;
    };
    return { ...backend, lock };
  };
  return { ...subject, open };
}

export async function refusal(promise: Promise<unknown>, kind: Failure['kind']): Promise<Failure> {
  const reason = await promise.then(
    () => new Error('was not refused'),
    (cause: unknown) => cause,
  );
  if (!(reason instanceof Failure)) throw reason;
  expect(reason.kind).to.equal(kind);
  return reason;
}
