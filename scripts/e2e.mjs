// `npm run e2e`: the built program against real servers. Either
//   - a Keystone and Cinder on this machine, started and stopped here, from the folder that VBSCTL_TESTBED names (or
//     ../shared/openstack beside this repository): Debian and root, for it installs packages; or
//   - a cloud of clouds.yaml, VBSCTL_E2E_CLOUD, with disks given to it: VBSCTL_E2E_DISKS names a JSON file, a list of
//     {"volume_id", "backup_id"}. These disks are overwritten by these backups; nothing else is touched or created.
// Exits with 75 where it cannot run, and says why.
import { spawn } from 'node:child_process';
import { existsSync, mkdtempSync, readdirSync, readFileSync } from 'node:fs';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';

const CANNOT_RUN = 75;
const INTERRUPTED = 130;
/** The servers and the tests on them are given up after this; a machine without Debian's packages fetches them first. */
const UP_LIMIT_MS = 10 * 60_000;
const TESTS_LIMIT_MS = 20 * 60_000;
const root = new URL('..', import.meta.url).pathname;
const { env } = process;

/** Fires when somebody stops this: what was started is brought down before it ends. */
const stop = new AbortController();
for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP']) process.on(signal, () => stop.abort());

const code = env.VBSCTL_E2E_CLOUD ? await onGivenCloud() : await onTestbed();
process.exitCode = stop.signal.aborted ? INTERRUPTED : code;

async function onGivenCloud() {
  const { VBSCTL_E2E_CLOUD: cloud, VBSCTL_E2E_DISKS: disks } = env;
  if (!disks) return cannot('VBSCTL_E2E_CLOUD needs VBSCTL_E2E_DISKS: the disks that may be overwritten');
  console.log(`e2e: against the cloud ${cloud}, into the disks of ${disks}`);
  // Relative to where it was called, not to where the tests run.
  return test('test/openstack/given-disks.e2e.ts', { VBSCTL_E2E_DISKS: resolve(env.INIT_CWD ?? '', disks) });
}

async function onTestbed() {
  const folder = resolve(root, env.VBSCTL_TESTBED ?? '../shared/openstack');
  if (!existsSync(join(folder, 'up')))
    return cannot(
      `there is no testbed at ${folder}; name its folder with VBSCTL_TESTBED, or a cloud with VBSCTL_E2E_CLOUD`,
    );
  if (!isDebian())
    return cannot('the testbed needs Debian: it runs Debian’s own packages of Keystone and Cinder');
  if (process.getuid?.() !== 0) return cannot('the testbed needs root: it installs packages');

  // A folder and ports of its own: it meets no other testbed on this machine, nor what is left of one.
  const own = env.TESTBED_RUN === undefined;
  const settings = own
    ? { TESTBED_RUN: mkdtempSync(join(tmpdir(), 'vbsctl-testbed-')), ...(await freePorts()) }
    : {};
  const run = settings.TESTBED_RUN ?? env.TESTBED_RUN;
  let code;
  console.log('e2e: starting Keystone and Cinder (a minute; the first time two, for it installs packages)');
  try {
    const up = await start(join(folder, 'up'), [], { settings, limit_ms: UP_LIMIT_MS, quiet: true });
    if (up.code !== 0) {
      // That says nothing about the program: no packages to be had, a port taken.
      console.log(up.stderr.split('\n').slice(-20).join('\n'));
      return cannot('the testbed did not start');
    }
    code = await test('test/openstack/*.e2e.ts', { ...settings, VBSCTL_TESTBED: folder }, TESTS_LIMIT_MS);
    return code;
  } finally {
    const clean = own && code === 0;
    await start(join(folder, 'down'), clean ? ['clean'] : [], { settings, quiet: true, always: true });
    if (own) endWhatIsLeft(run);
    if (!clean) console.log(`e2e: the servers are down; their logs are in ${join(run, 'log')}`);
  }
}

