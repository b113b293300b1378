import { expect } from 'chai';
import type { FaultPlan, RouteKind } from '../../src/emulator/index.ts';
import type { Finished, Running } from './program.ts';
import { hasTerminals, OnTerminal } from './terminal.ts';
import { Workspace } from './workspace.ts';

const HANG_MS = 600_000;
/**
 * A stop takes less than a second, and `npm run chaos` prints how long. Here the machine may be busy with other tests;
 * what would be wrong is to wait for something that hangs.
 */
const STOP_MS_MAX = 60_000;

const hanging = (route: RouteKind | RouteKind[], when: 'before' | 'after' = 'before'): FaultPlan => ({
  rules: [{ match: { route }, times: 'always', effect: { kind: 'hang', when, for_ms: HANG_MS } }],
});

/** A restore that begins and ends before the next run looks is unknown; a busy machine starts that late. */
const LONG_MS = 10_000;

describe('signals to a running vbsctl', () => {
  let workspace: Workspace;
  beforeEach(() => open(1_500));

  async function open(jobDurationMs: number): Promise<void> {
    workspace = await Workspace.open({ seed: { volumes: 4, jobDurationMs, queueMs: 50 } });
    workspace.declare(3);
    const { code, stderr } = await workspace.run('init');
    expect(code, stderr).to.equal(0);
  }
  afterEach(() => workspace.close());

  const asked = (route: RouteKind) => workspace.cloud.audit().requests[route] ?? 0;
  async function until(condition: () => boolean): Promise<void> {
    while (!condition()) await new Promise((resolve) => setTimeout(resolve, 5));
  }

  async function stop(running: Running, signal: NodeJS.Signals = 'SIGINT'): Promise<Finished> {
    const at = performance.now();
    running.kill(signal);
    const finished = await running.done;
    const took = performance.now() - at;
    expect(took, finished.stderr).to.be.lessThan(STOP_MS_MAX);
    expect(finished.code, finished.stderr + finished.stdout).to.equal(130);
    return finished;
  }

  /** Whatever happened before: a run to the end leaves every disk restored once. */
  async function completes(): Promise<void> {
    await workspace.cloud.setFaults({});
    const { code, stdout, stderr } = await workspace.run('apply', '--auto-approve');
    expect(code, stdout + stderr).to.equal(0);
    expect(workspace.starts()).to.deep.equal([1, 1, 1]);
  }

  const statuses = async () =>
    JSON.parse((await workspace.run('state', 'list', '--output', 'json')).stdout).records.map(
      ({ status }: { status: string }) => status,
    );

  describe('a first SIGINT or SIGTERM', () => {
    const nothing: [string, RouteKind | RouteKind[], string[]][] = [
      ['plan asks for a token', 'token', ['plan']],
      ['plan looks', ['volume', 'volumes'], ['plan']],
      ['get lists', 'backups', ['get', 'backups']],
      ['apply plans', ['volume', 'volumes'], ['apply', '--auto-approve']],
    ];
    for (const [when, route, args] of nothing)
      it(`ends vbsctl at once while ${when}, and it says that nothing was started`, async () => {
        await workspace.cloud.setFaults(hanging(route));
        const before = [route].flat().map(asked);
        const running = workspace.start(...args);
        await until(() => [route].flat().some((one, n) => asked(one) > (before[n] ?? 0)));
        const { stderr } = await stop(running);
        expect(stderr).to.include('stopped by SIGINT; nothing was started');
        expect((await workspace.run('status')).stdout).to.not.include('locked');
        await completes();
      });

    for (const effect of ['before', 'after'] as const)
      it(`waits shortly for the answer to a restore that hangs ${effect} its effect, then leaves it to the next run`, async () => {
        await workspace.close();
        await open(LONG_MS);
        await workspace.cloud.setFaults(hanging('restore', effect));
        const running = workspace.start('apply', '--auto-approve');
        await until(() => asked('restore') === 3);
        const { stdout, stderr } = await stop(running, 'SIGTERM');
        expect(stdout).to.include('Apply: 3 sent (outcome open).').and.include('vbsctl apply');
        expect(stderr)
          .to.include('stopped by SIGTERM; nothing new was started after that')
          .and.include('run the same');
        expect(await statuses()).to.deep.equal(['intended', 'intended', 'intended']);
        await completes();
      });

    it('lists the running jobs and how to follow them', async () => {
      await workspace.cloud.setFaults(hanging('job'));
      const running = workspace.start('apply', '--auto-approve');
      await until(() => asked('job') > 0);
      const { stdout } = await stop(running, 'SIGHUP');
      expect(stdout).to.include('still running in the cloud').and.include('vbsctl wait');
      for (const { job_id } of workspace.cloud.audit().restores) expect(stdout).to.include(job_id);
      await completes();
    });

    it('starts nothing that is still queued', async () => {
      workspace.write(
        'turns.yaml',
        `${workspace.read('vbsctl.yaml').replace('apply: {', 'apply: {parallelism: 1, ')}`,
      );
      const running = workspace.start('apply', '--auto-approve', '--config', 'turns.yaml');
      await until(() => asked('restore') === 1);
      const { stdout } = await stop(running);
      expect(stdout).to.include('interrupted before it was started').and.include('vbsctl apply');
      expect(asked('restore')).to.equal(1);
      await completes();
    });

    it('leaves the record unchanged while resolve reads the cloud', async () => {
      await workspace.cloud.setFaults(hanging('restore'));
      const applying = workspace.start('apply', '--auto-approve');
      await until(() => asked('restore') === 3);
      await stop(applying);
      workspace.write('patient.yaml', workspace.read('vbsctl.yaml').replace('settle: 1s', 'settle: 10m'));
      const looks = asked('volume');
      const word = ['--as', 'not-started', '--reason', 'support says so', '--config', 'patient.yaml'];
      const resolving = workspace.start('resolve', 'night/disk-0', ...word);
      await until(() => asked('volume') >= looks + 2);
      const { stdout, stderr } = await stop(resolving);
      expect(stdout).to.equal('');
      expect(stderr)
        .to.include('reading disk and backup for 10m more')
        .and.include('retry.settle')
        .and.include('stopped by SIGINT');
      expect((await workspace.run('status')).stdout).to.include('free');
      expect(await statuses()).to.deep.equal(['intended', 'intended', 'intended']);
      await completes();
    });

    it('ends the wait for the lock', async () => {
      const holder = workspace.start('apply', '--auto-approve');
      await until(() => asked('restore') > 0);
      const second = workspace.start('apply', '--auto-approve', '--lock-timeout', '10m');
      // Its look at the cloud comes before its wait for the lock.
      const tokens = asked('token');
      await until(() => asked('token') > tokens);
      await stop(second);
      expect((await holder.done).code).to.equal(0);
    });
  });

  it('keep the intent of a hanging restore if a second signal ends vbsctl at once', async () => {
    await workspace.close();
    await open(LONG_MS);
    await workspace.cloud.setFaults(hanging('restore', 'after'));
    const running = workspace.start('apply', '--auto-approve');
    await until(() => asked('restore') === 3);
    running.kill('SIGINT');
    await new Promise((resolve) => setTimeout(resolve, 50));
    await stop(running);
    expect(await statuses()).to.deep.equal(['intended', 'intended', 'intended']);
    await completes();
  });

  describe('the confirmation on a terminal', () => {
    before(function () {
      if (hasTerminals()) return;
      console.log('    skipped: there is no script(1) of util-linux to lend a terminal');
      this.skip();
    });

    it('starts nothing after Ctrl-C', async () => {
      const terminal = new OnTerminal(workspace, 'apply');
      await terminal.shows('Only "yes" is accepted');
      terminal.type('\x03');
      expect(await terminal.code(), terminal.shown).to.equal(130);
      expect(terminal.shown).to.include('nothing was started');
      expect(workspace.starts()).to.deep.equal([]);
    });

    it('starts nothing after the window is closed', async () => {
      const terminal = new OnTerminal(workspace, 'apply');
      await terminal.shows('Only "yes" is accepted');
      terminal.close();
      expect(await terminal.code(), terminal.shown).to.equal(130);
      expect(workspace.starts()).to.deep.equal([]);
      expect((await workspace.run('status')).stdout).to.include('No open restores');
    });

    it('does not accept y, and says so', async () => {
      const terminal = new OnTerminal(workspace, 'apply');
      await terminal.shows('Only "yes" is accepted');
      terminal.type('y\r');
      expect(await terminal.code(), terminal.shown).to.equal(5);
      expect(terminal.shown)
        .to.include('type yes, in full and in lower case')
        .and.include('nothing was started');
      expect(workspace.starts()).to.deep.equal([]);
    });

    it('is not asked for with --output json, which shows no plan', async () => {
      const terminal = new OnTerminal(workspace, 'apply', '--output', 'json');
      expect(await terminal.code(), terminal.shown).to.equal(5);
      expect(terminal.shown).to.include('--output json shows no plan to confirm');
      expect(workspace.starts()).to.deep.equal([]);
    });

    it('accepts yes; a later Ctrl-C leaves the jobs running and says how to continue', async () => {
      const terminal = new OnTerminal(workspace, 'apply');
      await terminal.shows('Only "yes" is accepted');
      terminal.type('yes\r');
      await until(() => workspace.starts().length === 3);
      await terminal.shows('accepted');
      terminal.type('\x03');
      expect(await terminal.code(), terminal.shown).to.equal(130);
      expect(terminal.shown).to.include('vbsctl wait');
      await completes();
    });

    it('loses no running restore if the window is closed', async () => {
      const terminal = new OnTerminal(workspace, 'apply', '--auto-approve');
      await until(() => workspace.starts().length === 3);
      terminal.close();
      expect(await terminal.code(), terminal.shown).to.equal(130);
      expect(await statuses()).to.not.include('unknown');
      await completes();
    });
  });

  describe('a reader that closes its pipe', () => {
    it('does not stop a restore if it reads stdout', async () => {
      const running = workspace.start('apply', '--auto-approve');
      running.closeStdout();
      const { code, stderr } = await running.done;
      expect(code, stderr).to.equal(0);
      expect(workspace.starts()).to.deep.equal([1, 1, 1]);
      expect(await statuses()).to.deep.equal(['succeeded', 'succeeded', 'succeeded']);
    });

    it('does not stop a restore if it reads stdout and stderr', async () => {
      const running = workspace.start('apply', '--auto-approve');
      running.closeStdout();
      running.closeStderr();
      expect((await running.done).code).to.equal(0);
      expect(await statuses()).to.deep.equal(['succeeded', 'succeeded', 'succeeded']);
    });
  });
});
