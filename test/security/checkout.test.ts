import { execFile, execFileSync } from 'node:child_process';
import {
  constants,
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  symlinkSync,
  truncateSync,
  writeFileSync,
} from 'node:fs';
import { type FileHandle, open } from 'node:fs/promises';
import { join } from 'node:path';
import { expect } from 'chai';
import { type Emulator, startEmulator } from '../../src/emulator/index.ts';
import { type Finished, PROGRAM } from '../e2e/program.ts';
import { runProgram } from '../e2e/program-pool.ts';
import {
  CRASH,
  expectNoLookalike,
  expectQuotedOnly,
  Listener,
  LOOKALIKE,
  printed,
  Sandbox,
} from './sandbox.ts';

/** What a pull request can put into a checkout, against the built program. */

const CONFIG = 'apiVersion: vbsctl.dev/v1\nkind: Config\n';
const FAST =
  'apply: {requests_per_second: 1000}\nretry: {settle: 1s, min_delay: 50ms, max_delay: 500ms}\npoll: {min_interval: 50ms, max_interval: 200ms}\n';
const SECRET = 'ghp_SECRET';
/** Like .git-credentials, .netrc, a private key. */
const SECRETS = `https://ci-bot:${SECRET}@github.com\n`;

const PIPELINES = { 'on a terminal': {}, 'in CI': { CI: 'true' } } as const;

let sandbox: Sandbox;
let cloud: Emulator;
before(async () => {
  cloud = await startEmulator({ seed: { jobDurationMs: 300, queueMs: 50 } });
});
after(() => cloud.close());
beforeEach(() => {
  sandbox = new Sandbox();
});
afterEach(() => sandbox.close());

const at = (name: string) => join(sandbox.cwd, name);
const link = (target: string, name: string) => {
  mkdirSync(join(sandbox.cwd, name, '..'), { recursive: true });
  symlinkSync(target, at(name));
};
const fifo = (path: string) => execFileSync('mkfifo', [path]);
/** Runs a script of bash in which `"$@"` is the program with these arguments. */
const inShell = (script: string, cwd: string, env: object, ...args: readonly string[]): Promise<Finished> =>
  new Promise((resolve) => {
    execFile(
      'bash',
      ['-c', script, '', process.execPath, PROGRAM, ...args],
      { cwd, env: { PATH: process.env.PATH, HOME: sandbox.home, ...env }, timeout: 20_000 },
      (error, stdout, stderr) => resolve({ code: Number(error?.code ?? (error ? -1 : 0)), stdout, stderr }),
    );
  });
const said = (finished: Finished) => printed(finished).replace(/\s+/g, ' ');

/** Refused, in words: no crash, no secret. */
function expectRefusal(finished: Finished, code: number, ...words: readonly string[]): void {
  expect(finished.code, printed(finished)).to.equal(code);
  expect(printed(finished)).to.not.match(CRASH).and.not.include(SECRET);
  for (const word of words) expect(said(finished)).to.include(word);
}

/** A manifest of one restore that the emulator takes. */
const RESTORES = `apiVersion: vbsctl.dev/v1
kind: RestoreSet
metadata: {name: pay}
spec:
  restores:
    - {name: db, volume_id: c96e4a94-927a-425c-8795-63f9964cfebd, backup_id: 0a5c1f5e-6a53-4b8e-9d3b-0c6a2f6f7f11}
`;

function declare(n = 0): void {
  const { volumes, backups } = cloud.world();
  const free = Object.values(volumes).filter(({ attachments }) => attachments.length === 0);
  const volume = (free.length > n ? free : Object.values(volumes))[n];
  const backup = Object.values(backups).find(({ volume_id }) => volume_id === volume?.id);
  sandbox.write(
    'restores.yaml',
    `apiVersion: vbsctl.dev/v1\nkind: RestoreSet\nmetadata: {name: pay}\nspec:\n  restores:\n    - {name: db, volume_id: ${volume?.id}, backup_id: ${backup?.id}}\n`,
  );
}

describe('an emulator world file in the checkout', () => {
  const forged = (victim: string) => {
    mkdirSync(at('.vbsctl'));
    writeFileSync(at('.vbsctl/emulator.json'), JSON.stringify({ x: '$(touch PWNED)', ...cloud.world() }));
    for (const name of ['emulator.json.tmp', 'emulator.json.lock'])
      symlinkSync(victim, at(`.vbsctl/${name}`));
  };

  for (const [what, config, flags] of [
    ['chosen by vbsctl.yaml', `${CONFIG}cloud: emulator\n`, []],
    ['chosen by --cloud', CONFIG, ['--cloud', 'emulator']],
  ] as const)
    it(`cannot cause a write to a file of the user: ${what}`, async () => {
      const victim = sandbox.writeHome('.bashrc', 'mine\n');
      sandbox.write('vbsctl.yaml', config);
      forged(victim);
      declare();
      for (const env of [{}, cloud.env()]) await sandbox.run(env, 'plan', ...flags);
      await sandbox.run(cloud.env(), 'emulator', '--detach', 'pay-db1', '--world', '.vbsctl/emulator.json');
      expect(readFileSync(victim, 'utf8')).to.equal('mine\n');
      expect(readdirSync(sandbox.home).sort()).to.deep.equal(['.bashrc', '.local']);
    });

  it('is not followed through a link, and an invalid one is not quoted', async () => {
    const victim = sandbox.writeHome('.git-credentials', SECRETS);
    link(victim, '.vbsctl/emulator.json');
    const planned = await sandbox.run({}, 'get', 'volumes', '--cloud', 'emulator');
    expect(planned.code, printed(planned)).to.equal(0);
    expect(printed(planned)).to.not.include(SECRET);
    const named = await sandbox.run({}, 'emulator', '--detach', 'x', '--world', '.vbsctl/emulator.json');
    expectRefusal(named, 5, 'leads out of the checkout', '--world');
    expectRefusal(
      await sandbox.run({}, 'emulator', '--detach', 'x', '--world', victim),
      1,
      'is not a world of the emulator',
    );
    expect(readFileSync(victim, 'utf8')).to.equal(SECRETS);
  });

  it('a found config cannot override the cloud and state of the environment', async () => {
    sandbox.write('vbsctl.yaml', `${CONFIG}cloud: emulator\n`);
    for (const env of [cloud.env(), { OS_CLOUD: 'prod' }] as const) {
      const refused = await sandbox.run(env, 'get', 'volumes');
      expectRefusal(refused, 5, 'chooses the cloud emulator', 'environment names another', '--cloud NAME');
      expect((await sandbox.run(env, 'get', 'volumes', '--cloud', 'emulator')).code).to.equal(0);
      expect((await sandbox.run(env, 'get', 'volumes', '--config', 'vbsctl.yaml')).code).to.equal(0);
    }
    sandbox.write('vbsctl.yaml', `${CONFIG}state: forged.json\n`);
    const other = { TF_HTTP_ADDRESS: 'http://127.0.0.1:9/st' };
    expectRefusal(
      await sandbox.run(other, 'state', 'list'),
      5,
      'TF_HTTP_ADDRESS names another',
      '--state FILE',
    );
    const named = await sandbox.run(other, 'state', 'list', '--state', 'forged.json');
    expect(said(named)).to.include('there is no state at forged.json');
  });

  it('a found config cannot bypass the existing state', async () => {
    declare();
    const env = cloud.env();
    expect((await sandbox.run(env, 'init')).code).to.equal(0);
    sandbox.write('forged.json', readFileSync(at('vbsctl.state.json'), 'utf8'));
    sandbox.write('vbsctl.yaml', `${CONFIG}state: ./sub/../forged.json\n`);
    for (const command of [['plan'], ['apply', '--auto-approve'], ['state', 'list'], ['status'], ['init']])
      expectRefusal(
        await sandbox.run(env, ...command),
        5,
        'keeps the state at forged.json, and there is one at vbsctl.state.json',
        '--state vbsctl.state.json',
        '--config vbsctl.yaml',
      );
    for (const named of [
      ['--state', 'forged.json'],
      ['--state', 'vbsctl.state.json'],
      ['--config', 'vbsctl.yaml'],
    ])
      expect((await sandbox.run(env, 'plan', ...named)).code, named.join(' ')).to.equal(0);
    sandbox.write('vbsctl.yaml', `${CONFIG}state: ./vbsctl.state.json\n`);
    expect((await sandbox.run(env, 'plan')).code).to.equal(0);
  });

  it('a found config that selects the emulator is named', async () => {
    sandbox.write('vbsctl.yaml', `${CONFIG}cloud: emulator\n`);
    const found = await sandbox.run({}, 'get', 'volumes');
    expect(found.code, printed(found)).to.equal(0);
    expect(said(found)).to.include(
      'vbsctl.yaml chooses the built-in emulator: no disk of a real cloud is restored',
    );
    const named = await sandbox.run({}, 'get', 'volumes', '--cloud', 'emulator');
    expect(said(named)).to.not.include('chooses the built-in emulator');
  });

  it('a found config cannot select the emulator in CI, but a flag can', async () => {
    sandbox.write('vbsctl.yaml', `${CONFIG}cloud: emulator\n`);
    for (const env of [{ CI: 'true' }, { KUBERNETES_SERVICE_HOST: '10.0.0.1' }, { TF_BUILD: 'True' }])
      expectRefusal(
        await sandbox.run(env, 'get', 'volumes'),
        5,
        'this config was found, and not named with --config, and chooses the cloud emulator',
        'keep the config outside of the checkout',
        'VBSCTL_CONFIG',
        '--cloud NAME',
      );
    expect(existsSync(join(sandbox.home, '.local'))).to.equal(false);
    for (const named of [
      ['--cloud', 'emulator'],
      ['--config', 'vbsctl.yaml'],
    ])
      expect((await sandbox.run({ CI: 'true' }, 'get', 'volumes', ...named)).code).to.equal(0);
    expect((await sandbox.run({}, 'get', 'volumes')).code).to.equal(0);
  });
});

