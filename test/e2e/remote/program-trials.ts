import { setTimeout as sleep } from 'node:timers/promises';
import { expect } from 'chai';
import { type Lease, TAKEOVER_WITHIN_MS, Trial, type TrialServer } from '../../state/trial.ts';
import type { Finished, Running } from '../program.ts';
import { Workspace } from '../workspace.ts';

const DISKS = 4;
/** Longer than a run takes to come back: a restore that begins and ends unseen is unknown. */
const LONG_MS = 10_000;
/** Longer than a takeover of a short lease. */
const LONGER_MS = 14_000;
const SHORT_MS = 1_200;

export const told = ({ stdout, stderr }: Finished) => stdout + stderr;

/** The built program, with a cloud and a state on a server that is broken under it. */
export class Remote {
  readonly workspace: Workspace;
  readonly env: Readonly<Record<string, string>>;

  private constructor(workspace: Workspace, env: Readonly<Record<string, string>>) {
    this.workspace = workspace;
    this.env = env;
  }

  /** Four disks to restore, and no state yet. */
  static async open(jobDurationMs: number, env: Readonly<Record<string, string>>): Promise<Remote> {
    const workspace = await Workspace.open({ seed: { volumes: DISKS, jobDurationMs, queueMs: 50 } });
    workspace.write(
      'vbsctl.yaml',
      `${workspace.read('vbsctl.yaml')}http: {connect_timeout: 500ms, request_timeout: 1s}\n`,
    );
    workspace.declare(DISKS);
    return new Remote(workspace, env);
  }

  start(...args: string[]): Running {
    return this.workspace.startIn(this.workspace.folder, this.env, ...args);
  }

  run(...args: string[]): Promise<Finished> {
    return this.workspace.runIn(this.workspace.folder, this.env, ...args);
  }

  async ok(...args: string[]): Promise<Finished> {
    const finished = await this.run(...args);
    expect(finished.code, `${args.join(' ')}: ${told(finished)}`).to.equal(0);
    return finished;
  }

  /** Until the cloud has accepted so many restores. */
  async accepted(count: number): Promise<void> {
    const deadline = Date.now() + 30_000;
    while (this.workspace.starts().length < count) {
      if (Date.now() > deadline)
        throw new Error(`only ${this.workspace.starts().length} restores were accepted`);
      await new Promise((resolve) => setTimeout(resolve, 20));
    }
  }

  /** Each disk was started once, by the cloud's own record; the state knows it, and that its history is whole. */
  async expectOnce(): Promise<void> {
    expect(this.workspace.starts(), 'how often each disk was started').to.deep.equal(Array(DISKS).fill(1));
    const records = JSON.parse((await this.ok('state', 'list', '--output', 'json')).stdout).records as {
      status: string;
    }[];
    expect(records.map(({ status }) => status)).to.deep.equal(Array(DISKS).fill('succeeded'));
    await this.ok('state', 'verify');
    expect((await this.ok('apply', '--auto-approve')).stdout).to.include('Nothing to do');
  }
}

