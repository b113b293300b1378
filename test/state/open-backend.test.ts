import { mkdir, mkdtemp, rm, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect } from 'chai';
import { Failure } from '../../src/domain/errors.ts';
import { openBackend } from '../../src/state/open-backend.ts';
import { fakeClock, newId } from './samples.ts';

describe('openBackend', () => {
  let directory: string;
  beforeEach(async () => {
    directory = await mkdtemp(join(tmpdir(), 'vbsctl-'));
  });
  afterEach(() => rm(directory, { recursive: true }));

  async function refusal(location: string): Promise<Failure> {
    const reason = await openBackend(location, { clock: fakeClock(), newId, settleMs: 1_000, env: {} }).then(
      () => new Error('was opened'),
      (cause: unknown) => cause,
    );
    if (!(reason instanceof Failure)) throw reason;
    return reason;
  }

  it('opens a file that is not there yet', async () => {
    const location = join(directory, 'new.json');
    const backend = await openBackend(location, { clock: fakeClock(), newId, settleMs: 1_000, env: {} });
    expect(backend.location).to.equal(location);
    expect(await backend.read()).to.equal(undefined);
  });

  for (const url of [
    'ftp://x/state',
    'git+ssh://x/state',
    'https://[',
    's3:///key',
    's3:/b/k',
    'https:x/s',
    's3://b/k?region=x&region=y',
    'postgres://db/x?state=a&state=b',
    'postgres://db/x?state=',
    'postgres://db/x?sslmode=verify_full',
  ])
    it(`refuses ${url} with the reason`, async () => {
      const failure = await refusal(url);
      expect(failure).to.include({ kind: 'usage' });
      expect(failure.diagnostics[0]?.remedy).to.not.equal(undefined);
    });

  for (const url of [
    'https://u:hunter2@x/s',
    'postgres://u:hunter2@db/x',
    'postgres://db/x?password=hunter2',
    's3://b/k?secret_access_key=hunter2',
  ])
    it(`refuses ${url.replace('hunter2', '…')} without repeating the password`, async () => {
      const failure = await refusal(url);
      expect(failure).to.include({ kind: 'usage' });
      expect(failure.diagnostics[0]?.code).to.equal('state-url-secret');
      expect(JSON.stringify(failure.diagnostics)).to.not.contain('hunter2');
    });

  it('reports what is wrong with a location, and the remedy', async () => {
    await mkdir(join(directory, 'folder'));
    await symlink(join(directory, 'nowhere'), join(directory, 'dangling'));
    await symlink('loop', join(directory, 'loop'));
    await writeFile(join(directory, 'file'), '');
    for (const [name, message, remedy] of [
      ['folder', /it is a directory/, /folder\/vbsctl\.state\.json/],
      ['missing/s.json', /its directory does not exist/, /mkdir -p .*missing/],
      ['dangling', /a symbolic link to nothing/, /fix the link/],
      ['loop', /ELOOP/, /name a location/],
      ['file/s.json', /ENOTDIR/, /name a location/],
    ] as const) {
      const { diagnostics, kind } = await refusal(join(directory, name));
      expect(kind, name).to.equal('state');
      expect(diagnostics[0]?.summary).to.match(message);
      expect(diagnostics[0]?.remedy).to.match(remedy);
    }
    expect((await refusal('/dev/null')).message).to.match(/not a regular file/);
    expect((await refusal(' ')).kind).to.equal('usage');
  });
});