describe('the limits in a found config', () => {
  for (const [where, env] of Object.entries(PIPELINES))
    it(`cannot cause a late restore to be started twice, ${where}`, async () => {
      const late = await startEmulator({
        seed: { volumes: 1, jobDurationMs: 300, queueMs: 10 },
        faults: { rules: [{ match: { route: 'restore' }, effect: { kind: 'late_start', after_ms: 6_000 } }] },
      });
      try {
        const [volume] = Object.values(late.world().volumes);
        const [backup] = Object.values(late.world().backups);
        sandbox.write(
          'restores.yaml',
          `apiVersion: vbsctl.dev/v1\nkind: RestoreSet\nmetadata: {name: pay}\nspec: {restores: [{name: db, volume_id: ${volume?.id}, backup_id: ${backup?.id}}]}\n`,
        );
        sandbox.write(
          'vbsctl.yaml',
          `${CONFIG}retry: {settle: 1s, min_delay: 50ms, max_delay: 100ms}\npoll: {min_interval: 50ms, max_interval: 200ms}\n`,
        );
        const apply = ['apply', '--init-state', '--auto-approve', '--state', 'vbsctl.state.json'];
        expectRefusal(
          await sandbox.run({ ...late.env(), ...env }, ...apply),
          5,
          'retry.settle must be from 2m to 15m, not 1s: this config was found, and not named with --config',
          'retry.min_delay must be from 1s to 1m, not 50ms',
          'poll.min_interval must be from 2s to 30s, not 50ms',
          'remove retry.settle from it; or, if no pull request can change it, name it: --config vbsctl.yaml, or VBSCTL_CONFIG',
          'vbsctl.yaml:3:17',
        );
        expect(late.audit().restores).to.deep.equal([]);
        expect(readdirSync(sandbox.cwd).sort()).to.deep.equal(['restores.yaml', 'vbsctl.yaml']);
      } finally {
        await late.close();
      }
    });

  it('cannot raise a limit, lengthen a wait or hide a restore', async () => {
    declare();
    for (const [key, text] of [
      ['apply.parallelism', 'apply: {parallelism: 1000}'],
      ['apply.max_failures', 'apply: {max_failures: 0}'],
      ['retry.max_delay', 'retry: {min_delay: 1h, max_delay: 1d}'],
      ['retry.settle', 'retry: {settle: 1d}'],
      ['poll.max_interval', 'poll: {min_interval: 1h, max_interval: 1h}'],
      ['http.request_timeout', 'http: {connect_timeout: 10ms, request_timeout: 10ms}'],
      ['http.max_run_bytes', 'http: {max_run_bytes: 65536}'],
    ] as const) {
      sandbox.write('vbsctl.yaml', `${CONFIG}${text}\n`);
      for (const command of [['plan'], ['get', 'volumes']])
        expectRefusal(
          await sandbox.run(cloud.env(), ...command),
          5,
          `${key} must be `,
          'found, and not named with --config',
        );
    }
  });

  it('apply if the config is named, and validate reports which would be refused', async () => {
    declare();
    sandbox.write('vbsctl.yaml', `${CONFIG}${FAST}`);
    for (const named of [{ VBSCTL_CONFIG: 'vbsctl.yaml' }, { VBSCTL_CONFIG: at('vbsctl.yaml') }])
      expect((await sandbox.run({ ...cloud.env(), ...named, CI: 'true' }, 'plan')).code).to.equal(0);
    const checked = await sandbox.run({}, 'validate');
    expect(checked.code, printed(checked)).to.equal(0);
    expect(said(checked)).to.include('retry.settle must be from 2m to 15m').and.include('Valid: 1 restore');
  });

  it('may be stricter than the defaults', async () => {
    declare();
    sandbox.write(
      'vbsctl.yaml',
      `${CONFIG}apply: {parallelism: 1}\nretry: {settle: 5m, after_ambiguous: stop}\npoll: {max_interval: 10s}\n`,
    );
    for (const env of Object.values(PIPELINES)) {
      const planned = await sandbox.run({ ...cloud.env(), ...env }, 'plan');
      expect(planned.code, printed(planned)).to.equal(0);
    }
  });
});

