import { spawnSync } from 'node:child_process';
import { mkdtempSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect } from 'chai';
import { PROGRAM } from './program.ts';

describe('on a bare machine', () => {
  function withoutFolder(...args: string[]) {
    const cwd = mkdtempSync(join(tmpdir(), 'vbsctl-gone-'));
    const script = 'rmdir "$1" && shift && exec "$@"';
    return spawnSync('sh', ['-c', script, 'sh', cwd, process.execPath, PROGRAM, ...args], {
      cwd,
      env: { PATH: process.env.PATH, HOME: tmpdir() },
      encoding: 'utf8',
    });
  }

  it('whose working directory was removed, says so, and does what needs none', () => {
    expect(withoutFolder('version').stdout).to.match(/^vbsctl \d/);
    const { status, stderr } = withoutFolder('plan');
    expect(status).to.equal(1);
    expect(stderr)
      .to.match(/^error: the working directory does not exist any more\n/)
      .and.not.match(/\bat /);
  });

  it('where the user has neither a name nor a home, runs', function () {
    if (process.getuid?.() !== 0) return this.skip();
    const env = { PATH: process.env.PATH };
    const run = (...args: string[]) =>
      spawnSync(process.execPath, [PROGRAM, ...args], {
        cwd: '/',
        env,
        uid: 54_321,
        gid: 54_321,
        encoding: 'utf8',
      });
    const { stdout, stderr } = run('version');
    // Where it may not even read the program, nothing is learnt.
    if (/EACCES|Cannot find module/.test(stderr)) return this.skip();
    expect(stdout, stderr).to.match(/^vbsctl \d/);
    expect(run('get', 'volumes').stderr)
      .to.match(/^error: /)
      .and.not.match(/\bat /);
  });
});
