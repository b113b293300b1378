import { mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect } from 'chai';
import { Failure } from '../../../src/domain/errors.ts';
import { LockFile } from '../../../src/state/local/lock-file.ts';
import { nodeProcesses, type Owner, type Processes, pidScope } from '../../../src/state/local/owner.ts';
import { ACTOR, AT, fakeClock, newId } from '../samples.ts';

const BARE: Owner = { host: 'h', pid: 7 };
const LINUX: Owner = { ...BARE, boot_id: 'b1', namespaces: 'n1', start_ticks: '100' };

describe('the owner of a lock file', () => {
  const self = { ...LINUX, pid: 8, machine: 'm' };
  for (const [name, owner, expected] of [
    ['same kernel, same namespaces', LINUX, 'shared'],
    ['same kernel after the host was renamed', { ...LINUX, host: 'other' }, 'shared'],
    ['another container on this host', { ...LINUX, namespaces: 'n2' }, 'unknown'],
    ['this machine before it was restarted', { ...LINUX, boot_id: 'b0', machine: 'm' }, 'rebooted'],
    ['a container before a restart', { ...LINUX, boot_id: 'b0' }, 'unknown'],
    ['another machine of the same name', { ...LINUX, boot_id: 'b0', machine: 'n' }, 'unknown'],
    [
      'another machine made of the same image',
      { ...LINUX, boot_id: 'b0', machine: 'm', host: 'i' },
      'unknown',
    ],
    ['a system without /proc', BARE, 'unknown'],
  ] as const)
    it(`counts as ${expected}: ${name}`, () => {
      expect(pidScope(owner, self)).to.equal(expected);
    });

  it('is identified by the host only without /proc', () => {
    expect(pidScope(BARE, { ...BARE, pid: 9 })).to.equal('shared');
    expect(pidScope(BARE, { ...BARE, host: 'other' })).to.equal('unknown');
  });

  it('counts as alive for this process, and as dead for a reused or unused pid', async () => {
    const owner = await nodeProcesses.self();
    expect(await nodeProcesses.isDead(owner)).to.equal(false);
    expect(await nodeProcesses.isDead({ ...owner, pid: 2 ** 22 + 1 })).to.equal(true);
    if (owner.start_ticks !== undefined)
      expect(await nodeProcesses.isDead({ ...owner, start_ticks: '1' })).to.equal(true);
  });
});

