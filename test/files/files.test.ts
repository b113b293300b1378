import { execFileSync } from 'node:child_process';
import {
  lstatSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  realpathSync,
  rmSync,
  statSync,
  symlinkSync,
  truncateSync,
  writeFileSync,
} from 'node:fs';
import { writeFile } from 'node:fs/promises';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { expect } from 'chai';
import fc from 'fast-check';
import { LeadsOutError, locate } from '../../src/files/checkout.ts';
import { makeDirectory } from '../../src/files/make-directory.ts';
import {
  readNamedFile,
  readRegularFile,
  readRegularFileNow,
  readStream,
  UnfitFileError,
} from '../../src/files/read-file.ts';
import { replaceFile } from '../../src/files/replace-file.ts';
import { userStateDirectory } from '../../src/files/user-state-directory.ts';

const thrown = (work: Promise<unknown>): Promise<unknown> =>
  work.then(
    () => undefined,
    (cause: unknown) => cause,
  );

describe('the access to files that an attacker may have prepared', () => {
  let folder: string;
  let repo: string;
  const at = (...names: string[]) => join(folder, ...names);
  beforeEach(() => {
    folder = mkdtempSync(join(tmpdir(), 'vbsctl-files-'));
    repo = at('repo');
    mkdirSync(at('repo', 'sub'), { recursive: true });
    mkdirSync(at('repo', '.git', 'hooks'), { recursive: true });
    mkdirSync(at('home'));
    writeFileSync(at('home', 'secret'), 'secret');
    writeFileSync(at('repo', 'file'), 'mine');
  });
  afterEach(() => rmSync(folder, { recursive: true, force: true }));

  describe('a link in a checkout', () => {
    const out: readonly (readonly [string, () => void, string])[] = [
      ['to a file', () => symlinkSync('../home/secret', at('repo', 'x')), 'x'],
      ['by an absolute path', () => symlinkSync(at('home', 'secret'), at('repo', 'x')), 'x'],
      ['to nothing', () => symlinkSync('../home/not-yet', at('repo', 'x')), 'x'],
      ['to a directory on the way', () => symlinkSync('../home', at('repo', 'x')), 'x/secret'],
      [
        'to a directory in which the file is not there yet',
        () => symlinkSync('../home', at('repo', 'x')),
        'x/new',
      ],
      [
        'to a link that leads out',
        () => {
          symlinkSync('../home/secret', at('repo', 'y'));
          symlinkSync('sub/../y', at('repo', 'x'));
        },
        'x',
      ],
      ['to a device', () => symlinkSync('/dev/stdin', at('repo', 'x')), 'x'],
      [
        'and perhaps back, through /proc',
        () => symlinkSync(`/proc/self/root${repo}/sub`, at('repo', 'x')),
        'x/new',
      ],
      ['into .git', () => symlinkSync('.git/hooks', at('repo', 'x')), 'x/post-checkout'],
      [
        'that a link of the user leads to',
        () => {
          symlinkSync('../home/secret', at('repo', 'x'));
          symlinkSync('repo/x', at('mine'));
        },
        '../mine',
      ],
    ];
    for (const [what, prepare, name] of out)
      it(`is not followed out of it: ${what}`, async () => {
        prepare();
        const refused = (await thrown(locate(join(repo, name), [repo]))) as LeadsOutError;
        expect(refused).to.be.instanceOf(LeadsOutError);
        expect(
          await thrown(readNamedFile(join(repo, name), { checkouts: [repo], bytesMax: 10 })),
        ).to.be.instanceOf(LeadsOutError);
      });

    it('is followed within it', async () => {
      symlinkSync('../file', at('repo', 'sub', 'x'));
      expect(await locate(at('repo', 'sub', 'x'), [repo])).to.deep.equal({
        path: at('repo', 'file'),
        byLink: true,
      });
    });

    it('is followed if it lies elsewhere, because it belongs to the user', async () => {
      symlinkSync('home', at('disk'));
      expect(await locate(at('disk', 'secret'), [repo])).to.deep.equal({
        path: at('home', 'secret'),
        byLink: false,
      });
      expect(await locate(at('disk', 'new', 'er'), [repo])).to.deep.equal({
        path: at('home', 'new', 'er'),
        byLink: false,
      });
    });

    it('is refused if it leads to itself', async () => {
      symlinkSync('x', at('repo', 'x'));
      expect(await thrown(locate(at('repo', 'x'), [repo]))).to.include({ code: 'ELOOP' });
    });

    it('is refused if its text does not tell where it leads', async () => {
      symlinkSync(join(...Array(15).fill('d'.repeat(255)), 'd'.repeat(240)), at('repo', 'long'));
      symlinkSync(Buffer.from([0xff]), at('repo', 'odd'));
      expect(await thrown(locate(at('repo', 'odd', 'x'), [repo]))).to.include({ code: 'EILSEQ' });
      execFileSync(
        'bash',
        ['-c', 'for n in {1..15}; do mkdir "$1" && cd -P "$1"; done', '', 'd'.repeat(255)],
        {
          cwd: repo,
        },
      );
      expect(await thrown(locate(at('repo', 'long', 'x'), [repo]))).to.include({ code: 'ENAMETOOLONG' });
      execFileSync('rm', ['-rf', at('repo')]);
    });

    it('is located at a path without links that leads to the same file', async () => {
      const name = fc.constantFrom('a', 'b', 'x', 'y', 'file', 'none', '..', '.');
      const way = fc.array(name, { minLength: 1, maxLength: 4 }).map((names) => names.join('/'));
      const detour = fc.constantFrom('', 'none/../', 'a/../', 'file/../');
      const target = fc.oneof(
        fc.constantFrom('../home', at('home')),
        fc.tuple(detour, way).map((parts) => parts.join('')),
      );
      await fc.assert(
        fc.asyncProperty(
          fc.tuple(target, target, target),
          fc.array(way, { minLength: 1, maxLength: 8 }),
          async (targets, ways) => {
            rmSync(at('tree'), { recursive: true, force: true });
            mkdirSync(at('tree', 'a', 'b'), { recursive: true });
            for (const [n, place] of ['x', 'y', 'a/x'].entries())
              symlinkSync(targets[n] ?? '', at('tree', place));
            for (const each of ways) {
              const located = await locate(at('tree', 'a', '..', each), [at('tree')]).catch(() => undefined);
              if (!located) continue;
              let existing = located.path;
              while (!lstatSync(existing, { throwIfNoEntry: false })) existing = dirname(existing);
              expect(realpathSync(existing), each).to.equal(existing);
            }
          },
        ),
        { numRuns: 300 },
      );
    });
  });

  it('recognises the working directory by each of its names', async () => {
    symlinkSync('repo', at('alias'));
    symlinkSync('../home/secret', at('repo', 'x'));
    for (const [path, checkout] of [
      [at('alias', 'x'), repo],
      [at('repo', 'x'), at('alias')],
    ] as const)
      expect(await thrown(locate(path, [checkout]))).to.be.instanceOf(LeadsOutError);
  });

  it('reads only regular files', async () => {
    expect(String(await readRegularFile(at('repo', 'file'), 4))).to.equal('mine');
    expect(String(readRegularFileNow(at('repo', 'file'), 4))).to.equal('mine');
    execFileSync('mkfifo', [at('pipe')]);
    symlinkSync('repo/file', at('link'));
    writeFileSync(at('giant'), '');
    truncateSync(at('giant'), 2 ** 40);
    const server = createServer().listen(at('socket'));
    try {
      for (const [name, expected] of [
        ['pipe', 'it is a named pipe'],
        ['link', 'it is a symbolic link'],
        ['repo', 'it is a directory'],
        ['socket', 'it is a socket'],
        ['giant', 'it has 1099511627776 bytes'],
      ] as const) {
        const cause = (await thrown(readRegularFile(at(name), 1_000))) as Error;
        expect(cause, name).to.be.instanceOf(UnfitFileError);
        expect(cause.message).to.include(expected);
        expect(() => readRegularFileNow(at(name), 1_000), name).to.throw(UnfitFileError);
      }
      expect(((await thrown(readRegularFile('/dev/zero', 10))) as Error).message).to.include('a device');
      expect(await thrown(readRegularFile(at('no'), 10))).to.include({ code: 'ENOENT' });
    } finally {
      server.close();
    }
  });

  describe('a path outside of the checkout that the operator names', () => {
    const options = (more = {}) => ({ checkouts: [repo], bytesMax: 1_000, ...more });

    it('may be a file, a link or a pipe', async () => {
      expect(String(await readNamedFile(at('home', 'secret'), options()))).to.equal('secret');
      execFileSync('mkfifo', [at('pipe')]);
      const [text] = await Promise.all([
        readNamedFile(at('pipe'), options()),
        writeFile(at('pipe'), 'through'),
      ]);
      expect(String(text)).to.equal('through');
    });

    it('is read up to a limit', async () => {
      expect(await thrown(readNamedFile('/dev/zero', options()))).to.include({ code: 'TOO_LARGE' });
      expect(String(await readNamedFile('/dev/null', options()))).to.equal('');
      expect(await thrown(readNamedFile(at('home'), options()))).to.include({ code: 'NOT_REGULAR' });
      expect(await thrown(readNamedFile(at('no'), options()))).to.include({ code: 'ENOENT' });
    });

    it('is not waited for after an interrupt', async () => {
      execFileSync('mkfifo', [at('pipe')]);
      const stop = new AbortController();
      const reading = thrown(readNamedFile(at('pipe'), options({ signal: stop.signal })));
      const endless = thrown(
        readStream(
          { [Symbol.asyncIterator]: () => ({ next: () => new Promise(() => {}) }) },
          10,
          stop.signal,
        ),
      );
      stop.abort(new Error('stopped'));
      expect(await reading).to.equal(stop.signal.reason);
      expect(await endless).to.equal(stop.signal.reason);
    });

    it('must be a regular file if it lies in the checkout', async () => {
      execFileSync('mkfifo', [at('repo', 'pipe')]);
      expect(await thrown(readNamedFile(at('repo', 'pipe'), options()))).to.include({ code: 'NOT_REGULAR' });
    });
  });

  it('replaces a link, and not the file that it leads to', async () => {
    symlinkSync('../home/secret', at('repo', 'x'));
    await replaceFile(at('repo', 'x'), 'new');
    expect(readFileSync(at('repo', 'x'), 'utf8')).to.equal('new');
    expect(readFileSync(at('home', 'secret'), 'utf8')).to.equal('secret');
    expect(statSync(at('repo', 'x')).mode & 0o777).to.equal(0o600);
    expect(readdirSync(repo)).to.have.members(['.git', 'sub', 'file', 'x']);
  });

  it('creates a directory with its parents, and rejects if that is impossible', async () => {
    await makeDirectory(at('a', 'b', 'c'));
    await makeDirectory(at('a', 'b', 'c'));
    expect(statSync(at('a', 'b', 'c')).mode & 0o777).to.equal(0o700);
    expect(await thrown(makeDirectory('/proc/no/such'))).to.include({ code: 'ENOENT' });
    writeFileSync(at('file'), '');
    expect(await thrown(makeDirectory(at('file', 'x')))).to.include({ code: 'ENOTDIR' });
  });

  it('finds the state directory of the user by XDG_STATE_HOME if that is absolute', () => {
    expect(userStateDirectory({}, '/home/ann')).to.equal('/home/ann/.local/state/vbsctl');
    expect(userStateDirectory({ XDG_STATE_HOME: '/var/x' }, '/home/ann')).to.equal('/var/x/vbsctl');
    expect(userStateDirectory({ XDG_STATE_HOME: 'here' }, '/home/ann')).to.equal(
      '/home/ann/.local/state/vbsctl',
    );
  });
});
