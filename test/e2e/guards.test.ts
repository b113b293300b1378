import { expect } from 'chai';
import { forged } from '../planner/forging.ts';
import { type Finished, Workspace } from './workspace.ts';

describe('imports, protections and exceptions', () => {
  let workspace: Workspace;
  beforeEach(async () => {
    workspace = await Workspace.open({ seed: { volumes: 3, jobDurationMs: 200 } });
    workspace.declare(2);
    await workspace.run('init');
  });
  afterEach(() => workspace.close());

  const said = ({ stdout, stderr }: Finished) => (stdout + stderr).replace(/\s+/g, ' ');
  const ids = (n: number) => {
    const volume = Object.keys(workspace.cloud.world().volumes)[n] ?? '';
    const backup = Object.values(workspace.cloud.world().backups).find((one) => one.volume_id === volume);
    return { volume_id: volume, backup_id: backup?.id ?? '' };
  };

  it('imports a restore by the job that plan named, and never starts it again', async () => {
    const { volume_id, backup_id } = ids(0);
    await workspace.cloud.perform({ action: 'set-timing', backup_id, job_duration_ms: 5_000 });
    const started = await workspace.cloud.perform({ action: 'restore', volume_id, backup_id });
    const job = started.done ? (started.id ?? '') : '';
    const meanwhile = await workspace.run('plan');
    expect(said(meanwhile)).to.include('another client is restoring this disk right now');
    const early = await workspace.run('import', 'night/disk-0', '--job-id', job);
    expect(early.code, said(early)).to.equal(5);
    expect(said(early)).to.include('is being restored right now');
    while (workspace.cloud.world().volumes[volume_id]?.status !== 'available')
      await new Promise((resolve) => setTimeout(resolve, 50));

    const other = await workspace.run('import', 'night/disk-1', '--job-id', job);
    expect(other.code).to.equal(5);
    expect(said(other)).to.include(`another restore: disk ${volume_id}`);
    const imported = await workspace.run('import', 'night/disk-0', '--job-id', job);
    expect(imported.code, said(imported)).to.equal(0);
    expect((await workspace.run('import', 'night/disk-0', '--job-id', job)).code).to.equal(5);
    const state = await workspace.run('state', 'show', 'night/disk-0', '--output', 'json');
    expect(JSON.parse(state.stdout)).to.include({ status: 'succeeded', evidence: 'imported', job_id: job });
    const apply = await workspace.run('apply', '--auto-approve');
    expect(apply.code, said(apply)).to.equal(0);
    expect(workspace.starts()).to.deep.equal([1, 1]);
  });

  it('refuses to import a job that the state already has, whatever its restore', async () => {
    expect((await workspace.run('apply', '--auto-approve')).code).to.equal(0);
    const shown = JSON.parse(
      (await workspace.run('state', 'show', 'night/disk-0', '--output', 'json')).stdout,
    );
    const refused = async (job: string) => {
      const finished = await workspace.run('import', 'night/disk-0', '--job-id', job);
      expect(finished.code, said(finished)).to.equal(5);
      expect(said(finished)).to.include('the state already has job');
    };
    const raised = workspace.read('restores.yaml').replace('name: disk-0,', 'name: disk-0, generation: 2,');
    workspace.write('restores.yaml', raised);
    await refused(shown.job_id);
    await refused(shown.job_id.toUpperCase());
    expect((await workspace.run('state', 'rm', 'night/disk-0')).code).to.equal(0);
    await refused(shown.job_id); // the history has it
    const apply = await workspace.run('apply', '--auto-approve');
    expect(apply.code, said(apply)).to.equal(0);
    expect(workspace.starts()).to.deep.equal([2, 1]);
  });

  it('imports on the word of the operator with a reason and a possible time', async () => {
    const word = (...more: string[]) => workspace.run('import', 'night/disk-0', ...more);
    expect((await word()).code).to.equal(1);
    expect((await word('--succeeded-at', new Date().toISOString())).code).to.equal(1);
    expect((await word('--succeeded-at', 'yesterday', '--reason', 'x')).code).to.equal(1);
    const never = await word('--succeeded-at', '2020-01-01T00:00:00Z', '--reason', 'x');
    expect(never.code).to.equal(5);
    expect(said(never)).to.include('cannot have succeeded');
    workspace.write(
      'restores.yaml',
      workspace.read('restores.yaml').replace('name: disk-0,', 'name: disk-0, protect: true,'),
    );
    const at = new Date(Date.now() - 1_000).toISOString();
    expect((await word('--succeeded-at', at, '--reason', 'console, ticket 7')).code).to.equal(0);
    const shown = await workspace.run('state', 'show', 'night/disk-0');
    expect(said(shown)).to.include('done by hand').and.include('ticket 7').and.include('protect: true');
    expect(said(await workspace.run('plan'))).to.include('1 to restore, 1 done');
  });

  it('uses the real age of an imported restore', async () => {
    const before = new Date(Date.now() - 1_000).toISOString();
    write('restores.yaml', 'night', name(0));
    expect((await apply('restores.yaml')).code).to.equal(0);
    write('other.yaml', 'other', name(0, ', generation: 2'));
    const imported = await workspace.run(
      ...['import', 'other/disk-0', '-f', 'other.yaml', '--succeeded-at', before, '--reason', 'by hand'],
    );
    expect(imported.code, said(imported)).to.equal(0);
    expect(said(await workspace.run('plan', '-f', 'restores.yaml'))).to.not.include('since then');
  });

  const name = (n: number, more = '') => {
    const { volume_id, backup_id } = ids(n);
    return `    - {name: disk-${n}, volume_id: ${volume_id}, backup_id: ${backup_id}${more}}\n`;
  };
  const write = (file: string, set: string, ...entries: string[]) =>
    workspace.write(
      file,
      `apiVersion: vbsctl.dev/v1\nkind: RestoreSet\nmetadata: {name: ${set}}\nspec:\n  restores:\n${entries.join('')}`,
    );
  const apply = async (...files: string[]) => {
    const done = await workspace.run('apply', '--auto-approve', ...files.flatMap((file) => ['-f', file]));
    return { code: done.code, text: said(done), starts: workspace.starts() };
  };

  it('keeps the protection that a running restore declares, despite later imports and flags', async () => {
    write('restores.yaml', 'night', name(0));
    expect(
      (await workspace.run('apply', '--auto-approve', '-f', 'restores.yaml', '--no-wait')).code,
    ).to.equal(6);
    write('restores.yaml', 'night', name(0, ', protect: true'));
    expect(await apply('restores.yaml')).to.deep.include({ code: 0, starts: [1] });
    write('other.yaml', 'other', name(0, ', generation: 2'));
    expect((await apply('other.yaml')).code).to.equal(5);

    const allowed = await workspace.run(
      ...['apply', '--auto-approve', '-f', 'other.yaml', '--allow-protected-restores'],
    );
    expect(allowed.code, said(allowed)).to.equal(0);
    write('third.yaml', 'third', name(0, ', generation: 3'));
    expect(await apply('third.yaml')).to.deep.include({ code: 5, starts: [2] });
  });

  it('does not lift a later protection with an earlier saved plan', async () => {
    write('restores.yaml', 'night', name(0, ', protect: true'));
    expect((await apply('restores.yaml')).code).to.equal(0);
    write('lifting.yaml', 'night', name(0, ', protect: false'));
    expect((await workspace.run('plan', '-f', 'lifting.yaml', '--out', 'plan.json')).code).to.equal(0);
    expect((await workspace.run('apply', 'plan.json')).code).to.equal(0);
    expect((await apply('restores.yaml')).code).to.equal(0);
    const again = await workspace.run('apply', 'plan.json');
    expect(again.code, said(again)).to.equal(5);
    expect(said(await workspace.run('state', 'show', 'night/disk-0'))).to.include('protect: true');
  });

  it('shows that a restore lifts its protection, and refuses a saved plan that hides it', async () => {
    write('restores.yaml', 'night', name(0, ', protect: true'));
    expect((await apply('restores.yaml')).code).to.equal(0);
    write('restores.yaml', 'night', name(0, ', generation: 2, protect: false'));
    expect(said(await workspace.run('plan', '-f', 'restores.yaml'))).to.match(/protect.*true.*false/);

    write('restores.yaml', 'night', name(0, ', protect: false'));
    write('other.yaml', 'other', name(0, ', generation: 2'));
    const files = ['-f', 'restores.yaml', '-f', 'other.yaml'];
    expect((await workspace.run('plan', ...files, '--out', 'plan.json')).code).to.equal(0);
    const { actions } = JSON.parse(workspace.read('plan.json'));
    const at = actions.findIndex(({ kind }: { kind: string }) => kind === 'noop');
    workspace.write(
      'plan.json',
      forged(workspace.read('plan.json'), { [`actions.${at}.records_protect`]: undefined }),
    );
    const hidden = await workspace.run('apply', 'plan.json');
    expect(hidden.code, said(hidden)).to.equal(5);
    expect(said(hidden)).to.include('not a valid plan');
    expect(workspace.starts()).to.deep.equal([1]);
  });

  it('protects a restored disk from other manifests until its own manifest lifts the protection', async () => {
    write('restores.yaml', 'night', name(0, ', protect: true'), name(1));
    write('other.yaml', 'other', name(0, ', generation: 2'), name(1, ', generation: 2, protect: false'));
    expect(await apply('restores.yaml')).to.deep.include({ code: 0, starts: [1, 1] });
    const refused = await apply('other.yaml');
    expect(refused).to.deep.include({ code: 5, starts: [1, 1] });
    expect(refused.text)
      .to.include('night/disk-0 was restored into this disk at')
      .and.include('→ declare night/disk-0 with protect: false')
      .and.include('--allow-protected-restores');
    expect(said(await workspace.run('state', 'show', 'night/disk-0'))).to.include('protect: true');

    // Declared since: the record takes it, and a saved plan says so.
    write('restores.yaml', 'night', name(0), name(1, ', protect: true'));
    expect((await workspace.run('plan', '-f', 'restores.yaml', '--out', 'plan.json')).code).to.equal(0);
    expect(said(await workspace.run('show', 'plan.json'))).to.include('it protects its disk (protect: true)');
    expect((await workspace.run('apply', 'plan.json')).code).to.equal(0);
    expect((await apply('other.yaml')).text).to.include('2 blocked');

    write('restores.yaml', 'night', name(0, ', protect: false'), name(1, ', protect: false'));
    expect(await apply('restores.yaml')).to.deep.include({ code: 0, starts: [1, 1] });
    expect(await apply('other.yaml')).to.deep.include({ code: 0, starts: [2, 2] });
    expect((await workspace.run('state', 'verify')).code).to.equal(0);
  });

  it('records each exception in the history', async () => {
    workspace.write(
      'vbsctl.yaml',
      'apiVersion: vbsctl.dev/v1\nkind: Config\npolicy: {max_restores: 1, max_backup_age: 1s}\npoll: {min_interval: 50ms, max_interval: 200ms}\n',
    );
    const refused = await workspace.run('apply', '--auto-approve', '--allow-old-backups');
    expect(refused.code).to.equal(5);
    expect(said(refused)).to.include('2 restores, the limit is 1').and.include('--allow-more-restores');
    const allowed = await workspace.run(
      'apply',
      '--auto-approve',
      '--allow-old-backups',
      '--allow-more-restores',
    );
    expect(allowed.code, said(allowed)).to.equal(0);
    const { history } = JSON.parse(workspace.read('vbsctl.state.json'));
    expect(history.map(({ type }: { type: string }) => type)).to.have.members([
      'begun',
      'begun',
      'closed',
      'closed',
    ]);
    for (const { actor } of history) expect(actor.waivers).to.deep.equal(['more-restores', 'old-backups']);
  });

  it('reads no clouds.yaml from a working directory that a pull request can write to', async () => {
    workspace.write('clouds.yaml', 'clouds: {mine: {auth: {auth_url: "http://127.0.0.1:9/v3"}}}\n');
    workspace.write('ops.yaml', 'apiVersion: vbsctl.dev/v1\nkind: Config\n');
    const named = await workspace.run('plan', '--config', 'ops.yaml', '--cloud', 'mine');
    expect(named.code).to.equal(1);
    expect(said(named))
      .to.include('no clouds.yaml')
      .and.include(`${workspace.folder}/clouds.yaml was not read`)
      .and.include(`export OS_CLIENT_CONFIG_FILE=${workspace.folder}/clouds.yaml`);
    workspace.write('vbsctl.yaml', workspace.read('ops.yaml'));
    const found = await workspace.runIn(workspace.folder, { VBSCTL_CONFIG: '' }, 'plan', '--cloud', 'mine');
    expect(said(found)).to.include('is not set (cloud mine of');
  });
});
