import { execFileSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Script } from 'node:vm';
import { expect } from 'chai';
import { PROGRAM } from './program.ts';

const EXAMPLE = new URL('../../examples/restores.yaml', import.meta.url).pathname;

describe('the start-up of the program', () => {
  const folder = mkdtempSync(join(tmpdir(), 'vbsctl-start-'));
  const hook = join(folder, 'hook.cjs');
  const told = join(folder, 'loaded');
  before(() => {
    const tell = `require('node:fs').writeFileSync(${JSON.stringify(told)}, process.moduleLoadList.join('\\n'))`;
    writeFileSync(hook, `process.on('exit', () => ${tell});`);
  });
  after(() => rmSync(folder, { recursive: true, force: true }));

  /** Which of these modules of Node a command loads. */
  function loads(modules: readonly string[], ...args: readonly string[]): string[] {
    const env = { PATH: process.env.PATH, HOME: folder };
    execFileSync(process.execPath, ['-r', hook, PROGRAM, ...args], { cwd: folder, env, stdio: 'ignore' });
    const loaded = readFileSync(told, 'utf8').split('\n');
    return modules.filter((module) => loaded.includes(`NativeModule ${module}`));
  }

  for (const command of ['validate', 'plan'])
    it(`loads no network code for a ${command} without servers`, () => {
      const offline = command === 'plan' ? ['--offline'] : [];
      const network = ['http', 'https', 'http2', 'tls', 'dns'];
      expect(loads([...network, 'crypto'], command, ...offline, '-f', EXAMPLE)).to.deep.equal(['crypto']);
    });

  it('loads neither network code nor manifest code for help', () => {
    expect(loads(['http', 'https', 'tls', 'crypto', 'fs/promises'], '--help')).to.deep.equal([]);
  });

  for (const kind of ['', '.help'])
    it(`has a code cache that fits the program: program.cjs${kind}.cache`, () => {
      const filename = PROGRAM.replace('vbsctl.cjs', 'program.cjs');
      const cachedData = readFileSync(`${filename}${kind}.cache`);
      const script = new Script(readFileSync(filename, 'latin1'), { filename, cachedData });
      expect(script.cachedDataRejected).to.equal(false);
    });

  it('works without a code cache', () => {
    const { pathname } = new URL('../../dist', import.meta.url);
    for (const file of ['vbsctl.cjs', 'program.cjs'])
      writeFileSync(join(folder, file), readFileSync(join(pathname, file)));
    const run = (...args: string[]) =>
      execFileSync(process.execPath, [join(folder, 'vbsctl.cjs'), ...args], { encoding: 'utf8' });
    expect(run('version')).to.match(/^vbsctl \d/);
    expect(run('plan', '--help')).to.include('Usage: vbsctl plan');
    expect(run('validate', '-f', EXAMPLE)).to.include('Valid: 2 restores');
  });
});
