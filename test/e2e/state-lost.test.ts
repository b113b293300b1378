import { spawnSync } from 'node:child_process';
import { closeSync, existsSync, mkdirSync, openSync, rmSync, writeSync } from 'node:fs';
import { join } from 'node:path';
import { expect } from 'chai';
import { Workspace } from './workspace.ts';

const DISKS = 8;
const AT_ONCE = 4;

/** A real disk that runs full: a small tmpfs, which only root may mount. */
describe('a local disk that runs full during apply', () => {
  let workspace: Workspace;
  let small: string;

  before(function () {
    if (process.platform === 'linux' && process.getuid?.() === 0) return;
    console.log(
      '    skipped: only root can mount a small disk; test/state/local/faults.test.ts has a double of one',
    );
    this.skip();
  });

  beforeEach(async function () {
    workspace = await Workspace.open({ seed: { volumes: DISKS, jobDurationMs: 800 } });
    small = join(workspace.folder, 'small');
    mkdirSync(small);
    const { status, stderr } = spawnSync('mount', ['-t', 'tmpfs', '-o', 'size=256k', 'tmpfs', small]);
    if (status !== 0) {
      console.log(`    skipped: no tmpfs can be mounted here: ${stderr}`);
      this.skip();
    }
    workspace.write(
      'vbsctl.yaml',
      workspace
        .read('vbsctl.yaml')
        .replace('vbsctl.state.json', 'small/vbsctl.state.json')
        .replace('apply: {', `apply: {parallelism: ${AT_ONCE}, `),
    );
    workspace.declare(DISKS);
    expect((await workspace.run('init')).code).to.equal(0);
  });
  afterEach(async () => {
    spawnSync('umount', [small]);
    await workspace.close();
  });

  /** Not a byte is left. */
  function fill(): void {
    const file = openSync(join(small, 'ballast'), 'w');
    try {
      for (;;) writeSync(file, Buffer.alloc(4_096));
    } catch {
      closeSync(file);
    }
  }

  it('starts nothing new, and loses no job id, if it is full between request and answer', async () => {
    await workspace.cloud.setFaults({
      rules: [{ match: { route: 'restore' }, times: 'always', effect: { kind: 'slow', delay_ms: 1_500 } }],
    });
    const running = workspace.start('apply', '--auto-approve');
    while (workspace.starts().length < AT_ONCE) await new Promise((resolve) => setTimeout(resolve, 5));
    fill();
    const { code, stdout, stderr } = await running.done;
    expect(code, stdout + stderr).to.equal(1);
    expect(stderr).to.match(/small\/vbsctl\.state\.json\.journal: cannot write the state: ENOSPC/);
    expect(stdout).to.include('the state cannot be written any more');
    expect(workspace.starts(), 'nothing new started').to.have.length(AT_ONCE);

    // Beside the state there is no room, either: it goes to where the command was run, and says so.
    const saved = join(workspace.folder, 'errored.state.json');
    expect(existsSync(join(small, 'errored.state.json'))).to.equal(false);
    expect(stderr).to.include(`vbsctl state push ${saved}`).and.include('Not beside the state');
    const jobs = workspace.cloud.audit().restores.map(({ job_id }) => job_id);
    const durable = (await workspace.run('state', 'list', '--output', 'json')).stdout;
    for (const job of jobs) expect(durable.includes(job) || stderr.includes(job), job).to.equal(true);

    rmSync(join(small, 'ballast'));
    const pushed = await workspace.run('state', 'push', 'errored.state.json');
    expect(pushed.code, pushed.stdout + pushed.stderr).to.equal(0);
    for (const job of jobs)
      expect((await workspace.run('state', 'list', '--output', 'json')).stdout).to.include(job);
    const again = await workspace.run('apply', '--auto-approve');
    expect(again.code, again.stdout + again.stderr).to.equal(0);
    expect(workspace.starts()).to.deep.equal(Array.from({ length: DISKS }, () => 1));
  });

  it('stops apply before it sends anything if it is full before the first request', async () => {
    fill();
    const { code, stderr } = await workspace.run('apply', '--auto-approve');
    expect(code, stderr).to.equal(1);
    expect(stderr).to.include('ENOSPC').and.include('room');
    expect(workspace.starts()).to.deep.equal([]);
    rmSync(join(small, 'ballast'));
    expect((await workspace.run('apply', '--auto-approve')).code).to.equal(0);
    expect(workspace.starts()).to.deep.equal(Array.from({ length: DISKS }, () => 1));
  });
});

describe('a lock that the operator removes during apply', () => {
  it('ends apply, which starts nothing new and writes what it knows beside the state', async () => {
    const workspace = await Workspace.open({ seed: { volumes: DISKS, jobDurationMs: 800 } });
    try {
      mkdirSync(join(workspace.folder, 'elsewhere'));
      workspace.write(
        'vbsctl.yaml',
        workspace
          .read('vbsctl.yaml')
          .replace('vbsctl.state.json', 'elsewhere/vbsctl.state.json')
          .replace('apply: {', `apply: {parallelism: ${AT_ONCE}, `),
      );
      workspace.declare(DISKS);
      await workspace.run('init');
      await workspace.cloud.setFaults({
        rules: [{ match: { route: 'restore' }, times: 'always', effect: { kind: 'slow', delay_ms: 1_500 } }],
      });
      const running = workspace.start('apply', '--auto-approve');
      while (workspace.starts().length < AT_ONCE) await new Promise((resolve) => setTimeout(resolve, 5));
      const { lock } = JSON.parse((await workspace.run('status', '--output', 'json')).stdout);
      expect((await workspace.run('unlock', lock.id, '--auto-approve')).code).to.equal(0);
      const { code, stdout, stderr } = await running.done;
      expect(code, stdout + stderr).to.equal(1);
      expect(workspace.starts(), 'nothing new started').to.have.length(AT_ONCE);
      const path = join(workspace.folder, 'elsewhere', 'errored.state.json');
      expect(stderr).to.include('was removed by somebody').and.include(`vbsctl state push ${path}`);
      expect((await workspace.run('state', 'push', path)).code).to.equal(0);
      expect((await workspace.run('apply', '--auto-approve')).code).to.equal(0);
      expect(workspace.starts()).to.deep.equal(Array.from({ length: DISKS }, () => 1));
    } finally {
      await workspace.close();
    }
  });
});
