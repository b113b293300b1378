import { createHash } from 'node:crypto';
import { mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { expect } from 'chai';
import { emulatorWorld } from '../../src/cli/emulator-world.ts';
import { canonicalJson } from '../../src/domain/canonical-json.ts';
import type { Finished } from './program.ts';
import { runProgram } from './program-pool.ts';

/** What happens between plan and apply, at the command line, in the world of `--cloud emulator`. */
interface World {
  readonly id: string;
  readonly volumes: { [id: string]: { id: string; name: string; size_gb: number } };
  readonly backups: {
    [id: string]: { id: string; name: string; size_gb: number; volume_id: string; created_ms: number };
  };
}

describe('a saved plan on the command line', () => {
  let folder: string;
  let volume: string;
  let backup: string;

  const path = (name: string) => join(folder, name);
  const run = (...args: string[]): Promise<Finished> =>
    runProgram(args, folder, { VBSCTL_CONFIG: 'vbsctl.yaml' });
  const said = ({ stdout, stderr }: Finished) => (stdout + stderr).replace(/\s+/g, ' ');
  const good = async (...args: string[]) => {
    const finished = await run(...args);
    expect(finished.code, said(finished)).to.equal(0);
    return said(finished);
  };
  const edit = <T>(name: string, change: (value: T) => void) => {
    const file = resolve(folder, name);
    const value = JSON.parse(readFileSync(file, 'utf8')) as T;
    change(value);
    writeFileSync(file, JSON.stringify(value));
  };
  const world = (change: (world: World) => void) =>
    edit(emulatorWorld({ env: {}, home: folder, cwd: folder }), change);
  const declare = (...entries: string[]) =>
    writeFileSync(
      path('restores.yaml'),
      `apiVersion: vbsctl.dev/v1\nkind: RestoreSet\nmetadata: {name: pay}\nspec:\n  restores:\n${entries.map((entry) => `    - {${entry}}\n`).join('')}`,
    );
  const config = (more: string) =>
    writeFileSync(
      path('vbsctl.yaml'),
      `apiVersion: vbsctl.dev/v1\nkind: Config\ncloud: emulator\n${more}poll: {min_interval: 50ms, max_interval: 200ms}\n`,
    );

  beforeEach(async () => {
    folder = mkdtempSync(join(tmpdir(), 'vbsctl-saved-'));
    config('');
    await good('init');
    const [disk] = JSON.parse(
      (await run('get', 'volumes', '--name', 'pay-db-log', '-o', 'json')).stdout,
    ).volumes;
    volume = disk.id;
    const [newest] = JSON.parse(
      (await run('get', 'backups', '--volume', volume, '-o', 'json')).stdout,
    ).backups;
    backup = newest.id;
    declare(`name: log, volume_id: ${volume}, backup: {as_of: latest}`);
  });
  afterEach(() => rmSync(folder, { recursive: true, force: true }));

  async function refused(sentence: string, ...more: string[]): Promise<void> {
    const finished = await run('apply', 'plan.json', ...more);
    expect(finished.code, said(finished)).to.equal(5);
    expect(said(finished)).to.include(sentence).and.include('→');
  }

  const stale: readonly (readonly [
    what: string,
    change: () => void | Promise<void>,
    sentence: string,
    flags?: string[],
  ])[] = [
    [
      'the backup was deleted',
      () => world(({ backups }) => void delete backups[backup]),
      'does not exist in this project and region; the plan made at 20',
    ],
    [
      'the backup was made anew',
      () =>
        world(({ backups }) => {
          const one = backups[backup];
          if (one) one.created_ms += 60_000;
        }),
      'was created at',
    ],
    [
      'the backup has another size',
      () =>
        world(({ backups }) => {
          const one = backups[backup];
          if (one) one.size_gb -= 1;
        }),
      'GB, which differs from the plan approved at 20',
    ],
    [
      'the disk was deleted',
      () => world(({ volumes }) => void delete volumes[volume]),
      `disk ${'VOLUME'} does not exist`,
    ],
    [
      'the disk is smaller',
      () =>
        world(({ volumes }) => {
          const one = volumes[volume];
          if (one) one.size_gb -= 1;
        }),
      'GB',
    ],
    [
      'the disk has another name',
      () =>
        world(({ volumes }) => {
          const one = volumes[volume];
          if (one) one.name = 'old-pay-db-log';
        }),
      'is called old-pay-db-log, not pay-db-log, which differs from the plan approved at 20',
    ],
    [
      'the file was edited',
      () =>
        edit<{ created_at: string }>(
          'plan.json',
          (plan) => void Object.assign(plan, { created_at: '2027-01-01T00:00:00.000Z' }),
        ),
      'was changed after it was made',
    ],
    [
      'another state',
      async () => {
        rmSync(path('vbsctl.state.json'));
        await good('init');
      },
      'has lineage',
    ],
    [
      'another target',
      () => world((one) => Object.assign(one, { id: '00000000-0000-4000-8000-000000000000' })),
      'a different cloud project',
    ],
    ['no state', () => rmSync(path('vbsctl.state.json')), 'there is no state at'],
    ['its time is over', () => {}, '--max-age is 1ms', ['--max-age', '1ms']],
    [
      'another minor release',
      () => forge((plan) => void Object.assign(plan, { tool_version: '9.9.0' })),
      'was made by vbsctl 9.9.0',
    ],
    [
      'somebody restored the disk meanwhile',
      async () => {
        declare(`name: other, volume_id: ${volume}, backup_id: ${backup}`);
        await good('apply', '--auto-approve');
      },
      ' was restored by ',
    ],
  ];
  it('is refused but follows its running restores, whoever started them', async () => {
    await good('plan', '--out', 'plan.json');
    expect((await run('apply', '--auto-approve', '--no-wait')).code).to.equal(6);
    const refusedPlan = await run('apply', 'plan.json');
    expect(refusedPlan.code, said(refusedPlan)).to.equal(5);
    expect(said(refusedPlan)).to.include('pay/log succeeded');
    expect(said(await run('status'))).to.include('No open restores');
  });

  for (const [what, change, sentence, flags = []] of stale)
    it(`is refused with exit code 5: ${what}`, async () => {
      await good('plan', '--out', 'plan.json');
      await change();
      await refused(sentence.replace('VOLUME', volume), ...flags);
      const { stdout } = await run('get', 'volumes', '--volume', volume, '-o', 'json');
      expect(stdout).not.to.include('restoring');
    });

  /** Whoever can write the file can write a digest that fits. */
  function forge(change: (file: { tool_version: string; manifests: unknown[] }) => void): void {
    edit<{ digest: string; tool_version: string; manifests: unknown[] }>('plan.json', (file) => {
      change(file);
      const { digest, ...rest } = file;
      file.digest = createHash('sha256').update(canonicalJson(rest)).digest('hex');
    });
  }

  it('of another patch release is applied once, can always be shown, and is then refused', async () => {
    await good('plan', '--out', 'plan.json');
    const { version } = JSON.parse((await run('version', '--output', 'json')).stdout) as { version: string };
    const patch = version.replace(/\d+$/, (digits) => String(Number(digits) + 7));
    // A device among the manifests must not hold the run up.
    forge((plan) => {
      plan.tool_version = patch;
      plan.manifests.push({ path: '/dev/zero', sha256: '0'.repeat(64) });
    });
    expect(await good('show', 'plan.json'))
      .to.include('1 to restore')
      .and.include(`by vbsctl ${patch}`);
    // Ready or not, and a nightly backup, do not matter.
    world(({ backups }) => {
      const one = backups[backup];
      if (one)
        backups.n = {
          ...one,
          id: '11111111-1111-4111-8111-111111111111',
          name: 'nightly',
          created_ms: one.created_ms + 1_000,
        };
    });
    expect(await good('apply', 'plan.json', '--max-age', '1h')).to.include('1 succeeded');
    await refused('was already applied at 20');
    expect(await good('show', 'plan.json')).to.include('1 to restore');
    expect(await good('plan')).to.include('nothing to do');
  });

  it('records the rule of a noop, so that a newer backup causes no restore', async () => {
    declare(`name: log, volume_id: ${volume}, backup_id: ${backup}`);
    await good('apply', '--auto-approve');
    declare(`name: log, volume_id: ${volume}, backup: {as_of: latest}`);
    const pending = await run('plan', '--out', 'plan.json', '--detailed-exitcode');
    expect(pending.code).to.equal(2);
    expect(said(pending))
      .to.include('its new rule (newest backup)')
      .and.include('1 to update in the state, 1 done');
    await good('apply', 'plan.json');
    await good('apply', 'plan.json');
    world(({ backups }) => {
      const one = backups[backup];
      if (one)
        backups.n = {
          ...one,
          id: '11111111-1111-4111-8111-111111111111',
          name: 'nightly',
          created_ms: one.created_ms + 1_000,
        };
    });
    const after = await run('plan', '--detailed-exitcode');
    expect(after.code, said(after)).to.equal(0);
    declare(`name: log, volume_id: ${volume}, backup: {as_of: latest}, generation: 2`);
    expect(await good('plan'))
      .to.include('nightly')
      .and.include(`${backup} + 11111111-1111-4111-8111-111111111111`)
      .and.include('the backup is 1s newer');
  });

  it('is named as what it is if it is passed as a manifest, and vice versa', async () => {
    expect(await good('plan', '--out', 'plan.json')).to.include('Saved the plan in plan.json, not signed.');
    expect(await good('show', 'plan.json')).to.include('refuses the plan if it was applied before');
    for (const [args, way] of [
      [['apply', 'restores.yaml'], 'apply -f restores.yaml'],
      [['show', 'restores.yaml'], 'plan -f restores.yaml'],
      [['apply', '-f', 'plan.json'], 'vbsctl apply plan.json'],
      [['plan', 'plan.json'], 'vbsctl show plan.json'],
      [['apply', '.'], 'apply -f .'],
    ] as const) {
      const finished = await run(...args);
      expect(finished.code).to.equal(1);
      expect(said(finished)).to.include(way);
    }
    await good('apply', 'plan.json');
    expect(await good('apply')).to.include('Nothing to do. → to restore it again: raise generation to 2 at');
  });

  it('lists the renames that --target excludes', async () => {
    const [other] = JSON.parse(
      (await run('get', 'volumes', '--name', 'pay-db-data', '-o', 'json')).stdout,
    ).volumes;
    declare(`name: log, volume_id: ${volume}, backup_id: ${backup}`);
    await good('apply', '--auto-approve');
    declare(
      `name: renamed, volume_id: ${volume}, backup_id: ${backup}`,
      `name: data, volume_id: ${other.id}, backup: {as_of: latest}`,
    );
    expect(await good('plan', '--target', 'pay/data')).to.include('pay/log → pay/renamed');
  });

  it('lets no checkout choose the state, the config or a quoted text', async () => {
    const checkout = mkdtempSync(join(tmpdir(), 'vbsctl-checkout-'));
    try {
      writeFileSync(join(checkout, 'vbsctl.state.json'), readFileSync(path('vbsctl.state.json')));
      writeFileSync(path('token'), 'ghp_hunter2\n');
      symlinkSync(path('token'), join(checkout, 'restores.yaml'));
      const there = (...args: string[]) => runProgram(args, checkout, { VBSCTL_CONFIG: path('vbsctl.yaml') });
      // The operator's file names no state: it lies beside that file, and not in the checkout.
      expect(JSON.parse((await there('status', '-o', 'json')).stdout).location).to.equal(
        path('vbsctl.state.json'),
      );
      const quoted = await there('validate', '-f', 'restores.yaml');
      expect(quoted.code).to.equal(1);
      expect(said(quoted)).to.include('leads out of the directory').and.not.include('hunter2');
    } finally {
      rmSync(checkout, { recursive: true, force: true });
    }
  });
});
