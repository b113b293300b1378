import { mkdtemp, readdir, readFile, rm, stat, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect } from 'chai';
import { openBackend } from '../../../src/state/open-backend.ts';
import { backendContract } from '../backend-contract.ts';
import { ACTOR, fakeClock, newId, numbered, TARGET } from '../samples.ts';

backendContract('local', async () => {
  const directory = await mkdtemp(join(tmpdir(), 'vbsctl-'));
  const location = join(directory, 'vbsctl.state.json');
  return {
    location,
    open: () => openBackend(location, { clock: fakeClock(), newId, env: {} }),
    dispose: () => rm(directory, { recursive: true }),
    freedByDeath: true,
  };
});

describe('local backend on a real disk', () => {
  let directory: string;
  let path: string;
  const open = (location = path) => openBackend(location, { clock: fakeClock(), newId, env: {} });
  beforeEach(async () => {
    directory = await mkdtemp(join(tmpdir(), 'vbsctl-'));
    path = join(directory, 'vbsctl.state.json');
  });
  afterEach(() => rm(directory, { recursive: true }));

  it('keeps its files to their owner, and leaves nothing but the state behind', async () => {
    const lease = await (await open()).lock(ACTOR, 0);
    await lease.create(TARGET);
    await lease.commit([numbered(1)]);
    const files = await readdir(directory);
    expect(files.sort()).to.deep.equal(['', '.journal', '.lock'].map((end) => `vbsctl.state.json${end}`));
    for (const file of files) expect((await stat(join(directory, file))).mode & 0o777, file).to.equal(0o600);
    await lease.release();
    expect(await readdir(directory)).to.deep.equal(['vbsctl.state.json']);
  });

  it('follows a symbolic link, and meets there with whoever uses the file itself', async () => {
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
    expect((await (await open()).read())?.serial).to.equal(1);
    expect((await readdir(directory)).sort()).to.deep.equal(['link.json', 'vbsctl.state.json']);
  });

  it('changes nothing when it refuses damage', async () => {
    await writeFile(path, '{"format": 1,');
    const refused = await (await open()).lock(ACTOR, 0).catch((cause: unknown) => cause);
    expect(refused).to.include({ kind: 'state' });
    expect(await readFile(path, 'utf8')).to.equal('{"format": 1,');
    expect(await readdir(directory)).to.deep.equal(['vbsctl.state.json']);
  });
});
