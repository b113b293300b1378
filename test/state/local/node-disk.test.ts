import { mkdtemp, readdir, readFile, rm, stat } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect } from 'chai';
import { nodeDisk } from '../../../src/state/local/node-disk.ts';

describe('the disk of Node', () => {
  let directory: string;
  let path: string;
  beforeEach(async () => {
    directory = await mkdtemp(join(tmpdir(), 'vbsctl-'));
    path = join(directory, 'file');
  });
  afterEach(() => rm(directory, { recursive: true }));

  it('reads a missing file as absent, and removes it without an error', async () => {
    expect(await nodeDisk.read(path)).to.equal(undefined);
    await nodeDisk.remove(path);
  });

  it('replaces a file completely, readable by its owner only', async () => {
    await nodeDisk.replace(path, 'one');
    await nodeDisk.replace(path, 'zwölf');
    expect(await readFile(path, 'utf8')).to.equal('zwölf');
    expect((await stat(path)).mode & 0o777).to.equal(0o600);
    expect(await readdir(directory)).to.deep.equal(['file']);
  });

  it('appends to a file that it created, and creates only new files', async () => {
    const file = await nodeDisk.create(path, 'a');
    await file.write(Buffer.from('b'));
    await file.write(Buffer.from('c'));
    await file.sync();
    await file.close();
    expect(String(await nodeDisk.read(path))).to.equal('abc');
    expect((await stat(path)).mode & 0o777).to.equal(0o600);
    const taken = await nodeDisk.create(path, 'x').catch((cause: unknown) => cause);
    expect(taken).to.include({ code: 'EEXIST' });
    expect(String(await nodeDisk.read(path))).to.equal('abc');
    expect(await readdir(directory)).to.deep.equal(['file']);
  });

  it('writes to the file that it created even if its name was reused', async () => {
    const file = await nodeDisk.create(path, 'a');
    await nodeDisk.replace(path, 'of another');
    await file.write(Buffer.from('b'));
    await file.close();
    expect(String(await nodeDisk.read(path))).to.equal('of another');
  });

  it('changes nothing that its precondition refuses', async () => {
    const precondition = () => {
      throw new Error('not yours any more');
    };
    await nodeDisk.replace(path, 'a');
    for (const change of [
      () => nodeDisk.replace(path, 'b', precondition),
      () => nodeDisk.remove(path, precondition),
    ])
      expect(String(await change().catch((cause: unknown) => cause))).to.contain('not yours');
    expect(String(await nodeDisk.read(path))).to.equal('a');
    expect(await readdir(directory)).to.deep.equal(['file']);
  });

  it('leaves only the old file if it cannot replace it', async () => {
    const refused = await nodeDisk.replace(directory, 'x').catch((cause: unknown) => cause);
    expect(refused).to.include({ syscall: 'rename' });
    expect((await stat(directory)).isDirectory()).to.equal(true);
    const lost = join(directory, 'missing', 'file');
    expect(await nodeDisk.replace(lost, 'x').catch((cause: unknown) => cause)).to.include({ code: 'ENOENT' });
    expect(await readdir(directory)).to.deep.equal([]);
  });
});
