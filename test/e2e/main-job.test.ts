import { expect } from 'chai';
import { Workspace } from './workspace.ts';

describe('the built program', () => {
  let workspace: Workspace;
  beforeEach(async () => {
    workspace = await Workspace.open({ seed: { volumes: 5, jobDurationMs: 300, queueMs: 100 } });
  });
  afterEach(() => workspace.close());

  it('restores each disk once with init, plan and apply, and again does nothing after renames', async () => {
    workspace.declare(4);
    const init = await workspace.run('init');
    expect(init.code, init.stderr).to.equal(0);

    const before = await workspace.run('plan', '--detailed-exitcode');
    expect(before.code, before.stderr).to.equal(2);
    expect(before.stdout).to.include('4 to restore');

    const apply = await workspace.run('apply', '--auto-approve');
    expect(apply.code, apply.stderr).to.equal(0);
    expect(apply.stdout).to.include('4 succeeded');
    expect(workspace.starts()).to.deep.equal([1, 1, 1, 1]);

    const after = await workspace.run('plan', '--detailed-exitcode');
    expect(after.code).to.equal(0);
    expect((await workspace.run('apply', '--auto-approve')).stdout).to.include('Nothing to do');

    workspace.declare(4, 'renamed', 'another');
    const renamed = await workspace.run('apply', '--auto-approve');
    expect(renamed.code, renamed.stderr).to.equal(0);
    expect(workspace.starts()).to.deep.equal([1, 1, 1, 1]);

    const list = JSON.parse((await workspace.run('state', 'list', '--output', 'json')).stdout).records;
    expect(list).to.have.length(4);
    for (const record of list) {
      expect(record).to.include.keys('address', 'status', 'volume_id', 'backup_id', 'generation', 'job_id');
      expect(record.address).to.match(/^another\/renamed-/);
      expect(record.status).to.equal('succeeded');
      expect(record.job_id).to.be.a('string');
    }
  });

  it('refuses to apply without a state, and says how to continue', async () => {
    workspace.declare(1);
    const refused = await workspace.run('apply', '--auto-approve');
    expect(refused.code).to.equal(5);
    expect(refused.stderr).to.include('--init-state');
    const plan = await workspace.run('plan');
    expect(plan.code).to.equal(0);
    expect(plan.stdout).to.match(/^There is no state yet/);
    const applied = await workspace.run('apply', '--auto-approve', '--init-state');
    expect(applied.code, applied.stderr).to.equal(0);
  });

  it('refuses to apply if nobody can confirm', async () => {
    workspace.declare(1);
    await workspace.run('init');
    const refused = await workspace.run('apply');
    expect(refused.code).to.equal(5);
    expect(refused.stderr).to.include('--auto-approve');
    expect(workspace.starts()).to.deep.equal([]);
  });

  it('refuses the state of another cloud project', async () => {
    workspace.declare(1);
    await workspace.run('init');
    const other = await Workspace.open();
    try {
      const text = (await workspace.run('plan', '--state', 'vbsctl.state.json')).code;
      expect(text).to.equal(0);
      const mixed = await other.run(
        'plan',
        '--config',
        'vbsctl.yaml',
        '-f',
        `${workspace.folder}/restores.yaml`,
        '--state',
        `${workspace.folder}/vbsctl.state.json`,
      );
      expect(mixed.code).to.equal(5);
      expect(mixed.stderr).to.include('a different cloud project');
    } finally {
      await other.close();
    }
  });

  it('runs one apply at a time, and names the holder of the lock to the other', async () => {
    workspace.declare(3);
    await workspace.run('init');
    // Long enough that the second comes while the first is at work, however slow the machine is.
    await workspace.cloud.perform({ action: 'settings', settings: { job_duration_ms: 5_000 } });
    const first = workspace.start('apply', '--auto-approve');
    while (workspace.starts().length === 0) await new Promise((resolve) => setImmediate(resolve));
    const second = await workspace.run('apply', '--auto-approve');
    expect(second.code, second.stdout).to.equal(4);
    expect(second.stderr).to.include('vbsctl unlock').and.include(String(first.pid));
    expect((await first.done).code).to.equal(0);
    expect(workspace.starts()).to.deep.equal([1, 1, 1]);
  });

  it('plans offline, and prints the plan as JSON', async () => {
    workspace.declare(2);
    const offline = await workspace.run('plan', '--offline', '--output', 'json', '--target', 'night/disk-1');
    expect(offline.code, offline.stderr).to.equal(0);
    const plan = JSON.parse(offline.stdout);
    expect(plan.offline).to.equal(true);
    expect(plan.actions.map((action: { address: string }) => action.address)).to.deep.equal(['night/disk-1']);
    expect(workspace.cloud.audit().requests.total ?? 0).to.equal(0);
  });

  it('blocks a restore whose expectations fail, and runs the others only with --skip-blocked', async () => {
    workspace.declare(2);
    const { volumes, backups } = workspace.cloud.world();
    const third = Object.values(volumes)[2];
    const backup = Object.values(backups).find((candidate) => candidate.volume_id === third?.id);
    workspace.write(
      'wrong.yaml',
      `apiVersion: vbsctl.dev/v1\nkind: RestoreSet\nmetadata: {name: wrong}\nspec:\n  restores:\n    - {name: x, volume_id: ${third?.id}, backup_id: ${backup?.id}, expect: {volume_name: other}}\n`,
    );
    const flags = ['-f', 'restores.yaml', '-f', 'wrong.yaml', '--auto-approve', '--init-state'];
    const refused = await workspace.run('apply', ...flags);
    expect(refused.code).to.equal(5);
    expect(workspace.starts()).to.deep.equal([]);
    const partly = await workspace.run('apply', ...flags, '--skip-blocked');
    expect(partly.code, partly.stderr).to.equal(5);
    expect(partly.stdout)
      .to.include('Apply: 2 succeeded, 1 blocked.')
      .and.include('wrong/x: expected volume name');
    expect(workspace.starts()).to.deep.equal([1, 1]);
  });

  it('reads manifests from stdin, and reports mistakes with their positions', async () => {
    workspace.write(
      'restores.yaml',
      'apiVersion: vbsctl.dev/v1\nkind: RestoreSet\nmetadata: {name: x}\nspec:\n  restores:\n    - {name: a, volum_id: x}\n',
    );
    const invalid = await workspace.run('validate');
    expect(invalid.code).to.equal(1);
    expect(invalid.stderr)
      .to.match(/restores\.yaml:6:\d+/)
      .and.include('volume_id');
  });

  it('exits with 3 for an unknown outcome, which resolve ends', async () => {
    workspace.declare(1);
    workspace.write(
      'vbsctl.yaml',
      'apiVersion: vbsctl.dev/v1\nkind: Config\nretry: {settle: 1s, after_ambiguous: stop}\npoll: {min_interval: 50ms, max_interval: 200ms}\n',
    );
    await workspace.cloud.setFaults({
      rules: [{ match: { route: 'restore' }, effect: { kind: 'status', when: 'before', status: 504 } }],
    });
    const apply = await workspace.run('apply', '--auto-approve', '--init-state');
    expect(apply.code, apply.stdout).to.equal(3);
    expect(apply.stdout).to.include('vbsctl resolve night/disk-0');
    expect((await workspace.run('apply', '--auto-approve')).code).to.equal(3);
    const resolved = await workspace.run(
      'resolve',
      'night/disk-0',
      '--as',
      'not-started',
      '--reason',
      'support said so',
    );
    expect(resolved.code, resolved.stderr).to.equal(0);
    expect(resolved.stdout).to.equal(
      'night/disk-0 is resolved: it was not started.\n→ to start it: vbsctl apply\n',
    );
    expect((await workspace.run('plan', '--detailed-exitcode')).code).to.equal(2);
    expect((await workspace.run('apply', '--auto-approve')).code).to.equal(0);
    expect(workspace.starts()).to.deep.equal([1]);
    const shown = await workspace.run('state', 'show', 'night/disk-0', '--output', 'json');
    expect(JSON.parse(shown.stdout)).to.include({ status: 'succeeded', generation: 1 });
  });

  it('keeps the cloud of --cloud emulator in a file between commands', async () => {
    workspace.write(
      'restores.yaml',
      `apiVersion: vbsctl.dev/v1\nkind: RestoreSet\nmetadata: {name: pay}\nspec:\n  restores:\n    - {name: log, volume: {name: pay-db-log}, backup: {as_of: latest}}\n`,
    );
    const first = await workspace.run('apply', '--cloud', 'emulator', '--auto-approve', '--init-state');
    expect(first.code, first.stderr + first.stdout).to.equal(0);
    const second = await workspace.run('plan', '--cloud', 'emulator', '--detailed-exitcode');
    expect(second.code, second.stderr + second.stdout).to.equal(0);
    expect(second.stdout).to.include('1 done');
  });
});