describe('an address for credentials that only the checkout names', () => {
  let elsewhere: Listener;
  beforeEach(async () => {
    elsewhere = await Listener.open();
  });
  afterEach(() => elsewhere.close());

  const credentials = {
    TF_HTTP_USERNAME: 'ci',
    TF_HTTP_PASSWORD: SECRET,
    PGPASSWORD: SECRET,
    AWS_ACCESS_KEY_ID: 'AKIA',
    AWS_SECRET_ACCESS_KEY: SECRET,
    AWS_SESSION_TOKEN: SECRET,
    AWS_REGION: 'eu',
  };
  const states: Readonly<Record<string, (port: number) => string>> = {
    'an HTTP server': (port) => `http://127.0.0.1:${port}/st`,
    'an HTTPS server': (port) => `HTTPS://127.0.0.1:${port}/st`,
    'a bucket at an endpoint': (port) => `s3://b/k?endpoint=http://127.0.0.1:${port}`,
    PostgreSQL: (port) => `postgres://u@127.0.0.1:${port}/ops?sslmode=disable`,
    'PostgreSQL by a parameter': (port) => `postgres://u@db/ops?host=127.0.0.1&port=${port}&sslmode=disable`,
  };

  for (const [where, env] of Object.entries(PIPELINES))
    it(`is refused for the state of a found config, ${where}, and used for a named one`, async () => {
      for (const [what, url] of Object.entries(states)) {
        sandbox.write('vbsctl.yaml', `${CONFIG}state: "${url(elsewhere.port)}"\n`);
        const found = await sandbox.run({ ...env, ...credentials }, 'state', 'list');
        expectRefusal(
          found,
          5,
          'this config was found, and not named with --config',
          '--config ',
          '--state',
          'VBSCTL_',
        );
        expect(elsewhere.connections, what).to.equal(0);
        // The test can see a connection: the same file, named.
        const named = sandbox.start({ ...env, ...credentials }, 'state', 'list', '--config', 'vbsctl.yaml');
        await elsewhere.firstConnection();
        named.kill('SIGKILL');
        await named.done;
        elsewhere.forget();
      }
    });

  it('is refused for a state file outside of the checkout, by every path', async () => {
    const victim = sandbox.writeHome('state.json', SECRETS);
    mkdirSync(at('.git'));
    link(sandbox.home, 'home');
    for (const state of [
      victim,
      '../home/state.json',
      'sub/../../home/state.json',
      '.git/config',
      '/dev/stdin',
    ]) {
      sandbox.write('vbsctl.yaml', `${CONFIG}state: ${state}\n`);
      for (const env of Object.values(PIPELINES))
        expectRefusal(await sandbox.run(env, 'state', 'list'), 5, 'was found, and not named with --config');
    }
    sandbox.write('vbsctl.yaml', `${CONFIG}state: home/state.json\n`);
    expectRefusal(await sandbox.run({}, 'state', 'list'), 5, 'leads out of the checkout');
  });

  it('is refused for a state with `..` behind a link', async () => {
    mkdirSync(join(sandbox.home, 'dir'));
    link(join(sandbox.home, 'dir'), 'out');
    mkdirSync(at('sub/x'), { recursive: true });
    link(at('sub/x'), 'in');
    const ways = [
      (place: string) => {
        sandbox.write('vbsctl.yaml', `${CONFIG}state: ${at(place)}\n`);
        return sandbox.run(credentials, 'state', 'list');
      },
      (place: string) => sandbox.run({ ...credentials, VBSCTL_STATE: place }, 'state', 'list'),
    ];
    sandbox.writeHome('stolen.json', SECRETS);
    sandbox.write('sub/other.json', 'no state');
    for (const way of ways) {
      // As written, both are files of the working directory that are not there.
      for (const place of ['out/../stolen.json', 'in/../other.json']) {
        const done = await way(place);
        expect(done.code, printed(done)).to.equal(5);
        expect(said(done)).to.include('there is no state at');
      }
      sandbox.remove('vbsctl.yaml');
    }
  });

  it('is refused for a state that is a link, even within the checkout', async () => {
    declare();
    expect((await sandbox.run(cloud.env(), 'init')).code).to.equal(0);
    mkdirSync(at('sub'));
    renameSync(at('vbsctl.state.json'), at('sub/s.json'));
    link('sub/s.json', 'vbsctl.state.json');
    for (const args of [['state', 'list'], ['plan'], ['apply', '--auto-approve', '--init-state']])
      expectRefusal(
        await sandbox.run(cloud.env(), ...args, '--state', 'vbsctl.state.json'),
        5,
        'lies behind a symbolic link',
        '--state',
      );
  });

  it('keeps the state within its directory, wherever the command runs', async () => {
    sandbox.write('repo/restores/r.yaml', RESTORES);
    sandbox.write('repo/restores/vbsctl.yaml', `${CONFIG}state: ../victim.json\n`);
    expectRefusal(
      await sandbox.run({}, 'plan', '-f', 'repo/restores'),
      5,
      'was found, and not named with --config',
    );
    const fromRoot = await runProgram(['plan', '-f', at('repo/restores')], '/', { HOME: sandbox.home });
    expectRefusal(fromRoot, 5, 'was found, and not named with --config');
    sandbox.remove('repo/restores/vbsctl.yaml');
    mkdirSync(join(sandbox.home, 'dir'));
    link(join(sandbox.home, 'dir'), 'repo/out');
    sandbox.write('repo/vbsctl.yaml', `${CONFIG}state: out/s.json\n`);
    for (const cwd of [sandbox.cwd, '/'])
      expectRefusal(
        await runProgram(['plan', '-f', at('repo/restores')], cwd, { HOME: sandbox.home }),
        5,
        'leads out of the checkout',
      );
  });

  it('does not follow manifests through a link out of the repository', async () => {
    mkdirSync(at('repo/.git'), { recursive: true });
    sandbox.write('repo/restores/r.yaml', RESTORES);
    sandbox.write('elsewhere.yaml', RESTORES.replace('name: pay', 'name: other'));
    link(at('elsewhere.yaml'), 'repo/restores/x.yaml');
    for (const cwd of [sandbox.cwd, '/', at('repo')])
      expectRefusal(
        await runProgram(['validate', '-f', at('repo/restores')], cwd, { HOME: sandbox.home }),
        1,
        'leads out of the directory',
      );
  });

  it('does not follow manifests through a link out of a named directory without a repository', async () => {
    sandbox.write('tar/restores/r.yaml', RESTORES);
    sandbox.write('mine/other.yaml', RESTORES.replace('name: pay', 'name: other'));
    link(at('mine/other.yaml'), 'tar/restores/x.yaml');
    for (const cwd of [sandbox.cwd, '/'])
      expectRefusal(
        await runProgram(['validate', '-f', at('tar/restores')], cwd, { HOME: sandbox.home }),
        1,
        'leads out of the directory',
      );
  });

  it('does not follow manifests or configs through a link to a pipe or device, wherever the command runs', async () => {
    const manifest = `${RESTORES}secret_in_pipe: 1\n`;
    for (const repository of ['repo', 'tar']) {
      sandbox.write(`${repository}/team/r.yaml`, RESTORES);
      if (repository === 'repo') mkdirSync(at('repo/.git'));
      for (const [target, name, named] of [
        [join(sandbox.home, 'pipe'), 'r.yaml', 'r.yaml'],
        [join(sandbox.home, 'pipe'), 'team/vbsctl.yaml', 'team/r.yaml'],
        ['/dev/stdin', 'r.yaml', 'r.yaml'],
        ['/dev/fd/0', 'team/vbsctl.yaml', 'team/r.yaml'],
      ] as const) {
        fifo(join(sandbox.home, 'pipe'));
        link(target, join(repository, name));
        const args = ['validate', '-f', at(join(repository, named))];
        for (const cwd of [sandbox.home, at(repository)]) {
          const script = 'cat > "$PIPE" & printf %s "$TEXT" | "$@"; code=$?; kill $!; exit $code';
          const env = { PIPE: join(sandbox.home, 'pipe'), TEXT: manifest };
          const finished = await inShell(script, cwd, env, ...args);
          expectRefusal(finished, 1, 'leads out of the directory');
          expect(printed(finished)).to.not.include('secret_in_pipe');
        }
        rmSync(at(join(repository, name)));
        rmSync(join(sandbox.home, 'pipe'));
      }
    }
  });

  it('is still read from /dev/stdin and from a pipe of the shell', async () => {
    sandbox.write('r.yaml', RESTORES);
    for (const script of [
      '"$@" -f /dev/stdin < r.yaml',
      'cat r.yaml | "$@" -f /dev/stdin',
      '"$@" -f <(cat r.yaml)',
    ]) {
      const finished = await inShell(script, sandbox.cwd, {}, 'validate');
      expect(finished.code, `${script}: ${printed(finished)}`).to.equal(0);
    }
  });

  it('tells nothing of what a link out of it leads to, neither a path nor whether it is there', async () => {
    const cookie = '14159265358979323846';
    const target = join(sandbox.home, 'target');
    const behind: Readonly<Record<string, () => void>> = {
      nothing: () => {},
      'a file': () => writeFileSync(target, SECRETS),
      'a directory': () => mkdirSync(target),
      'a link': () => symlinkSync(cookie, target),
      'a link to a directory': () => symlinkSync('/usr', target),
    };
    const other = () => sandbox.write('vbsctl.yaml', `${CONFIG}state: s.json\n`);
    for (const [name, args, env = {}, prepare = () => {}] of [
      ['vbsctl.state.json', ['status']],
      ['vbsctl.state.json', ['status'], {}, other],
      ['clouds.yaml', ['auth', 'check'], { OS_CLOUD: 'x' }],
      ['pgpass', ['status', '--state', 'postgres://127.0.0.1:1/d'], { PGPASSFILE: at('pgpass') }],
      ['restores.yaml', ['validate']],
      ['restores', ['validate']],
      ['m', ['validate', '-f', 'm']],
      ['m', ['validate', '-f', 'm/r.yaml']],
      ['restores/r.yaml', ['validate']],
      ['restores/notes.txt', ['validate']],
      ['restores/below', ['validate']],
      ['restores/below/vbsctl.yaml', ['validate']],
      ['vbsctl.yaml', ['validate']],
      ['vbsctl.yaml', ['validate', '--config', 'vbsctl.yaml']],
    ] as readonly (readonly [string, readonly string[], Record<string, string>?, (() => void)?])[]) {
      mkdirSync(at('.git'));
      link(target, name);
      prepare();
      const outputs = new Set<string>();
      for (const [what, make] of Object.entries(behind)) {
        make();
        const done = await sandbox.run(env, ...args);
        expect(done.code, `${name}, ${what}: ${printed(done)}`).to.be.oneOf([1, 5]);
        expect(printed(done)).to.not.match(CRASH).and.not.include(cookie).and.not.include('/usr');
        outputs.add(printed(done));
        rmSync(target, { recursive: true, force: true });
      }
      expect([...outputs], `${name} with ${args.join(' ')}`).to.have.length(1);
      for (const entry of readdirSync(sandbox.cwd)) rmSync(at(entry), { recursive: true });
    }
  });

  it('does not follow a link to another repository', async () => {
    mkdirSync(at('.git'));
    sandbox.writeHome('other/.git/HEAD', 'ref: refs/heads/main\n');
    sandbox.writeHome('other/restores.yaml', RESTORES);
    sandbox.writeHome('other/vbsctl.yaml', `${CONFIG}state: s.json\n`);
    link(join(sandbox.home, 'other'), 'env');
    const run = ['--cloud', 'emulator', '--auto-approve', '--init-state'];
    for (const cwd of [sandbox.cwd, sandbox.home, '/'])
      expectRefusal(
        await runProgram(['apply', '-f', at('env/restores.yaml'), ...run], cwd, { HOME: sandbox.home }),
        1,
        'leads out of the directory',
      );
    expect(readdirSync(join(sandbox.home, 'other')).sort()).to.deep.equal([
      '.git',
      'restores.yaml',
      'vbsctl.yaml',
    ]);
  });

  it('does not follow a link out of the repository around the working directory', async () => {
    mkdirSync(at('.git'));
    sandbox.write('sub/r.yaml', RESTORES);
    link(sandbox.home, 'out');
    const inSub = (...args: readonly string[]) => runProgram(args, at('sub'), { HOME: sandbox.home });
    const emulated = ['--cloud', 'emulator'];
    expect((await inSub('init', ...emulated)).code).to.equal(0);
    const before = readdirSync(sandbox.home);
    for (const args of [
      ['init', '--state', '../out/s.json', ...emulated],
      ['plan', '-f', 'r.yaml', '--out', '../out/plan.json', ...emulated],
      ['state', 'rm', 'a/b', '--state', '../out/s.json'],
    ])
      for (const cwd of [at('sub'), '/'])
        expectRefusal(
          await runProgram(
            args.map((arg) =>
              arg.startsWith('..') ? join(at('sub'), arg) : arg.replace('r.yaml', at('sub/r.yaml')),
            ),
            cwd,
            { HOME: sandbox.home },
          ),
          5,
          'leads out of the checkout',
        );
    symlinkSync('sub/vbsctl.state.json', at('s.json'));
    expectRefusal(await inSub('state', 'list', '--state', '../s.json'), 5, 'behind a symbolic link');
    expect(readdirSync(sandbox.home)).to.deep.equal(before);
  });

  it('does not quote files of others', async () => {
    sandbox.write('vbsctl.yaml', `${CONFIG}manifests: [all]\n`);
    sandbox.write('all/config.json', '{"auths":{"https://index.example/":{"auth":"aHVudGVyMjpodW50ZXIy"}}}');
    sandbox.write('all/pw.yaml', 'hunter2hunter2');
    sandbox.write('all/db.yaml', 'pw: hunter2hunter2\nkind: Deployment\n');
    for (const more of [[], ['--output', 'json']]) {
      const done = await sandbox.run({}, 'validate', ...more);
      expect(done.code, printed(done)).to.equal(1);
      expect(printed(done)).to.not.match(/hunter2hunter2|aHVudGVyMjpodW50ZXIy/);
    }
  });

  it('does not quote the clouds.yaml of the user in warnings of a library', async () => {
    sandbox.writeHome(
      '.config/openstack/clouds.yaml',
      'clouds: {prod: {auth: {auth_url: "https://127.0.0.1:9/v3", username: u, password: {{ hunter2hunter2 }}, project_name: p}, region_name: r}}\n',
    );
    const done = sandbox.start({ OS_CLOUD: 'prod' }, 'get', 'volumes');
    expect(printed(await done.done)).to.not.include('hunter2');
  });

  it('does not use a placeholder that no variable filled', async () => {
    sandbox.write('ci.pem', 'a key of the pull request');
    for (const args of [
      ['apply', 'plan.json', '--trusted-keys', ''],
      ['plan', '--out', ''],
      ['plan', '-f', ''],
      ['plan', '--state', ''],
      ['plan', '--target='],
    ])
      expectRefusal(await sandbox.run({}, ...args), 1, 'Expected a value, not an empty text');
  });

  it('cannot hide a policy behind thousands of directories', async () => {
    sandbox.write('restores/r.yaml', RESTORES);
    sandbox.write('restores/prod/vbsctl.yaml', `${CONFIG}policy: {protected_volumes: ['*']}\n`);
    for (let n = 0; n <= 10_000; n++) mkdirSync(at(`restores/a/d${n}`), { recursive: true });
    expectRefusal(
      await sandbox.run({}, 'plan', '--offline', '-f', 'restores'),
      1,
      'more than 10000 directories',
    );
  });

  it('is still accepted from the command line and the environment', async () => {
    sandbox.write('vbsctl.yaml', `${CONFIG}state: http://127.0.0.1:${elsewhere.port}/st\n`);
    for (const [env, ...flags] of [
      [{ CI: 'true' }, '--state', 'mine.json'],
      [{ CI: 'true', VBSCTL_STATE: 'mine.json' }],
      [{}, '--state', 'mine.json'],
    ] as const)
      expect(said(await sandbox.run(env, 'state', 'list', ...flags))).to.include(
        'there is no state at mine.json',
      );
    expect(elsewhere.connections).to.equal(0);
  });

  it('gets nothing from completion', async () => {
    sandbox.write('vbsctl.yaml', `${CONFIG}state: http://127.0.0.1:${elsewhere.port}/st\n`);
    await sandbox.run(credentials, '__complete', 'state', 'show', '');
    expect(elsewhere.connections).to.equal(0);
  });

  describe('a clouds.yaml in the working directory', () => {
    const OWN = '.config/openstack';
    const auth = (port: number, more = '') =>
      `{auth_url: "http://127.0.0.1:${port}/v3", username: ci, project_name: p, user_domain_name: D${more}}`;
    const entry = (port: number, more = '', beside = '') =>
      `clouds: {prod: {auth: ${auth(port, more)}, region_name: r${beside}}}\n`;
    const secure = `clouds: {prod: {auth: {password: ${SECRET}}}}\n`;
    const check = (env: Readonly<Record<string, string>>, ...args: string[]) =>
      sandbox.run({ OS_CLOUD: 'prod', ...env }, 'get', 'volumes', ...args);
    let own: Listener;
    beforeEach(async () => {
      own = await Listener.open();
    });
    afterEach(() => own.close());

    it('cannot print a line of its own by names of clouds and keys', async () => {
      const odd = JSON.stringify(LOOKALIKE);
      sandbox.write(
        'clouds.yaml',
        `{"clouds": {${odd}: {"auth": {}}, "prod": {"auth": {"auth_url": 7, ${odd}: 1}, ${odd}: 1}}}`,
      );
      expectNoLookalike(await sandbox.run({ OS_CLOUD: 'other' }, 'auth', 'show'));
      expectNoLookalike(await sandbox.run({ OS_CLOUD: 'prod' }, 'auth', 'show'));
    });

    it('is not merged with the secure.yaml of the user, and the error says how to name it', async () => {
      sandbox.write('clouds.yaml', entry(elsewhere.port));
      sandbox.writeHome(`${OWN}/secure.yaml`, secure);
      const other = sandbox.writeHome('other-secure.yaml', secure);
      for (const env of [{}, { OS_CLIENT_SECURE_FILE: other }])
        expectRefusal(
          await check(env),
          5,
          'are not sent where',
          `export OS_CLIENT_CONFIG_FILE=${at('clouds.yaml')}`,
        );
      expectRefusal(await check({ CI: 'true' }), 1, 'OS_CLIENT_CONFIG_FILE');
      expect(elsewhere.connections).to.equal(0);
      await check({ OS_CLIENT_CONFIG_FILE: 'clouds.yaml' });
      expect(elsewhere.text).to.include(SECRET);
    });

    it('is used with its own credentials on a terminal, and ignored in CI and beside a named config', async () => {
      sandbox.write('clouds.yaml', entry(elsewhere.port, ', password: of-the-checkout'));
      const mine = sandbox.writeHome(`${OWN}/clouds.yaml`, entry(own.port).replace('prod', 'mine'));
      const config = sandbox.writeHome('ops.yaml', CONFIG);
      const used = await check({});
      expect(elsewhere.text).to.include('of-the-checkout').and.not.include(SECRET);
      expect(own.connections).to.equal(0);
      expect(said(used)).to.include(`in the working directory, not of ${mine}`);
      elsewhere.forget();
      sandbox.writeHome(`${OWN}/clouds.yaml`, entry(own.port));
      sandbox.writeHome(`${OWN}/secure.yaml`, secure);
      for (const env of [{ CI: 'true' }, { VBSCTL_CONFIG: config }] as const) {
        own.forget();
        await check(env);
        expect(own.text).to.include(SECRET);
      }
      expect(elsewhere.connections).to.equal(0);
    });

    it('cannot use a name of the clouds of the user', async () => {
      declare();
      sandbox.write('clouds.yaml', entry(elsewhere.port, ', password: of-the-checkout'));
      const refused = () => check({}).then((finished) => expectRefusal(finished, 5, ...words));
      let words = [
        'the cloud prod of',
        'is not used in place of your own',
        `export OS_CLIENT_CONFIG_FILE=${at('clouds.yaml')}`,
      ];
      const mine = sandbox.writeHome(`${OWN}/clouds.yaml`, entry(own.port));
      await refused();
      expectRefusal(await sandbox.run({}, 'get', 'volumes'), 5, ...words);
      for (const command of [['plan'], ['apply', '--auto-approve'], ['auth', 'show']])
        expectRefusal(await sandbox.run({ OS_CLOUD: 'prod' }, ...command), 5, ...words);
      expectRefusal(await sandbox.run({ OS_CLOUD: 'prod' }, 'auth', 'check'), 1, ...words);
      rmSync(mine);
      sandbox.writeHome(`${OWN}/secure.yaml`, secure);
      words = ['the secrets of cloud prod in', 'are not sent where'];
      await refused();
      expect([elsewhere.connections, own.connections]).to.deep.equal([0, 0]);
    });

    it('cannot set the addresses of services or of Keystone', async () => {
      const { credentials } = cloud;
      const evil = `http://127.0.0.1:${elsewhere.port}`;
      const inAuth = (more: string) =>
        `auth_url: "${cloud.url}/v3", project_id: ${credentials.project_id}${more}`;
      const ways = {
        aksk: `, access_key: ${credentials.access_key}, secret_key: ${credentials.secret_key}`,
        password: `, username: ${credentials.username}, password: ${credentials.password}, user_domain_name: ${credentials.domain_name}`,
      };
      const clouds = (auth: string, beside = '') =>
        sandbox.write('clouds.yaml', `clouds: {prod: {auth: {${auth}}, region_name: eu-de${beside}}}\n`);
      declare();
      for (const way of Object.values(ways)) {
        clouds(inAuth(way));
        // Without more it is a way into that cloud.
        const used = await check({});
        expect(used.code, printed(used)).to.equal(0);
        for (const [key, write] of [
          [
            'vbs_endpoint_override',
            () => clouds(inAuth(way), `, vbs_endpoint_override: "${evil}", evs_endpoint_override: "${evil}"`),
          ],
          ['evs_endpoint_override', () => clouds(inAuth(way), `, evs-endpoint-override: "${evil}"`)],
          [
            'volumev2_endpoint_override',
            () => clouds(inAuth(`${way}, volumev2_endpoint_override: "${evil}"`)),
          ],
          ['compute_endpoint_override', () => clouds(inAuth(way), `, compute_endpoint_override: "${evil}"`)],
          [
            'vbs_endpoint_override',
            () => {
              clouds(inAuth(way), ', profile: theirs');
              sandbox.write(
                'clouds-public.yaml',
                `public-clouds: {theirs: {vbs_endpoint_override: "${evil}"}}\n`,
              );
            },
          ],
          [
            'evs_endpoint_override',
            () => {
              clouds(inAuth(way));
              sandbox.write('secure.yaml', `clouds: {prod: {evs_endpoint_override: "${evil}"}}\n`);
            },
          ],
          ['cacert', () => clouds(inAuth(way), ', cacert: ca.pem')],
          ['insecure', () => clouds(inAuth(way), ', insecure: true')],
          ['verify', () => clouds(inAuth(way), ', verify: false')],
        ] as const) {
          write();
          for (const command of [
            ['get', 'volumes'],
            ['apply', '--init-state', '--auto-approve'],
            ['auth', 'check'],
          ])
            expectRefusal(
              await sandbox.run({ OS_CLOUD: 'prod' }, ...command),
              command[0] === 'auth' ? 1 : 5,
              `${key} may not be set by a clouds.yaml that was found, and not named with OS_CLIENT_CONFIG_FILE`,
              `export OS_CLIENT_CONFIG_FILE=${at('clouds.yaml')}`,
            );
          for (const name of ['clouds-public.yaml', 'secure.yaml']) sandbox.remove(name);
        }
      }
      expect(elsewhere.connections).to.equal(0);
      expect(existsSync(at('vbsctl.state.json'))).to.equal(false);
      // The test can see a request: the same file, named.
      clouds(inAuth(ways.aksk), `, vbs_endpoint_override: "${evil}", evs_endpoint_override: "${evil}"`);
      await check({ OS_CLIENT_CONFIG_FILE: at('clouds.yaml') });
      expect(elsewhere.connections).to.not.equal(0);
    });

    it('cannot name a project that its access key does not see', async () => {
      const { access_key, secret_key } = cloud.credentials;
      const keys = `access_key: ${access_key}, secret_key: ${secret_key}`;
      for (const id of ['f'.repeat(32), 'eu-de'])
        for (const command of [['get', 'volumes'], ['plan']]) {
          sandbox.write(
            'clouds.yaml',
            `clouds: {prod: {auth: {auth_url: "${cloud.url}/v3", project_id: ${id}, ${keys}}, region_name: eu-de}}\n`,
          );
          declare();
          expectRefusal(
            await sandbox.run({ OS_CLOUD: 'prod' }, ...command),
            1,
            `the owner of the access key sees no project ${id}`,
          );
        }
    });

    it('is refused if a value contains itself', async () => {
      for (const text of [
        'clouds: &a\n  a: *a\n',
        'clouds:\n  a: &x {region_name: {values: *x}}\n',
        'clouds: {a: {regions: &x [{name: r, values: {list: *x}}]}}\n',
        '&x\nclouds: *x\n',
      ]) {
        sandbox.write('clouds.yaml', text);
        for (const env of [{ OS_CLOUD: 'a' }, {}])
          expectRefusal(
            await sandbox.run(env, 'get', 'volumes'),
            1,
            'not valid YAML (an alias inside the value that it names)',
            'correct line',
          );
      }
      sandbox.write('clouds.yaml', 'x: &x {region_name: r}\nclouds: {a: *x, b: {<<: *x}}\n');
      expectRefusal(await sandbox.run({ OS_CLOUD: 'a' }, 'get', 'volumes'), 1, 'auth.auth_url is not set');
      for (const [name, text] of [
        ['restores.yaml', '&x\nspec: *x\n'],
        ['vbsctl.yaml', `${CONFIG}policy: &x {protected_volumes: [*x]}\n`],
      ] as const) {
        sandbox.write(name, text);
        expectRefusal(await sandbox.run({}, 'validate'), 1, 'alias "x" has no anchor before it');
      }
    });

    it('cannot change an entry of the user by secure.yaml or a profile', async () => {
      sandbox.writeHome(
        `${OWN}/clouds.yaml`,
        `clouds: {prod: {profile: otc, auth: ${auth(own.port, `, password: ${SECRET}`)}, region_name: r}}\n`,
      );
      sandbox.write('secure.yaml', entry(elsewhere.port));
      sandbox.write(
        'clouds-public.yaml',
        `public-clouds: {otc: {auth: {auth_url: "http://127.0.0.1:${elsewhere.port}/v3"}, identity_endpoint_override: "http://127.0.0.1:${elsewhere.port}"}}\n`,
      );
      await check({});
      expect(elsewhere.connections).to.equal(0);
      expect(own.text).to.include(SECRET);
      sandbox.writeHome(
        `${OWN}/clouds.yaml`,
        `clouds: {prod: {profile: mine, auth: {username: ci, password: ${SECRET}, project_name: p, user_domain_name: D}}}\n`,
      );
      sandbox.write(
        'clouds-public.yaml',
        `public-clouds: {mine: {auth: {auth_url: "http://127.0.0.1:${elsewhere.port}/v3"}}}\n`,
      );
      expectRefusal(await check({}), 1, 'auth.auth_url is not set');
      expect(elsewhere.connections).to.equal(0);
    });

    it('is not treated as the file of the user if HOME or XDG_CONFIG_HOME is empty or relative', async () => {
      sandbox.write(`${OWN}/clouds.yaml`, entry(elsewhere.port));
      sandbox.writeHome(`${OWN}/secure.yaml`, secure);
      const other = sandbox.writeHome('other-secure.yaml', secure);
      for (const env of [
        { XDG_CONFIG_HOME: '.config' },
        { XDG_CONFIG_HOME: '/nonexistent', XDG_CONFIG_DIRS: '.config' },
        { HOME: '', OS_CLIENT_SECURE_FILE: other },
        { HOME: '.', OS_CLIENT_SECURE_FILE: other },
      ])
        for (const more of [{}, { CI: 'true' }])
          expectRefusal(await check({ ...env, ...more }), 1, 'is not set');
      expect(elsewhere.connections).to.equal(0);
    });

    it('cannot make a command run for minutes', async () => {
      const many = (count: number, line: (n: number) => string) =>
        Array.from({ length: count }, (_, n) => line(n)).join('');
      for (const text of [
        `clouds:\n  prod:\n${many(75_000, (n) => `    k${n}:\n`)}`,
        `clouds: {prod: {}}\nmore:\n${many(45_000, (n) => `- &a${n} 1\n- *a${n}\n`)}`,
      ]) {
        sandbox.write('clouds.yaml', text);
        expectRefusal(await check({}), 1);
      }
      sandbox.write('clouds.yaml', 'clouds: {prod: {auth: {auth_url: "http://a", auth_url: "http://b"}}}\n');
      expectRefusal(await check({}), 1, 'DUPLICATE_KEY');
    });

    it('cannot name a certificate or key outside of the checkout', async () => {
      const key = sandbox.writeHome('client.pem', SECRETS);
      for (const beside of [`, cert: ${key}`, ', cert: ../home/client.pem', ', cert: ~/client.pem']) {
        sandbox.write('clouds.yaml', entry(elsewhere.port, ', password: x', beside));
        expectRefusal(await check({}), 5, 'lies outside of the working directory', 'OS_CLIENT_CONFIG_FILE');
      }
      rmSync(at('clouds.yaml'));
      sandbox.write('ca.pem', 'a certificate of the pull request');
      sandbox.writeHome(`${OWN}/clouds.yaml`, entry(own.port, ', password: x', ', cacert: ca.pem'));
      expectRefusal(await check({}), 5, 'is a relative path', `to the whole path: ${at('ca.pem')}`);
      const env = {
        ...cloud.env(),
        OS_CACERT: 'ca.pem',
        VBSCTL_CONFIG: sandbox.writeHome('ops.yaml', CONFIG),
      };
      expectRefusal(
        await sandbox.run(env, 'get', 'volumes'),
        5,
        'is a relative path',
        `set OS_CACERT to the whole path: ${at('ca.pem')}`,
      );
      expect([elsewhere.connections, own.connections]).to.deep.equal([0, 0]);
    });
  });

  it('reads no files of other clients from the checkout', async () => {
    const config = sandbox.writeHome('ops.yaml', CONFIG);
    const cases: readonly (readonly [Readonly<Record<string, string>>, string])[] = [
      [{ AWS_CONFIG_FILE: 'aws' }, `s3://b/k?endpoint=http://127.0.0.1:${elsewhere.port}`],
      [{ AWS_CA_BUNDLE: 'ca.pem' }, 's3://b/k?endpoint=https://127.0.0.1:9'],
      [{ AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE: 'token' }, 's3://b/k?endpoint=https://127.0.0.1:9'],
      [{ AWS_LOGIN_CACHE_DIRECTORY: 'cache' }, 's3://b/k?endpoint=https://127.0.0.1:9'],
      [{ PGPASSFILE: 'pgpass' }, `postgres://u@127.0.0.1:${elsewhere.port}/ops?sslmode=disable`],
      [{}, `postgres://u@127.0.0.1:${elsewhere.port}/ops?sslrootcert=ca.pem`],
      [{}, `postgres://u@127.0.0.1:${elsewhere.port}/ops?sslrootcert=system`],
    ];
    for (const [env, state] of cases)
      expectRefusal(
        await sandbox.run(
          { ...credentials, ...env, VBSCTL_CONFIG: config },
          'state',
          'list',
          '--state',
          state,
        ),
        5,
        'is a relative path',
        `=${sandbox.cwd}/`,
      );
    expect(elsewhere.connections).to.equal(0);
  });

  it('leads no other client to a file of the checkout by a link before `..`', async () => {
    const config = sandbox.writeHome('ops.yaml', CONFIG);
    mkdirSync(at('x/y/z'), { recursive: true });
    link('x/y/z', 'deploy');
    sandbox.writeHome('aws/config', '[default]\naws_access_key_id=AK\naws_secret_access_key=x\n');
    sandbox.write(
      'x/home/aws/config',
      `[default]\ncredential_process = sh -c "touch ${at('PWNED')}; false"\n`,
    );
    const path = `${at('deploy')}/../../home/aws/config`;
    for (const [env, state] of [
      [{ AWS_CONFIG_FILE: path }, `s3://b/k?endpoint=http://127.0.0.1:${elsewhere.port}`],
      [{ AWS_CA_BUNDLE: path }, 's3://b/k?endpoint=https://127.0.0.1:9'],
      [{ PGPASSFILE: path }, `postgres://u@127.0.0.1:${elsewhere.port}/ops?sslmode=disable`],
      [{}, `postgres://u@127.0.0.1:${elsewhere.port}/ops?sslrootcert=${path}`],
    ] as const)
      expectRefusal(
        await sandbox.run({ ...env, VBSCTL_CONFIG: config }, 'state', 'list', '--state', state),
        5,
        'is a path with ..',
        `=${join(sandbox.home, 'aws/config')}`,
      );
    expect(existsSync(at('PWNED'))).to.equal(false);
    expect(elsewhere.connections).to.equal(0);
  });

  it('trusts no authority of the checkout that Node or OpenSSL read themselves', async () => {
    sandbox.write('ca.pem', 'an authority of the pull request');
    mkdirSync(at('certs'));
    link(sandbox.writeHome('mine.pem', SECRETS), 'linked.pem');
    for (const [env, why] of [
      [{ NODE_EXTRA_CA_CERTS: 'ca.pem' }, 'is a relative path'],
      [{ SSL_CERT_FILE: 'ca.pem' }, 'is a relative path'],
      [{ SSL_CERT_FILE: at('linked.pem') }, 'leads out of the checkout'],
      [{ SSL_CERT_DIR: '/etc/ssl/certs:certs' }, 'is a relative path'],
      [{ SSL_CERT_DIR: at('certs') }, 'not a regular file'],
      [{ OPENSSL_CONF: 'openssl.cnf' }, 'is a relative path'],
    ] as const)
      for (const args of [
        ['get', 'volumes'],
        ['state', 'list', '--state', `http://127.0.0.1:${elsewhere.port}/s`],
      ])
        expectRefusal(
          await sandbox.run({ ...credentials, ...env, NODE_OPTIONS: '--use-openssl-ca' }, ...args),
          5,
          why,
        );
    expect(elsewhere.connections).to.equal(0);
  });

  it('reads no files for other clients through links or pipes', async () => {
    const config = sandbox.writeHome('ops.yaml', CONFIG);
    link(sandbox.writeHome('mine.pem', SECRETS), 'linked.pem');
    fifo(at('pipe.pem'));
    for (const [file, why] of [
      ['linked.pem', 'leads out of the checkout'],
      ['pipe.pem', 'that is not a regular file'],
    ] as const)
      for (const [env, state] of [
        [{ AWS_CA_BUNDLE: at(file) }, 's3://b/k?endpoint=https://127.0.0.1:9'],
        [{ PGPASSFILE: at(file) }, 'postgres://u@127.0.0.1:9/ops?sslmode=disable'],
        [{}, `postgres://u@127.0.0.1:9/ops?sslrootcert=${at(file)}`],
      ] as const)
        expectRefusal(
          await sandbox.run({ ...env, VBSCTL_CONFIG: config }, 'state', 'list', '--state', state),
          5,
          why,
        );
  });

  it('refuses a Keystone without TLS from a clouds.yaml of the checkout', async () => {
    sandbox.write(
      'clouds.yaml',
      'clouds: {prod: {auth: {auth_url: "http://192.0.2.1/v3", username: u, password: p, project_name: p, user_domain_name: D}, region_name: r}}\n',
    );
    expectRefusal(await sandbox.run({ OS_CLOUD: 'prod' }, 'get', 'volumes'), 5, 'is not https');
  });

  it('prints one warning in CI if no config is named, and none elsewhere', async () => {
    const warnings = (finished: Finished) => printed(finished).split('no config is named').length - 1;
    const config = sandbox.writeHome('ops.yaml', CONFIG);
    declare();
    const plan = (env: object) => sandbox.run({ ...cloud.env(), ...env }, 'plan');
    expect(warnings(await plan({ CI: 'true' }))).to.equal(1);
    sandbox.write('vbsctl.yaml', CONFIG);
    const found = await plan({ CI: 'true' });
    expect(found.code, printed(found)).to.equal(0);
    expect(warnings(found)).to.equal(1);
    expect(said(found))
      .to.include('now it is vbsctl.yaml')
      .and.include('VBSCTL_CONFIG=/etc/vbsctl/vbsctl.yaml');
    expect(warnings(await plan({}))).to.equal(0);
    expect(warnings(await plan({ CI: 'true', VBSCTL_CONFIG: config }))).to.equal(0);
    expect(warnings(await sandbox.run({ CI: 'true' }, 'validate'))).to.equal(0);
  });

  it('prints one warning in CI for each clouds.yaml and secure.yaml that is named and in the checkout', async () => {
    const warnings = (finished: Finished) =>
      said(finished).split('lies in the working directory: a pull request could change it').length - 1;
    const names = { OS_CLIENT_CONFIG_FILE: 'clouds.yaml', OS_CLIENT_SECURE_FILE: at('secure.yaml') };
    const outside = sandbox.writeHome('clouds.yaml', 'clouds: {prod: {}}');
    for (const path of ['clouds.yaml', 'secure.yaml']) sandbox.write(path, 'clouds: {prod: {}}');
    const check = (env: Readonly<Record<string, string>>) =>
      sandbox.run({ OS_CLOUD: 'prod', VBSCTL_CONFIG: sandbox.writeHome('ops.yaml', CONFIG), ...env }, 'plan');
    declare();
    const both = await check({ ...names, CI: 'true' });
    expect(warnings(both), printed(both)).to.equal(2);
    expect(said(both)).to.include('clouds.yaml, which OS_CLIENT_CONFIG_FILE names');
    expect(warnings(await check(names))).to.equal(0);
    expect(warnings(await check({ OS_CLIENT_CONFIG_FILE: outside, CI: 'true' }))).to.equal(0);
  });

  it('prints one warning in CI if the named config is in the checkout, and none elsewhere', async () => {
    const summary = 'vbsctl.yaml lies in the working directory: a pull request could change it';
    const warnings = (finished: Finished) => said(finished).split(summary).length - 1;
    const path = sandbox.write('vbsctl.yaml', CONFIG);
    declare();
    const plan = (env: object, ...args: string[]) => sandbox.run({ ...cloud.env(), ...env }, 'plan', ...args);
    for (const name of ['vbsctl.yaml', './vbsctl.yaml', path]) {
      const planned = await plan({ CI: 'true', VBSCTL_CONFIG: name });
      expect(planned.code, printed(planned)).to.equal(0);
      expect(warnings(planned)).to.equal(1);
      expect(said(planned)).to.include('keep the config outside of the checkout');
    }
    expect(warnings(await plan({ KUBERNETES_SERVICE_HOST: '10.0.0.1' }, '--config', 'vbsctl.yaml'))).to.equal(
      1,
    );
    expect(warnings(await plan({ VBSCTL_CONFIG: 'vbsctl.yaml' }))).to.equal(0);
    expect(
      warnings(await plan({ CI: 'true', VBSCTL_CONFIG: sandbox.writeHome('vbsctl.yaml', CONFIG) })),
    ).to.equal(0);
  });
});

