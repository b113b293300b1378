// `npm run e2e`: the built program against real servers. Either
//   - a Keystone and Cinder on this machine, started and stopped here, from the folder that VBSCTL_TESTBED names (or
//     ../shared/openstack beside this repository): Debian and root, for it installs packages; or
//   - a cloud of clouds.yaml, VBSCTL_E2E_CLOUD, with disks given to it: VBSCTL_E2E_DISKS names a JSON file, a list of
//     {"volume_id", "backup_id"}. These disks are overwritten by these backups; nothing else is touched or created.
// Exits with 75 where it cannot run, and says why.
import { spawnSync } from 'node:child_process';
import { existsSync, mkdirSync, readFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';

const CANNOT_RUN = 75;
const root = new URL('..', import.meta.url).pathname;
const env = { ...process.env };

if (env.VBSCTL_E2E_CLOUD) {
  if (!env.VBSCTL_E2E_DISKS)
    refuse('VBSCTL_E2E_CLOUD needs VBSCTL_E2E_DISKS: the disks that may be overwritten');
  console.log(`e2e: against the cloud ${env.VBSCTL_E2E_CLOUD}, into the disks of ${env.VBSCTL_E2E_DISKS}`);
  process.exitCode = test('test/openstack/story.e2e.ts');
} else {
  const folder = resolve(root, env.VBSCTL_TESTBED ?? '../shared/openstack');
  if (!existsSync(join(folder, 'up')))
    refuse(
      `there is no testbed at ${folder}; name its folder with VBSCTL_TESTBED, or a cloud with VBSCTL_E2E_CLOUD`,
    );
  if (!isDebian()) refuse('the testbed needs Debian: it runs Debian’s own packages of Keystone and Cinder');
  if (process.getuid?.() !== 0) refuse('the testbed needs root: it installs packages');
  env.VBSCTL_TESTBED = folder;
  env.TESTBED_RUN ??= join(tmpdir(), 'vbsctl-testbed');
  mkdirSync(env.TESTBED_RUN, { recursive: true });
  console.log('e2e: starting Keystone and Cinder (the first time takes minutes)');
  const up = spawnSync(join(folder, 'up'), { env, stdio: ['ignore', 'ignore', 'pipe'], encoding: 'utf8' });
  try {
    if (up.status !== 0) {
      // That says nothing about the program: no packages to be had, a port taken.
      console.log(up.stderr.split('\n').slice(-20).join('\n'));
      console.log('e2e: not run: the testbed did not start');
      process.exitCode = CANNOT_RUN;
    } else process.exitCode = test('test/openstack/*.e2e.ts');
  } finally {
    spawnSync(join(folder, 'down'), { env, stdio: 'ignore' });
  }
}

function test(files) {
  const mocha = join(root, 'node_modules/.bin/mocha');
  const report = [
    '--reporter',
    './scripts/mocha-reporter.cjs',
    '-O',
    'file=reports/e2e.json',
    '-O',
    'style=spec',
  ];
  const args = [...report, '--timeout', '600000', files];
  return spawnSync(mocha, args, { cwd: root, env, stdio: 'inherit' }).status ?? 1;
}

function isDebian() {
  return existsSync('/etc/os-release') && /^ID=debian$/m.test(readFileSync('/etc/os-release', 'utf8'));
}

function refuse(why) {
  console.log(`e2e: not run: ${why}`);
  process.exit(CANNOT_RUN);
}