/** What `apply` does when its state's server, its rival or its own process have their worst day. */
export function programTrials(server: TrialServer): void {
  describe(`apply over a state on ${server.name}`, () => {
    if (server.missing !== undefined) {
      it(`skipped: ${server.missing}`, function () {
        this.skip();
      });
      return;
    }
    let trial: Trial;
    let remote: Remote;
    before(() => server.start());
    after(() => server.dispose());
    const begin = async (jobDurationMs: number, lease: Lease = 'usual'): Promise<void> => {
      trial = await Trial.open(server, lease);
      remote = await Remote.open(jobDurationMs, { ...trial.env, VBSCTL_STATE: trial.location });
      await remote.ok('init');
    };
    afterEach(async () => {
      await remote.workspace.close();
      await trial.close();
    });
    const holder = async () =>
      (await (await trial.backend()).holder())?.id ?? expect.fail('nobody holds the lock');

    const untilTheNext = server.freeze === 'person' ? LONG_MS : LONGER_MS;
    /** The next run, once the lock of one that is no more can be had. */
    const next = async (): Promise<void> => {
      if (server.freeze === 'person') await remote.ok('unlock', await holder(), '--auto-approve');
      await remote.ok('apply', '--auto-approve', '--lock-timeout', `${TAKEOVER_WITHIN_MS}ms`);
    };

    it('runs one of several applies; another names the holder, and a waiting one finds everything done', async () => {
      await begin(4_000);
      const first = remote.start('apply', '--auto-approve');
      await remote.accepted(1);
      const [refused, second] = await Promise.all([
        remote.run('apply', '--auto-approve'),
        remote.run('apply', '--auto-approve', '--lock-timeout', '60s'),
      ]);
      const done = await first.done;
      expect(done.code, told(done)).to.equal(0);
      expect(refused.code, told(refused)).to.equal(4);
      expect(refused.stderr).to.contain(`vbsctl unlock `);
      expect(second.code, told(second)).to.equal(0);
      expect(second.stdout).to.include('Nothing to do');
      await remote.expectOnce();
    });

    it('refuses the commits of a run that was stopped while another took the lock, and starts nothing twice', async () => {
      await begin(untilTheNext, 'short');
      const frozen = remote.start('apply', '--auto-approve');
      await remote.accepted(DISKS);
      frozen.kill('SIGSTOP');
      const locked = await remote.run('apply', '--auto-approve');
      expect(locked.code, told(locked)).to.equal(4);
      await next();
      frozen.kill('SIGCONT');
      const refused = await frozen.done;
      expect(refused.code, told(refused)).to.equal(1);
      expect(told(refused)).to.match(
        /the lock .* of this run was (taken|removed)|another client changed the state while this run held the lock/,
      );
      expect(told(refused)).to.contain('vbsctl state push');
      expect(refused.stdout).to.match(/[1-4] not saved/);
      const table = refused.stdout.slice(refused.stdout.indexOf('\nRESTORE'));
      for (let n = 0; n < DISKS; n++)
        expect(table, 'every restore has its row').to.contain(`night/disk-${n}`);
      await remote.expectOnce();
    });

    it('completes in the next run after kill -9', async () => {
      await begin(untilTheNext, 'short');
      const apply = remote.start('apply', '--auto-approve');
      await remote.accepted(2);
      apply.kill('SIGKILL');
      const killed = await apply.done;
      if (server.freeze === 'person')
        expect(killed.stderr, 'in its log').to.contain(`vbsctl unlock ${await holder()}`);
      const locked = await remote.run('apply', '--auto-approve');
      expect(locked.code, told(locked)).to.equal(4);
      expect(locked.stderr).to.contain(`vbsctl unlock ${await holder()}`);
      await next();
      await remote.expectOnce();
    });

    it('leaves no lock after SIGTERM, and the next run completes it', async () => {
      await begin(SHORT_MS);
      const apply = remote.start('apply', '--auto-approve');
      await remote.accepted(2);
      apply.kill('SIGTERM');
      expect((await apply.done).code).to.equal(130);
      expect(await (await trial.backend()).holder()).to.equal(undefined);
      await remote.ok('apply', '--auto-approve');
      await remote.expectOnce();
    });

    it('continues while the server restarts', async () => {
      await begin(SHORT_MS);
      const apply = remote.start('apply', '--auto-approve');
      await remote.accepted(1);
      const startAgain = await trial.stopServer();
      await new Promise((resolve) => setTimeout(resolve, 1_500));
      await startAgain();
      const done = await apply.done;
      expect(done.code, told(done)).to.equal(0);
      await remote.expectOnce();
    });

    it('waits for the lock although connections are cut repeatedly', async () => {
      await begin(8_000);
      const first = remote.start('apply', '--auto-approve');
      await remote.accepted(DISKS);
      let isQueued = true;
      const queued = remote.run('apply', '--auto-approve', '--lock-timeout', '60s').finally(() => {
        isQueued = false;
      });
      let cuts = 0;
      const cutting = setInterval(() => {
        trial.cutConnections();
        cuts++;
      }, 700);
      try {
        // The first run lasts 8 s at least.
        while (cuts < 3) await sleep(10);
        expect(isQueued).to.equal(true);
        const done = await first.done;
        expect(done.code, told(done)).to.equal(0);
      } finally {
        clearInterval(cutting);
      }
      const second = await queued;
      expect(second.code, told(second)).to.equal(0);
      expect(second.stdout).to.include('Nothing to do');
      await remote.expectOnce();
    });

    it('continues although the answers to four accepted writes are lost', async () => {
      await begin(SHORT_MS);
      trial.loseWriteAnswers(4);
      await remote.ok('apply', '--auto-approve');
      expect(trial.lostAnswers).to.equal(4);
      await remote.expectOnce();
    });

    if (server.freeze === 'takeover')
      it('refuses a lease shorter than a request before anything starts', async () => {
        await begin(SHORT_MS, 'short');
        remote.workspace.write(
          'vbsctl.yaml',
          remote.workspace.read('vbsctl.yaml').replace('timeout: 1s', 'timeout: 10s'),
        );
        const refused = await remote.run('apply', '--auto-approve');
        expect(refused.code, told(refused)).to.equal(1);
        expect(refused.stderr).to.match(/the lock on the state lasts \d.*, a request to the cloud up to 10s/);
        expect(remote.workspace.starts()).to.deep.equal([]);
      });
  });
}
