import { hostname } from 'node:os';
import { expect } from 'chai';
import { Workspace } from './workspace.ts';

/** What somebody meets who has just begun: the commands that are printed, and what a plan or a refusal says. */
describe('first steps', () => {
  let workspace: Workspace;
  beforeEach(async () => {
    workspace = await Workspace.open({ seed: { jobDurationMs: 300, queueMs: 0 } });
  });
  afterEach(() => workspace.close());

  const manifest = (restores: string, more = '') =>
    `apiVersion: vbsctl.dev/v1\nkind: RestoreSet\nmetadata: {name: crm}\nspec:\n${more}  restores:\n${restores}`;
  const restore = (name: string, volume: string, asOf: string, more = '') =>
    `    - {name: ${name}, volume: {name: ${volume}}, backup: {as_of: ${asOf}}${more}}\n`;
  /** The moment of a night, 1 being the last one, and an hour later. */
  const night = (n: number, volume: string) => {
    const { volumes, backups } = workspace.cloud.world();
    const id = Object.values(volumes).find(({ name }) => name === volume)?.id;
    const times = Object.values(backups)
      .filter(({ volume_id }) => volume_id === id)
      .map(({ created_ms }) => created_ms)
      .sort((a, b) => b - a);
    return new Date((times[n - 1] ?? 0) + 3_600_000).toISOString();
  };
  const plan = async (text: string) => {
    workspace.write('crm.yaml', text);
    const { stdout } = await workspace.run('plan', '-f', 'crm.yaml');
    return stdout.replace(/\s+/g, ' ');
  };

  it('prints commands with the manifest and the state of the present one', async () => {
    await workspace.cloud.setFaults({
      rules: [{ match: { route: 'restore' }, times: 1, effect: { kind: 'restore_fails' } }],
    });
    workspace.write('my set.yaml', manifest(restore('data', 'pay-db-data', 'latest')));
    const mine = ['-f', 'my set.yaml', '--state', 'my state.json'];
    const failed = await workspace.run('apply', ...mine, '--init-state', '--auto-approve');
    expect(failed.code).to.equal(1);
    const options = "-f 'my set.yaml' --state 'my state.json'";
    expect(failed.stdout).to.include(`vbsctl plan ${options}`);
    expect(failed.stdout).to.include("vbsctl resolve --state 'my state.json' crm/data --as");
    // After two failures, nothing is open, but that is not all there is to say.
    const status = await workspace.run('status', ...mine);
    expect(status.stdout).to.include('1 record, 1 failed.');
    expect(status.stdout).to.include("vbsctl state list --state 'my state.json'");
    const blocked = await workspace.run('plan', ...mine);
    expect(blocked.stdout).to.include("vbsctl resolve --state 'my state.json' crm/data --as");
  });

  it('names the backups that a rule passes over', async () => {
    const text = await plan(manifest(restore('data', 'crm-db-data', night(2, 'crm-db-data'))));
    expect(text).to.match(/the rule passes over what cannot be restored: crm-db-data-\S+ \(error, /);
    const within = manifest(
      `    - {name: data, volume: {name: crm-db-data}, backup: {as_of: ${night(2, 'crm-db-data')}, within: 6h}}\n`,
    );
    expect(await plan(within)).to.match(/Nearest: .*; not restorable: crm-db-data-\S+ \(error, /);
    expect(await plan(manifest(restore('data', 'pay-db-data', night(1, 'pay-db-data'))))).not.to.include(
      'passes over',
    );
  });

  it('says that the disks of a set go back to different moments', async () => {
    const [last, before] = [night(1, 'pay-db-data'), night(2, 'pay-db-data')];
    const apart = await plan(
      manifest(restore('data', 'pay-db-data', last) + restore('log', 'pay-db-log', before)),
    );
    expect(apart).to.include('the disks of crm go back to moments up to 1d apart');
    const together = await plan(
      manifest(restore('data', 'pay-db-data', last) + restore('log', 'pay-db-log', last)),
    );
    expect(together).not.to.include('apart');
  });

  it('says that the server of a detached disk was not checked, and does not call it “again”', async () => {
    const text = manifest(restore('data', 'pay-db-data', 'latest', ', expect: {server: web1}'));
    expect(await plan(text)).to.include('expect.server: web1 cannot be checked');
    const { stdout } = await workspace.run('apply', '-f', 'crm.yaml', '--init-state', '--auto-approve');
    expect(stdout).to.include('to web1, which the manifest expects (vbsctl did not see them there)');
  });

  it('lists the mistakes of a manifest from its top to its end', async () => {
    workspace.write('crm.yaml', `${manifest(restore('data', '{}', 'soon'), '  one: 1\n')}two: 2\n`);
    const { stderr } = await workspace.run('validate', '-f', 'crm.yaml');
    const lines = [...stderr.matchAll(/^error: crm.yaml:(\d+):/gm)].map(([, line]) => Number(line));
    expect(lines.length).to.be.greaterThan(2);
    expect(lines).to.deep.equal([...lines].sort((a, b) => a - b));
  });

  it('refuses a set that has expired', async () => {
    workspace.write(
      'crm.yaml',
      manifest(restore('data', 'pay-db-data', 'latest'), '  valid_until: 2026-01-01T00:00:00Z\n'),
    );
    const { code, stdout } = await workspace.run('apply', '-f', 'crm.yaml', '--init-state', '--auto-approve');
    expect(code, stdout).to.equal(5);
    expect(stdout).to.include('Nothing was restored: what is left has expired.');
    expect(workspace.starts()).to.deep.equal([]);
  });

  it('says what it waits for, and breaks no lock of a living process unasked', async () => {
    workspace.write('crm.yaml', manifest(restore('data', 'pay-db-data', 'latest')));
    await workspace.cloud.perform({ action: 'settings', settings: { job_duration_ms: 60_000 } });
    const apply = workspace.start('apply', '-f', 'crm.yaml', '--init-state', '--auto-approve');
    let lock = null;
    while (lock === null)
      lock = JSON.parse(
        (await workspace.run('state', 'lock-info', '-o', 'json')).stdout || '{"lock":null}',
      ).lock;
    expect(lock).to.include({ pid: apply.pid, host: hostname() });
    const waiting = await workspace.run(
      'apply',
      '-f',
      'crm.yaml',
      '--auto-approve',
      '--lock-timeout',
      '300ms',
    );
    expect(waiting.code).to.equal(4);
    expect(waiting.stderr).to.include('waiting up to 300ms: the state is locked: apply by');
    const unlock = await workspace.run('unlock', lock.id);
    expect([unlock.code, unlock.stderr]).to.deep.equal([5, unlock.stderr]);
    expect(unlock.stderr).to.include(`kill ${apply.pid}`);
    expect((await workspace.run('unlock', lock.id, '--auto-approve')).code).to.equal(0);
    apply.kill('SIGKILL');
    await apply.done;
  });
});
