import { execFileSync, spawnSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { expect } from 'chai';

const SCRIPT = fileURLToPath(new URL('../../scripts/find-reverts.mjs', import.meta.url));

/** A repository of its own, in which nothing of the machine's settings counts. */
class Repository {
  readonly root = mkdtempSync(join(tmpdir(), 'vbsctl-reverts-'));
  readonly folder = join(this.root, 'repository');

  constructor() {
    mkdirSync(this.folder);
    this.git('init', '-q', '-b', 'main');
  }

  git(...args: readonly string[]): string {
    return execFileSync('git', args, {
      cwd: this.folder,
      encoding: 'utf8',
      stdio: ['ignore', 'pipe', 'pipe'],
      env: {
        PATH: process.env.PATH,
        HOME: this.root,
        GIT_CONFIG_NOSYSTEM: '1',
        ...{ GIT_AUTHOR_NAME: 'a', GIT_AUTHOR_EMAIL: 'a@example.com' },
        ...{ GIT_COMMITTER_NAME: 'a', GIT_COMMITTER_EMAIL: 'a@example.com' },
      },
    }).trim();
  }

  write(path: string, text: string): void {
    mkdirSync(join(this.folder, path, '..'), { recursive: true });
    writeFileSync(join(this.folder, path), text);
  }

  /** Commits these contents; the id of the commit. */
  commit(message: string, files: Readonly<Record<string, string>>): string {
    for (const [path, text] of Object.entries(files)) this.write(path, text);
    this.git('add', '-A');
    this.git('commit', '-q', '--allow-empty', '-m', message);
    return this.git('rev-parse', 'HEAD');
  }

  check(folder = this.folder, ...args: readonly string[]) {
    const { status, stdout, stderr } = spawnSync(process.execPath, [SCRIPT, ...args], {
      cwd: folder,
      encoding: 'utf8',
      env: { PATH: process.env.PATH, HOME: this.root },
    });
    return { code: status, text: stdout + stderr };
  }
}

describe('check:reverts', () => {
  let repository: Repository;
  beforeEach(() => {
    repository = new Repository();
    repository.commit('begin', { 'a.txt': '1', 'b c.txt': '1' });
  });
  afterEach(() => rmSync(repository.root, { recursive: true, force: true }));

  it('has nothing against a history that goes on', () => {
    repository.commit('second', { 'a.txt': '2' });
    repository.commit('the same content as in another file', { 'b c.txt': '2' });
    expect(repository.check()).to.deep.include({ code: 0 });
  });

  it('names the commit that put files back, and where they were so before', () => {
    const feature = repository.commit('a feature', { 'a.txt': '2', 'b c.txt': '2' });
    repository.commit('more', { 'd.txt': 'x' });
    const stale = repository.commit('on a stale tree', { 'a.txt': '1', 'b c.txt': '1', 'e.txt': 'new' });
    const { code, text } = repository.check();
    expect(code).to.equal(1);
    expect(text).to.contain(`${stale.slice(0, 12)} on a stale tree\n  a.txt is as it was in`);
    expect(text).to.contain('  b c.txt is as it was in');
    expect(text).not.to.contain('e.txt');
    // Only what comes after it.
    expect(repository.check(repository.folder, `${stale}..HEAD`).code).to.equal(0);
    expect(repository.check(repository.folder, `${feature}..HEAD`).code).to.equal(1);
  });

  it('lets pass what says that it is meant', () => {
    repository.commit('second', { 'a.txt': '2' });
    repository.git('revert', '--no-edit', 'HEAD');
    repository.commit('third', { 'a.txt': '3' });
    repository.commit('back\n\nGoes-back: three was worse', { 'a.txt': '2' });
    expect(repository.check()).to.deep.include({ code: 0 });
    expect(repository.check().text).to.contain('2 put files back and say why, 0 do not');
  });

  it('lets pass what the list of known ones names, by its whole id', () => {
    repository.commit('second', { 'a.txt': '2' });
    const back = repository.commit('back', { 'a.txt': '1' });
    expect(repository.check().code).to.equal(1);
    repository.write('scripts/known-reverts.json', JSON.stringify({ [back]: 'meant' }));
    expect(repository.check()).to.deep.include({ code: 0 });
  });

  it('does not take what two branches both changed for a step back', () => {
    repository.git('branch', 'other');
    repository.commit('second', { 'a.txt': '2' });
    repository.git('checkout', '-q', 'other');
    repository.commit('the same there', { 'a.txt': '2' });
    repository.git('merge', '-q', '-m', 'both', 'main');
    expect(repository.check()).to.deep.include({ code: 0 });
  });

  it('finds a merge that drops what one of its sides changed', () => {
    repository.git('branch', 'other');
    repository.commit('on main', { 'a.txt': '2' });
    repository.git('checkout', '-q', 'other');
    repository.commit('on the other', { 'd.txt': '1' });
    repository.git('merge', '-q', '-s', 'ours', '-m', 'drops main', 'main');
    const { code, text } = repository.check();
    expect(code).to.equal(1);
    expect(text).to.contain('drops main\n  a.txt is as it was in');
  });

  it('says that it cannot look in a shallow clone, and without a history', () => {
    repository.commit('second', { 'a.txt': '2' });
    repository.commit('back', { 'a.txt': '1' });
    const clone = join(repository.root, 'clone');
    repository.git('clone', '-q', '--depth', '1', `file://${repository.folder}`, clone);
    expect(repository.check(clone).code).to.equal(0);
    expect(repository.check(clone).text).to.contain('shallow');
    expect(repository.check(repository.root).code).to.equal(0);
    expect(repository.check(repository.root).text).to.contain('nothing was checked');
  });
});