describe('the text of a foreign file', () => {
  for (const [where, env] of Object.entries(PIPELINES))
    it(`is not quoted if it is behind a link in the checkout, ${where}`, async () => {
      const victim = sandbox.writeHome('.git-credentials', SECRETS);
      declare();
      for (const name of [
        'vbsctl.state.json',
        'vbsctl.state.json.journal',
        'vbsctl.state.json.lock',
        'vbsctl.yaml',
        'clouds.yaml',
        'restores.yaml',
      ]) {
        rmSync(at(name), { force: true });
        link(victim, name);
        for (const command of [
          ['plan'],
          ['apply', '--auto-approve', '--init-state'],
          ['state', 'list'],
          ['validate'],
        ]) {
          const finished = await sandbox.run({ ...cloud.env(), ...env, OS_CLOUD: '' }, ...command);
          expect(printed(finished), `${command} with ${name}`).to.not.include(SECRET).and.not.match(CRASH);
          expect(finished.code === 0 && name === 'vbsctl.yaml', `${command} with ${name}`).to.equal(false);
        }
        rmSync(at(name));
        declare();
        for (const left of readdirSync(sandbox.cwd)) if (left.startsWith('vbsctl.')) rmSync(at(left));
      }
      expect(readFileSync(victim, 'utf8')).to.equal(SECRETS);
      expect(readdirSync(sandbox.home).filter((name) => name !== '.local')).to.deep.equal([
        '.git-credentials',
      ]);
    });

  it('is not quoted if the file is named', async () => {
    const victim = sandbox.writeHome('.git-credentials', SECRETS);
    declare();
    for (const args of [
      ['state', 'list', '--state', victim],
      ['plan', '--state', victim],
      ['plan', '--config', victim],
      ['state', 'push', victim],
      ['apply', victim],
      ['show', victim],
      ['emulator', '--faults', victim],
      ['emulator', '--detach', 'x', '--world', victim],
    ]) {
      const finished = await sandbox.run({ ...cloud.env() }, ...args);
      expect(printed(finished), args.join(' ')).to.not.include(SECRET).and.not.match(CRASH);
      expect(finished.code, args.join(' ')).to.not.equal(0);
    }
  });
});