/** Helpers of a daemon that had to be killed outlive it; the name of the folder in their environment tells them. */
function endWhatIsLeft(run) {
  for (const pid of readdirSync('/proc').filter((name) => /^\d+$/.test(name))) {
    try {
      if (readFileSync(`/proc/${pid}/environ`, 'utf8').split('\0').includes(`TESTBED_RUN=${run}`))
        process.kill(Number(pid), 'SIGKILL');
    } catch {
      // It has ended, or is none of ours.
    }
  }
}

async function test(files, settings, limit_ms) {
  const report = [
    '--reporter',
    './scripts/mocha-reporter.cjs',
    '-O',
    'file=reports/e2e.json',
    '-O',
    'style=spec',
  ];
  const mocha = join(root, 'node_modules/.bin/mocha');
  const { code, late } = await start(mocha, [...report, '--timeout', '600000', files], {
    settings,
    limit_ms,
  });
  if (late) console.log(`e2e: not through after ${limit_ms / 60_000} minutes: given up`);
  return code;
}

/**
 * Runs a program to its end, to the end of its time, or until somebody stops this. `quiet` keeps what it says;
 * `always` runs it even then.
 */
function start(program, args, { settings, limit_ms, quiet = false, always = false }) {
  return new Promise((resolve) => {
    const child = spawn(program, args, {
      cwd: root,
      env: { ...env, ...settings },
      // A group of its own, so that it ends with all that it started.
      detached: true,
      stdio: quiet ? ['ignore', 'ignore', 'pipe'] : ['ignore', 'inherit', 'inherit'],
    });
    let stderr = '';
    let late = false;
    child.stderr?.on('data', (chunk) => {
      stderr += chunk;
    });
    const end = () => {
      try {
        process.kill(-child.pid, 'SIGTERM');
      } catch {
        // It has ended already.
      }
    };
    const timer =
      limit_ms === undefined
        ? undefined
        : setTimeout(() => {
            late = true;
            end();
          }, limit_ms);
    if (!always) {
      stop.signal.addEventListener('abort', end);
      if (stop.signal.aborted) end();
    }
    // The daemons that it leaves behind hold no pipe of ours.
    child.once('exit', (code) => {
      clearTimeout(timer);
      stop.signal.removeEventListener('abort', end);
      resolve({ code: code ?? 1, stderr, late });
    });
    child.once('error', (error) => resolve({ code: 1, stderr: String(error), late }));
  });
}

/**
 * Ports in a row that nobody listens on, below those that the system gives to connections: one of these could take
 * a port before its server is up. The broker takes the one after its own, too.
 */
async function freePorts() {
  for (;;) {
    const [keystone, cinder, db, epmd, rabbit, _, vbs] = await freeRow(7);
    if (!vbs) continue;
    const ports = {
      KEYSTONE_PORT: keystone,
      CINDER_PORT: cinder,
      DB_PORT: db,
      EPMD_PORT: epmd,
      RABBIT_PORT: rabbit,
    };
    return { ...ports, VBS_URL: `http://127.0.0.1:${vbs}/v2/%(project_id)s` };
  }
}

/** Shorter than asked for where a port of the row is taken. */
async function freeRow(length) {
  const first = 10_000 + Math.floor(Math.random() * 20_000);
  const free = [];
  for (let port = first; port < first + length; port++) {
    const server = createServer();
    const listens = await new Promise((resolve) => {
      server.once('error', () => resolve(false));
      server.listen(port, '127.0.0.1', () => resolve(true));
    });
    if (!listens) break;
    await new Promise((resolve) => server.close(resolve));
    free.push(String(port));
  }
  return free;
}

function isDebian() {
  return existsSync('/etc/os-release') && /^ID=debian$/m.test(readFileSync('/etc/os-release', 'utf8'));
}

function cannot(why) {
  console.log(`e2e: not run: ${why}`);
  return CANNOT_RUN;
}
