import { copyFile, mkdtemp, readdir, readFile, rm, stat, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect } from 'chai';
import { runSync } from '../../../src/domain/chunked-work.ts';
import { FORMAT } from '../../../src/state/codec.ts';
import { findBreaks } from '../../../src/state/history-chain.ts';
import { openBackend } from '../../../src/state/open-backend.ts';
import { backendContract } from '../backend-contract.ts';
import { ACTOR, fakeClock, newId, numbered, TARGET } from '../samples.ts';
import { storedContract } from '../stored-contract.ts';

backendContract('local', async () => {
  const directory = await mkdtemp(join(tmpdir(), 'vbsctl-'));
  const location = join(directory, 'vbsctl.state.json');
  return {
    location,
    open: () => openBackend(location, { clock: fakeClock(), newId, settleMs: 1_000, env: {} }),
    dispose: () => rm(directory, { recursive: true }),
    freedByDeath: true,
  };
});

storedContract('local', async () => {
  const directory = await mkdtemp(join(tmpdir(), 'vbsctl-'));
  const location = join(directory, 'vbsctl.state.json');
  const paths: Readonly<Record<string, string>> = { snapshot: location, journal: `${location}.journal` };
  return {
    open: () => openBackend(location, { clock: fakeClock(), newId, settleMs: 1_000, env: {} }),
    parts: async () =>
      new Map(
        await Promise.all(
          Object.entries(paths).map(async ([name, path]) => [name, await readFile(path)] as const),
        ),
      ),
    put: (name, bytes) => writeFile(paths[name] ?? expect.fail(), bytes),
    dispose: () => rm(directory, { recursive: true }),
  };
});

describe('a state that an older vbsctl wrote', () => {
  /** Every format that ever was written has its files here, a journal that nobody folded beside the snapshot. */
  const FORMATS = [1];
  for (const format of FORMATS)
    it(`of format ${format} is read completely, and written in the current format`, async () => {
      const directory = await mkdtemp(join(tmpdir(), 'vbsctl-'));
      try {
        const location = join(directory, 'vbsctl.state.json');
        const fixture = new URL(`../fixtures/format-${format}.state.json`, import.meta.url).pathname;
        for (const end of ['', '.journal']) await copyFile(`${fixture}${end}`, `${location}${end}`);
        const open = () => openBackend(location, { clock: fakeClock(), newId, settleMs: 1_000, env: {} });
        const snapshot = await (await open()).snapshot();
        if (!snapshot) throw new Error('no state was found');
        const { state, chain } = snapshot;
        expect(state.serial).to.equal(8);
        expect(
          Object.fromEntries([...state.records].map(([address, { status }]) => [address, status])),
        ).to.deep.equal({
          'pay/log': 'intended',
          'pay/run': 'running',
          'pay/past': 'succeeded',
          'pay/not': 'failed',
          'pay/what': 'unknown',
          'pay/told': 'failed',
          'set/r1': 'intended',
        });
        expect(runSync(findBreaks(state, chain))).to.deep.equal([]);
        const lease = await (await open()).lock(ACTOR, 0);
        await lease.commit([numbered(2)]);
        await lease.release();
        expect((await (await open()).read())?.serial).to.equal(9);
        expect(JSON.parse(await readFile(location, 'utf8')).format).to.equal(FORMAT);
      } finally {
        await rm(directory, { recursive: true });
      }
    });

  it('has a sample of the current format', () => {
    expect(FORMATS.at(-1)).to.equal(FORMAT);
  });
});

describe('the local backend on a real disk', () => {
  let directory: string;
  let path: string;
  const open = (location = path) =>
    openBackend(location, { clock: fakeClock(), newId, settleMs: 1_000, env: {} });
  beforeEach(async () => {
    directory = await mkdtemp(join(tmpdir(), 'vbsctl-'));
    path = join(directory, 'vbsctl.state.json');
  });
  afterEach(() => rm(directory, { recursive: true }));

  it('creates files for their owner only, and leaves only the state behind', async () => {
    const lease = await (await open()).lock(ACTOR, 0);
    await lease.create(TARGET);
    await lease.commit([numbered(1)]);
    const files = await readdir(directory);
    expect(files.sort()).to.deep.equal(['', '.journal', '.lock'].map((end) => `vbsctl.state.json${end}`));
    for (const file of files) expect((await stat(join(directory, file))).mode & 0o777, file).to.equal(0o600);
    await lease.release();
    expect(await readdir(directory)).to.deep.equal(['vbsctl.state.json']);
  });

  it('follows a symbolic link, and shares the lock with users of the real file', async () => {
    const link = join(directory, 'link.json');
    const first = await (await open()).lock(ACTOR, 0);
    await first.create(TARGET);
    await first.release();
    await symlink(path, link);
    const lease = await (await open(link)).lock(ACTOR, 0);
    const refused = await (await open()).lock(ACTOR, 0).catch((cause: unknown) => cause);
    expect(refused).to.include({ kind: 'locked' });
    await lease.commit([numbered(1)]);
    await lease.release();
    expect((await (await open()).read())?.serial).to.equal(2);
    expect((await readdir(directory)).sort()).to.deep.equal(['link.json', 'vbsctl.state.json']);
  });

  it('changes nothing if it refuses a damaged state', async () => {
    await writeFile(path, '{"format": 1,');
    const refused = await (await open()).lock(ACTOR, 0).catch((cause: unknown) => cause);
    expect(refused).to.include({ kind: 'refused' });
    expect(await readFile(path, 'utf8')).to.equal('{"format": 1,');
    expect(await readdir(directory)).to.deep.equal(['vbsctl.state.json']);
  });
});
