import { expect } from 'chai';
import type { FaultRule } from '../../src/emulator/faults.ts';
import { type Emulator, startEmulator } from '../../src/emulator/index.ts';
import type { Finished } from '../e2e/program.ts';
import { type Asked, Gateway } from './reflections.ts';
import { printed, Sandbox } from './sandbox.ts';

/** Answers of the cloud that are not about what was asked, or not about the copy of the request that counts. */
describe('a cloud with false answers', () => {
  const DISK = 'c96e4a94-927a-425c-8795-63f9964cfebd';
  const MANIFEST = `apiVersion: vbsctl.dev/v1
kind: RestoreSet
metadata: {name: night}
spec: {restores: [{name: data, volume_id: ${DISK}, backup: {as_of: latest}}]}
`;
  let cloud: Emulator;
  let gateway: Gateway;
  let sandbox: Sandbox;

  beforeEach(async () => {
    cloud = await startEmulator({ seed: { jobDurationMs: 1_500 } });
    gateway = await Gateway.open(cloud);
    sandbox = new Sandbox();
    sandbox.write(
      'op.yaml',
      `apiVersion: vbsctl.dev/v1
kind: Config
retry: {settle: 3s, min_delay: 20ms, max_delay: 100ms}
poll: {min_interval: 50ms, max_interval: 100ms}
`,
    );
    sandbox.write('restores.yaml', MANIFEST);
    expect((await run('init', '--state', './s.json')).code).to.equal(0);
  });
  afterEach(async () => {
    sandbox.close();
    gateway.close();
    await cloud.close();
  });

  const run = (...args: string[]) => sandbox.run({ ...gateway.env(), VBSCTL_CONFIG: 'op.yaml' }, ...args);
  const apply = () => run('apply', '-f', 'restores.yaml', '--auto-approve', '--state', './s.json');
  const record = async () => {
    const { stdout } = await run('state', 'show', 'night/data', '--state', './s.json', '--output', 'json');
    return JSON.parse(stdout);
  };
  const starts = () => cloud.audit().volumes.find(({ id }) => id === DISK)?.restores_accepted;
  const refuse = (effect: FaultRule['effect']) =>
    cloud.setFaults({ rules: [{ match: { route: 'restore' }, effect, times: 1 }] });
  const said = (done: Finished) => printed(done).replace(/\s+/g, ' ');

  for (const [status, code] of [
    [401, 'APIGW.0301'],
    [403, 'VolumeBackup.0044'],
    [400, 'APIGW.0201'],
    [404, 'VolumeBackup.0111'],
    [429, 'APIGW.0308'],
  ] as const)
    it(`causes no double start if the second copy of a request is answered ${status} ${code}`, async () => {
      await refuse({ kind: 'status', when: 'after', status, body: 'service', code });
      const done = await apply();
      expect(done.code, said(done)).to.equal(0);
      expect(await record()).to.include({ status: 'succeeded', evidence: 'adopted' });
      await apply();
      expect(starts()).to.equal(1);
    });

  for (const [status, body] of [
    [400, 'gateway'],
    [401, 'gateway'],
    [403, 'html'],
    [413, 'empty'],
  ] as const)
    it(`causes no double start if a restore begins two seconds after its ${status} (${body})`, async () => {
      await refuse({ kind: 'late_start', after_ms: 2_000, answer: { status, body } });
      const done = await apply();
      expect(done.code, said(done)).to.equal(0);
      expect(await record()).to.include({ status: 'succeeded', evidence: 'adopted' });
      await apply();
      expect(starts()).to.equal(1);
    });

  it('makes vbsctl call a disk untouched only after reads until settle', async () => {
    await refuse({ kind: 'status', when: 'before', status: 403, body: 'service', code: 'VolumeBackup.0042' });
    expect((await apply()).code).to.equal(1);
    const { status, touched, attempts } = await record();
    expect([status, touched]).to.deep.equal(['failed', 'no']);
    expect(attempts[0].settled.for_ms).to.be.at.least(3_000);
  });

  const changing = (what: RegExp, change: (thing: Record<string, unknown>) => object) => {
    gateway.change = ({ method, path }: Asked, body: string) => {
      if (method !== 'GET' || !what.test(path)) return body;
      const [key = '', thing] = Object.entries(JSON.parse(body))[0] ?? [];
      return JSON.stringify({ [key]: change(thing as Record<string, unknown>) });
    };
  };
  const OTHER = 'aaaaaaaa-927a-425c-8795-63f9964cfebd';
  for (const [what, path, first, then, because] of [
    ['a disk', /\/volumes\/[0-9a-f-]+$/, { status: 'in-use' }, { name: 'prod' }, 'is prod now'],
    ['a backup', /\/backups\/[0-9a-f-]+$/, { status: 'creating' }, { name: 'prod' }, 'is prod now'],
    ['a backup', /\/backups\/[0-9a-f-]+$/, { status: 'creating' }, { volume_id: OTHER }, `is ${OTHER} now`],
  ] as const)
    it(`causes no restore if ${what} becomes ${JSON.stringify(then)} during the wait`, async () => {
      const planned = await run('plan', '-f', 'restores.yaml', '--out', 'p.json', '--state', './s.json');
      expect(planned.code, said(planned)).to.equal(0);
      let looks = 0;
      // The first is the plan that the saved one is held against.
      changing(path, (thing) => ({ ...thing, ...(++looks > 3 ? then : first) }));
      const done = await run('apply', 'p.json', '--state', './s.json');
      expect(looks, said(done)).to.be.above(3);
      expect(said(done)).to.include(because);
      expect(starts() ?? 0).to.equal(0);
    });

  const job = (change: (told: Record<string, unknown>) => object) => {
    gateway.change = ({ path }, body) =>
      /\/jobs\//.test(path) ? JSON.stringify(change(JSON.parse(body))) : body;
  };

  for (const [name, change] of [
    ['is of another job', () => ({ job_id: OTHER, status: 'SUCCESS', entities: {} })],
    ['names no job', ({ entities }) => ({ status: 'SUCCESS', entities })],
  ] as const satisfies readonly (readonly [string, (told: Record<string, unknown>) => object])[])
    it(`causes no success with a job that ${name}`, async () => {
      job(change);
      sandbox.write('restores.yaml', MANIFEST.replace('{restores:', '{defaults: {timeout: 4s}, restores:'));
      const done = await apply();
      expect(done.code, said(done)).to.not.equal(0);
      expect((await record()).status).to.equal('running');
    });

  for (const [name, more] of [
    ['names neither disk nor backup', { entities: {} }],
    ['is called other work', { job_type: 'bksVerify' }],
  ] as const) {
    it(`makes vbsctl read the disk after a success that ${name}`, async () => {
      job((told) => ({ ...told, ...more }));
      const done = await apply();
      expect(done.code, said(done)).to.equal(0);
      const { status, observed } = await record();
      expect([status, observed.job.status, observed.volume.status]).to.deep.equal([
        'succeeded',
        'SUCCESS',
        'available',
      ]);
    });

    it(`causes an unknown outcome if the disk never changed after a success that ${name}`, async () => {
      gateway.answer = ({ method, path }) => {
        if (method === 'POST' && path.endsWith('/restore'))
          return { status: 200, body: JSON.stringify({ job_id: 'job-1' }) };
        if (!path.includes('/jobs/')) return undefined;
        const entities = { volume_id: DISK };
        const told = { job_id: 'job-1', status: 'SUCCESS', job_type: 'bksRestoreBackup', entities };
        return { status: 200, body: JSON.stringify({ ...told, ...more }) };
      };
      const done = await apply();
      expect(done.code, said(done)).to.equal(3);
      expect(said(done)).to.include('the disk looks as it did before');
      expect((await record()).status).to.equal('unknown');
    });
  }

  it('causes no import by a job of another restore, without ids, or of another type', async () => {
    const backup = Object.values(cloud.world().backups).find(({ volume_id }) => volume_id === DISK)?.id ?? '';
    const byId = MANIFEST.replace('backup: {as_of: latest}', `backup_id: ${backup}`);
    sandbox.write('restores.yaml', byId);
    const restored = {
      job_id: 'job-1',
      status: 'SUCCESS',
      job_type: 'bksRestoreBackup',
      entities: { volume_id: DISK, backup_id: backup },
    };
    const { job_type: _, ...untyped } = restored;
    let told: object = {};
    gateway.answer = ({ path }) =>
      path.includes('/jobs/') ? { status: 200, body: JSON.stringify(told) } : undefined;
    const importJob = () =>
      run('import', 'night/data', '--job-id', 'job-1', '-f', 'restores.yaml', '--state', './s.json');
    for (const [job, because] of [
      [{ ...restored, job_id: OTHER }, 'the answer describes another volume or backup than requested'],
      [{ ...restored, entities: {} }, 'does not name a disk'],
      [{ ...restored, job_type: 'bksVerify' }, 'did other work than a restore: bksVerify'],
      [untyped, 'does not say what it did'],
    ] as const) {
      told = job;
      const done = await importJob();
      expect(done.code, said(done)).to.equal(5);
      expect(said(done)).to.include(because);
    }
    told = restored;
    const done = await importJob();
    expect(done.code, said(done)).to.equal(0);
  });
});
