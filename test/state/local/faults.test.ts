import { expect } from 'chai';
import fc from 'fast-check';
import { Failure } from '../../../src/domain/errors.ts';
import type { State } from '../../../src/domain/state.ts';
import { localBackend } from '../../../src/state/local/local-backend.ts';
import { ACTOR, chained, fakeClock, newId, numbered, TARGET } from '../samples.ts';
import { type Fault, FaultyDisk } from './faulty-disk.ts';
import { memoryLock } from './memory-lock.ts';

const PATH = '/s/vbsctl.state.json';

function backendOn(
  disk: FaultyDisk,
  fault: (operation: string) => Fault | undefined = () => undefined,
  journalBytesMax?: number,
) {
  let die: () => void = () => undefined;
  const crash = new Promise<'crashed'>((resolve) => {
    die = () => resolve('crashed');
  });
  const backend = localBackend({
    path: PATH,
    disk: disk.session(fault, die),
    clock: fakeClock(),
    lock: memoryLock(),
    newId,
    ...(journalBytesMax === undefined ? {} : { journalBytesMax }),
  });
  return { backend, crash };
}

async function created(): Promise<FaultyDisk> {
  const disk = new FaultyDisk();
  const lease = await backendOn(disk).backend.lock(ACTOR, 0);
  await lease.create(TARGET);
  await lease.release();
  return disk;
}

/** Fails the n-th operation of a kind. */
function nth(operation: string, n: number, fault: Fault): (asked: string) => Fault | undefined {
  let count = 0;
  return (asked) => (asked === operation && ++count === n ? fault : undefined);
}

async function reasonOf(promise: Promise<unknown>): Promise<Failure> {
  const reason = await promise.then(
    () => undefined,
    (cause: unknown) => cause,
  );
  expect(reason).to.be.instanceOf(Failure);
  return reason as Failure;
}

describe('the local backend on a failing disk', () => {
  for (const [operation, n, code] of [
    ['write', 1, 'ENOSPC'],
    ['write', 2, 'EIO'],
    ['sync', 1, 'EIO'],
    ['sync', 2, 'ENOSPC'],
  ] as const)
    it(`rejects all waiting commits, retries nothing and keeps acknowledged ones if ${operation} ${n} fails`, async () => {
      const disk = await created();
      const { backend } = backendOn(disk, nth(operation, n, { kind: 'error', code, part: 0.5 }));
      const lease = await backend.lock(ACTOR, 0);
      for (let i = 1; i < n; i++) await lease.commit([numbered(i)]);
      const before = { ...disk.asked };
      const first = lease.commit([numbered(10)]);
      const second = lease.commit([numbered(11)]); // goes with the first
      await Promise.resolve();
      await Promise.resolve();
      const third = lease.commit([numbered(13)]); // waits until the first group is written
      const reasons = [
        await reasonOf(first),
        await reasonOf(second),
        await reasonOf(third),
        await reasonOf(lease.commit([numbered(12)])),
      ];
      expect(new Set(reasons).size).to.equal(1);
      expect(lease.failure).to.equal(reasons[0]);
      expect(reasons[0]?.diagnostics[0]?.where?.file).to.equal(`${PATH}.journal`);
      expect(reasons[0]?.diagnostics[0]?.summary).to.contain(code);
      expect(lease.state()?.records.size).to.equal(n - 1);

      await lease.release();
      expect(disk.asked.sync - before.sync, 'no second sync').to.equal(operation === 'sync' ? 1 : 0);
      expect(disk.asked.replace - before.replace, 'no fold').to.equal(n === 1 ? 1 : 0); // the journal itself
      disk.powerFailure(0);
      expect((await backendOn(disk).backend.read())?.records.size).to.equal(n - 1);
    });

  it('rejects all later commits if the journal cannot be created', async () => {
    const disk = await created();
    const { backend } = backendOn(disk, nth('replace', 1, { kind: 'error', code: 'ENOSPC', part: 0 }));
    const lease = await backend.lock(ACTOR, 0);
    expect((await reasonOf(lease.commit([numbered(1)]))).diagnostics[0]?.code).to.equal('state-not-written');
    expect(lease.failure).to.be.instanceOf(Failure);
  });

  it('reports a fold that fails at the end, loses nothing and frees the lock', async () => {
    const disk = await created();
    const { backend } = backendOn(disk, nth('replace', 2, { kind: 'error', code: 'ENOSPC', part: 0 }));
    const lease = await backend.lock(ACTOR, 0);
    await lease.commit([numbered(1)]);
    expect((await reasonOf(lease.release())).diagnostics[0]).to.include({ code: 'state-not-written' });
    expect(await backend.holder()).to.equal(undefined);
    disk.powerFailure(0);
    const next = await backendOn(disk).backend.lock(ACTOR, 0);
    expect(next.state()?.records.has('set/r1')).to.equal(true);
  });

  it('grants no lease and frees the lock if the fold at the start fails', async () => {
    const disk = await created();
    const lease = await backendOn(disk).backend.lock(ACTOR, 0);
    await lease.commit([numbered(1)]); // and is never released
    const { backend } = backendOn(disk, nth('replace', 1, { kind: 'error', code: 'ENOSPC', part: 0 }));
    await reasonOf(backend.lock(ACTOR, 0));
    expect(await backend.holder()).to.equal(undefined);
    expect((await backend.read())?.records.size).to.equal(1);
  });

  it('refuses to write what cannot be read again', async () => {
    const disk = await created();
    const lease = await backendOn(disk).backend.lock(ACTOR, 0);
    const change = numbered(1);
    if (change.type !== 'record') throw new Error('not a record');
    const wrong = { ...change.record, names: { ...change.record.names, size: Number.NaN } };
    const reason = await lease.commit([{ type: 'record', record: wrong }]).catch((cause: unknown) => cause);
    expect(String(reason)).to.match(/changes\[0\]\.record\.names\.size: expected a number/);
    expect(disk.asked.write).to.equal(0);
  });
});

