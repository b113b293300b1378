import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect } from 'chai';
import { FaultProxy } from '../state/fault-proxy.ts';
import { PASSWORD, StateServer, USER } from '../state/http/state-server.ts';
import { HAS_POSTGRES, NO_POSTGRES, PostgresServer } from '../state/postgres/postgres-server.ts';
import { BUCKET, NO_S3_SERVER, S3_ENV, S3_SERVER, S3Server } from '../state/s3/s3-server.ts';
import { Desk } from './cli.ts';
import type { Finished, Running } from './program.ts';

const PATH = '/api/v4/projects/7/terraform/state/restores';
const DISKS = 4;
/** Longer than a run takes to come back: a restore that begins and ends unseen is unknown. */
const LONG_MS = 5_000;
const SHORT_MS = 1_200;

/** The built program with a state on a server that is broken under it. */
class Remote {
  readonly desk: Desk;
  readonly env: Readonly<Record<string, string>>;

  constructor(desk: Desk, env: Readonly<Record<string, string>>) {
    this.desk = desk;
    this.env = env;
  }

  start(...args: string[]): Running {
    return this.desk.startIn(this.desk.folder, this.env, ...args);
  }

  run(...args: string[]): Promise<Finished> {
    return this.start(...args).done;
  }

  /** Until the cloud has accepted so many restores. */
  async accepted(count: number): Promise<void> {
    const deadline = Date.now() + 30_000;
    while (this.desk.starts().length < count) {
      if (Date.now() > deadline) throw new Error(`only ${this.desk.starts().length} restores were accepted`);
      await new Promise((resolve) => setTimeout(resolve, 20));
    }
  }

  expectOnce(count = DISKS): void {
    expect(this.desk.starts(), 'how often each disk was started').to.deep.equal(Array(count).fill(1));
  }
}

const told = ({ stdout, stderr }: Finished) => stdout + stderr;

describe('apply over an HTTP state', function () {
  this.timeout(60_000);
  let server: StateServer;
  let remote: Remote;

  const begin = async (jobDurationMs: number): Promise<void> => {
    server = new StateServer('gitlab');
    await server.start();
    const desk = await Desk.open({ seed: { volumes: DISKS, jobDurationMs, queueMs: 50 } });
    desk.declare(DISKS);
    remote = new Remote(desk, {
      VBSCTL_STATE: `${server.origin}${PATH}`,
      TF_HTTP_USERNAME: USER,
      TF_HTTP_PASSWORD: PASSWORD,
    });
    const made = await remote.run('init');
    expect(made.code, told(made)).to.equal(0);
  };
  afterEach(async () => {
    await remote.desk.close();
    await server.stop();
  });

  it('a commit that is refused after its request was accepted: the job id is in errored.state.json, and nothing runs twice', async () => {
    await begin(LONG_MS);
    server.onWrite = (text, path) => {
      if (text.includes('"status":"running"')) server.giveLockAway(path);
    };
    const lost = await remote.run('apply', '--auto-approve');
    expect(lost.code, told(lost)).to.equal(1);
    expect(told(lost)).to.contain('was removed by somebody');
    const errored = JSON.parse(readFileSync(join(remote.desk.folder, 'errored.state.json'), 'utf8')) as {
      records: { status: string; job_id?: string }[];
    };
    const jobs = errored.records.flatMap(({ job_id }) => job_id ?? []);
    expect(jobs).to.not.deep.equal([]);
    for (const job of jobs) expect(lost.stderr).to.contain(job);
    const truth = JSON.stringify(remote.desk.cloud.world());
    for (const job of jobs) expect(truth, 'a job of the cloud').to.contain(job);

    server.onWrite = () => {};
    const freed = await remote.run('unlock', 'of-another-run');
    expect(freed.code, told(freed)).to.equal(0);
    const resumed = await remote.run('apply', '--auto-approve');
    expect(resumed.code, told(resumed)).to.equal(0);
    remote.expectOnce();
  });

  it('a cancelled pipeline (SIGTERM) leaves no lock, and the next run completes it', async () => {
    await begin(SHORT_MS);
    const apply = remote.start('apply', '--auto-approve');
    await remote.accepted(2);
    apply.kill('SIGTERM');
    expect((await apply.done).code).to.equal(130);
    expect(server.lockAt(PATH)).to.equal(undefined);
    const resumed = await remote.run('apply', '--auto-approve');
    expect(resumed.code, told(resumed)).to.equal(0);
    remote.expectOnce();
  });

  it('the server is stopped and started again while it applies', async () => {
    await begin(SHORT_MS);
    const apply = remote.start('apply', '--auto-approve');
    await remote.accepted(1);
    await server.stop();
    await new Promise((resolve) => setTimeout(resolve, 1_500));
    await server.start();
    const done = await apply.done;
    expect(done.code, told(done)).to.equal(0);
    remote.expectOnce();
  });

  it('kill -9: the lock stands until a person unlocks, then the next run completes it', async () => {
    await begin(LONG_MS);
    const apply = remote.start('apply', '--auto-approve');
    await remote.accepted(2);
    apply.kill('SIGKILL');
    await apply.done;
    const locked = await remote.run('apply', '--auto-approve');
    expect(locked.code, told(locked)).to.equal(4);
    const id = server.lockAt(PATH) ?? expect.fail('no lock');
    expect(locked.stderr).to.contain(`vbsctl unlock ${id}`);
    expect((await remote.run('unlock', id)).code).to.equal(0);
    const resumed = await remote.run('apply', '--auto-approve');
    expect(resumed.code, told(resumed)).to.equal(0);
    remote.expectOnce();
  });

  it('answers to state writes are lost on the way', async () => {
    await begin(SHORT_MS);
    const proxy = new FaultProxy(() => ({ host: '127.0.0.1', port: Number(new URL(server.origin).port) }));
    const port = await proxy.start();
    proxy.loseAnswers(/^POST [^ ]*\?ID=/, 4);
    const through = new Remote(remote.desk, {
      ...remote.env,
      VBSCTL_STATE: `http://127.0.0.1:${port}${PATH}`,
    });
    const done = await through.run('apply', '--auto-approve');
    await proxy.stop();
    expect(done.code, told(done)).to.equal(0);
    expect(proxy.lost).to.equal(4);
    remote.expectOnce();
  });
});

