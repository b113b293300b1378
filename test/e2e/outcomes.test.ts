import { expect } from 'chai';
import type { FaultRule } from '../../src/emulator/faults.ts';
import { type Finished, Workspace } from './workspace.ts';

/** No outcome that was not observed: other people's restores, lost answers and forgetful services, on the built program. */
describe('the outcome that the built program records', () => {
  let workspace: Workspace;
  beforeEach(async () => {
    workspace = await Workspace.open({ seed: { volumes: 4, jobDurationMs: 8_000 } });
    await workspace.run('init');
    workspace.declare(2);
    manifest(1);
  });
  afterEach(() => workspace.close());

  const volumes = () => Object.values(workspace.cloud.world().volumes);
  const volume = (n: number) => volumes()[n]?.id ?? '';
  const backups = (n: number) =>
    Object.values(workspace.cloud.world().backups)
      .filter(({ volume_id }) => volume_id === volume(n))
      .map(({ id }) => id);
  const backup = (n: number, k = 0) => backups(n)[k] ?? '';
  const manifest = (generation: number) =>
    workspace.write(
      'restores.yaml',
      `apiVersion: vbsctl.dev/v1
kind: RestoreSet
metadata: {name: night}
spec:
  restores:
    - {name: one, volume_id: ${volume(1)}, backup_id: ${backup(1)}, generation: ${generation}}
`,
    );
  const said = ({ stdout, stderr }: Finished) => (stdout + stderr).replace(/\s+/g, ' ');
  const apply = (...more: string[]) => workspace.run('apply', '--auto-approve', ...more);
  const record = async () => {
    const { stdout } = await workspace.run('state', 'show', 'night/one', '--output', 'json');
    return JSON.parse(stdout);
  };
  const faults = (...rules: FaultRule[]) => workspace.cloud.setFaults({ rules });
  const LOST: FaultRule = {
    match: { route: 'restore' },
    effect: { kind: 'status', when: 'before', status: 504 },
  };
  const restore = (volume_id: string, backup_id: string) =>
    workspace.cloud.perform({ action: 'restore', volume_id, backup_id });
  const ms = (time: number) => new Promise((resolve) => setTimeout(resolve, time));
  const until = async (holds: () => boolean) => {
    while (!holds()) await ms(20);
  };
  const posted = () => workspace.cloud.audit().faults.length > 0;

  it('refuses a resolution that contradicts a queued job', async () => {
    await workspace.close();
    workspace = await Workspace.open({ seed: { volumes: 4, queueMs: 600_000 } });
    await workspace.run('init');
    manifest(1);
    expect((await apply('--no-wait')).code).to.equal(6);
    for (const as of ['not-started', 'succeeded', 'failed']) {
      const finished = await workspace.run('resolve', 'night/one', '--as', as, '--reason', 'looked at it');
      expect(finished.code, said(finished)).to.equal(5);
      expect(said(finished)).to.include('is INIT: the restore of night/one has not ended');
    }
    expect((await record()).status).to.equal('running');
    expect(workspace.cloud.audit().restores).to.have.length(1);
  });

  for (const [title, first, gap_ms] of [
    ['the other backup into our disk first', 'disk', 500],
    ['our backup into the other disk first', 'backup', 500],
    ['our disk first, the other after settle', 'disk', 3_000],
  ] as const)
    it(`is unknown if the restores of two other clients cross: ${title}`, async () => {
      await faults(LOST);
      const running = apply();
      await until(posted);
      const steps = [() => restore(volume(1), backup(1, 1)), () => restore(volume(2), backup(1))];
      if (first === 'backup') steps.reverse();
      for (const step of steps) {
        await step();
        await ms(gap_ms);
      }
      const { code } = await running;
      expect(code).to.equal(3);
      const { status, attempts, observations } = await record();
      expect([status, attempts.length]).to.deep.equal(['unknown', 1]);
      expect(observations.some(({ confirmed }: { confirmed?: true }) => confirmed)).to.equal(true);
      expect(volumes()[1]?.content, 'the disk holds the other backup').to.equal(backup(1, 1));
    });

  it('is unknown if the disk names another backup, although both other clients began at once', async () => {
    await faults(LOST);
    const running = apply();
    await until(posted);
    await Promise.all([restore(volume(1), backup(0)), restore(volume(2), backup(1))]);
    expect((await running).code).to.equal(3);
    expect((await record()).reason).to.include(backup(0));
  });

  it('stays unknown after a kill between the reads', async () => {
    await faults(LOST);
    const first = workspace.start('apply', '--auto-approve');
    await until(posted);
    await restore(volume(1), backup(1, 1));
    await until(() => workspace.read('vbsctl.state.json.journal').includes('contradiction'));
    first.kill('SIGKILL');
    await first.done;
    await restore(volume(2), backup(1));
    expect(said(await workspace.run('state', 'show', 'night/one'))).to.include(
      'the disk was being restored while this backup was available',
    );
    expect((await apply()).code).to.equal(3);
  });

  it('is not-started after wait if nothing began, and a raised generation is then restored', async () => {
    await faults({ ...LOST, effect: { kind: 'hang', when: 'before', for_ms: 60_000 } });
    const first = workspace.start('apply', '--auto-approve');
    await until(posted);
    first.kill('SIGKILL');
    await first.done;
    await faults();
    manifest(2);
    const refused = await apply();
    expect(refused.code).to.equal(5);
    expect(said(refused)).to.include('vbsctl wait night/one');
    const waited = await workspace.run('wait', 'night/one');
    expect(said(waited)).to.include('it did not start');
    expect(await record()).to.include({ status: 'failed', touched: 'no' });
    expect((await apply()).code).to.equal(0);
    expect(workspace.starts()).to.deep.equal([1]);
  });

  it('is failed and untouched if the lost attempt was settled and its repeat refused', async () => {
    await faults(LOST, {
      match: { route: 'restore' },
      effect: { kind: 'status', when: 'before', status: 403, body: 'service', code: 'VolumeBackup.0042' },
    });
    const failed = await apply();
    expect(failed.code).to.equal(1);
    expect(said(failed)).to.not.include('for 0ms');
    expect(await record()).to.include({ status: 'failed', touched: 'no' });
    await faults();
    expect((await apply()).code).to.equal(0);
    expect(workspace.starts()).to.deep.equal([1]);
  });

  it('follows from disk and backup if the cloud has forgotten the job', async () => {
    await faults({ match: { route: 'restore' }, effect: { kind: 'job_vanishes' } });
    expect((await apply()).code).to.equal(0);
    const { status, observed } = await record();
    expect([status, observed.volume.status, observed.backup.status]).to.deep.equal([
      'succeeded',
      'available',
      'available',
    ]);
  });

  it('is not "gone" after a single 404', async () => {
    await faults(LOST, {
      match: { route: 'volume' },
      after: 3,
      effect: { kind: 'status', when: 'before', status: 404, body: 'service' },
    });
    expect((await apply()).code).to.equal(0);
    expect(workspace.starts()).to.deep.equal([1]);
  });
});
