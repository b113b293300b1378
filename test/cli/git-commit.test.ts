import { execFileSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, rmSync, symlinkSync, truncateSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect } from 'chai';
import { gitCommit } from '../../src/cli/git-commit.ts';

const SHA = 'a'.repeat(40);

describe('the commit of the manifests', () => {
  let folder: string;
  beforeEach(() => {
    folder = mkdtempSync(join(tmpdir(), 'vbsctl-git-'));
  });
  afterEach(() => rmSync(folder, { recursive: true, force: true }));

  const git = (cwd: string, ...args: string[]) =>
    execFileSync('git', ['-c', 'user.name=Ada', '-c', 'user.email=ada@example.org', ...args], {
      cwd,
      encoding: 'utf8',
      env: { PATH: process.env.PATH, HOME: folder, GIT_CONFIG_NOSYSTEM: '1' },
    }).trim();
  function repository(): { readonly path: string; readonly head: string } {
    const path = join(folder, 'repository');
    mkdirSync(path);
    git(path, 'init', '--quiet', '--initial-branch=main');
    git(path, 'commit', '--quiet', '--allow-empty', '--message=one');
    return { path, head: git(path, 'rev-parse', 'HEAD') };
  }
  const read = (path: string) => gitCommit({ env: {} }, path);

  it('is the one that the CI service names', async () => {
    for (const name of ['GITHUB_SHA', 'CI_COMMIT_SHA', 'BUILD_SOURCEVERSION', 'GIT_COMMIT'])
      expect(await gitCommit({ env: { [name]: SHA.toUpperCase() } }, folder)).to.equal(SHA);
    for (const wrong of ['main', '', `${SHA}\n; rm -rf`, 'a'.repeat(39)])
      expect(await gitCommit({ env: { GITHUB_SHA: wrong } }, folder), wrong).to.equal(undefined);
  });

  it('is the head of the repository: from a folder below it, with packed refs, and with a detached head', async () => {
    const { path, head } = repository();
    const below = join(path, 'a', 'b');
    mkdirSync(below, { recursive: true });
    expect(await read(below)).to.equal(head);
    git(path, 'commit', '--quiet', '--allow-empty', '--message=two');
    const second = git(path, 'rev-parse', 'HEAD');
    expect(await read(path))
      .to.equal(second)
      .and.not.equal(head);
    git(path, 'pack-refs', '--all');
    expect(await read(path)).to.equal(second);
    git(path, 'checkout', '--quiet', '--detach', head);
    expect(await read(path)).to.equal(head);
  });

  it('is read from a worktree or submodule within the repository, but from none outside of it', async () => {
    const { path, head } = repository();
    const tree = join(path, 'tree');
    git(path, 'worktree', 'add', '--quiet', '-b', 'other', tree);
    git(tree, 'commit', '--quiet', '--allow-empty', '--message=there');
    expect(await read(tree))
      .to.equal(git(tree, 'rev-parse', 'HEAD'))
      .and.not.equal(head);
    git(path, 'pack-refs', '--all');
    expect(await read(tree)).to.equal(git(tree, 'rev-parse', 'HEAD'));
    expect(await read(path)).to.equal(head);
    const elsewhere = join(folder, 'elsewhere');
    git(path, 'worktree', 'add', '--quiet', '-b', 'third', elsewhere);
    expect(await read(elsewhere)).to.equal(undefined);
  });

  it('is found quickly among the maximum number of packed refs', async () => {
    const { path, head } = repository();
    git(path, 'pack-refs', '--all');
    const line = (n: number) => `${'b'.repeat(40)} refs/heads/${String(n).padStart(60, '0')}\n`;
    const others = Array.from({ length: 130_000 }, (_, n) => line(n)).join('');
    const misleading = `x refs/heads/main\n${SHA}a refs/heads/main\n${SHA} refs/heads/main2\n${SHA} refs/heads/mai\n`;
    writeFileSync(join(path, '.git/packed-refs'), `${others}${misleading}${head} refs/heads/main\n`);
    const began = process.cpuUsage();
    expect(await read(path)).to.equal(head);
    // 64 MB took 10 s and 805 MB of memory when each line was split.
    expect(process.cpuUsage(began).user / 1e6).to.be.below(5);
    writeFileSync(join(path, '.git/packed-refs'), `${others.repeat(2)}${head} refs/heads/main\n`);
    expect(await read(path)).to.equal(undefined);
  });

  describe('with a prepared .git', () => {
    const secret = () => join(folder, 'home');
    const garbage: readonly (readonly [string, (git: string) => void])[] = [
      [
        'packed-refs with another text in place of a commit',
        (g) => pack(g, `${'x'.repeat(40)} refs/heads/main`),
      ],
      ['packed-refs with a control sequence', (g) => pack(g, `\u001b[2J${'a'.repeat(37)} refs/heads/main`)],
      ['packed-refs with too short a commit', (g) => pack(g, 'abc refs/heads/main')],
      ['packed-refs of noise', (g) => pack(g, '\0\u00ff'.repeat(1_000))],
      ['a giant packed-refs', (g) => truncateSync(pack(g, ''), 2 ** 40)],
      ['a pipe as packed-refs', (g) => fifo(g, 'packed-refs')],
      ['a pipe as HEAD', (g) => fifo(g, 'HEAD')],
      ['a link as HEAD', (g) => link(g, 'HEAD')],
      ['a link as refs', (g) => link(g, 'refs')],
      ['a commondir that leads out', (g) => common(g, secret())],
      ['a commondir of noise', (g) => common(g, '\0')],
      ['a HEAD that leads out', (g) => writeFileSync(join(g, 'HEAD'), 'ref: refs/../../../home/HEAD')],
      [
        'a file that points out',
        (g) => {
          rmSync(g, { recursive: true });
          writeFileSync(g, `gitdir: ${secret()}`);
        },
      ],
      [
        'a link',
        (g) => {
          rmSync(g, { recursive: true });
          symlinkSync(secret(), g);
        },
      ],
      [
        'a pipe',
        (g) => {
          rmSync(g, { recursive: true });
          execFileSync('mkfifo', [g]);
        },
      ],
    ];
    function pack(g: string, text: string): string {
      rmSync(join(g, 'refs'), { recursive: true });
      writeFileSync(join(g, 'packed-refs'), `# pack-refs with: peeled\n${text}\n`);
      return join(g, 'packed-refs');
    }
    function common(g: string, text: string): void {
      rmSync(join(g, 'refs'), { recursive: true });
      writeFileSync(join(g, 'commondir'), text);
    }
    function fifo(g: string, name: string): void {
      rmSync(join(g, 'refs'), { recursive: true });
      rmSync(join(g, name), { force: true });
      execFileSync('mkfifo', [join(g, name)]);
    }
    function link(g: string, name: string): void {
      rmSync(join(g, name), { recursive: true });
      symlinkSync(join(secret(), name), join(g, name));
    }

    for (const [what, spoil] of garbage)
      it(`it is unknown, without delay: ${what}`, async () => {
        const { path } = repository();
        mkdirSync(join(secret(), 'refs/heads'), { recursive: true });
        for (const name of ['HEAD', 'refs/heads/main']) writeFileSync(join(secret(), name), SHA);
        writeFileSync(join(secret(), 'packed-refs'), `${SHA} refs/heads/main\n`);
        spoil(join(path, '.git'));
        expect(await read(path)).to.equal(undefined);
      });
  });

  it('is unknown without a repository, without a commit, or if .git is something else', async () => {
    expect(await read(folder)).to.equal(undefined);
    git(folder, 'init', '--quiet', '--initial-branch=main');
    expect(await read(folder)).to.equal(undefined);
    for (const head of ['ref: refs/../../secret', 'ref: /etc/passwd', 'nonsense', '']) {
      writeFileSync(join(folder, '.git', 'HEAD'), head);
      writeFileSync(join(folder, 'secret'), SHA);
      expect(await read(folder), head).to.equal(undefined);
    }
  });
});
