import { copyFileSync, existsSync, mkdirSync, readFileSync, rmSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { expect } from 'chai';
import { emulatorWorld } from '../../src/cli/emulator-world.ts';
import { Workspace } from './workspace.ts';

/** From an empty folder to restored disks, as somebody does it who has only the program. */
describe('the first day with vbsctl', () => {
  let workspace: Workspace;
  beforeEach(async () => {
    workspace = await Workspace.open({ seed: { jobDurationMs: 600, queueMs: 100 } });
  });
  afterEach(() => workspace.close());

  const good = async (...args: string[]) => {
    const finished = await workspace.run(...args);
    expect(finished.code, finished.stderr + finished.stdout).to.equal(0);
    return finished.stdout;
  };
  const json = async (...args: string[]) => JSON.parse(await good(...args, '--output', 'json'));
  const list = async (kind: 'volumes' | 'backups' | 'servers', ...args: string[]) =>
    (await json('get', kind, ...args))[kind];
  /** Sends its stdout to the file, as the shell does. */
  const into = async (file: string, ...args: string[]) => workspace.write(file, await good(...args));

  const statuses = async (...more: string[]): Promise<string[]> =>
    (await list('volumes', '--name', 'erp-*', ...more)).map(({ status }: { status: string }) => status);

  async function detachAll(server: string): Promise<void> {
    for (const { id } of await list('volumes', '--server', server))
      expect((await workspace.cloud.perform({ action: 'detach', volume_id: id })).done).to.equal(true);
  }

  it('restores a whole server with get, generate, validate, plan and apply', async () => {
    const servers = await list('servers', '--name', 'erp-*');
    expect(servers[0]).to.deep.include({ name: 'erp-db1', status: 'ACTIVE' });
    expect(servers[0].volumes).to.have.length(3);
    expect(await good('get', 'backups', '--server', 'erp-db1')).to.match(/9 backups/);
    await into('restores.yaml', 'generate', '--server', 'erp-db1', '--latest');
    expect(await good('validate')).to.include('3 restores in 1 file.\nNext: vbsctl plan');
    await good('init');
    const plan = await good('plan');
    expect(plan).to.include('3 to restore').and.include('the disk is attached to erp-db1 (/dev/vdb)');
    await detachAll('erp-db1');
    expect(await good('apply', '--auto-approve')).to.include('3 succeeded');
    expect(workspace.starts()).to.deep.equal([1, 1, 1]);
    expect(await good('plan')).to.include('nothing to do');
    expect(await good('status')).to.include('No open restores');
  });

  it('says first that an id is of another disk, and which disk was meant', async () => {
    await good('init');
    const newest = async (disk: string) => {
      const [backup] = await list('backups', '--volume', disk);
      const [volume] = await list('volumes', '--name', disk);
      return { backup: backup.id as string, volume: volume.id as string };
    };
    const boot = await newest('pay-db-boot');
    const data = await newest('pay-db-data');
    const declare = (backup: string, volume: string) =>
      workspace.write(
        'restores.yaml',
        `apiVersion: vbsctl.dev/v1\nkind: RestoreSet\nmetadata: {name: s}\nspec:\n  restores:\n    - {name: a, backup_id: ${backup}, volume_id: ${volume}}\n`,
      );
    declare(data.backup, boot.volume);
    const blocked = (await good('plan')).replace(/\s+/g, ' ');
    expect(blocked).to.include('this is a backup of pay-db-data, not of pay-db-boot, and needs 500 GB');
    expect(blocked).to.match(
      new RegExp(`newest backup of pay-db-boot: ${boot.backup} .*restores.yaml:6:7.*volume set --size`),
    );
    declare(boot.backup, data.volume);
    const warned = await good('plan');
    expect(warned).to.include('warning:   this backup is of pay-db-boot, not of pay-db-data');
    expect(warned).to.include('! s/a: the backup is of pay-db-boot, not of pay-db-data');
  });

  it('goes through the day of README, word for word', async () => {
    const readme = readFileSync(new URL('../../README.md', import.meta.url), 'utf8');
    const [, command = ''] = /^vbsctl (generate .*?) > restores.yaml/m.exec(readme) ?? [];
    await into('restores.yaml', ...command.split(' '));
    await good('init');
    expect(await good('plan')).to.include('Plan: 3 to restore.');
  });

  it('reads the names of servers only if a plan mentions one', async () => {
    await good('init');
    const asked = () => workspace.cloud.audit().requests.servers ?? 0;
    await into('restores.yaml', 'generate', '--name', 'pay-db-*', '--latest');
    const before = asked();
    expect(await good('plan')).to.include('3 to restore');
    expect(asked()).to.equal(before);
    await into('restores.yaml', 'generate', '--server', 'web1', '--latest');
    const between = asked();
    await good('plan');
    expect(asked()).to.equal(between + 1);
  });

  it('blocks a disk that is attached to another server than expected, and names both', async () => {
    await good('init');
    await into('restores.yaml', 'generate', '--server', 'erp-db1', '--latest');
    const text = readFileSync(join(workspace.folder, 'restores.yaml'), 'utf8');
    workspace.write('restores.yaml', text.replace('server: erp-db1', 'server: pay-db1'));
    const plan = await workspace.run('plan', '--detailed-exitcode');
    expect(plan.code).to.equal(5);
    expect(plan.stdout).to.include('expected server pay-db1, but it is erp-db1');
  });

  it('names what does not exist, and the remedy', async () => {
    workspace.write(
      'pay.yaml',
      'apiVersion: vbsctl.dev/v1\nkind: RestoreSet\nmetadata: {name: pay}\nspec:\n  restores:\n    - {name: data, volume: {name: pay-db-data}, backup: {as_of: latest}}\n',
    );
    const refusals: [string[], string][] = [
      [['get', 'backups', '--volume', 'pay-db-dta'], 'did you mean pay-db-data?'],
      [['generate', '--server', 'pay-db1', '--latest'], "vbsctl generate --name 'pay-db*'"],
      [['generate', '--latest'], '--server NAME'],
      [['generate', '--all'], '--latest'],
      [['generate', '--all', '--as-of', '2020-01-01T00:00:00Z'], 'none of'],
      [['plan', '-f', 'pay.yaml', '--target', 'data'], 'did you mean pay/data?'],
      [['plan', '-f', 'pay.yaml', '--target', 'dta'], 'did you mean pay/data?'],
      [['plan', '--taget', 'x'], 'did you mean --target?'],
      [['resolve', 'a/b'], '--as <succeeded|not-started|failed>'],
      [['help', 'recovry'], 'did you mean recovery?'],
      [['destroy'], 'cannot be undone'],
      [['apply', '-out=x'], '--out'],
    ];
    for (const [args, remedy] of refusals) {
      const { code, stdout, stderr } = await workspace.run(...args);
      expect(code, args.join(' ')).to.equal(1);
      expect(stderr, args.join(' ')).to.include(remedy);
      expect(stdout, args.join(' ')).to.equal('');
    }
  });

  it('writes a config only if there is none', async () => {
    const exists = await workspace.run('init', '--config');
    expect(exists.code).to.equal(5);
    expect(exists.stderr).to.include('already exists');
    rmSync(join(workspace.folder, 'vbsctl.yaml'));
    await good('init', '--config');
    await good('init');
    expect(await good('init', '--config', 'new.yaml')).to.include('vbsctl init --config new.yaml');
    expect(readFileSync(join(workspace.folder, 'new.yaml'), 'utf8')).to.include('# api: vbs');
    expect(statSync(join(workspace.folder, 'vbsctl.state.json')).isFile()).to.equal(true);
  });

  it('submits with --no-wait, shows it with status, and follows it with wait on another machine without a manifest', async () => {
    // Restores end when the test says so.
    await workspace.close();
    let skewMs = 0;
    workspace = await Workspace.open({
      seed: { jobDurationMs: 3_600_000 },
      clock: () => Date.now() + skewMs,
    });
    await good('init');
    await into('restores.yaml', 'generate', '--name', 'pay-db-*', '--latest', '--set', 'pay');
    const submitted = await workspace.run('apply', '-auto-approve', '--no-wait');
    expect(submitted.code, submitted.stderr).to.equal(6);
    expect(submitted.stdout).to.include('vbsctl wait');

    const { open, lock } = await json('status');
    expect(lock).to.equal(null);
    expect(open).to.have.length(3);
    const short = await good('status');
    expect(short).to.include('→ to wait for running restores: vbsctl wait');
    expect(short).to.not.include('support --');
    expect(await good('status', 'pay/pay-db-log')).to.include('-- for the cloud’s support --');
    expect(await good('state', 'list'))
      .to.include('vbsctl wait')
      .and.not.include('state show');
    const settle = ['--as', 'succeeded', '--reason', 'hope'];
    const hasty = await workspace.run('resolve', 'pay/pay-db-log', ...settle);
    expect(hasty.code).to.equal(5);
    expect(hasty.stderr).to.include('has not ended').and.include('vbsctl wait pay/pay-db-log');
    expect((await workspace.run('resolve', 'pay-db-log', ...settle)).stderr).to.include(
      'did you mean pay/pay-db-log?',
    );
    for (const each of open) {
      expect(each.status).to.equal('running');
      expect(each.ticket)
        .to.include(each.job_id)
        .and.include(each.request_ids[0])
        .and.include(each.volume_id);
    }
    expect((await workspace.run('wait', 'pay/pay-db-log', '--timeout', '1ms')).code).to.equal(6);

    skewMs += 2 * 3_600_000;
    const elsewhere = join(workspace.folder, 'elsewhere');
    mkdirSync(elsewhere);
    copyFileSync(join(workspace.folder, 'vbsctl.state.json'), join(elsewhere, 'state.json'));
    rmSync(join(workspace.folder, 'restores.yaml'));
    const waited = await workspace.run('wait', '--state', 'elsewhere/state.json');
    expect(waited.code, waited.stderr).to.equal(0);
    expect(waited.stdout).to.include('Wait: 3 succeeded').and.not.include('started');
    expect(workspace.starts()).to.deep.equal([1, 1, 1]);
    expect(await good('wait', '--state', 'elsewhere/state.json')).to.include('No restore is running');
    expect((await workspace.run('wait')).stderr, 'the copy that stayed behind').to.include('older');
    const there = ['--state', 'elsewhere/state.json'];
    expect((await workspace.run('wait', 'pay/nobody', ...there)).stderr).to.include(
      'no record of pay/nobody',
    );
    for (const command of [['wait'], ['status'], ['state', 'show'], ['state', 'rm']])
      expect((await workspace.run(...command, 'pay-db-log', ...there)).stderr).to.include(
        'did you mean pay/pay-db-log?',
      );
  });

  it('lists what waits for an open restore, also while another run holds the lock', async () => {
    await good('init');
    const ids = await list('volumes', '--name', 'pay-db-*');
    await into('restores.yaml', 'generate', '--volume', ids[0].id, '--latest', '--set', 'pay');
    const text = readFileSync(join(workspace.folder, 'restores.yaml'), 'utf8');
    const other = `    - {name: later, volume_id: ${ids[1].id}, backup: {as_of: latest}, depends_on: [${ids[0].name}]}\n`;
    workspace.write('restores.yaml', text + other);
    // Long enough that the commands after it find it at work, however slow the machine is.
    await workspace.cloud.perform({ action: 'settings', settings: { job_duration_ms: 8_000 } });
    const running = workspace.start('apply', '--auto-approve');
    while (workspace.starts().length === 0) await new Promise((resolve) => setImmediate(resolve));
    const { lock, open } = await json('status');
    expect(lock).to.include({ operation: 'apply', pid: running.pid });
    expect(open[0].blocks).to.deep.equal([{ address: 'pay/later', reason: 'depends_on' }]);
    expect((await workspace.run('wait')).code).to.equal(4);
    expect((await running.done).code).to.equal(0);
  });

  it('loads no module late where the code cache forbids import()', () => {
    const program = readFileSync(new URL('../../dist/program.cjs', import.meta.url), 'utf8');
    expect(program.match(/[^.\w]import\((?!\))/g)).to.equal(null);
  });

  it('lists the disks of a server of the built-in emulator', async () => {
    const alone = ['--cloud', 'emulator'];
    const world = emulatorWorld({ env: {}, home: workspace.folder, cwd: workspace.folder });
    const nobody = await workspace.runWithoutCloud('emulator', '--detach', 'nobody');
    expect(nobody.stderr).to.include('no server nobody');
    expect(existsSync(world)).to.equal(false);
    const detached = await workspace.runWithoutCloud('emulator', '--detach', 'erp-db1');
    expect(detached.stdout)
      .to.include('Detached from erp-db1: erp-db-boot')
      .and.include(`In ${world}, the world of --cloud emulator`)
      .and.not.include('OS_AUTH_URL');
    expect(await statuses(...alone)).to.deep.equal(Array(3).fill('available'));
    expect(await statuses()).to.deep.equal(Array(3).fill('in-use'));
  });

  it('lists the disks of a served emulator if the environment names it', async () => {
    const { code, stdout } = await workspace.run('emulator', '--detach', 'erp-db1');
    expect(code).to.equal(0);
    expect(stdout).to.include('Detached from erp-db1: erp-db-boot').and.include(workspace.cloud.url);
    expect(await statuses()).to.deep.equal(Array(3).fill('available'));
    expect(existsSync(join(workspace.folder, '.local'))).to.equal(false);
    for (const kind of ['volumes', 'backups']) {
      const got = await workspace.run('get', kind, '--server', 'erp-db1');
      expect(got.stdout).to.match(/^No (disk|backup) found\.$/m);
      expect(got.stderr)
        .to.include('no disk is attached to erp-db1')
        .and.match(/Detached disks: erp-db-boot,\s+erp-db-data,\s+erp-db-log\./)
        .and.include("vbsctl get volumes --name 'erp-db*'");
    }
    const again = await workspace.run('emulator', '--detach', 'erp-db1');
    expect(again.stdout).to.include('Nothing to detach: no disk is attached');
    expect((await workspace.run('emulator', '--detach', 'nobody')).stderr).to.include('no server nobody');
  });

  it('says what it did not touch if OS_AUTH_URL names another cloud', async () => {
    const env = { OS_AUTH_URL: 'http://operator:hunter2@127.0.0.1:9/v3' };
    const { stdout } = await workspace.startIn(workspace.folder, env, 'emulator', '--detach', 'erp-db1').done;
    expect(stdout).to.include('OS_AUTH_URL names http://127.0.0.1:9: no emulator answers there');
    expect(stdout).to.not.include('hunter2');
    expect(await statuses()).to.deep.equal(Array(3).fill('in-use'));
  });

  it('distinguishes a missing fault plan from an invalid one', async () => {
    const missing = await workspace.run('emulator', '--faults', 'nowhere.json');
    expect(missing.stderr).to.include('it does not exist').and.include('vbsctl help faults');
    workspace.write('faults.json', '{"rules": 1}');
    const wrong = await workspace.run('emulator', '--faults', 'faults.json');
    expect(wrong.stderr).to.include('rules must be a list').and.include('vbsctl help faults');
    expect([missing.code, wrong.code]).to.deep.equal([1, 1]);
  });

  it('prints one error, not six, if no cloud is named', async () => {
    const { code, stderr } = await workspace.runWithoutCloud('get', 'servers');
    expect(code).to.equal(1);
    expect(stderr).to.include('--cloud emulator').and.to.include('OS_CLOUD');
    expect(stderr.match(/error:/g)).to.have.length(1);
  });

  it('says that --cloud emulator is missing if an earlier command used it', async () => {
    workspace.write(
      'pay.yaml',
      'apiVersion: vbsctl.dev/v1\nkind: RestoreSet\nmetadata: {name: pay}\nspec:\n  restores:\n    - {name: data, volume: {name: pay-db-data}, backup: {as_of: latest}}\n',
    );
    await good('init', '--cloud', 'emulator');
    const none = await workspace.runWithoutCloud('plan', '-f', 'pay.yaml');
    expect(none.stderr).to.include('belongs to the built-in emulator').and.include('add --cloud emulator');
    const other = await workspace.run('plan', '-f', 'pay.yaml');
    expect(other.code).to.equal(5);
    expect(other.stderr).to.include('a different cloud project').and.include('add --cloud emulator');
  });

  it('status reports that there is no state, and completes the addresses in a state', async () => {
    expect(await good('status'))
      .to.include(`There is no state at ${join(workspace.folder, 'vbsctl.state.json')}.`)
      .and.include('vbsctl init');
    await into('restores.yaml', 'generate', '--name', 'pay-*', '--latest', '--set', 'pay');
    expect(await good('__complete', 'wait', 'pay/pay-db-d')).to.equal(':candidates\npay/pay-db-data\t\n');
  });
});
