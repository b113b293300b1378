import { expect } from 'chai';
import { Desk } from './cli.ts';
import { startProgram } from './program.ts';
import { runProgram } from './program-pool.ts';

describe('the program in a process that is kept', () => {
  let desk: Desk;
  beforeEach(async () => {
    desk = await Desk.open({ seed: { volumes: 2, jobDurationMs: 100, queueMs: 10 } });
    desk.declare(2);
  });
  afterEach(() => desk.close());

  for (const line of [
    'version',
    'nonsense',
    'validate -f restores.yaml',
    'plan -f nowhere.yaml -o json',
    'state list',
    'completion bash',
  ])
    it(`prints and returns what a process of its own does: ${line}`, async () => {
      const args = line.split(' ');
      const own = await startProgram(args, desk.folder, desk.env()).done;
      // Twice: the second run finds what the first left.
      for (let n = 0; n < 2; n++) expect(await runProgram(args, desk.folder, desk.env())).to.deep.equal(own);
    });

  it('has the environment and the working directory of each run, and of no other', async () => {
    const volumes = await desk.run('get', 'volumes');
    expect(volumes.code, volumes.stderr).to.equal(0);
    const nowhere = await runProgram(['get', 'volumes'], '/', {});
    expect(nowhere.code).to.equal(1);
    expect(nowhere.stderr).to.include('OS_AUTH_URL');
  });

  it('runs several at a time, and waits for a lock like any other', async () => {
    expect((await desk.run('init')).code).to.equal(0);
    const runs = await Promise.all(
      [1, 2, 3].map(() => desk.run('apply', '--auto-approve', '--lock-timeout', '1m')),
    );
    for (const { code, stderr } of runs) expect(code, stderr).to.equal(0);
    expect(desk.starts()).to.deep.equal([1, 1]);
  });
});