describe('a lock file', () => {
  let directory: string;
  let path: string;
  /** Pids of processes that died. */
  let dead: Set<number>;
  beforeEach(async () => {
    directory = await mkdtemp(join(tmpdir(), 'vbsctl-'));
    path = join(directory, 's.lock');
    dead = new Set();
  });
  afterEach(() => rm(directory, { recursive: true }));

  const processes = (pid: number): Processes => ({
    self: async () => ({ ...LINUX, pid }),
    isDead: async (owner) => dead.has(owner.pid),
  });
  const asProcess = (pid: number) =>
    new LockFile({ path, clock: fakeClock(), newId, processes: processes(pid) });

  it('is acquired by one of many processes at once', async () => {
    const tries = await Promise.allSettled(
      [...Array(20).keys()].map((pid) => asProcess(pid + 1).acquire(ACTOR, 0)),
    );
    expect(tries.filter((t) => t.status === 'fulfilled')).to.have.length(1);
    expect(await readdir(directory)).to.deep.equal(['s.lock']);
  });

  it('of a dead owner is taken over by exactly one of many processes', async () => {
    for (let round = 0; round < 20; round++) {
      const pid = 100 * (round + 1);
      await asProcess(pid).acquire(ACTOR, 0);
      dead.add(pid);
      const tries = await Promise.allSettled(
        [...Array(10).keys()].map((i) => asProcess(pid + 1 + i).acquire(ACTOR, 0)),
      );
      const taken = tries.flatMap((t) => (t.status === 'fulfilled' ? [t.value] : []));
      expect(taken).to.have.length(1);
      expect(taken[0]?.stillHeld()).to.equal(true);
      await taken[0]?.release();
      expect(await readdir(directory)).to.deep.equal([]);
    }
  });

  it('can be broken although two earlier breakers died while breaking it', async () => {
    const first = await asProcess(1).acquire(ACTOR, 0);
    const entry = JSON.parse(await readFile(path, 'utf8'));
    const as = (pid: number, id: string) =>
      JSON.stringify({ info: { ...entry.info, id, pid }, owner: { ...entry.owner, pid } });
    await writeFile(`${path}.break-${first.info.id}`, as(2, 'two'));
    await writeFile(`${path}.break-${first.info.id}.break-two`, as(3, 'three'));
    for (const pid of [1, 2, 3]) dead.add(pid);
    const taken = await asProcess(4).acquire(ACTOR, 0);
    expect(taken.stillHeld()).to.equal(true);
    expect(await readdir(directory)).to.deep.equal(['s.lock']);
  });

  it('is not broken while another live process is breaking it', async () => {
    const first = await asProcess(1).acquire(ACTOR, 0);
    const entry = JSON.parse(await readFile(path, 'utf8'));
    await writeFile(
      `${path}.break-${first.info.id}`,
      JSON.stringify({ info: { ...entry.info, id: 'two', pid: 2 }, owner: { ...entry.owner, pid: 2 } }),
    );
    dead.add(1);
    const refused = await asProcess(3)
      .acquire(ACTOR, 0)
      .catch((cause: unknown) => cause);
    expect(refused).to.be.instanceOf(Failure);
    expect((refused as Failure).diagnostics[0]?.detail).to.contain('two');
  });

  it('is removed neither by a former owner nor by unlock once another owner has it', async () => {
    const first = await asProcess(1).acquire(ACTOR, 0);
    await asProcess(2).unlock(first.info.id);
    const second = await asProcess(2).acquire(ACTOR, 0);
    expect(first.stillHeld()).to.equal(false);
    await first.release();
    const refused = await asProcess(1)
      .unlock(first.info.id)
      .catch((cause: unknown) => cause);
    expect(refused).to.be.instanceOf(Failure);
    expect(second.stillHeld()).to.equal(true);
  });

  it('is released without writing a file, so that a full disk does not matter', async () => {
    let asked = 0;
    const once: Processes = {
      ...processes(1),
      async self() {
        asked += 1;
        if (asked > 1) throw new Error('would write an entry');
        return { ...LINUX, pid: 1 };
      },
    };
    const held = await new LockFile({ path, clock: fakeClock(), newId, processes: once }).acquire(ACTOR, 0);
    await held.release();
    expect(await readdir(directory)).to.deep.equal([]);
  });

  it('is released although another process died while unlocking it', async () => {
    const held = await asProcess(1).acquire(ACTOR, 0);
    const entry = JSON.parse(await readFile(path, 'utf8'));
    await writeFile(
      `${path}.break-${held.info.id}`,
      JSON.stringify({ info: { ...entry.info, id: 'two', pid: 2 }, owner: { ...entry.owner, pid: 2 } }),
    );
    dead.add(2);
    await held.release();
    expect(await readdir(directory)).to.deep.equal([]);
  });

  it('is gone if it is released and unlocked at the same moment, and the next one stays', async () => {
    for (let round = 0; round < 20; round++) {
      const held = await asProcess(1).acquire(ACTOR, 0);
      const next = asProcess(3).acquire(ACTOR, 1_000_000);
      await Promise.allSettled([held.release(), asProcess(2).unlock(held.info.id)]);
      expect(await (await next).stillHeld()).to.equal(true);
      await (await next).release();
      expect(await readdir(directory)).to.deep.equal([]);
    }
  });

  it('makes others wait up to their timeout, then names the holder and the remedy', async () => {
    const { info } = await asProcess(1).acquire(ACTOR, 0);
    const clock = fakeClock();
    const before = clock.monotonic();
    const waiter = new LockFile({ path, clock, newId, processes: processes(2) });
    const refused = (await waiter.acquire(ACTOR, 10_000).catch((cause: unknown) => cause)) as Failure;
    expect(clock.monotonic() - before).to.equal(10_000);
    expect(refused.kind).to.equal('locked');
    expect(refused.diagnostics[0]).to.deep.include({
      summary: `the state is locked: apply by ada@bench since ${AT}`,
      where: { file: path },
    });
    expect(refused.diagnostics[0]?.remedy).to.contain(`vbsctl unlock ${info.id}`);
  });

  it('is not taken over if it names no owner', async () => {
    for (const content of ['', '{}', 'null', '{"info":']) {
      await writeFile(path, content);
      const refused = (await asProcess(1)
        .acquire(ACTOR, 0)
        .catch((cause: unknown) => cause)) as Failure;
      expect(refused.diagnostics[0]?.code).to.equal('lock-damaged');
      expect(refused.diagnostics[0]?.remedy).to.contain(path);
    }
  });
});