/** A place whose lock ends by itself, with a short lease. */
interface Leased {
  readonly name: string;
  readonly missing: string | undefined;
  start(): Promise<{ readonly env: Readonly<Record<string, string>>; stop(): Promise<void> }>;
}

const LEASED: readonly Leased[] = [
  {
    name: 'a bucket',
    missing: S3_SERVER === undefined ? NO_S3_SERVER : undefined,
    async start() {
      const server = new S3Server();
      await server.start();
      const VBSCTL_STATE = `s3://${BUCKET}/e2e/state.json?endpoint=http://127.0.0.1:${server.port}&lease_ttl=3s`;
      return { env: { ...S3_ENV, VBSCTL_STATE }, stop: () => server.dispose() };
    },
  },
  {
    name: 'PostgreSQL',
    missing: HAS_POSTGRES ? undefined : NO_POSTGRES,
    async start() {
      const server = new PostgresServer();
      await server.start();
      const VBSCTL_STATE = `postgres://vbsctl@127.0.0.1:${server.port}/postgres?lease_ttl=3s`;
      return { env: { VBSCTL_STATE }, stop: () => server.dispose() };
    },
  },
];

// Each backend has its own trials (test/state/remote-trials.ts); one is enough to see the program through it.
const present = LEASED.filter(({ missing }) => missing === undefined).slice(0, 1);
for (const { name, missing, start } of present.length > 0 ? present : LEASED)
  describe(`apply over a state in ${name}`, function () {
    this.timeout(90_000);
    if (missing !== undefined) {
      it(`skipped: ${missing}`, function () {
        this.skip();
      });
      return;
    }
    let place: Awaited<ReturnType<Leased['start']>>;
    let remote: Remote;
    before(async () => {
      place = await start();
      const desk = await Desk.open({ seed: { volumes: DISKS, jobDurationMs: 12_000, queueMs: 50 } });
      desk.write(
        'vbsctl.yaml',
        `${desk.read('vbsctl.yaml')}http: {connect_timeout: 500ms, request_timeout: 1s}\n`,
      );
      desk.declare(DISKS);
      remote = new Remote(desk, place.env);
    });
    after(async () => {
      await remote.desk.close();
      await place.stop();
    });

    it('SIGSTOP, taken over, SIGCONT: the former run is refused, and nothing is started twice', async () => {
      const made = await remote.run('init');
      expect(made.code, told(made)).to.equal(0);
      const frozen = remote.start('apply', '--auto-approve');
      await remote.accepted(DISKS);
      frozen.kill('SIGSTOP');
      const locked = await remote.run('apply', '--auto-approve');
      expect(locked.code, told(locked)).to.equal(4);
      const next = await remote.run('apply', '--auto-approve', '--lock-timeout', '30s');
      expect(next.code, told(next)).to.equal(0);
      frozen.kill('SIGCONT');
      const refused = await frozen.done;
      expect(refused.code, told(refused)).to.equal(1);
      expect(told(refused), told(refused)).to.match(/the lock .* of this run was (taken|removed)/);
      remote.expectOnce();
    });

    it('a lease shorter than a request is refused before anything is begun', async () => {
      remote.desk.write('vbsctl.yaml', remote.desk.read('vbsctl.yaml').replace('1s}\n', '10s}\n'));
      remote.desk.declare(DISKS, 'again', 'day');
      remote.desk.write(
        'restores.yaml',
        remote.desk.read('restores.yaml').replaceAll('- {name', '- {generation: 2, name'),
      );
      const refused = await remote.run('apply', '--auto-approve');
      expect(refused.code, told(refused)).to.equal(1);
      expect(refused.stderr).to.match(/the lock on the state lasts \d.*, a request to the cloud up to 10s/);
      remote.expectOnce();
    });
  });
