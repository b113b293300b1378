import { execFileSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
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

  it('is what the CI says', async () => {
    for (const name of ['GITHUB_SHA', 'CI_COMMIT_SHA', 'BUILD_SOURCEVERSION', 'GIT_COMMIT'])
      expect(await gitCommit({ env: { [name]: SHA.toUpperCase() } }, folder)).to.equal(SHA);
    for (const wrong of ['main', '', `${SHA}\n; rm -rf`, 'a'.repeat(39)])
      expect(await gitCommit({ env: { GITHUB_SHA: wrong } }, folder), wrong).to.equal(undefined);
  });

  it('is the head of the branch, read from folders below, too; also packed, also detached', async () => {
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

  it('is that of a worktree', async () => {
    const { path, head } = repository();
    const tree = join(folder, 'tree');
    git(path, 'worktree', 'add', '--quiet', '-b', 'other', tree);
    git(tree, 'commit', '--quiet', '--allow-empty', '--message=there');
    expect(await read(tree))
      .to.equal(git(tree, 'rev-parse', 'HEAD'))
      .and.not.equal(head);
    git(path, 'pack-refs', '--all');
    expect(await read(tree)).to.equal(git(tree, 'rev-parse', 'HEAD'));
    expect(await read(path)).to.equal(head);
  });

  it('is unknown where there is no repository, no commit yet, or something else of that name', async () => {
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
