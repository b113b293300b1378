import { expect } from 'chai';
import { startProgram } from './program.ts';
import { runProgram } from './program-pool.ts';
import { Workspace } from './workspace.ts';

describe('the program in a reused process', () => {
  let workspace: Workspace;
  beforeEach(async () => {
    workspace = await Workspace.open({ seed: { volumes: 2, jobDurationMs: 100, queueMs: 10 } });
    workspace.declare(2);
  });
  afterEach(() => workspace.close());

  for (const line of [
    'version',
    'nonsense',
    'validate -f restores.yaml',
    'plan -f nowhere.yaml -o json',
    'state list',
    'completion bash',
  ])
    it(`prints and returns the same as in a new process: ${line}`, async () => {
      const args = line.split(' ');
      const own = await startProgram(args, workspace.folder, workspace.env()).done;
      // Twice: the second run finds what the first left.
      for (let n = 0; n < 2; n++)
        expect(await runProgram(args, workspace.folder, workspace.env())).to.deep.equal(own);
    });

  it('uses the environment and working directory of each run only', async () => {
    const volumes = await workspace.run('get', 'volumes');
    expect(volumes.code, volumes.stderr).to.equal(0);
    const nowhere = await runProgram(['get', 'volumes'], '/', {});
    expect(nowhere.code).to.equal(1);
    expect(nowhere.stderr).to.include('OS_AUTH_URL');
  });

  it('runs several commands at a time, and waits for a lock', async () => {
    expect((await workspace.run('init')).code).to.equal(0);
    const runs = await Promise.all(
      [1, 2, 3].map(() => workspace.run('apply', '--auto-approve', '--lock-timeout', '1m')),
    );
    for (const { code, stderr } of runs) expect(code, stderr).to.equal(0);
    expect(workspace.starts()).to.deep.equal([1, 1]);
  });
});
