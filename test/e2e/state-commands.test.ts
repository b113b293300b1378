import { execFileSync } from 'node:child_process';
import { existsSync, mkdirSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import { expect } from 'chai';
import type { RestoreRecord } from '../../src/domain/record.ts';
import { advance } from '../../src/domain/record-transitions.ts';
import { encodeUnsaved } from '../../src/state/unsaved-codec.ts';
import { intendEvent } from '../state/samples.ts';
import { type Finished, Workspace } from './workspace.ts';

describe('the state commands', () => {
  let workspace: Workspace;
  beforeEach(async () => {
    workspace = await Workspace.open({ seed: { volumes: 3, jobDurationMs: 200, queueMs: 10 } });
    workspace.declare(2);
    await ok('init');
    await ok('apply', '--auto-approve');
  });
  afterEach(() => workspace.close());

  const STATE = 'vbsctl.state.json';
  /** A state file as its copies have it: the key of its journal is for the file alone. */
  const withoutKey = (text: string) => text.replace(/^ {2}"journal_key": "[^"]+",\n/m, '');
  const said = ({ stdout, stderr }: Finished) => (stdout + stderr).replace(/\s+/g, ' ');
  async function ok(...args: string[]): Promise<Finished> {
    const finished = await workspace.run(...args);
    expect(finished.code, said(finished)).to.equal(0);
    return finished;
  }
  async function refused(...args: string[]): Promise<string> {
    const before = workspace.read(STATE);
    const finished = await workspace.run(...args);
    expect(finished.code, said(finished)).to.equal(5);
    expect(workspace.read(STATE), 'nothing was changed').to.equal(before);
    return said(finished);
  }
  const addresses = async (...more: string[]) =>
    JSON.parse((await ok('state', 'list', '-o', 'json', ...more)).stdout).records.map(
      (r: RestoreRecord) => r.address,
    );

  it('rm removes a record with a backup, and its restore is not done again', async () => {
    const before = workspace.read(STATE);
    const dry = await ok('state', 'rm', 'night/disk-0', '--dry-run');
    expect(said(dry)).to.include('night/disk-0 succeeded').and.include('dry run');
    expect(workspace.read(STATE)).to.equal(before);
    const done = said(await ok('state', 'rm', 'night/disk-0', 'night/disk-1'));
    const backup = /previous state: (\S+)/.exec(done)?.[1] ?? '';
    expect(workspace.read(backup)).to.equal(withoutKey(before));
    expect(await addresses()).to.deep.equal([]);
    expect(said(await ok('plan'))).to.include('nothing to do, 2 done');
    expect(said(await ok('apply', '--auto-approve'))).to.include('Nothing to do');
    expect(workspace.starts()).to.deep.equal([1, 1]);
    expect(said(await ok('state', 'history'))).to.include('state rm night/disk-0 record removed');
    await ok('state', 'verify');
    expect((await workspace.run('state', 'rm', 'night/disk-0')).code).to.equal(1);
  });

  it('suggest a generation that no record or history entry uses', async () => {
    await workspace.cloud.setFaults({
      rules: [{ match: { route: 'restore' }, times: 'always', effect: { kind: 'restore_fails' } }],
    });
    const declared = workspace.read('restores.yaml');
    const raise = (to: number) => declared.replace('{name: disk-0', `{generation: ${to}, name: disk-0`);
    workspace.write('restores.yaml', raise(2));
    expect(said(await workspace.run('apply', '--auto-approve'))).to.include(
      'raise generation to 3 at restores.yaml:',
    );
    const [volume_id = ''] = Object.keys(workspace.cloud.world().volumes);
    await workspace.cloud.perform({ action: 'set-status', volume_id, status: 'available' });
    workspace.write('restores.yaml', raise(3).replaceAll('night', 'day'));
    const again = await workspace.run('apply', '--auto-approve', '--target', 'day/disk-0');
    expect(said(again)).to.include('raise generation to 4');
    expect(said(await ok('state', 'show', 'night/disk-0'))).to.include('raise generation to 4, then');
    const settled = await ok('resolve', 'night/disk-0', '--as', 'failed', '--reason', 'half of it');
    expect(said(settled)).to.include('raise generation to 4, then');
    workspace.write('restores.yaml', raise(2));
    expect(said(await workspace.run('plan'))).to.include('raise generation to 4');
  });

  it('rm refuses an open record, and names the remedy', async () => {
    workspace.declare(3);
    await workspace.cloud.perform({ action: 'set-timing', backup_id: backupOf(2), job_duration_ms: 60_000 });
    expect((await workspace.run('apply', '--auto-approve', '--no-wait')).code).to.equal(6);
    const why = await refused('state', 'rm', 'night/disk-2', 'night/disk-0');
    expect(why).to.include('night/disk-2 is running').and.include('vbsctl wait night/disk-2');
    // a rename keeps it open, and the record with its job
    await ok('state', 'mv', 'night/disk-2', 'elsewhere/x');
    const shown = JSON.parse((await ok('state', 'show', 'elsewhere/x', '-o', 'json')).stdout);
    expect(shown).to.include({ status: 'running' }).and.have.property('job_id').that.is.a('string');
    expect(said(await workspace.run('plan'))).to.include('was elsewhere/x');
    await ok('state', 'verify');
  });

  const backupOf = (n: number) => {
    const { volumes, backups } = workspace.cloud.world();
    const volume = Object.keys(volumes)[n];
    return Object.values(backups).find((each) => each.volume_id === volume)?.id ?? '';
  };

  it('mv renames to any free address', async () => {
    expect(await refused('state', 'mv', 'night/disk-0', 'night/disk-1')).to.include('already has a record');
    expect((await workspace.run('state', 'mv', 'night/disk-0', 'No Address')).code).to.equal(1);
    expect(said(await ok('state', 'mv', 'night/disk-0', 'not-declared/x', '--dry-run'))).to.include(
      'dry run',
    );
    await ok('state', 'mv', 'night/disk-0', 'not-declared/x', '--backup', 'kept.json');
    expect(existsSync(join(workspace.folder, 'kept.json'))).to.equal(true);
    expect(await addresses()).to.deep.equal(['night/disk-1', 'not-declared/x']);
    const again = await workspace.run('state', 'mv', 'not-declared/x', 'y/z', '--backup', 'kept.json');
    expect(again.code, said(again)).to.equal(1);
    expect(said(again)).to.include('it already exists, with other content');
    expect(await addresses(), 'no backup, no change').to.deep.equal(['night/disk-1', 'not-declared/x']);
  });

  it('push replaces the state only if it loses nothing or a flag allows it', async () => {
    const { stdout: copy } = await ok('state', 'pull');
    expect(copy).to.equal(withoutKey(workspace.read(STATE)));
    workspace.write('copy.json', copy);
    expect(said(await ok('state', 'push', 'copy.json'))).to.include('Nothing to do');
    workspace.declare(3);
    await ok('apply', '--auto-approve');
    expect(await refused('state', 'push', 'copy.json')).to.match(
      /serial \d+ is not higher than \d+.*--allow-older-serial.*could be started again: night\/disk-2.*--allow-forgotten-restores/,
    );
    expect(await refused('state', 'push', 'copy.json', '--allow-older-serial')).to.include('night/disk-2');
    const risks = ['--allow-older-serial', '--allow-forgotten-restores'];
    expect(said(await ok('state', 'push', 'copy.json', ...risks, '--dry-run'))).to.include('Would write 2');
    expect(await addresses()).to.have.length(3);
    const pushed = said(await ok('state', 'push', 'copy.json', ...risks));
    expect(await addresses()).to.have.length(2);
    const backup = /previous state: (\S+)/.exec(pushed)?.[1] ?? '';
    // and back again: the serial is higher than both by now
    await ok('state', 'push', backup, '--allow-older-serial');
    expect(await addresses()).to.have.length(3);
    expect(said(await ok('state', 'history'))).to.include('replaced serial');
    await ok('state', 'verify');
    expect(said(await ok('apply', '--auto-approve'))).to.include('Nothing to do');
  });

  it('push refuses another lineage, or a shorter history, without its flag', async () => {
    const other = workspace.read(STATE).replace(/"lineage": "[^"]+"/, '"lineage": "another"');
    workspace.write('other.json', other);
    const broken = await refused('state', 'push', 'other.json');
    expect(broken, 'the chain begins with the lineage').to.include('was changed from entry 1');
    await ok('state', 'accept', '--state', 'other.json', '--reason', 'a test', '--auto-approve');
    const why = await refused('state', 'push', 'other.json');
    expect(why).to.include('--allow-other-lineage').and.include('another');
    await ok('state', 'push', 'other.json', '--allow-other-lineage');
    workspace.write('else.json', '{"version": 4}');
    const foreign = await workspace.run('state', 'push', 'else.json');
    expect(foreign.code).to.equal(5);
    expect(said(foreign)).to.match(
      /else.json: this is not a state of vbsctl.*→ name a file that was written by vbsctl state pull/,
    );
    expect(said(await ok('state', 'verify')))
      .to.include('which')
      .and.include('accepted');
  });

  it('push merges records that a run could not save, and only into its own state', async () => {
    const { lineage, serial, target } = JSON.parse(workspace.read(STATE));
    const begun = advance(undefined, intendEvent('late/one'));
    const shown = await ok('state', 'show', 'night/disk-0', '-o', 'json');
    const { format: _, ...known }: RestoreRecord & { format: number } = JSON.parse(shown.stdout);
    const running = advance(begun, { type: 'accept', at: begun.updated_at, job_id: 'job-77' });
    const file = (records: RestoreRecord[], more = {}) =>
      workspace.write(
        'errored.state.json',
        encodeUnsaved({
          state: STATE,
          lineage,
          serial,
          target,
          saved_at: begun.updated_at,
          records,
          ...more,
        }),
      );
    file([running], { lineage: 'another' });
    expect(await refused('state', 'push', 'errored.state.json')).to.include('belongs to another state');
    file([running, known]);
    expect(said(await ok('state', 'push', 'errored.state.json', '--dry-run'))).to.match(
      /\+ late\/one no record → running \(job job-77\) = night\/disk-0 already in the state: succeeded/,
    );
    const merged = said(await ok('state', 'push', 'errored.state.json'));
    expect(merged).to.include('Saved 1 record').and.include('.backup');
    expect(JSON.parse((await ok('state', 'show', 'late/one', '-o', 'json')).stdout)).to.include({
      status: 'running',
      job_id: 'job-77',
    });
    expect(said(await ok('state', 'push', 'errored.state.json'))).to.include('Nothing to save');
    const contrary = { ...running, attempts: [{ intended_at: '2020-01-01T00:00:00.000Z' }] };
    file([contrary]);
    const not = await workspace.run('state', 'push', 'errored.state.json');
    expect(not.code).to.equal(1);
    expect(said(not)).to.include('late/one was not merged').and.include('vbsctl state show late/one');
    workspace.write(
      'errored.state.json',
      workspace.read('errored.state.json').replace('"running"', '"walking"'),
    );
    expect(said(await workspace.run('state', 'push', 'errored.state.json'))).to.include(
      'status: expected one of',
    );
  });

  it('push brings back an accepted restore that a run could not save, and it is followed to its end', async () => {
    workspace.declare(3);
    await workspace.cloud.setFaults({
      rules: [{ match: { route: 'restore' }, times: 'always', effect: { kind: 'slow', delay_ms: 4_000 } }],
    });
    const apply = workspace.start('apply', '--auto-approve');
    const openNow = async () =>
      JSON.parse((await ok('state', 'list', '-o', 'json')).stdout).records.find(
        (r: RestoreRecord) => r.status === 'intended',
      );
    while (!(await openNow())) await new Promise((resolve) => setTimeout(resolve, 20));
    const { lock } = JSON.parse((await ok('state', 'lock-info', '-o', 'json')).stdout);
    await ok('unlock', lock.id, '--auto-approve'); // by mistake: that run lives
    await ok('state', 'mv', 'night/disk-0', 'other/x'); // and another one takes over
    const ended = await apply.done;
    expect(ended.code, said(ended)).to.equal(1);
    expect(said(ended)).to.match(/could not be saved.*vbsctl state push \S+errored.state.json/);
    expect(await openNow(), 'the state only knows the intent').to.not.equal(undefined);
    expect(said(await ok('state', 'push', 'errored.state.json'))).to.match(
      /\+ night\/disk-2 begun → running \(job [\w-]+\) Saved 1 record/,
    );
    await workspace.cloud.setFaults({ rules: [] });
    await ok('wait');
    expect(workspace.starts()).to.deep.equal([1, 1, 1]);
    await ok('state', 'verify');
  });

  it('history shows who did what, from which commit and with which plan', async () => {
    const git = (...args: string[]) =>
      execFileSync('git', ['-c', 'user.name=A', '-c', 'user.email=a@example.org', ...args], {
        cwd: workspace.folder,
        encoding: 'utf8',
      }).trim();
    git('init', '--quiet');
    git('commit', '--quiet', '--allow-empty', '--message=x');
    workspace.declare(3);
    await ok('plan', '--out', 'plan.json');
    await ok('apply', 'plan.json');
    const [begun, entry, ...others] = JSON.parse(
      (await ok('state', 'history', '--address', 'night/disk-2', '--since', '1h', '-o', 'json')).stdout,
    ).entries;
    expect(others).to.deep.equal([]);
    expect(begun).to.deep.include({
      event: 'begun',
      address: 'night/disk-2',
      outcome: null,
      volume_id: entry.volume_id,
      backup_name: entry.backup_name,
      generation: 1,
    });
    expect(entry).to.deep.include({
      event: 'closed',
      outcome: 'succeeded',
      git_commit: git('rev-parse', 'HEAD'),
    });
    expect(entry.plan_digest).to.equal(JSON.parse(workspace.read('plan.json')).digest);
    expect(entry.job_id).to.be.a('string').and.not.equal('');
    const volume = Object.keys(workspace.cloud.world().volumes)[2] ?? '';
    expect(said(await ok('state', 'history', '--volume', volume))).to.include('2 entries of 6.');
    expect(said(await ok('state', 'history', '--since', '2099-01-01T00:00:00Z'))).to.include(
      '0 entries of 6',
    );
  });

  it('verify shows where the history was changed, and the entry before it', async () => {
    await ok('state', 'verify');
    const lines = workspace.read(STATE).split('\n');
    const first = lines.findIndex((line) => line.includes('"history"')) + 1;
    workspace.write(
      'forged.json',
      lines.with(first + 1, lines[first + 1]?.replace('"apply"', '"other"') ?? '').join('\n'),
    );
    const forged = await workspace.run('state', 'verify', '--state', 'forged.json');
    expect(forged.code).to.equal(1);
    expect(said(forged)).to.match(/from entry 2 of 4 on: .*Entry 1 is unchanged: begun night\/disk-/);
    workspace.write('cut.json', lines.toSpliced(first, 1).join('\n'));
    expect(said(await workspace.run('state', 'verify', '--state', 'cut.json'))).to.match(
      /from entry 1 of 3 on: .*It is the first/,
    );
    const json = JSON.parse(
      (await workspace.run('state', 'verify', '--state', 'forged.json', '-o', 'json')).stdout,
    );
    expect(json).to.include({ valid: false, entries: 4 });
    expect(json.broken).to.include({ index: 1 });
  });

  it('migrate moves the state, and the old location is refused until it is moved back', async () => {
    mkdirSync(join(workspace.folder, 'far'));
    const before = withoutKey(workspace.read(STATE));
    expect(said(await ok('state', 'migrate', '--to', 'far/s.json', '--dry-run'))).to.include('Would copy 2');
    expect(readdirSync(join(workspace.folder, 'far'))).to.deep.equal([]);
    expect((await workspace.run('state', 'migrate', '--to', STATE)).code).to.equal(1);
    await ok('state', 'migrate', '--to', 'far/s.json');
    expect(withoutKey(workspace.read('far/s.json'))).to.equal(before);
    for (const command of [
      ['plan'],
      ['apply', '--auto-approve'],
      ['status'],
      ['state', 'rm', 'night/disk-0'],
      ['state', 'push', 'far/s.json'],
      ['state', 'migrate', '--to', 'third.json'],
    ])
      expect(await refused(...command), command.join(' ')).to.match(
        /was migrated to .*state migrate --state \S+ --to/,
      );
    expect(await addresses()).to.have.length(2); // to look at it is fine

    const far = ['--state', 'far/s.json'];
    expect(said(await ok('plan', ...far))).to.include('2 done');
    await ok('state', 'migrate', ...far, '--to', STATE);
    expect(said(await ok('plan'))).to.include('2 done');
    expect((await workspace.run('plan', ...far)).code).to.equal(5);

    // there and on, and back with what was done
    await ok('state', 'migrate', '--to', 'far/s.json');
    workspace.declare(3);
    await ok('apply', '--auto-approve', ...far);
    await ok('state', 'migrate', ...far, '--to', STATE);
    expect(await addresses()).to.have.length(3);
    await ok('state', 'verify');
    expect(said(await ok('apply', '--auto-approve'))).to.include('Nothing to do');
    expect(workspace.starts()).to.deep.equal([1, 1, 1]);
  });

  it('migrate continues a move that was killed between the copy and the mark', async () => {
    workspace.write('far.json', workspace.read(STATE));
    const moved = said(await ok('state', 'migrate', '--to', 'far.json'));
    expect(moved).to.include('was there: ').and.include('far.json.serial-');
    expect((await workspace.run('plan')).code).to.equal(5);
    expect(said(await ok('plan', '--state', 'far.json'))).to.include('2 done');
  });

  it('reopens the old location by a flag if the new one is lost', async () => {
    expect(await refused('state', 'migrate', '--undo')).to.include('was not migrated');
    mkdirSync(join(workspace.folder, 'far'));
    await ok('state', 'migrate', '--to', 'far/s.json');
    execFileSync('rm', [join(workspace.folder, 'far', 's.json')]);
    const why = await refused('state', 'migrate', '--undo');
    expect(why).to.match(/--state \S+far\/s.json --to vbsctl.state.json.*--allow-lost-work/);
    expect(said(await ok('state', 'migrate', '--undo', '--allow-lost-work', '--dry-run'))).to.include(
      'dry run',
    );
    expect((await workspace.run('plan')).code).to.equal(5);
    await ok('state', 'migrate', '--undo', '--allow-lost-work');
    expect(said(await ok('plan'))).to.include('2 done');
  });

  it('migrate overwrites no state that would be lost', async () => {
    workspace.write('vbsctl2.yaml', workspace.read('vbsctl.yaml').replace(STATE, 'other.json'));
    const other = ['--config', 'vbsctl2.yaml'];
    await ok('init', ...other);
    expect(await refused('state', 'migrate', '--to', 'other.json')).to.include('--allow-other-lineage');
    const moved = said(await ok('state', 'migrate', '--to', 'other.json', '--allow-other-lineage'));
    expect(workspace.read(/was there: (\S+)/.exec(moved)?.[1]?.split('/').at(-1) ?? '')).to.include(
      '"serial": 1',
    );
    expect(await addresses(...other)).to.have.length(2);
  });

  it('lock-info shows who holds the lock', async () => {
    expect(said(await ok('state', 'lock-info'))).to.include('not locked');
    workspace.declare(3);
    await workspace.cloud.perform({ action: 'set-timing', backup_id: backupOf(2), job_duration_ms: 60_000 });
    const apply = workspace.start('apply', '--auto-approve');
    let lock = null;
    while (lock === null) lock = JSON.parse((await ok('state', 'lock-info', '-o', 'json')).stdout).lock;
    expect(lock).to.include({ operation: 'apply', pid: apply.pid });
    const locked = await workspace.run('state', 'rm', 'night/disk-0');
    expect(locked.code).to.equal(4);
    apply.kill('SIGINT');
    await apply.done;
  });
});

describe('a state on an ephemeral machine', () => {
  let workspace: Workspace;
  beforeEach(async () => {
    workspace = await Workspace.open({ seed: { volumes: 1, jobDurationMs: 200, queueMs: 10 } });
    workspace.declare(1);
  });
  afterEach(() => workspace.close());

  for (const env of [
    { CI: 'true' },
    { KUBERNETES_SERVICE_HOST: '10.0.0.1' },
    { TF_BUILD: 'True' },
    { CODEBUILD_BUILD_ID: 'restores:1' },
    { GITHUB_ACTIONS: 'true' },
  ])
    it(`is refused without a flag if the environment has ${Object.keys(env)}`, async () => {
      const run = (...args: string[]) => workspace.runIn(workspace.folder, env, ...args);
      for (const command of [
        ['init'],
        ['apply', '--auto-approve', '--init-state'],
        ['wait'],
        ['state', 'rm', 'night/disk-0'],
        ['resolve', 'night/disk-0', '--as', 'failed', '--reason', 'x'],
        ['import', 'night/disk-0', '--job-id', 'x'],
      ]) {
        const { code, stderr } = await run(...command);
        expect(code, `${command.join(' ')}: ${stderr}`).to.equal(5);
        expect(stderr).to.include('--state').and.include(Object.keys(env)[0]);
      }
      expect(existsSync(join(workspace.folder, 'vbsctl.state.json'))).to.equal(false);
      expect((await run('plan')).code, 'to look is fine').to.equal(0);
      const named = ['--state', 'vbsctl.state.json'];
      expect((await run('apply', '--auto-approve', '--init-state', ...named)).code).to.equal(0);
      expect(workspace.starts()).to.deep.equal([1]);
    });

  it('is refused by every command that reads a config with another required_version', async () => {
    workspace.write(
      'vbsctl.yaml',
      `${workspace.read('vbsctl.yaml')}required_version: '>=99'\nfrom_the_future: 1\n`,
    );
    for (const command of [['plan'], ['init'], ['state', 'list'], ['status']]) {
      const { code, stderr } = await workspace.run(...command);
      expect(code, command.join(' ')).to.equal(5);
      expect(stderr)
        .to.match(/this is vbsctl 0\.\S+, and >=99 is required/)
        .and.not.include('from_the_future:');
    }
  });
});
