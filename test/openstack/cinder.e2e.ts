import { setTimeout as sleep } from 'node:timers/promises';
import { expect } from 'chai';
import { randomNumbers } from '../e2e/random-numbers.ts';
import { type SeededDisk, Testbed } from './testbed.ts';
import { VbsFront } from './vbs-front.ts';
import { named, OpenStackWorkspace } from './workspace.ts';

/** What only a cloud of our own can be made to do, judged by the bytes on its disks and by its own log. */
describe('on a real Keystone and Cinder', () => {
  let testbed: Testbed;
  let workspace: OpenStackWorkspace;
  before(async () => {
    testbed = await Testbed.warm();
  });
  afterEach(() => {
    testbed.resetKnobs();
    workspace?.close();
  });

  async function open(count: number, parallelism?: number, api?: string): Promise<SeededDisk[]> {
    const disks = await testbed.seed(count);
    workspace = new OpenStackWorkspace(parallelism, api);
    workspace.declare(named(disks));
    const init = await workspace.run('init');
    expect(init.code, init.stderr).to.equal(0);
    return disks;
  }

  function expectRestored(disks: readonly SeededDisk[], starts = 1): void {
    for (const disk of disks) {
      expect(testbed.isRestored(disk), `the bytes of ${disk.volume_id}`).to.equal(true);
      expect(testbed.starts(disk.volume_id), `starts of ${disk.volume_id}`).to.equal(starts);
    }
  }

  /**
   * Applies until nothing is left to do. What is unknown gets the word of a person, who goes by the bytes on the
   * disk; the number of those comes back.
   */
  async function applyToTheEnd(disks: readonly SeededDisk[]): Promise<number> {
    for (let resolved = 0; ; ) {
      const apply = await workspace.run('apply', '--auto-approve');
      if (apply.code === 0) return resolved;
      expect(apply.code, apply.stdout + apply.stderr).to.equal(3);
      resolved += await resolveUnknown(disks);
    }
  }

  async function resolveUnknown(disks: readonly SeededDisk[]): Promise<number> {
    const unknown = (await workspace.records()).filter(({ status }) => status === 'unknown');
    for (const { address, volume_id } of unknown) {
      const disk = disks.find((candidate) => candidate.volume_id === volume_id);
      if (!disk) throw new Error(`no disk ${volume_id}`);
      const restored = testbed.isRestored(disk);
      expect(testbed.starts(volume_id), `starts of ${address}`).to.equal(restored ? 1 : 0);
      const word = restored ? 'succeeded' : 'not-started';
      const resolve = await workspace.run(
        'resolve',
        address,
        '--as',
        word,
        '--reason',
        'looked at the bytes',
      );
      expect(resolve.code, resolve.stderr).to.equal(0);
    }
    return unknown.length;
  }

  it('restores 40 disks at parallelism 8, killed twice in the middle, each once and byte for byte', async () => {
    const disks = await open(40, 8);
    expect(disks.some((disk) => testbed.isRestored(disk))).to.equal(false);
    // Much longer than the next run takes to look: what is under way at a kill is still seen to be.
    testbed.restoreDelay(25);
    for (const accepted of [6, 4]) {
      const killed = await workspace.applyAndDie('accepted', accepted);
      expect(killed.code, killed.stdout + killed.stderr).to.equal(null);
    }
    testbed.restoreDelay(1);
    await applyToTheEnd(disks);
    expect(await workspace.standing()).to.deep.equal({ succeeded: 40 });
    expectRestored(disks);
    const plan = await workspace.run('plan', '--detailed-exitcode');
    expect(plan.code, plan.stdout + plan.stderr).to.equal(0);
  });

  it('is killed at any moment, requests on their way or not: each once, and honest where it cannot know', async () => {
    const seed = Number(process.env.VBSCTL_E2E_SEED ?? Date.now() % 1_000_000);
    const draw = randomNumbers(seed);
    const disks = await open(24, 6);
    const seen = { kills: 0, 'requests without an answer': 0, unknown: 0 };
    for (let round = 0; round < 6; round++) {
      // Now slow enough to be seen under way by the next run, now over before it can look.
      testbed.restoreDelay(round % 2 === 0 ? 6 : 0);
      // A fast cloud answers within a few of these 400 ms: by chance alone no request might be without its answer.
      const afterMs = round % 3 === 0 ? 0 : draw() * 400;
      const killed = await workspace.applyAndDie('intended', 1 + Math.floor(draw() * 3), afterMs);
      if (killed.code === null) seen.kills++;
      seen['requests without an answer'] += (await workspace.standing()).intended ?? 0;
      seen.unknown += await resolveUnknown(disks);
    }
    seen.unknown += await applyToTheEnd(disks);
    console.log(`    seed ${seed}: ${JSON.stringify(seen)}`);
    expect(await workspace.standing()).to.deep.equal({ succeeded: 24 });
    expectRestored(disks);
    expect(seen.kills).to.be.at.least(3);
    expect(seen['requests without an answer']).to.be.at.least(1);
  });

  it('restores two disks from one backup, one after the other', async () => {
    const [first, second] = await open(2);
    if (!first || !second) throw new Error('no disks');
    const { backup_id } = first;
    workspace.declare(named([first, { volume_id: second.volume_id, backup_id }]));
    testbed.restoreDelay(2);
    const apply = await workspace.run('apply', '--auto-approve');
    expect(apply.code, apply.stdout + apply.stderr).to.equal(0);
    expectRestored([first, { ...second, sha256: first.sha256 }]);
  });

  it('says why a restore failed, and does it again when a person asks', async () => {
    const [disk] = await open(1);
    if (!disk) throw new Error('no disk');
    testbed.failRestores([disk.backup_id]);
    const apply = await workspace.run('apply', '--auto-approve');
    expect(apply.code, apply.stdout + apply.stderr).to.equal(1);
    expect(apply.stdout.replaceAll(/\s+/g, ' '))
      .to.include(
        'the status of the disk is error_restoring: restore backup:Backup driver failed to restore backup.',
      )
      .and.match(/request req-/);
    testbed.resetKnobs();

    const blocked = await workspace.run('apply', '--auto-approve');
    expect(blocked.code, blocked.stdout + blocked.stderr).to.equal(5);
    expect(testbed.starts(disk.volume_id)).to.equal(1);
    await testbed.makeAvailable(disk.volume_id);
    workspace.declare(named([disk]).map((entry) => ({ ...entry, generation: 2 })));
    const again = await workspace.run('apply', '--auto-approve');
    expect(again.code, again.stdout + again.stderr).to.equal(0);
    expectRestored([disk], 2);
  });

  it('waits for a disk in use, and restores it when it is detached', async () => {
    const [disk] = await open(1);
    if (!disk) throw new Error('no disk');
    await testbed.attach(disk.volume_id);
    const plan = await workspace.run('plan');
    expect(plan.stdout).to.include('not ready').and.include('/dev/vdb');
    let waited = false;
    const apply = workspace.apply((event) => {
      waited ||= event.type === 'waiting';
    });
    while (!waited) await sleep(50);
    expect(testbed.starts(disk.volume_id)).to.equal(0);
    await testbed.detach(disk.volume_id);
    const applied = await apply.done;
    expect(applied.code, applied.stdout + applied.stderr).to.equal(0);
    expectRestored([disk]);
  });

  it('is honest about restores that the end of the backup service broke, and goes on with the others', async () => {
    const disks = await open(3, 2);
    testbed.restoreDelay(8);
    const accepted: string[] = [];
    const apply = workspace.apply((event) => {
      if (event.type === 'accepted') accepted.push(event.address);
    });
    while (accepted.length < 2) await sleep(50);
    // The daemon has to have taken the order off the queue, or its successor does it.
    while (disks.filter((disk) => testbed.starts(disk.volume_id) > 0).length < 2) await sleep(50);
    await testbed.killBackupService();
    testbed.restoreDelay(1);
    await testbed.up();
    const applied = await apply.done;
    expect(applied.code, applied.stdout + applied.stderr).to.equal(1);
    expect(await workspace.standing()).to.deep.equal({ failed: 2, succeeded: 1 });
    const broken = disks.filter((_, n) => accepted.slice(0, 2).includes(`night/disk-${n + 1}`));
    expectRestored(disks.filter((disk) => !broken.includes(disk)));

    // Nobody knows how much was written: nothing is done again before a person asks for it.
    const blocked = await workspace.run('apply', '--auto-approve');
    expect(blocked.code, blocked.stdout + blocked.stderr).to.equal(5);
    for (const { volume_id } of broken) await testbed.makeAvailable(volume_id);
    workspace.declare(
      named(disks).map((entry, n) =>
        broken.includes(disks[n] as SeededDisk) ? { ...entry, generation: 2 } : entry,
      ),
    );
    const again = await workspace.run('apply', '--auto-approve');
    expect(again.code, again.stdout + again.stderr).to.equal(0);
    expectRestored(broken, 2);
  });

  it('waits for a backup service that is down, and restores when it is back', async () => {
    const disks = await open(2, 1);
    await testbed.killBackupService();
    await testbed.untilBackupServiceIsDown();
    let refused = 0;
    const apply = workspace.apply((event) => {
      if (event.type === 'answered' && event.answer === 'rejected') refused++;
    });
    while (refused < 2) await sleep(50);
    await testbed.up();
    const applied = await apply.done;
    expect(applied.code, applied.stdout + applied.stderr).to.equal(0);
    expectRestored(disks);
  });

  it('does not let an administrator restore what belongs to another project', async () => {
    workspace = new OpenStackWorkspace();
    workspace.declare(named(await testbed.seed(1)));
    const plan = await workspace.run('plan', '--cloud', 'admin');
    expect(plan.stdout.replaceAll(/\s+/g, ' '))
      .to.match(/disk [-\da-f]{36} belongs to project/)
      .and.match(/backup [-\da-f]{36} belongs to project/);
    const apply = await workspace.run('apply', '--cloud', 'admin', '--auto-approve', '--init-state');
    expect(apply.code, apply.stdout + apply.stderr).to.equal(5);
  });

  it('goes by what a person sees: get → generate → apply --no-wait → status → wait → plan', async () => {
    const disks = await open(3);
    const names = disks.map(({ name }) => name);
    const got = await workspace.run(
      'get',
      'volumes',
      '--output',
      'name',
      ...names.flatMap((n) => ['--name', n]),
    );
    expect(got.stdout.trim().split('\n').sort(), got.stderr).to.deep.equal([...names].sort());
    const backups = await workspace.run('get', 'backups', '--output', 'json');
    for (const { backup_id } of disks) expect(backups.stdout).to.include(backup_id);

    const generated = await workspace.run(
      'generate',
      '--latest',
      ...names.flatMap((name) => ['--name', name]),
    );
    expect(generated.code, generated.stderr).to.equal(0);
    workspace.write('restores.yaml', generated.stdout);
    testbed.restoreDelay(5);
    const submitted = await workspace.run('apply', '--auto-approve', '--no-wait');
    expect(submitted.code, submitted.stdout + submitted.stderr).to.equal(6);
    const underWay = JSON.parse((await workspace.run('status', '--output', 'json')).stdout).open;
    const addresses = underWay.map(({ address }: { address: string }) => address);
    const status = await workspace.run('status', ...addresses);
    expect(status.stdout)
      .to.include('running in the cloud')
      .and.match(/request req-/);
    const waited = await workspace.run('wait');
    expect(waited.code, waited.stdout + waited.stderr).to.equal(0);
    const plan = await workspace.run('plan', '--detailed-exitcode');
    expect(plan.code, plan.stdout + plan.stderr).to.equal(0);
    expectRestored(disks);
  });

  it('restores through a Volume Backup Service in front of it, which api: auto finds in the catalog', async () => {
    const front = new VbsFront(await testbed.origin('volumev3'));
    await front.listen(await testbed.origin('vbs'));
    try {
      const disks = await open(6, 3, 'auto');
      testbed.restoreDelay(8);
      const killed = await workspace.applyAndDie('accepted', 2);
      expect(killed.stderr).to.include('api: auto picked vbs');
      testbed.restoreDelay(1);
      await applyToTheEnd(disks);
      expect(await workspace.standing()).to.deep.equal({ succeeded: 6 });
      expectRestored(disks);
      expect(front.jobs).to.have.property('size', 6);
    } finally {
      await front.close();
    }
  });

  describe('whose tokens live 15 seconds', () => {
    let disks: SeededDisk[];
    before(async () => {
      disks = await testbed.seed(8);
      await testbed.restartKeystone({ TOKEN_TTL: '15' });
    });
    after(async () => {
      await testbed.restartKeystone({});
    });

    it('renews them in the middle of everything', async () => {
      workspace = new OpenStackWorkspace(2);
      workspace.declare(named(disks));
      testbed.restoreDelay(8);
      const apply = await workspace.run('apply', '--auto-approve', '--init-state');
      expect(apply.code, apply.stdout + apply.stderr).to.equal(0);
      expectRestored(disks);
    });
  });
});
