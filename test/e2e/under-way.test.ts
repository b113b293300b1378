import { mkdirSync, renameSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect } from 'chai';
import { type Finished, Workspace } from './workspace.ts';

/** Exit codes and summaries over everything declared, and what is followed when nothing new may start. */
describe('a run beside open restores', () => {
  let workspace: Workspace;
  beforeEach(async () => {
    workspace = await Workspace.open({ seed: { volumes: 5, jobDurationMs: 200 } });
    config('');
    await workspace.run('init');
  });
  afterEach(() => workspace.close());

  const said = ({ stdout, stderr }: Finished) => (stdout + stderr).replace(/\s+/g, ' ');
  const config = (policy: string) =>
    workspace.write(
      'vbsctl.yaml',
      `apiVersion: vbsctl.dev/v1
kind: Config
state: vbsctl.state.json
apply: {requests_per_second: 1000, max_failures: 0}
retry: {settle: 1s, min_delay: 50ms, max_delay: 500ms}
poll: {min_interval: 50ms, max_interval: 200ms}
${policy}`,
    );
  const volume = (n: number) => Object.keys(workspace.cloud.world().volumes)[n] ?? '';
  const apply = (...more: string[]) => workspace.run('apply', '--auto-approve', ...more);
  const records = async () =>
    Object.fromEntries(
      (
        JSON.parse((await workspace.run('state', 'list', '--output', 'json')).stdout).records as {
          address: string;
          status: string;
        }[]
      ).map(({ address, status }) => [address, status]),
    );

  /** `night/disk-0` is unknown: its answer was lost, and it was over before anybody could look. */
  async function unknownFirst(): Promise<void> {
    await workspace.cloud.setFaults({
      rules: [
        {
          match: { route: 'restore', volume_id: volume(0) },
          effect: { kind: 'hang', when: 'after', for_ms: 60_000 },
        },
      ],
    });
    await workspace.cloud.perform({ action: 'settings', settings: { job_duration_ms: 100 } });
    workspace.declare(1);
    const first = workspace.start('apply', '--auto-approve');
    while (workspace.starts().length === 0) await new Promise((resolve) => setImmediate(resolve));
    first.kill('SIGKILL');
    await first.done;
    while (workspace.cloud.world().volumes[volume(0)]?.status !== 'available')
      await new Promise((resolve) => setTimeout(resolve, 20));
    expect((await apply()).code).to.equal(3);
    expect(await records()).to.deep.equal({ 'night/disk-0': 'unknown' });
    await workspace.cloud.setFaults({ rules: [] });
  }

  it('exits with 3 while a declared restore is unknown, and lists what it left out', async () => {
    await unknownFirst();
    workspace.declare(3);
    const refused = await apply();
    expect(refused.code, said(refused)).to.equal(3);
    expect(workspace.starts()).to.deep.equal([1]);
    const partly = await apply('--skip-blocked');
    expect(partly.code, said(partly)).to.equal(3);
    expect(said(partly))
      .to.include('Apply: 2 succeeded, 1 unknown.')
      .and.include('vbsctl resolve night/disk-0 --as')
      .and.include('blocked, left out');
    const again = await apply('--skip-blocked');
    expect(again.code, said(again)).to.equal(3);
    expect(said(again)).to.include('Apply: 1 unknown, 2 done before.');
    const lines = (await apply('--skip-blocked', '--output', 'json')).stdout.trim().split('\n');
    const events = lines.map((line) => JSON.parse(line) as { type: string; end?: { kind: string } });
    expect(events.find(({ type }) => type === 'ended')?.end?.kind).to.equal('blocked');
    expect(events.map(({ type }) => type)).to.include('run_ended');
    expect(workspace.starts()).to.deep.equal([1, 1, 1]);
  });

  it('says that --target selects a part, and names unknown restores outside of it', async () => {
    await unknownFirst();
    workspace.declare(3);
    const part = await apply('--target', 'night/disk-1');
    expect(part.code, said(part)).to.equal(0);
    expect(said(part))
      .to.include('--target leaves out 2 other declared restores')
      .and.include('--target leaves out 1 declared restore of unknown outcome: night/disk-0');
  });

  it('follows without confirmation if it sends nothing', async () => {
    await workspace.cloud.perform({ action: 'settings', settings: { job_duration_ms: 2_000 } });
    workspace.declare(2);
    expect((await apply('--no-wait')).code).to.equal(6);
    const run = await workspace.run('apply');
    expect(run.code, said(run)).to.equal(0);
    expect(said(run)).to.include('Apply: 2 succeeded.');
  });

  /** Two restores under way, left by `--no-wait`. */
  async function twoUnderWay(): Promise<void> {
    await workspace.cloud.perform({ action: 'settings', settings: { job_duration_ms: 2_000 } });
    workspace.declare(2);
    expect((await apply('--no-wait')).code).to.equal(6);
    workspace.declare(4);
  }

  for (const [what, policy, code] of [
    ['a policy blocks something', () => `policy: {protected_volumes: [${volume(3)}]}\n`, 5],
    ['the plan is beyond a limit', () => 'policy: {max_restores: 1}\n', 5],
  ] as const)
    it(`follows running restores to their end, starts nothing, and exits with ${code} if ${what}`, async () => {
      await twoUnderWay();
      config(policy());
      // Nobody needs to say yes: nothing is sent.
      const run = await workspace.run('apply');
      expect(run.code, said(run)).to.equal(code);
      expect(said(run)).to.include('Apply: 2 succeeded, 2 blocked.').and.include('nothing new is started');
      expect(workspace.starts()).to.deep.equal([1, 1]);
      expect(await records()).to.deep.equal({ 'night/disk-0': 'succeeded', 'night/disk-1': 'succeeded' });
    });

  for (const [command, title] of [
    ['apply', 'Apply'],
    ['wait', 'Wait'],
  ] as const)
    it(`follows a running restore beside an unknown one, and exits with 3: ${command}`, async () => {
      await unknownFirst();
      await workspace.cloud.perform({ action: 'settings', settings: { job_duration_ms: 2_000 } });
      workspace.declare(3);
      expect((await apply('--no-wait', '--skip-blocked')).code).to.equal(3);
      expect((await workspace.run('plan', '--detailed-exitcode')).code).to.equal(3);
      const run = await workspace.run(command);
      expect(run.code, said(run)).to.equal(3);
      expect(said(run)).to.include(`${title}: 2 succeeded, 1 unknown.`);
    });

  it('follows the restores of a saved plan, even if it is stale', async () => {
    await workspace.cloud.perform({ action: 'settings', settings: { job_duration_ms: 2_000 } });
    workspace.declare(2);
    await workspace.run('plan', '--out', 'plan.json');
    expect((await workspace.run('apply', 'plan.json', '--no-wait')).code).to.equal(6);
    const stale = await workspace.run('apply', 'plan.json', '--max-age', '1ms');
    expect(stale.code, said(stale)).to.equal(5);
    expect(said(stale)).to.include('--max-age is 1ms').and.include('Apply: 2 succeeded.');
    expect(await records()).to.deep.equal({ 'night/disk-0': 'succeeded', 'night/disk-1': 'succeeded' });
  });

  /** `night/disk-0` is begun: its run died while its request hung, and the cloud did nothing. */
  async function begun(...args: string[]): Promise<void> {
    await workspace.cloud.setFaults({
      rules: [{ match: { route: 'restore' }, effect: { kind: 'hang', when: 'before', for_ms: 60_000 } }],
    });
    const first = workspace.start('apply', ...args);
    while ((workspace.cloud.audit().requests.restore ?? 0) === 0)
      await new Promise((resolve) => setImmediate(resolve));
    first.kill('SIGKILL');
    await first.done;
    await workspace.cloud.setFaults({ rules: [] });
  }

  it('uses the settle of a config found by -f even if wait and resolve do not find it', async () => {
    workspace.declare(1);
    const cwd = join(workspace.folder, 'elsewhere');
    mkdirSync(join(cwd, 'manifests'), { recursive: true });
    renameSync(join(workspace.folder, 'restores.yaml'), join(cwd, 'manifests/restores.yaml'));
    writeFileSync(
      join(cwd, 'manifests/vbsctl.yaml'),
      'apiVersion: vbsctl.dev/v1\nkind: Config\nretry: {settle: 11m}\n',
    );
    const start = (...args: string[]) =>
      workspace.startIn(cwd, {}, ...args, '--state', join(workspace.folder, 'vbsctl.state.json'));
    await workspace.cloud.setFaults({
      rules: [{ match: { route: 'restore' }, effect: { kind: 'reset', when: 'before' } }],
    });
    for (const [args, saying] of [
      [['apply', '-f', 'manifests', '--auto-approve'], 'may still start within 11m'],
      [['wait'], 'may still start within 11m'],
      [['resolve', 'night/disk-0', '--as', 'not-started', '--reason', 'x'], 'for up to 11m (retry.settle)'],
    ] as const) {
      const running = start(...args);
      await running.says(saying);
      running.kill('SIGINT');
      expect((await running.done).code).to.equal(130);
    }
    expect(workspace.starts()).to.deep.equal([]);
  });

  it('does not repeat a request of a saved plan that the current policy refuses', async () => {
    workspace.declare(1);
    await workspace.run('plan', '--out', 'plan.json');
    await begun('plan.json');
    config('policy: {protected_volumes: ["*"]}\n');
    const again = await workspace.run('apply', 'plan.json');
    expect(again.code, said(again)).to.equal(5);
    expect(said(again)).to.include('is protected by *').and.include('not sent again');
    expect(workspace.starts()).to.deep.equal([]);
    const lifted = await workspace.run('apply', 'plan.json', '--allow-protected-volumes');
    expect(lifted.code, said(lifted)).to.equal(0);
    expect(workspace.starts()).to.deep.equal([1]);
  });

  it('repeats a request that the current policy refuses only if a flag lifts the limit', async () => {
    workspace.declare(1);
    await begun('--auto-approve');
    config(`policy: {protected_volumes: [${volume(0)}], allowed_sets: []}\n`);
    const plan = await workspace.run('plan');
    expect(said(plan)).to.include('not sent again').and.include('--allow-protected-volumes');
    for (const again of [await apply(), await apply('--allow-other-sets')]) {
      expect(again.code, said(again)).to.equal(5);
      expect(said(again))
        .to.include('is protected by')
        .and.include('vbsctl resolve night/disk-0 --as not-started');
      expect(workspace.starts()).to.deep.equal([]);
      expect(await records()).to.deep.equal({ 'night/disk-0': 'intended' });
    }
    const lifted = await apply('--allow-other-sets', '--allow-protected-volumes');
    expect(lifted.code, said(lifted)).to.equal(0);
    expect(workspace.starts()).to.deep.equal([1]);
  });
});
