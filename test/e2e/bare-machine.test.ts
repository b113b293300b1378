import { spawnSync } from 'node:child_process';
import { chmodSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect } from 'chai';
import { PROGRAM } from './program.ts';

describe('vbsctl on a bare machine', () => {
  function withoutFolder(...args: string[]) {
    const cwd = mkdtempSync(join(tmpdir(), 'vbsctl-gone-'));
    const script = 'rmdir "$1" && shift && exec "$@"';
    return spawnSync('sh', ['-c', script, 'sh', cwd, process.execPath, PROGRAM, ...args], {
      cwd,
      env: { PATH: process.env.PATH, HOME: tmpdir() },
      encoding: 'utf8',
    });
  }

  it('reports that the working directory was removed, and runs the commands that need none', () => {
    expect(withoutFolder('version').stdout).to.match(/^vbsctl \d/);
    const { status, stderr } = withoutFolder('plan');
    expect(status).to.equal(1);
    expect(stderr)
      .to.match(/^error: the working directory does not exist any more\n/)
      .and.not.match(/\bat /);
  });

  it('runs for a user with neither a name nor a home', function () {
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

  it('uses the files that it may read if home and working directory belong to another user', function () {
    if (process.getuid?.() !== 0) return this.skip();
    const folder = mkdtempSync(join(tmpdir(), 'vbsctl-other-'));
    const closed = join(folder, 'closed');
    const site = join(folder, 'site');
    mkdirSync(closed, { mode: 0o700 });
    mkdirSync(join(site, 'openstack'), { recursive: true });
    chmodSync(folder, 0o755);
    const file = join(site, 'openstack/clouds.yaml');
    writeFileSync(file, 'clouds: {prod: {region_name: r, auth: {auth_url: "https://iam.example/v3"}}}\n');
    const show = (env: NodeJS.ProcessEnv, cwd = '/') =>
      spawnSync(
        'sh',
        [
          '-c',
          'cd "$1" && shift && exec setpriv --reuid 54321 --regid 54321 --clear-groups -- "$@"',
          'sh',
          cwd,
          process.execPath,
          PROGRAM,
          ...['auth', 'show'],
        ],
        { env: { PATH: process.env.PATH, OS_CLOUD: 'prod', ...env }, encoding: 'utf8' },
      );
    const first = show({ HOME: closed, XDG_CONFIG_DIRS: site });
    if (/EACCES|Cannot find module|setpriv/.test(first.stderr)) return this.skip();
    for (const { stdout, stderr } of [
      first,
      show({ HOME: closed, OS_CLIENT_CONFIG_FILE: file }),
      show({ HOME: '/nowhere', XDG_CONFIG_HOME: join(closed, 'config'), XDG_CONFIG_DIRS: site }),
      show({ HOME: closed, XDG_CONFIG_DIRS: site }, closed),
    ])
      expect(stdout, stderr).to.include(`cloud prod of ${file}`);

    // A file that exists and may not be read is another matter. The remedy names its variable.
    for (const [name, variable] of [
      ['clouds', 'OS_CLIENT_CONFIG_FILE'],
      ['secure', 'OS_CLIENT_SECURE_FILE'],
    ] as const) {
      const unreadable = join(site, `openstack/${name}.yaml`);
      writeFileSync(unreadable, 'clouds: {}');
      chmodSync(unreadable, 0o600);
      const { stderr } = show({ HOME: closed, XDG_CONFIG_DIRS: site });
      expect(stderr).to.include(`${unreadable} cannot be read (EACCES)`).and.to.include(variable);
      rmSync(unreadable);
    }
  });
});