describe('the replacement of a whole state', () => {
  // by operation of `replace`, journal and all: fold, remove, empty journal, replace, remove
  for (let at = 1; at <= 5; at++)
    for (const when of ['before', 'after'] as const)
      for (const keep of [undefined, 0, 1])
        it(`leaves the new or the old state after a crash ${when} step ${at}, ${keep === undefined ? 'without a power failure' : `with a power failure that keeps ${keep}`}`, async () => {
          const disk = await created();
          let armed = false;
          let count = 0;
          const { backend, crash } = backendOn(disk, () =>
            armed && ++count === at ? { kind: 'crash', when } : undefined,
          );
          const lease = await backend.lock(ACTOR, 0);
          await lease.commit([numbered(1)]);
          armed = true;
          const end = await Promise.race([crash, lease.replace(chained('other', 1))]);
          expect(end).to.equal('crashed');
          if (keep !== undefined) disk.powerFailure(keep);
          for (let life = 0; life < 2; life++) {
            const next = await backendOn(disk).backend.lock(ACTOR, 0);
            const isNew = at === 5 || (at === 4 && when === 'after');
            if (isNew) expect(next.state()).to.deep.equal(chained('other', 1).state);
            else expect([...(next.state()?.records.keys() ?? [])]).to.deep.equal(['set/r1']);
            await next.release();
            disk.powerFailure(0);
          }
        });

  it('rejects all later commits and leaves the old state if it cannot be written', async () => {
    const disk = await created();
    const { backend } = backendOn(disk, nth('replace', 3, { kind: 'error', code: 'ENOSPC', part: 0 }));
    const lease = await backend.lock(ACTOR, 0);
    const reason = await reasonOf(lease.replace(chained('other', 1)));
    expect(lease.failure).to.equal(reason);
    expect(await reasonOf(lease.commit([numbered(1)]))).to.equal(reason);
    await lease.release();
    expect((await backendOn(disk).backend.read())?.serial).to.equal(1);
  });
});

describe('a reader without the lock', () => {
  it('sees all acknowledged commits although the journal is folded between its two reads', async () => {
    const disk = await created();
    const owner = backendOn(disk).backend;
    const lease = await owner.lock(ACTOR, 0);
    await lease.commit([numbered(1)]);
    const inner = disk.session(
      () => undefined,
      () => undefined,
      'beside',
    );
    let between = async () => {
      between = async () => undefined;
      await lease.release();
      const next = await owner.lock(ACTOR, 0);
      await next.commit([numbered(2)]);
    };
    const read: typeof inner.read = async (path) => {
      const bytes = await inner.read(path);
      await between();
      return bytes;
    };
    const reader = localBackend({
      path: PATH,
      disk: { ...inner, read },
      clock: fakeClock(),
      lock: memoryLock(),
      newId,
    });
    expect((await reader.read())?.records.has('set/r1')).to.equal(true);
  });
});

