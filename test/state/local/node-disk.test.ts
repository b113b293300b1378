import { mkdtemp, readdir, readFile, rm, stat } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect } from 'chai';
import { nodeDisk } from '../../../src/state/local/node-disk.ts';

describe('node disk', () => {
  let directory: string;
  let path: string;
  beforeEach(async () => {
    directory = await mkdtemp(join(tmpdir(), 'vbsctl-'));
    path = join(directory, 'file');
  });
  afterEach(() => rm(directory, { recursive: true }));

  it('reads nothing where nothing is, and removes it without complaint', async () => {
    expect(await nodeDisk.read(path)).to.equal(undefined);
    await nodeDisk.remove(path);
  });

  it('replaces whole and for the owner only', async () => {
    await nodeDisk.replace(path, 'one');
    await nodeDisk.replace(path, 'zwölf');
    expect(await readFile(path, 'utf8')).to.equal('zwölf');
    expect((await stat(path)).mode & 0o777).to.equal(0o600);
    expect(await readdir(directory)).to.deep.equal(['file']);
  });

  it('appends behind what is there, and only to what is there', async () => {
    await nodeDisk.replace(path, 'a');
    const file = await nodeDisk.append(path);
    await file.write(Buffer.from('b'));
    await file.write(Buffer.from('c'));
    await file.sync();
    await file.close();
    expect(String(await nodeDisk.read(path))).to.equal('abc');
    const missing = await nodeDisk.append(`${path}.none`).catch((cause: unknown) => cause);
    expect(missing).to.include({ code: 'ENOENT' });
  });

  it('leaves the old file and no other when it cannot replace', async () => {
    const refused = await nodeDisk.replace(directory, 'x').catch((cause: unknown) => cause);
    expect(refused).to.include({ syscall: 'rename' });
    expect((await stat(directory)).isDirectory()).to.equal(true);
    const lost = join(directory, 'missing', 'file');
    expect(await nodeDisk.replace(lost, 'x').catch((cause: unknown) => cause)).to.include({ code: 'ENOENT' });
    expect(await readdir(directory)).to.deep.equal([]);
  });
});
