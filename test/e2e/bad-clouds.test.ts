import { readFileSync } from 'node:fs';
import http from 'node:http';
import type { AddressInfo } from 'node:net';
import { expect } from 'chai';
import type { EmulatorOptions, FaultEffect, FaultRule, RouteKind } from '../../src/emulator/index.ts';
import { privateAuthority } from '../network/private-authority.ts';
import { Front } from './front.ts';
import type { Finished } from './program.ts';
import { Workspace } from './workspace.ts';

/**
 * What clouds and what stands before them have been seen to do, each against the built program: how it ends, how often
 * the disk is truly restored, and what the person in front of it reads. Texts are compared without their line breaks.
 */
interface BadCloud {
  readonly what: string;
  readonly route: RouteKind;
  readonly effect: FaultEffect;
  /** How often it happens; default once. */
  readonly times?: number | 'always';
  /** Of the restore in the manifest. */
  readonly timeout?: string;
  readonly code: number;
  readonly says: readonly (string | RegExp)[];
  readonly starts: readonly number[];
}

const GIGABYTE = 1024 ** 3;
/** Node itself takes some 60 MB, an answer may have 32 MB, and its text is copied a few times on its way. */
const MEMORY_MB_MAX = 350;
const JOB_MS = 400;

const TABLE: readonly BadCloud[] = [
  {
    what: 'a 200 with an error body',
    route: 'restore',
    effect: { kind: 'garbage', body: 'error_body' },
    code: 0,
    says: ['HTTP 200 with an error in it', 'it may have started: reading disk and backup', 'adopted'],
    starts: [1],
  },
  {
    what: 'a 200 without a job_id',
    route: 'restore',
    effect: { kind: 'garbage', body: 'no_job_id' },
    code: 0,
    says: ['HTTP 200 without a job id', 'it may have started: reading disk and backup', 'adopted'],
    starts: [1],
  },
  {
    what: 'a 200 with an empty body',
    route: 'restore',
    effect: { kind: 'garbage', body: 'empty' },
    code: 0,
    says: ['it may have started', 'adopted'],
    starts: [1],
  },
  {
    what: 'a job status that nobody knows, for a while',
    route: 'job',
    effect: { kind: 'job_unknown_status' },
    times: 2,
    code: 0,
    says: ['job status SUSPENDED is not known; taken as not finished', '1 succeeded'],
    starts: [1],
  },
  {
    what: 'a job status that nobody knows, for ever',
    route: 'restore',
    effect: { kind: 'job_unknown_status' },
    timeout: '1500ms',
    code: 6,
    says: ['job status SUSPENDED is not known', 'still running in the cloud', 'vbsctl wait'],
    starts: [1],
  },
  {
    what: 'a job that vanishes: disk and backup tell',
    route: 'restore',
    effect: { kind: 'job_vanishes' },
    code: 0,
    says: [/job \S+ is not found/, '1 succeeded'],
    starts: [1],
  },
  {
    what: 'a job that vanishes for a moment',
    route: 'job',
    effect: { kind: 'job_vanishes' },
    times: 2,
    code: 0,
    says: ['1 succeeded'],
    starts: [1],
  },
  {
    what: 'a FAIL whose reason is in sub_jobs',
    route: 'restore',
    effect: {
      kind: 'restore_fails',
      code: 'VolumeBackup.0200',
      reason: 'storage node lost',
      in_sub_job: true,
    },
    code: 1,
    says: ['VolumeBackup.0200: storage node lost', 'raise generation'],
    starts: [1],
  },
  {
    what: 'a RUNNING without an end',
    route: 'restore',
    effect: { kind: 'job_endless' },
    timeout: '1500ms',
    code: 6,
    says: ['still running in the cloud', 'vbsctl wait'],
    starts: [1],
  },
  {
    what: 'a job that succeeded for another disk',
    route: 'restore',
    effect: { kind: 'job_entities_mismatch' },
    code: 3,
    says: ['succeeded for another restore', 'vbsctl resolve night/disk-0 --as'],
    starts: [1],
  },
  {
    what: 'a gigabyte in answer to a restore',
    route: 'restore',
    effect: { kind: 'huge', bytes: GIGABYTE },
    code: 0,
    says: ['is larger than 1048576 bytes', 'it may have started', 'adopted'],
    starts: [1],
  },
  {
    what: 'a gigabyte in answer to a look at the disk',
    route: 'volume',
    effect: { kind: 'huge', bytes: GIGABYTE },
    times: 'always',
    code: 5,
    says: ['is larger than 1048576 bytes', 'blocked'],
    starts: [],
  },
  {
    what: 'a gigabyte in answer to a question about the job',
    route: 'job',
    effect: { kind: 'huge', bytes: GIGABYTE },
    code: 0,
    says: [/job \S+ cannot be read: the answer from \S+ is larger than/, '1 succeeded'],
    starts: [1],
  },
];