describe('the local backend after any commits, crashes and faults', () => {
  const part = fc.double({ min: 0, max: 1, noNaN: true });
  const fault: fc.Arbitrary<Fault> = fc.oneof(
    fc.record({ kind: fc.constant('crash'), when: fc.constantFrom('before', 'after') }),
    fc.record({ kind: fc.constant('crash'), when: fc.constant('during'), part }),
    fc.record({ kind: fc.constant('error'), code: fc.constantFrom('ENOSPC', 'EIO'), part }),
  );
  /** A process: how many commits arrive together, time after time, what befalls its n-th operation, and then. */
  const life = fc.record({
    bursts: fc.array(fc.integer({ min: 1, max: 4 }), { maxLength: 4 }),
    release: fc.boolean(),
    hit: fc.option(fc.record({ at: fc.integer({ min: 1, max: 12 }), fault })),
    power: fc.option(part),
    /** 0: the journal is folded before each write but the first. */
    journalBytesMax: fc.constantFrom(undefined, 0, 5_000),
  });

  it('gives a new reader a prefix of all commits that includes every acknowledged one', async () => {
    let crashes = 0;
    let poisonings = 0;
    await fc.assert(
      fc.asyncProperty(fc.array(life, { minLength: 1, maxLength: 5 }), async (lives) => {
        const disk = await created();
        let submitted: string[] = [];
        let safe = 0;
        const check = (state: State | undefined) => {
          const commits = (state?.serial ?? expect.fail()) - 1; // the first serial is that of the creation
          expect(commits).to.be.within(safe, submitted.length);
          expect([...(state?.records.keys() ?? [])]).to.have.members(submitted.slice(0, commits));
          return commits;
        };

        let number = 0;
        for (const { bursts, release, hit, power, journalBytesMax } of lives) {
          let operations = 0;
          const { backend, crash } = backendOn(
            disk,
            () => (++operations === hit?.at ? hit.fault : undefined),
            journalBytesMax,
          );
          const run = async () => {
            const lease = await backend.lock(ACTOR, 0);
            // handed out with a lease means durable: nobody may build on less
            safe = check(lease.state());
            submitted = submitted.slice(0, safe);
            for (const burst of bursts) {
              const commits = Array.from({ length: burst }, async () => {
                number += 1;
                submitted.push(`set/r${number}`);
                await lease.commit([numbered(number)]);
                safe += 1;
              });
              for (const { status } of await Promise.allSettled(commits))
                if (status === 'rejected') poisonings++;
            }
            if (release) await lease.release();
          };
          const end = await Promise.race([run().catch((cause: unknown) => cause), crash]);
          if (end === 'crashed') crashes += 1;
          else if (end !== undefined) expect(end).to.be.instanceOf(Failure);
          if (power !== null) disk.powerFailure(power);
          check(await backendOn(disk).backend.read());
        }
      }),
      { numRuns: 400 },
    );
    // the test tests something
    expect(crashes).to.be.greaterThan(50);
    expect(poisonings).to.be.greaterThan(20);
  });

  it('keeps the journal near its limit in a run of any length', async () => {
    const disk = await created();
    const limit = 20_000;
    const { backend } = backendOn(disk, undefined, limit);
    const lease = await backend.lock(ACTOR, 0);
    const reader = disk.session(
      () => undefined,
      () => undefined,
      'beside',
    );
    let longest = 0;
    for (let i = 1; i <= 100; i++) {
      await lease.commit([numbered(i)]);
      longest = Math.max(longest, (await reader.read(`${PATH}.journal`))?.length ?? 0);
    }
    expect(longest).to.be.within(limit, 2 * limit);
    disk.powerFailure(0);
    expect((await backendOn(disk).backend.read())?.records.size).to.equal(100);
  });

  it('needs two syncs for many commits at once, whatever the size of the state', async () => {
    const disk = await created();
    const lease = await backendOn(disk).backend.lock(ACTOR, 0);
    const before = disk.asked.sync;
    const all: Promise<void>[] = [];
    all.push(lease.commit([numbered(0)]));
    await new Promise((resolve) => queueMicrotask(() => resolve(undefined)));
    for (let i = 1; i <= 1_000; i++) all.push(lease.commit([numbered(i)]));
    await Promise.all(all);
    expect(disk.asked.sync - before).to.be.at.most(2);
    await lease.release();
    expect((await backendOn(disk).backend.read())?.serial).to.equal(1_002);
  });
});