describe('a config below another one', () => {
  it('loosens nothing if it is empty, whether or not the upper one is named', async () => {
    declare();
    mkdirSync(at('restores'));
    writeFileSync(at('restores/a.yaml'), readFileSync(at('restores.yaml')));
    const policy = `${CONFIG}policy: {protected_volumes: ["*"]}\n`;
    sandbox.write('vbsctl.yaml', policy);
    const ops = sandbox.writeHome('ops.yaml', policy);
    sandbox.write('restores/vbsctl.yaml', CONFIG);
    for (const args of [
      ['-f', 'restores'],
      ['-f', 'restores/a.yaml'],
      ['-f', 'restores', '--config', ops],
    ]) {
      const planned = await sandbox.run(cloud.env(), 'plan', '--detailed-exitcode', ...args);
      expectRefusal(planned, 5, '1 blocked', 'restores/vbsctl.yaml', 'this file changes nothing');
    }
  });

  it('tightens the policy', async () => {
    declare();
    mkdirSync(at('restores'));
    writeFileSync(at('restores/a.yaml'), readFileSync(at('restores.yaml')));
    rmSync(at('restores.yaml'));
    sandbox.write('vbsctl.yaml', CONFIG);
    sandbox.write('restores/vbsctl.yaml', `${CONFIG}policy: {protected_volumes: ["*"]}\n`);
    const planned = await sandbox.run(cloud.env(), 'plan', '--detailed-exitcode');
    expectRefusal(planned, 5, '1 blocked', 'the policy of this file applies, too');
  });
});

