import { execFileSync } from 'node:child_process';
import { copyFileSync, existsSync, mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect } from 'chai';
import { type Finished, Workspace } from './workspace.ts';

/**
 * A pull request's whole life: plain git repositories, a runner per job, an operator's config that none of them
 * can reach, and a cloud whose own record tells what truly happened.
 */
class Forge {
  readonly workspace: Workspace;
  readonly #origin: string;
  readonly state: string;
  /** Where the pipeline keeps what was approved. */
  readonly approved: string;

  private constructor(workspace: Workspace) {
    this.workspace = workspace;
    this.#origin = join(workspace.folder, 'origin.git');
    this.state = join(workspace.folder, 'ops', 'state.json');
    this.approved = join(workspace.folder, 'ops', 'plan.json');
    mkdirSync(join(workspace.folder, 'ops'));
    git(workspace.folder, 'init', '--quiet', '--bare', '--initial-branch=main', this.#origin);
    workspace.write(
      'ops/vbsctl.yaml',
      `apiVersion: vbsctl.dev/v1
kind: Config
state: state.json
apply: {requests_per_second: 1000, parallelism: 1}
retry: {settle: 1s, min_delay: 50ms, max_delay: 500ms}
poll: {min_interval: 50ms, max_interval: 200ms}
policy: {max_restores: 3, require_labels: [ticket]}
`,
    );
  }

  static async open(): Promise<Forge> {
    const workspace = await Workspace.open({ seed: { volumes: 4, jobDurationMs: 1_500, queueMs: 100 } });
    rmSync(join(workspace.folder, 'vbsctl.yaml'));
    return new Forge(workspace);
  }

  /** A fresh machine with the repository on it. */
  runner(name: string, branch = 'main'): string {
    const folder = join(this.workspace.folder, name);
    git(this.workspace.folder, 'clone', '--quiet', this.#origin, folder);
    git(folder, 'config', 'user.name', 'Ada');
    git(folder, 'config', 'user.email', 'ada@example.org');
    git(folder, 'checkout', '--quiet', '-B', branch);
    return folder;
  }

  get #env() {
    return { VBSCTL_CONFIG: join(this.workspace.folder, 'ops', 'vbsctl.yaml') };
  }

  start(runner: string, ...args: string[]) {
    return this.workspace.startIn(runner, this.#env, ...args);
  }

  run(runner: string, ...args: string[]): Promise<Finished> {
    return this.workspace.runIn(runner, this.#env, ...args);
  }

  volume(n: number): string {
    return Object.keys(this.workspace.cloud.world().volumes)[n] ?? '';
  }

  /** Newest first. */
  backups(n: number) {
    return Object.values(this.workspace.cloud.world().backups)
      .filter((backup) => backup.volume_id === this.volume(n))
      .sort((a, b) => b.created_ms - a.created_ms);
  }

  /** Which backup each disk was restored from, in order, by the cloud's own record. */
  restored(n: number): string[] {
    return this.workspace.cloud
      .audit()
      .restores.filter((restore) => restore.volume_id === this.volume(n))
      .map((restore) => restore.backup_id);
  }
}

function git(cwd: string, ...args: string[]): string {
  return execFileSync('git', args, { cwd, encoding: 'utf8', stdio: ['ignore', 'pipe', 'pipe'] });
}

function push(folder: string, branch: string, message: string): void {
  git(folder, 'add', '-A');
  git(folder, 'commit', '--quiet', '-m', message);
  git(folder, 'push', '--quiet', 'origin', `HEAD:${branch}`);
}

function declare(folder: string, entries: readonly string[], set = 'night'): void {
  writeFileSync(
    join(folder, 'restores.yaml'),
    `apiVersion: vbsctl.dev/v1\nkind: RestoreSet\nmetadata: {name: ${set}, labels: {ticket: CHG-1}}\nspec:\n  restores:\n${entries.map((entry) => `    - {${entry}}`).join('\n')}\n`,
  );
}

function expectExit(finished: Finished, code: number, ...words: string[]): void {
  const said = finished.stdout + finished.stderr;
  expect(finished.code, said).to.equal(code);
  for (const word of words) expect(said.replace(/\s+/g, ' ')).to.include(word);
}

describe('the life of a pull request', () => {
  let forge: Forge;
  beforeEach(async () => {
    forge = await Forge.open();
  });
  afterEach(() => forge.workspace.close());

  it('is approved once, restored once, and a noop afterwards', async () => {
    const { workspace } = forge;
    const [, older] = forge.backups(0);
    const newest = [0, 1, 2].map((n) => forge.backups(n)[0]);

    // Before: one disk was restored from an older backup, and that is what main says.
    const author = forge.runner('author');
    declare(author, [`name: a, volume_id: ${forge.volume(0)}, backup_id: ${older?.id}`]);
    push(author, 'main', 'Restore a');
    const early = forge.runner('early');
    expectExit(await forge.run(early, 'init'), 0);
    expectExit(await forge.run(early, 'apply', '--auto-approve'), 0);

    // Disks attached: somebody works with them while the pull request is reviewed.
    for (const n of [0, 1, 2])
      await workspace.cloud.perform({ action: 'attach', volume_id: forge.volume(n), server: `db${n}` });

    // Proposed and planned.
    const proposal = [
      `name: a, volume_id: ${forge.volume(0)}, backup: {as_of: latest}`,
      `name: b, volume_id: ${forge.volume(1)}, backup: {as_of: latest}`,
    ];
    git(author, 'checkout', '--quiet', '-b', 'change');
    declare(author, proposal);
    push(author, 'change', 'Restore a and b of tonight');
    const first = forge.runner('first', 'change');
    git(first, 'reset', '--quiet', '--hard', 'origin/change');
    expectExit(
      await forge.run(first, 'plan', '--out', 'plan.json'),
      0,
      'not ready: the disk is attached',
      '2 to restore',
    );

    // Changed, planned again, approved.
    declare(author, [...proposal, `name: c, volume_id: ${forge.volume(2)}, backup: {as_of: latest}`]);
    push(author, 'change', 'And c');
    const second = forge.runner('second', 'change');
    git(second, 'reset', '--quiet', '--hard', 'origin/change');
    expectExit(await forge.run(second, 'plan', '--out', 'plan.json'), 0, '3 to restore');
    expectExit(await forge.run(second, 'show', 'plan.json'), 0, '3 to restore', 'vbsctl apply plan.json');
    copyFileSync(join(second, 'plan.json'), forge.approved);
    git(author, 'checkout', '--quiet', 'main');
    git(author, 'merge', '--quiet', '--no-ff', '-m', 'Merge change', 'change');
    git(author, 'push', '--quiet', 'origin', 'main');
    for (const secret of [
      workspace.cloud.credentials.password,
      workspace.cloud.credentials.application_credential_secret,
    ])
      expect(readFileSync(forge.approved, 'utf8')).not.to.include(secret);

    // Meanwhile: detached, and a nightly backup of one disk.
    for (const n of [0, 1, 2])
      await workspace.cloud.perform({ action: 'detach', volume_id: forge.volume(n) });
    await workspace.cloud.perform({
      action: 'backup',
      volume_id: forge.volume(1),
      name: 'nightly',
      duration_ms: 1,
    });

    // Applied on another runner, which is killed in the middle; applied again on one more, which comes before the
    // end of the restore however slow it is to start.
    await workspace.cloud.perform({
      action: 'set-timing',
      backup_id: newest[0]?.id ?? '',
      job_duration_ms: 8_000,
    });
    const third = forge.runner('third');
    const killed = forge.start(third, 'apply', forge.approved);
    while (forge.restored(0).length + forge.restored(1).length + forge.restored(2).length < 2)
      await new Promise((resolve) => setTimeout(resolve, 20));
    killed.kill('SIGKILL');
    expect((await killed.done).code).to.equal(null);
    expectExit(await forge.run(forge.runner('fourth'), 'apply', forge.approved), 0);
    const truth = () => [0, 1, 2].map((n) => forge.restored(n));
    const once = [[older?.id, newest[0]?.id], [newest[1]?.id], [newest[2]?.id]];
    expect(truth(), 'each once, of the backups that were approved').to.deep.equal(once);

    // Once more, and the plan that was never approved.
    const fifth = forge.runner('fifth');
    expectExit(await forge.run(fifth, 'apply', forge.approved), 5, 'was already applied at 20');
    expectExit(
      await forge.run(first, 'apply', 'plan.json'),
      5,
      'the record of night/a has changed since the plan was made',
    );

    // Reverted: a notice, and nothing happens.
    git(author, 'revert', '--no-edit', '-m', '1', 'HEAD');
    git(author, 'push', '--quiet', 'origin', 'main');
    const reverted = forge.runner('reverted');
    expectExit(
      await forge.run(reverted, 'plan', '--out', 'plan.json', '--detailed-exitcode'),
      0,
      'since then night/a restored backup',
      'raise generation to',
    );
    expectExit(await forge.run(reverted, 'apply', 'plan.json'), 0, 'Nothing to do');

    // Renamed: the records move, no disk does.
    declare(
      author,
      [0, 1, 2].map((n) => `name: x${n}, volume_id: ${forge.volume(n)}, backup_id: ${newest[n]?.id}`),
      'renamed',
    );
    push(author, 'main', 'Names');
    const renamed = forge.runner('renamed');
    expectExit(
      await forge.run(renamed, 'plan', '--out', 'plan.json'),
      0,
      'was night/b',
      '3 to rename, 3 done',
    );
    expectExit(await forge.run(renamed, 'apply', 'plan.json'), 0);
    expectExit(await forge.run(renamed, 'apply', 'plan.json'), 5, 'already applied');
    expectExit(await forge.run(renamed, 'plan', '--detailed-exitcode'), 0, '3 done');
    expect(truth()).to.deep.equal(once);

    // A fork that would like to have its own way.
    const fork = forge.runner('fork', 'fork');
    writeFileSync(
      join(fork, 'vbsctl.yaml'),
      'apiVersion: vbsctl.dev/v1\nkind: Config\nstate: forked.json\npolicy: {max_restores: 1000, require_labels: []}\n',
    );
    declare(
      fork,
      [0, 1, 2, 3].map(
        (n) =>
          `name: f${n}, volume_id: ${forge.volume(n)}, backup_id: ${forge.backups(n)[0]?.id}, generation: 7`,
      ),
    );
    push(fork, 'fork', 'More');
    expectExit(
      await forge.run(fork, 'plan', '--detailed-exitcode'),
      5,
      'state of this file is ignored',
      'policy.max_restores 1000 of this file is ignored: it would loosen 3',
      'policy.require_labels [] of this file is ignored',
      'the plan has 4 restores, the limit is 3',
      '--allow-more-restores',
    );
    expectExit(await forge.run(fork, 'apply', '--auto-approve'), 5);
    expect(existsSync(join(fork, 'forked.json'))).to.equal(false);

    // The state is gone: nobody can tell any more what was done.
    rmSync(forge.state);
    expectExit(await forge.run(renamed, 'apply', forge.approved), 5, 'there is no state at');
    expect(truth()).to.deep.equal(once);
  });
});