describe('a cloud that misbehaves', () => {
  let workspace: Workspace;
  afterEach(() => workspace.close());

  async function open(options: EmulatorOptions = {}, timeout?: string): Promise<void> {
    workspace = await Workspace.open({ seed: { volumes: 2, jobDurationMs: JOB_MS }, ...options });
    workspace.declare(1);
    if (timeout)
      workspace.write(
        'restores.yaml',
        workspace.read('restores.yaml').replace(/\}\n$/, `, timeout: ${timeout}}\n`),
      );
  }
  const harm = (rule: FaultRule) => workspace.cloud.setFaults({ rules: [rule] });

  function expectSaid({ stdout, stderr }: Finished, words: readonly (string | RegExp)[]): void {
    const said = `${stdout} ${stderr}`.replace(/\s+/g, ' ');
    for (const word of words)
      if (typeof word === 'string') expect(said).to.include(word);
      else expect(said).to.match(word);
  }

  for (const { what, route, effect, times = 1, timeout, code, says, starts } of TABLE)
    it(`ends ${what} with exit code ${code}`, async () => {
      await open({}, timeout);
      await harm({ match: { route }, times, effect });
      const running = workspace.start('apply', '--auto-approve', '--init-state');
      const memory = watchMemory(running.pid);
      const finished = await running.done;
      expect(finished.code, finished.stdout + finished.stderr).to.equal(code);
      expectSaid(finished, says);
      expect(workspace.starts()).to.deep.equal(starts);
      const peak = memory();
      if (effect.kind === 'huge' && peak !== undefined) expect(peak, 'MB').to.be.lessThan(MEMORY_MB_MAX);
    });

  it('is refused if it sends a gigabyte in place of a token', async () => {
    await open();
    await harm({ match: { route: 'token' }, times: 'always', effect: { kind: 'huge', bytes: GIGABYTE } });
    const running = workspace.start('plan');
    const memory = watchMemory(running.pid);
    const finished = await running.done;
    expect(finished.code).to.equal(1);
    expectSaid(finished, ['is larger than 33554432 bytes', 'OS_AUTH_URL']);
    expect(memory() ?? 0, 'MB').to.be.lessThan(MEMORY_MB_MAX);
  });

  for (const [whose, days] of [
    ['ahead', 3],
    ['behind', -3],
  ] as const)
    it(`still restores the disk, and warns, if a clock is three days ${whose}`, async () => {
      const skewMs = days * 86_400_000;
      await open({ clock: () => Date.now() + skewMs });
      const finished = await workspace.run('apply', '--auto-approve', '--init-state');
      expect(finished.code, finished.stdout + finished.stderr).to.equal(0);
      const word = days > 0 ? 'behind' : 'ahead of';
      // Whole seconds of the cloud: a moment less than three days is two and almost a third.
      const skew = new RegExp(`the clock of this machine is (3d|2d 23h.*) ${word} the cloud’s`);
      expectSaid(finished, [skew, 'valid_until', 'set-ntp']);
      expect(workspace.starts()).to.deep.equal([1]);
      expect((await workspace.run('plan', '--detailed-exitcode')).code).to.equal(0);
    });

  it('an odd entry of a list: get and generate name it, and show the rest', async () => {
    await open({});
    const front = await Front.before(workspace);
    try {
      const id = 'dddddddd-0000-4000-8000-00000000000d';
      front.change = (path, body) => {
        const [, kind] = /\/(volumes|backups)\/detail/.exec(path) ?? [];
        if (kind === undefined) return body;
        const list = JSON.parse(body);
        list[kind].push({ ...list[kind][0], id, size: null });
        return JSON.stringify(list);
      };
      for (const command of [
        ['get', 'volumes'],
        ['get', 'backups'],
        ['generate', '--all', '--latest'],
      ]) {
        const { code, stdout, stderr } = await workspace.runIn(workspace.folder, front.env, ...command);
        expect(code, stderr).to.equal(0);
        expect(stderr).to.contain(`left out: disk ${id}: size is missing`);
        expect(stderr).to.contain(`left out: backup ${id}: size is missing`);
        expect(stdout.split('\n').length).to.be.greaterThan(1);
        expect(stdout).not.to.contain(id);
      }
    } finally {
      front.close();
    }
  });

  it('with two disks of one name: generate takes both, and says so', async () => {
    await open({});
    const front = await Front.before(workspace);
    try {
      const ids: string[] = [];
      front.change = (path, body) => {
        if (!path.includes('/volumes/detail')) return body;
        const list = JSON.parse(body);
        for (const volume of list.volumes.slice(0, 2)) {
          volume.name = 'same';
          ids.push(volume.id);
        }
        return JSON.stringify(list);
      };
      const args = ['generate', '--volume', 'same', '--latest'];
      const { code, stdout, stderr } = await workspace.runIn(workspace.folder, front.env, ...args);
      expect(code, stderr).to.equal(0);
      expect(stderr).to.contain('warning: 2 disks are named same');
      for (const id of ids.slice(0, 2)) {
        expect(stderr).to.contain(id);
        expect(stdout).to.contain(id);
      }
    } finally {
      front.close();
    }
  });

  describe('that redirects to another host', () => {
    let elsewhere: http.Server;
    let asked: string[];
    beforeEach(async () => {
      asked = [];
      elsewhere = http.createServer((request, response) => {
        asked.push(`${request.method} ${request.url} ${JSON.stringify(request.headers)}`);
        response.writeHead(200).end('{}');
      });
      await new Promise<void>((resolve) => elsewhere.listen(0, '127.0.0.1', resolve));
    });
    afterEach(() => {
      elsewhere.close();
      expect(asked).to.deep.equal([]);
    });
    const host = () => `127.0.0.1:${(elsewhere.address() as AddressInfo).port}`;
    const redirect = (route: RouteKind, status: number, times: FaultRule['times'] = 1) =>
      harm({
        match: { route },
        times,
        effect: { kind: 'status', when: 'before', status, location: `http://${host()}/take/it` },
      });

    for (const status of [302, 307, 308])
      it(`is probed, and gets the request again at its catalog address, if the redirect (${status}) answers the restore`, async () => {
        await open();
        await redirect('restore', status);
        const finished = await workspace.run('apply', '--auto-approve', '--init-state');
        expect(finished.code, finished.stdout).to.equal(0);
        expectSaid(finished, [`redirected to ${host()}; redirects are not followed`, 'it may have started']);
        expect(workspace.starts()).to.deep.equal([1]);
      });

    it('blocks the plan, which names the host, if the redirect answers a read of the disk', async () => {
      await open();
      await redirect('volume', 301, 'always');
      const finished = await workspace.run('apply', '--auto-approve', '--init-state');
      expect(finished.code, finished.stdout).to.equal(5);
      expectSaid(finished, [`redirected to ${host()}; redirects are not followed`]);
    });

    it('gets no password at the other host if the redirect answers the token request', async () => {
      await open();
      await redirect('token', 307, 'always');
      const finished = await workspace.run('plan');
      expect(finished.code).to.equal(1);
      expectSaid(finished, [`redirected to ${host()}; redirects are not followed`, 'OS_AUTH_URL']);
    });
  });

  it('gets no request, and the error names the remedy, if its certificate does not verify', async function () {
    const authority = privateAuthority();
    if (!authority) return this.skip();
    try {
      await open({ tls: authority.tls });
      const finished = await workspace.run('plan');
      expect(finished.code).to.equal(1);
      expectSaid(finished, ['is not trusted', 'an authority that is not', 'OS_CACERT']);
      expect(workspace.cloud.audit().requests.total ?? 0).to.equal(0);
      const trusting = { OS_CACERT: authority.caFile };
      const applied = await workspace.runIn(
        workspace.folder,
        trusting,
        'apply',
        '--auto-approve',
        '--init-state',
      );
      expect(applied.code, applied.stdout + applied.stderr).to.equal(0);
      expect(workspace.starts()).to.deep.equal([1]);
    } finally {
      authority.remove();
    }
  });
});

/** Resident memory at its highest, MB; undefined where there is no /proc. */
function watchMemory(pid: number): () => number | undefined {
  let peak: number | undefined;
  const look = () => {
    try {
      const status = readFileSync(`/proc/${pid}/status`, 'utf8');
      const [, kilobytes] = /^VmHWM:\s+(\d+) kB$/m.exec(status) ?? [];
      if (kilobytes !== undefined) peak = Math.max(peak ?? 0, Number(kilobytes) / 1_024);
    } catch {
      // it has ended, or this system keeps no such file
    }
  };
  const timer = setInterval(look, 20);
  return () => {
    clearInterval(timer);
    return peak;
  };
}