/** Resolves once somebody reads the pipe (ENXIO before); does not wait in a thread for it. */
async function openForWriting(pipe: string): Promise<FileHandle> {
  for (;;) {
    const opened = await open(pipe, constants.O_WRONLY | constants.O_NONBLOCK).catch((cause) => {
      if (cause.code !== 'ENXIO') throw cause;
    });
    if (opened) return opened;
    await new Promise((resolve) => setImmediate(resolve));
  }
}

describe('a policy beside linked manifests', () => {
  it('applies wherever the command runs', async () => {
    mkdirSync(at('.git'));
    sandbox.write('common/r.yaml', RESTORES);
    sandbox.write('common/vbsctl.yaml', `${CONFIG}policy: {allowed_sets: [other]}\n`);
    link('../common', 'env/common');
    for (const cwd of [sandbox.cwd, at('env'), sandbox.home, '/']) {
      const done = await runProgram(['plan', '-f', at('env'), '--cloud', 'emulator'], cwd, {
        HOME: sandbox.home,
      });
      expect(said(done), cwd).to.match(cwd === at('env') ? /leads out of the directory/ : /allowed_sets/);
    }
  });
});

describe('a pipe, device or endless file in the checkout', () => {
  /** Names that commands look for in a checkout. */
  const NAMES = [
    'vbsctl.yaml',
    'restores.yaml',
    'clouds.yaml',
    'vbsctl.state.json',
    'vbsctl.state.json.journal',
    'vbsctl.state.json.lock',
    '.git',
  ];
  const kinds: Readonly<Record<string, (path: string) => void>> = {
    'a pipe': fifo,
    'a link to a terminal or pipe': (path) => symlinkSync('/dev/stdin', path),
    'a link to a device': (path) => symlinkSync('/dev/zero', path),
    'a file of a terabyte': (path) => {
      writeFileSync(path, '');
      truncateSync(path, 2 ** 40);
    },
    'a directory': (path) => {
      mkdirSync(path);
      writeFileSync(join(path, 'a.yaml'), `${CONFIG}policy: {protected_volumes: ['*']}\n`);
      writeFileSync(join(path, 'b.yaml'), CONFIG);
    },
  };

  for (const [what, make] of Object.entries(kinds))
    it(`is neither waited for nor read: ${what}`, async () => {
      for (const name of NAMES) {
        declare();
        rmSync(at(name), { force: true });
        make(at(name));
        const env = { ...cloud.env(), ...(name === 'clouds.yaml' ? { OS_CLOUD: 'prod' } : {}) };
        const finished = await sandbox.run(env, 'apply', '--auto-approve', '--init-state');
        expect(printed(finished), name).to.not.match(CRASH);
        if (name !== '.git') expect(finished.code, `${name}: ${printed(finished)}`).to.be.oneOf([1, 4, 5]);
        for (const left of readdirSync(sandbox.cwd)) rmSync(at(left), { recursive: true });
      }
    });

  it('prints no line of its own from a lock', async () => {
    declare();
    const words = {
      who: LOOKALIKE,
      host: LOOKALIKE,
      operation: LOOKALIKE,
      since: LOOKALIKE,
      version: LOOKALIKE,
    };
    const lock = {
      info: { id: 'abc', pid: 1, ...words },
      owner: { host: 'elsewhere', pid: 1, boot_id: 'x' },
    };
    sandbox.write('vbsctl.state.json.lock', JSON.stringify(lock));
    const apply = await sandbox.run(cloud.env(), 'apply', '--auto-approve', '--init-state');
    expect(apply.code, printed(apply)).to.equal(4);
    expectNoLookalike(apply);
    for (const args of [
      ['state', 'lock-info'],
      ['unlock', 'abd'],
      ['unlock', 'abc'],
    ])
      expectNoLookalike(await sandbox.run(cloud.env(), ...args));
  });

  it('puts no directory name from the checkout into a suggested command', async () => {
    const evil = 'd vbsctl status;touch pwned;#';
    mkdirSync(at(evil));
    sandbox.write('vbsctl.yaml', `apiVersion: vbsctl.dev/v1\nkind: Config\nstate: ${JSON.stringify(evil)}\n`);
    expectQuotedOnly(await sandbox.run(cloud.env(), 'status'), 'vbsctl status;touch');
    declare();
    const directory = 's vbsctl resolve a';
    mkdirSync(at(directory));
    mkdirSync(at(`${directory}/b --as succeeded.lock`));
    const state = join(directory, 'b --as succeeded');
    expectQuotedOnly(await sandbox.run(cloud.env(), 'init', '--state', state), 'vbsctl resolve a/b');
  });

  it('writes nothing to another directory that a lock id names', async () => {
    declare();
    mkdirSync(at('vbsctl.state.json.lock.break-a'));
    const lock = {
      info: { id: 'a/../../home/x', who: 'x', host: 'x', pid: 1, operation: 'x', since: 'x', version: 'x' },
      owner: {
        host: 'x',
        pid: 99_999_999,
        boot_id: readFileSync('/proc/sys/kernel/random/boot_id', 'utf8').trim(),
      },
    };
    sandbox.write('vbsctl.state.json.lock', JSON.stringify(lock));
    const finished = await sandbox.run(cloud.env(), 'apply', '--auto-approve', '--init-state');
    expectRefusal(finished, 4, 'the lock does not say by whom');
    expect(readdirSync(sandbox.home)).to.deep.equal([]);
  });

  for (const signal of ['SIGINT', 'SIGTERM'] as const)
    it(`is waited for until ${signal} if the operator names it`, async () => {
      const pipe = join(sandbox.home, 'pipe');
      fifo(pipe);
      declare();
      for (const [env, ...args] of [
        [{}, 'plan', '-f', pipe],
        [{}, 'plan', '--config', pipe],
        [{}, 'emulator', '--faults', pipe],
        [{ OS_CACERT: pipe }, 'get', 'volumes'],
        [{ OS_CLIENT_CONFIG_FILE: pipe, OS_CLOUD: 'prod' }, 'get', 'volumes'],
        [{}, 'state', 'push', pipe],
      ] as const) {
        const running = sandbox.start({ ...cloud.env(), ...env }, ...args);
        // Opened for writing once it is read: then the program waits for what nobody writes.
        const writer = await openForWriting(pipe);
        running.kill(signal);
        const finished = await running.done;
        await writer.close();
        expect(finished.code, `${args}: ${printed(finished)}`).to.equal(130);
      }
    });
});

describe('a link in the checkout that cannot be followed by its names', () => {
  /** Links to the home directory: the system follows the first two, and a reader of names may take the third for one. */
  const unfollowable: Readonly<Record<string, () => void>> = {
    'longer than a path can be': () => {
      const [directory, last] = ['d'.repeat(255), 'e'.repeat(240)];
      const script = 'for n in {1..15}; do mkdir "$1" && cd -P "$1"; done; ln -s "$3" "$2"';
      execFileSync('bash', ['-c', script, '', directory, last, sandbox.home], { cwd: sandbox.cwd });
      link([...Array(15).fill(directory), last].join('/'), 'out');
    },
    'by a name that is not UTF-8': () => {
      const name = Buffer.from([0xff]);
      symlinkSync(sandbox.home, Buffer.concat([Buffer.from(`${sandbox.cwd}/`), name]));
      symlinkSync(name, at('out'));
    },
    'over a name that does not exist': () => {
      link(sandbox.home, 'there');
      link('absent/../there', 'out');
    },
  };
  // Node cannot remove them.
  afterEach(() => execFileSync('rm', ['-rf', sandbox.cwd]));

  for (const [how, prepare] of Object.entries(unfollowable))
    it(`is not followed out of it: ${how}`, async () => {
      declare();
      const config = sandbox.writeHome('ops.yaml', CONFIG);
      sandbox.writeHome('mine.yaml', SECRETS);
      mkdirSync(join(sandbox.home, 'sub'));
      const run = (...args: readonly string[]) =>
        sandbox.run({ ...cloud.env(), VBSCTL_CONFIG: config }, ...args, '--state', 'vbsctl.state.json');
      const applied = await run('apply', '-f', 'restores.yaml', '--auto-approve', '--init-state');
      expect(applied.code, printed(applied)).to.equal(0);
      prepare();
      if (!how.includes('not exist'))
        expect(readFileSync(at('out/mine.yaml'), 'utf8'), 'the system follows it').to.equal(SECRETS);
      const before = readdirSync(sandbox.home);
      const plan = ['plan', '-f', 'restores.yaml'];
      for (const args of [
        [...plan, '--out', 'out/plan.json'],
        [...plan, '--out', 'plan.json', '--sign', 'out/mine.yaml'],
        ['apply', 'out/mine.yaml'],
        ['apply', 'plan.json', '--trusted-keys', 'out'],
        ['state', 'rm', 'pay/db', '--backup', 'out/backup.json'],
        ['state', 'migrate', '--to', 'out/state.json'],
      ])
        expectRefusal(await run(...args), 5, 'vbsctl cannot determine where it leads');
      expectRefusal(
        await sandbox.run({}, 'emulator', '--detach', 'x', '--world', 'out/world.json'),
        5,
        'vbsctl cannot determine where it leads',
      );
      for (const state of ['out/state.json', `s3://b/k?endpoint=https://127.0.0.1:9`])
        expectRefusal(
          await sandbox.run(
            { VBSCTL_CONFIG: config, AWS_CA_BUNDLE: at('out/mine.yaml') },
            ...['init', '--state', state],
          ),
          5,
          'vbsctl cannot determine where it leads',
        );
      for (const path of ['out', 'out/sub', 'out/mine.yaml'])
        expectRefusal(await sandbox.run({}, 'validate', '-f', path), 1, path);
      expect(readdirSync(sandbox.home)).to.deep.equal(before);
    });
});

describe('a link out of the checkout', () => {
  it('is not written through by state, journal, plan, backup or errored state', async () => {
    mkdirSync(join(sandbox.home, '.ssh'));
    link(join(sandbox.home, '.ssh'), '.vbsctl');
    link(join(sandbox.home, '.ssh/new.json'), 'dangling.json');
    declare();
    const env = cloud.env();
    for (const args of [
      ['init', '--state', '.vbsctl/state.json'],
      ['init', '--state', 'dangling.json'],
      ['apply', '--auto-approve', '--init-state', '--state', '.vbsctl/state.json'],
      ['emulator', '--port', '0', '--world', '.vbsctl/world.json'],
    ])
      expectRefusal(
        await sandbox.run(env, ...args),
        5,
        'leads out of the checkout',
        join(sandbox.home, '.ssh'),
      );
    expect((await sandbox.run(env, 'init')).code).to.equal(0);
    const removed = await sandbox.run(
      env,
      'state',
      'mv',
      'pay/db',
      'pay/x',
      '--backup',
      '.vbsctl/backup.json',
    );
    expect(removed.code, printed(removed)).to.not.equal(0);
    expect(readdirSync(join(sandbox.home, '.ssh'))).to.deep.equal([]);
  });

  it('is followed to a state on another disk if the user made it', async () => {
    const disk = join(sandbox.home, 'disk');
    mkdirSync(disk);
    symlinkSync(disk, join(sandbox.home, 'state'));
    const config = sandbox.writeHome('ops.yaml', `${CONFIG}${FAST}state: state/s.json\n`);
    const made = await sandbox.run({ ...cloud.env(), VBSCTL_CONFIG: config }, 'init');
    expect(made.code, printed(made)).to.equal(0);
    expect(readdirSync(disk)).to.deep.equal(['s.json']);
  });
});

describe('a hostile .git directory', () => {
  const COMMIT = 'c'.repeat(40);
  const cases: Readonly<Record<string, () => void>> = {
    'packed-refs without commits': () =>
      sandbox.write(
        '.git/packed-refs',
        `\u001b[31mnot-a-commit-but-forty-characters-long!! refs/heads/main\n`,
      ),
    'packed-refs of a terabyte': () => truncateSync(sandbox.write('.git/packed-refs', ''), 2 ** 40),
    'packed-refs a pipe': () => fifo(at('.git/packed-refs')),
    'a file that points outside': () => {
      sandbox.writeHome('other/HEAD', COMMIT);
      rmSync(at('.git'), { recursive: true });
      sandbox.write('.git', 'gitdir: ../home/other\n');
    },
  };
  for (const [what, spoil] of Object.entries(cases))
    it(`neither stops a run nor appears in its history: ${what}`, async () => {
      const fresh = await startEmulator({ seed: { volumes: 1, jobDurationMs: 100, queueMs: 10 } });
      try {
        const [volume] = Object.values(fresh.world().volumes);
        const [backup] = Object.values(fresh.world().backups);
        sandbox.write(
          'restores.yaml',
          `apiVersion: vbsctl.dev/v1\nkind: RestoreSet\nmetadata: {name: pay}\nspec: {restores: [{name: db, volume_id: ${volume?.id}, backup_id: ${backup?.id}}]}\n`,
        );
        sandbox.write('vbsctl.yaml', `${CONFIG}${FAST}`);
        sandbox.write('.git/HEAD', 'ref: refs/heads/main\n');
        spoil();
        const applied = await sandbox.run(
          { ...fresh.env(), VBSCTL_CONFIG: 'vbsctl.yaml' },
          'apply',
          '--auto-approve',
          '--init-state',
        );
        expect(applied.code, printed(applied)).to.equal(0);
        expect(printed(applied)).to.not.match(CRASH).and.not.include('\u001b[31mnot');
        const { history } = JSON.parse(readFileSync(at('vbsctl.state.json'), 'utf8'));
        for (const entry of history) expect(entry.actor).to.not.have.property('git_commit');
      } finally {
        await fresh.close();
      }
    });
});
